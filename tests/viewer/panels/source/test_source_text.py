"""Source texts are read once and again after a save; editors are called in their own way."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from support.limits import limit
from support.mouse import Mouse, drawn, middle, mouse, session_of, workspace_of

from engine.tableau.tableau import Tableau
from viewer.panels.panel import Dock, Placed
from viewer.panels.source.source_panel import SourcePanel
from viewer.panels.source.source_text import Editor, SourceText, editor_command
from viewer.session.links import SourceLink

__all__ = ["mouse"]


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
    assert "cannot be started" in Editor(tmp_path, 1, {"EDITOR": "/nowhere/editor"}).problem
    assert "no command line" in Editor(tmp_path, 1, {"EDITOR": "'unclosed"}).problem


def ended(editor: Editor) -> str:
    """What an editor says once it is not watched any more."""
    until = time.monotonic() + limit(20.0)
    while time.monotonic() < until:
        problem = editor.problem
        if not editor.is_watched:
            return problem
        time.sleep(0.01)
    pytest.fail("it is watched for ever")


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("exit 0", ""),
        ("exit 3", "ended with code 3"),
        ("test -t 0 || exit 1", "ended with code 1"),
        ("kill -9 $$", "was ended by signal 9"),
    ],
)
def test_an_editor_that_ends_at_once_with_an_error_says_so_and_what_to_do(
    tmp_path: Path, script: str, expected: str
) -> None:
    program = tmp_path / "editor"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    problem = ended(Editor(tmp_path, 1, {"EDITOR": str(program)}))
    assert expected in problem
    assert bool(problem) == bool(expected)
    assert ("$VISUAL" in problem) == bool(expected)


def test_an_editor_that_runs_on_is_not_watched_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("viewer.panels.source.source_text.ENDS_S", 0.05)
    program = tmp_path / "editor"
    program.write_text("#!/bin/sh\nread line < gate\nexit 1\n")
    program.chmod(0o755)
    os.mkfifo(tmp_path / "gate")
    monkeypatch.chdir(tmp_path)
    assert ended(Editor(tmp_path, 1, {"EDITOR": str(program)})) == ""
    (tmp_path / "gate").write_text("end\n")


def test_the_panel_notices_that_the_editor_ended(
    mouse: Mouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tmp_path / "a.hu"
    text.write_text("version: 1\n")
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", "false")
    reported: list[object] = []
    session = session_of(Tableau())
    monkeypatch.setattr(session, "report", reported.append)
    draw = drawn(workspace_of(session, [Placed(SourcePanel(session), Dock.BOTTOM)]), session)
    session.links.follow(SourceLink(text, 1, 1))
    for _ in range(4):
        mouse.frame(draw)
    mouse.click(draw, *middle(session.places["open in editor"]))
    until = time.monotonic() + limit(20.0)
    while not session.notices.text and time.monotonic() < until:
        mouse.frame(draw)
    assert "false ended with code 1" in session.notices.text
    for _ in range(3):
        mouse.frame(draw)
    assert len(reported) == 1
