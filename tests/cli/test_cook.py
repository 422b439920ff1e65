"""`cook` brings caches up to date once, and reports it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import Run
from support.limits import limit

from engine.cli.progress import CookProgress


@pytest.fixture
def project(root: Path, tmp_path: Path) -> Path:
    """A copy of the scenes and assets in which nothing is cooked."""
    for folder in ("scenes", "assets"):
        shutil.copytree(root / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.ogCache*"))
    return tmp_path


def test_the_second_cook_does_nothing(engine: Run, project: Path) -> None:
    first = engine("cook", project / "scenes" / "cube.hu")
    assert first.returncode == 0, first.stderr
    assert "cooked" in first.stdout
    caches = {path: path.stat().st_mtime_ns for path in project.rglob("*.ogCache")}
    assert caches
    second = engine("cook", project / "scenes" / "cube.hu")
    assert second.returncode == 0, second.stderr
    assert "everything is cooked already" in second.stdout
    assert caches == {path: path.stat().st_mtime_ns for path in project.rglob("*.ogCache")}


def test_a_missing_texture_is_reported_and_stops_nothing_else(engine: Run, project: Path) -> None:
    (project / "assets/builtin/material/brick-albedo.png").unlink()
    done = engine("cook", project / "scenes" / "cube.hu")
    assert done.returncode == 0, done.stderr
    assert "cube.assets.hu:" in done.stderr
    assert "warning[asset.broken]" in done.stderr
    assert "brick-albedo.png" in done.stderr
    assert "cooked" in done.stdout


def test_a_missing_scene_is_an_input_error(engine: Run, tmp_path: Path) -> None:
    done = engine("cook", tmp_path / "absent.hu")
    assert done.returncode == 2
    assert "absent.hu: error[file.missing]" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_terminal_sees_a_bar_that_fills_for_each_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    with CookProgress() as progress:
        for done, total, label in ((0, 3, ""), (2, 3, "texture 'a'"), (3, 3, "b"), (0, 1, ""), (1, 1, "c")):
            progress(done, total, label)
        assert progress._bar is not None
        tasks = progress._bar.tasks
        assert [(task.completed, task.total) for task in tasks] == [(3, 3), (1, 1)]


def test_nothing_to_cook_loads_no_bar(root: Path) -> None:
    code = "import sys\nfrom engine.cli.progress import CookProgress\n"
    code += "with CookProgress():\n    pass\nprint('rich' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=limit(60), check=True
    )
    assert done.stdout.strip() == "False"
