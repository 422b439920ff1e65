"""Line starts are found in pieces of the text, wherever those begin."""

import re

import pytest

from engine.humon import lines
from engine.humon.lines import Lines


@pytest.mark.parametrize("text", ["", "\n", "a", "a\n", "\n\n\n", "ab\ncd\n\nefgh\ni", "abc\r\nd\re\nf"])
@pytest.mark.parametrize("at_once", [1, 2, 3, 100])
def test_a_line_starts_behind_every_break(monkeypatch: pytest.MonkeyPatch, text: str, at_once: int) -> None:
    monkeypatch.setattr(lines, "_AT_ONCE", at_once)
    breaks = [found.end() for found in re.finditer(r"\r\n|\r|\n", text)]
    assert list(Lines(text).starts) == [0, *breaks]
