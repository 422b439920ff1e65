"""The cube scene with its assets, for tests of its needs and plans."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.declarations import Project

from engine.assets import AssetLibrary, open_library
from engine.scene import Scene, load_scene


@pytest.fixture
def cube(root, monkeypatch) -> Iterator[tuple[Scene, AssetLibrary]]:
    monkeypatch.chdir(root)
    scene = load_scene(Path("scenes/cube.hu"))
    with open_library(scene.dbs) as library:
        yield scene, library


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A scene with a plug-in that declares what a test gives it."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("declared")
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        made = Project(folder)
        yield made
        made.library.close()
