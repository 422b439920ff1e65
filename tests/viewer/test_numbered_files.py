"""Claims about the names of picture sequences."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from engine.humon import InputError
from viewer.arguments import parse
from viewer.main import main
from viewer.numbered_files import free_path, numbered_files


def test_a_file_that_is_there_keeps_its_name(tmp_path: Path) -> None:
    base = tmp_path / "a.b"
    assert free_path(base, ".png") == tmp_path / "a.b.png"
    assert free_path(base, ".png", always=True) == tmp_path / "a.b-001.png"
    (tmp_path / "a.b.png").touch()
    (tmp_path / "a.b-001.png").touch()
    assert free_path(base, ".png") == tmp_path / "a.b-002.png"
    assert free_path(base, ".png", taken={tmp_path / "a.b-002.png"}) == tmp_path / "a.b-003.png"


def test_the_number_stands_at_the_signs_from_0_and_with_zeros_before_it() -> None:
    files = numbered_files("out/a-####.b.png", 10_000)
    assert files.path(0) == Path("out/a-0000.b.png")
    assert files.path(9999) == Path("out/a-9999.b.png")
    assert numbered_files("a#b/#.HDR", 10).path(7) == Path("a#b/7.HDR")


@pytest.mark.parametrize(
    ("pattern", "frames", "code", "text"),
    [
        ("out/a.png", 3, "sequence.pattern", "no # for the number"),
        ("out##/a.png", 3, "sequence.pattern", "no # for the number"),
        ("", 3, "sequence.pattern", "no # for the number"),
        ("#-#.png", 3, "sequence.pattern", "several places"),
        ("##.jpg", 3, "sequence.pattern", "ends neither in .png"),
        ("##", 3, "sequence.pattern", "ends neither in .png"),
        ("##.png", None, "sequence.frames", "needs a number of frames"),
        ("##.png", 101, "sequence.frames", "has 2 digits, which count fewer than 101 frames"),
    ],
)
def test_a_pattern_that_cannot_number_the_frames_is_refused(pattern, frames, code, text) -> None:
    with pytest.raises(InputError) as raised:
        numbered_files(pattern, frames)
    (problem,) = raised.value.problems
    assert problem.code == code
    assert text in problem.message
    assert problem.help


def test_without_its_package_openexr_is_refused_before_anything_is_drawn(monkeypatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"capture.openexr"):
        numbered_files("#.exr", 3)
    assert numbered_files("#.hdr", 3).is_linear


def test_a_wrong_sequence_on_the_command_line_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenes/cube.hu", "--headless", "--frames", "2", "--sequence", "a.png"]) == 2
    assert "error[sequence.pattern]" in capsys.readouterr().err
    assert parse(["cube.hu"]).sequence is None
    assert main(["scenes/cube.hu", "--headless", "--frames", "2", "--sequence", "no/where/#.png"]) == 2
    assert "error[output.folder]" in capsys.readouterr().err
