"""`make cube` cooks first, then opens a window, or draws a picture where there is no display."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from support.limits import limit

PYTHON = """#!/bin/sh
echo "$*" >>"$LOG"
case "$*" in *"$FAIL"*) exit 2 ;; esac
"""


def cube(root: Path, tmp_path: Path, fail: str = "nothing", **display: str) -> tuple[int, list[str], str]:
    """Run the script with a Python that only logs its arguments."""
    python = tmp_path / "python"
    python.write_text(PYTHON, encoding="utf-8")
    python.chmod(0o755)
    log = tmp_path / "log"
    environment = {"PATH": os.environ["PATH"], "LOG": str(log), "FAIL": fail, **display}
    command = ["sh", str(root / "tools" / "cube.sh"), str(python), "scenes/cube.hu", "--frames", "3"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=limit(30), check=False
    )
    return done.returncode, log.read_text(encoding="utf-8").splitlines(), done.stdout


@pytest.mark.parametrize("display", [{"DISPLAY": ":0"}, {"WAYLAND_DISPLAY": "wayland-0"}])
def test_with_a_display_the_scene_opens_in_a_window(
    root: Path, tmp_path: Path, display: dict[str, str]
) -> None:
    code, calls, _ = cube(root, tmp_path, **display)
    assert code == 0
    assert calls == ["-m engine cook scenes/cube.hu", "-m viewer scenes/cube.hu --frames 3"]


def test_without_a_display_it_says_where_the_picture_is(root: Path, tmp_path: Path) -> None:
    code, calls, out = cube(root, tmp_path)
    assert code == 0
    assert calls[1] == "-m viewer scenes/cube.hu --headless --screenshot build/cube.png --frames 3"
    assert out.splitlines()[-1] == "The picture is build/cube.png"


@pytest.mark.parametrize("fail", ["engine cook", "viewer"])
def test_a_failing_step_ends_it_and_no_picture_is_announced(root: Path, tmp_path: Path, fail: str) -> None:
    code, _, out = cube(root, tmp_path, fail)
    assert code == 2
    assert "The picture is" not in out
