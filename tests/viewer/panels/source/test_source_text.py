"""Source texts are read once and again after a save; editors are called in their own way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from viewer.panels.source.source_text import SourceText, editor_command, open_editor


def test_a_text_is_read_again_only_after_it_was_saved(tmp_path: Path) -> None:
    path = tmp_path / "a.hu"
    path.write_text("one\n\ttwo\n")
    text = SourceText(path)
    assert text.lines == ["one", "    two"]
    assert not text.refresh()
    path.write_text("three\n")
    os.utime(path, ns=(1, 1))
    assert text.refresh()
    assert text.lines == ["three"]


def test_a_file_that_goes_says_so_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "a.hu"
    path.write_text("one")
    text = SourceText(path)
    path.unlink()
    assert text.refresh()
    assert (text.lines, "cannot be read" in text.problem) == ([], True)
    assert not text.refresh()
    path.write_text("one")
    assert text.refresh()
    assert (text.lines, text.problem) == (["one"], "")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00rubbish\x80", b""])
def test_bytes_that_are_no_text_are_shown_as_far_as_they_are(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.hu"
    path.write_bytes(content)
    assert SourceText(path).problem == ""


def test_a_folder_and_a_fifo_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path, tmp_path / "fifo"):
        assert "cannot be read" in SourceText(path).problem


@pytest.mark.parametrize(
    ("environment", "command"),
    [
        ({"EDITOR": "vim"}, ["vim", "+7", "a b.hu"]),
        ({"EDITOR": "vim", "VISUAL": "code --wait"}, ["code", "--wait", "--goto", "a b.hu:7"]),
        ({"VISUAL": "/usr/bin/subl"}, ["/usr/bin/subl", "a b.hu:7"]),
        ({"VISUAL": "  ", "EDITOR": "nano -w"}, ["nano", "-w", "+7", "a b.hu"]),
    ],
)
def test_editors_are_called_with_the_line(environment: dict[str, str], command: list[str]) -> None:
    assert editor_command(Path("a b.hu"), 7, environment) == command


def test_an_editor_that_cannot_be_started_says_why(tmp_path: Path) -> None:
    assert "cannot be started" in open_editor(tmp_path, 1, {"EDITOR": "/nowhere/editor"})
    assert "no command line" in open_editor(tmp_path, 1, {"EDITOR": "'unclosed"})
    assert open_editor(tmp_path, 1, {"EDITOR": "true"}) == ""
