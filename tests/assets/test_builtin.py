"""Builtin assets: bricks, cube, ground, placeholders, and the assets of the first scene."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from engine.assets import AssetRef, ShaderFacts, builtin_db, open_library, read_asset_db_file
from engine.assets.importers.mesh_source import MeshSource, read_mesh_source
from engine.humon import read


@pytest.fixture(scope="module")
def maker(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_bricks", root / "assets/builtin/make_bricks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def picture(root: Path, name: str) -> npt.NDArray[np.int64]:
    return np.asarray(Image.open(root / "assets/builtin" / name).convert("RGBA")).astype(np.int64)


def mesh(root: Path, name: str) -> MeshSource:
    return read_mesh_source(read(root / "assets/builtin/mesh" / name))


def test_the_pictures_in_the_repository_are_those_of_the_script(root: Path, maker: ModuleType) -> None:
    made = {**maker.bricks(), **maker.stand_ins()}
    assert len(made) == 8
    for name, texels in made.items():
        assert np.abs(picture(root, name) - texels).max() <= 1


@pytest.mark.parametrize("kind", ["albedo", "normal", "tangent", "roughness"])
def test_bricks_tile_seamlessly(root: Path, kind: str) -> None:
    texels = picture(root, f"material/brick-{kind}.png")[..., :3]
    assert texels.shape == (256, 256, 3)
    for axis in (0, 1):
        steps = np.abs(np.diff(texels, axis=axis)).mean(axis=(1 - axis, 2))
        seam = np.abs(np.take(texels, 0, axis) - np.take(texels, -1, axis)).mean()
        assert seam <= steps.max() * 1.1


def test_normals_and_tangents_are_unit_vectors_at_right_angles_where_flat(root: Path) -> None:
    normal = picture(root, "material/brick-normal.png")[..., :3] / 127.5 - 1
    tangent = picture(root, "material/brick-tangent.png")[..., :3] / 127.5 - 1
    for vectors in (normal, tangent):
        assert np.abs(np.linalg.norm(vectors, axis=-1) - 1).max() < 0.02
    assert (normal[..., 2] > 0).all()
    assert (tangent[..., 0] > 0).all()
    assert np.abs(normal.mean(axis=(0, 1))[:2]).max() < 0.02
    along = (normal * tangent).sum(axis=-1)
    assert np.abs(along).mean() < 0.02


def test_green_points_up_on_the_upper_edge_of_a_brick(root: Path) -> None:
    """The height field rises from mortar to brick downwards there, so the slope faces up."""
    green = picture(root, "material/brick-normal.png")[..., 1]
    rough = picture(root, "material/brick-roughness.png")[..., 0]
    enters = (np.diff(rough, axis=0) > 40) & (rough[1:] > rough[:-1])
    leaves = np.diff(rough, axis=0) < -40
    assert green[:-1][enters].mean() > 150
    assert green[:-1][leaves].mean() < 106


def test_mortar_is_darker_and_bricks_are_no_metal(root: Path) -> None:
    maps = picture(root, "material/brick-roughness.png")
    assert maps[..., 0].min() < 120
    assert np.median(maps[..., 0]) > 230
    assert 150 < maps[..., 1].mean() < 245
    assert (maps[..., 2] == 0).all()


@pytest.mark.parametrize("name", ["cube.hu", "plane.hu"])
def test_triangles_are_counter_clockwise_from_outside(root: Path, name: str) -> None:
    lod = mesh(root, name).lods[0]
    corners = lod.attributes["pos"][lod.indices.reshape(-1, 3)]
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = lod.attributes["normal"][lod.indices.reshape(-1, 3)[:, 0]]
    assert ((facing * normals).sum(axis=1) > 0).all()
    np.testing.assert_allclose(np.linalg.norm(lod.attributes["normal"], axis=1), 1)


@pytest.mark.parametrize("name", ["cube.hu", "plane.hu"])
def test_the_picture_is_upright_and_not_mirrored(root: Path, name: str) -> None:
    """u grows to the right and v downwards, as seen from outside with the normal towards the eye."""
    lod = mesh(root, name).lods[0]
    for a, b, c in lod.indices.reshape(-1, 3):
        (p, q, r), (s, t, u) = lod.attributes["pos"][[a, b, c]], lod.attributes["uv_albedo"][[a, b, c]]
        steps = np.stack([t - s, u - s])
        right, down = np.linalg.solve(steps, np.stack([q - p, r - p]))
        assert np.dot(np.cross(right, -down), lod.attributes["normal"][a]) > 0


def test_the_cube_is_one_metre_around_the_origin_and_the_ground_is_flat(root: Path) -> None:
    cube, plane = mesh(root, "cube.hu").lods[0], mesh(root, "plane.hu").lods[0]
    assert (cube.count, len(cube.indices)) == (24, 36)
    assert (np.abs(cube.attributes["pos"]) == 0.5).all()
    assert len(mesh(root, "cube.hu").bones) == 2
    assert (plane.attributes["pos"][:, 1] == 0).all()
    assert np.ptp(plane.attributes["pos"], axis=0).tolist() == [20, 0, 20]
    assert np.ptp(plane.attributes["uv_albedo"], axis=0).tolist() == [20, 20]


def test_the_first_scene_s_database_has_the_seed_s_assets_at_the_seed_s_indices(root: Path) -> None:
    db = read_asset_db_file(root / "scenes/cube.assets.hu", 1)
    types = [asset.type.value for asset in db.assets]
    assert types[:12] == [
        *("model", "mesh", "vertices", "indices", "skeleton", "material", "shader", "shader"),
        *["texture2d"] * 4,
    ]
    assert db.name == "assetDb0"
    with open_library([db]) as library:
        assert library.problems == []
        assert library.find("assetDb0", "ground", ("model",)) == AssetRef(1, 12)
        assert library.source(AssetRef(1, 2)).size == 1632


def test_the_builtin_database_has_placeholders_and_pass_shaders() -> None:
    db = builtin_db()
    names = {(asset.type.value, asset.name) for asset in db.assets}
    assert {("texture2d", name) for name in ("placeholder", "white", "flatNormal")} <= names
    assert {("shader", name) for name in ("shadow", "ui.vs", "ui.fs")} <= names
    assert db.id == 0


def test_what_the_full_material_has_more_costs_the_default_one_nothing() -> None:
    """Devices have 16 locations of vertex attributes, and 16 samplers in a stage."""
    with open_library([]) as library:
        found = {}
        for name in ("default", "full"):
            for stage in ("vs", "fs"):
                facts = library.facts(library.find("builtin", f"{name}.{stage}", ("shader",)))
                assert isinstance(facts, ShaderFacts)
                found[name, stage] = facts.reflection
    inputs = {name: len(found[name, "vs"].inputs) for name in ("default", "full")}
    textures = {
        name: len([one for one in found[name, "fs"].bindings if one.set == 1]) for name in ("default", "full")
    }
    assert inputs == {"default": 13, "full": 16}
    assert textures == {"default": 6, "full": 11}
    more = {"hasColors", "isUnlit", "hasClearcoat", "hasSpecular"}
    constants = {name: {one.name for one in found[name, "fs"].constants} for name in ("default", "full")}
    assert constants["full"] - constants["default"] == more
