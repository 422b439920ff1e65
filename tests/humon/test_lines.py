"""Line starts are found in pieces of the text, wherever those begin."""

import re

import pytest

from engine.humon import lines
from engine.humon.lines import Lines
from engine.humon.problem import excerpt_of


@pytest.mark.parametrize("text", ["", "\n", "a", "a\n", "\n\n\n", "ab\ncd\n\nefgh\ni", "abc\r\nd\re\nf"])
@pytest.mark.parametrize("at_once", [1, 2, 3, 100])
def test_a_line_starts_behind_every_break(monkeypatch: pytest.MonkeyPatch, text: str, at_once: int) -> None:
    monkeypatch.setattr(lines, "_AT_ONCE", at_once)
    breaks = [found.end() for found in re.finditer(r"\r\n|\r|\n", text)]
    assert list(Lines(text).starts) == [0, *breaks]


def test_columns_and_excerpts_in_a_long_line_are_those_of_the_whole_line_in_any_order() -> None:
    text = "first\n  " + "ab\tc {x} " * 2000 + "\nlast"
    found = Lines(text)
    for offset in [*range(6, len(text) - 5, 97), 7, 9000, 8, 14_000, len(text) - 1]:
        start = text.rfind("\n", 0, offset) + 1
        line = text[start : (text + "\n").index("\n", offset)]
        column = 1 + offset - start + 3 * text.count("\t", start, offset)
        assert found.line_and_column(offset) == (1 + text.count("\n", 0, offset), column)
        assert found.excerpt_at(offset) == excerpt_of(line, offset - start)


def test_a_long_line_is_not_read_again_for_each_problem_in_it() -> None:
    class Counted(str):
        read = 0

        def count(self, part: str, start: int = 0, end: int = 0) -> int:  # type: ignore[override]
            Counted.read += end - start
            return super().count(part, start, end)

        def __getitem__(self, key: slice) -> str:  # type: ignore[override]
            Counted.read += key.stop - key.start
            return super().__getitem__(key)

    text = Counted("x\t" * 10_000)
    found = Lines(text)
    found.line_and_column(0)
    Counted.read = 0
    for offset in range(0, len(text), 20):
        found.line_and_column(offset)
        found.excerpt_at(offset)
    assert Counted.read < 1000 * 300 + len(text)
