"""The contents of the package: all scenes and assets, and nothing of one machine."""

from __future__ import annotations

import re
import subprocess
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from support.limits import limit

TEXT = {".py", ".md", ".toml", ".sh", ".hu", ".glsl", ".json", ".txt", ""}


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


def shipped(root: Path, project: dict[str, Any]) -> set[Path]:
    folders = project["tool"]["setuptools"]["data-files"]
    for target, patterns in folders.items():
        for pattern in patterns:
            assert f"share/diorama/{Path(pattern).parent}" == target, (
                "data keeps its place below share/diorama"
            )
    return {path for patterns in folders.values() for pattern in patterns for path in root.glob(pattern)}


def data_files(root: Path) -> set[Path]:
    found = (path for top in ("scenes", "assets") for path in (root / top).rglob("*") if path.is_file())
    # Scripts that make assets stay in the checkout.
    return {path for path in found if ".ogCache" not in path.name and path.suffix not in (".py", ".pyc")}


def test_every_scene_and_asset_is_shipped(root: Path, project: dict[str, Any]) -> None:
    left_out = data_files(root) - shipped(root, project)
    assert not {str(path.relative_to(root)) for path in left_out}


def test_no_cache_is_shipped(root: Path, project: dict[str, Any]) -> None:
    assert not [path for path in shipped(root, project) if ".ogCache" in path.name]


def test_the_packages_are_engine_features_and_viewer(project: dict[str, Any]) -> None:
    assert project["project"]["name"] == "diorama"
    assert project["project"]["requires-python"] == ">=3.11"
    include = project["tool"]["setuptools"]["packages"]["find"]["include"]
    assert sorted(include) == ["engine*", "features*", "viewer*"]


def test_the_command_diorama_is_installed_and_there(project: dict[str, Any]) -> None:
    module, _, function = project["project"]["scripts"]["diorama"].partition(":")
    assert callable(getattr(import_module(module), function))


def tracked_text(root: Path) -> list[Path]:
    if not (root / ".git").exists():
        pytest.skip("not a checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, capture_output=True, timeout=limit(60), check=True
    )
    paths = [root / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.suffix in TEXT and path.is_file()]


def test_no_path_of_one_machine_and_no_registry_is_named(root: Path) -> None:
    # Spelled in pieces, so that this file does not find itself.
    named = re.compile(
        "|".join(("/ho" + "me/", "/Us" + "ers/", "/wo" + "rk/", "index-" + "url", "extra-" + "index"))
    )
    wrong = [
        f"{path.relative_to(root)}:{number}"
        for path in tracked_text(root)
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if named.search(line)
    ]
    assert not wrong


def test_the_entry_script_of_the_tests_is_executable(root: Path) -> None:
    assert (root / ".ci" / "run").stat().st_mode & 0o111
