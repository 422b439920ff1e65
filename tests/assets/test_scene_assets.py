"""The assets of our scenes are those that their scripts make."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
from PIL import Image

from engine.assets.importers.mesh_source import read_mesh_source
from engine.humon import parse, read, write


def script(root: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(name).stem, root / "assets" / name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def assert_same_picture(path: Path, made: np.ndarray) -> None:
    stored = np.asarray(Image.open(path).convert("RGBA")).astype(int)
    assert np.abs(stored - made).max() <= 1


def assert_same_mesh(path: Path, text: str) -> None:
    """The same numbers, up to the rounding of other processors' floats."""
    stored, made = read_mesh_source(read(path)), read_mesh_source(parse(text, path.name))
    assert len(stored.lods) == len(made.lods)
    for one, other in zip(stored.lods, made.lods, strict=True):
        assert one.attributes.keys() == other.attributes.keys()
        for name, values in one.attributes.items():
            np.testing.assert_allclose(values, other.attributes[name], atol=2e-3)
        np.testing.assert_array_equal(one.indices, other.indices)


def test_the_garden_is_made_by_its_script(root: Path) -> None:
    garden = script(root, "garden/make_garden.py")
    for name, picture in garden.pictures().items():
        assert_same_picture(root / "assets/garden" / name, picture)
    for name, text in garden.meshes().items():
        assert_same_mesh(root / "assets/garden" / name, text)


def test_the_rocks_and_their_scene_are_made_by_their_script(root: Path) -> None:
    rocks = script(root, "rocks/make_rocks.py")
    assert_same_picture(root / "assets/rocks/grain.png", rocks.grain())
    assert_same_mesh(root / "assets/rocks/rock.hu", rocks.rock())
    assert (root / "scenes/lod.hu").read_text(encoding="utf-8") == rocks.scene()


def test_each_level_of_the_rock_has_a_quarter_of_the_triangles(root: Path) -> None:
    lods = read_mesh_source(read(root / "assets/rocks/rock.hu")).lods
    assert [len(lod.indices) // 3 for lod in lods] == [5120, 1280, 320, 80]


def test_the_spheres_of_full_materials_are_made_by_their_script(root: Path) -> None:
    made = script(root, "../scenes/make_materials.py")
    assert_same_mesh(root / "assets/materials/hues.hu", write({"mesh": made.hues()}))
    tiles = Image.fromarray(made.tiles()).convert("RGBA")
    assert_same_picture(root / "assets/materials/tiles.png", np.asarray(tiles).astype(int))
    stored = (root / "scenes/materials.assets.hu").read_text(encoding="utf-8")
    assert stored.endswith(write({"assetDb": made.database()}))
    scene = (root / "scenes/materials.hu").read_text(encoding="utf-8")
    assert scene.endswith(write(made.scene()))
