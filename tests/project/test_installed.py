"""An installation without a checkout opens its own scenes from any folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.limits import limit

from engine.assets import builtin_db, open_library
from engine.assets.cook import cache_path

GENERATED = shutil.ignore_patterns("*.ogCache*", "__pycache__", "*.py")


@pytest.fixture(scope="module")
def installed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layout that `pip install .` makes: packages in one folder, data in share/diorama."""
    tmp_path = tmp_path_factory.mktemp("installed")
    for package in ("engine", "features", "viewer"):
        shutil.copytree(root / package, tmp_path / "lib" / package)  # with bytecode, which takes a second
    for folder in ("scenes", "assets"):
        shutil.copytree(root / folder, tmp_path / "share" / "diorama" / folder, ignore=GENERATED)
    # The builtin cache is valid for copies of its sources, and cooking it takes 4 s.
    open_library([]).close()
    builtin = cache_path(builtin_db())
    shutil.copy2(builtin, tmp_path / "share" / "diorama" / "assets" / "builtin" / builtin.name)
    return tmp_path


DIORAMA = "from viewer.command import run\nrun()"
"""What the script that pip installs for the command `diorama` does."""


def run(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module, or the command `diorama`, with what is installed, in a folder."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(installed / "lib"),
        "XDG_CACHE_HOME": str(installed / "cache"),
    }
    if arguments[0] == "diorama":
        command = [sys.executable, "-c", DIORAMA, *arguments[1:]]
    else:
        command = [sys.executable, "-m", *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=limit(100),
        check=False,
    )


@pytest.mark.parametrize("entry", [("engine",), ("diorama",)])
def test_an_installed_scene_is_planned_from_any_folder(
    installed: Path, tmp_path: Path, entry: tuple[str, ...]
) -> None:
    done = run(installed, tmp_path, *entry, "plan", "scenes/cube.hu")
    assert done.returncode == 0, done.stderr
    assert "featureDb: {" in done.stdout


@pytest.mark.gpu
@pytest.mark.parametrize("entry", ["viewer", "diorama"])
def test_an_installed_scene_is_drawn_from_any_folder(installed: Path, tmp_path: Path, entry: str) -> None:
    size = ("--size", "64x48")
    done = run(installed, tmp_path, entry, "scenes/cube.hu", "--headless", *size, "--screenshot", "a.png")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_a_scene_in_the_working_folder_comes_first(installed: Path, tmp_path: Path) -> None:
    own = tmp_path / "scenes"
    own.mkdir()
    (own / "cube.hu").write_text("tableau: [\n", encoding="utf-8")
    done = run(installed, tmp_path, "engine", "plan", "scenes/cube.hu")
    assert done.returncode == 2
    assert done.stderr.startswith("scenes/cube.hu:1:")
