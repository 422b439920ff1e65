"""The cube scene with its assets, for tests of its needs and plans."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.assets import AssetLibrary, open_library
from engine.scene import Scene, load_scene


@pytest.fixture
def cube(root, monkeypatch) -> Iterator[tuple[Scene, AssetLibrary]]:
    monkeypatch.chdir(root)
    scene = load_scene(Path("scenes/cube.hu"))
    with open_library(scene.dbs) as library:
        yield scene, library
