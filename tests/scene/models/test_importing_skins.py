"""What `engine import` writes of skinned meshes fits them, also once the model has other weights."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from support.gltf_features import FEATURES
from support.gltf_files import GltfFile

from engine.assets import AssetType, IndicesFacts, VerticesFacts, open_library
from engine.assets.formats import IndexFormat
from engine.assets.importers.blend_weights import BlendLayout, read_blend_weights
from engine.cli.main import main
from engine.scene import load_scene

SKINS = ["skin", "skin of eight weights"]


def imported(tmp_path: Path, name: str) -> Path:
    FEATURES[name]().write(tmp_path / "body.glb")
    assert main(["import", str(tmp_path / "body.glb"), "--out", str(tmp_path)]) == 0
    return tmp_path / "body.hu"


def weights_drawn(scene: Path) -> int:
    """How many bones each vertex follows; nothing is wrong with any asset."""
    dbs = load_scene(scene).dbs
    with open_library(dbs) as library:
        assert library.problems == []
        assert not any(library.broken_assets(number).refs for number in range(len(dbs)))
        (facts,) = [
            library.facts(asset.ref) for db in dbs for asset in db.assets if asset.type is AssetType.VERTICES
        ]
    assert isinstance(facts, VerticesFacts)
    layout = BlendLayout.of(facts.vertex_format)
    assert layout is not None
    return layout.weights


@pytest.mark.parametrize(
    ("name", "weights", "bones"), [(SKINS[0], 4, "r8g8b8a8"), (SKINS[1], 8, "r16g16b16a16")]
)
def test_formats_hold_the_weights_of_the_model_and_derived_fields_are_left_out(
    tmp_path: Path, name: str, weights: int, bones: str
) -> None:
    scene = imported(tmp_path, name)
    text = (tmp_path / "body.assets.hu").read_text()
    assert re.findall(r"\[frameIdxs (\w+)_uint\]", text) == [bones]
    assert text.count("frameWeights") == weights // 4
    assert "numBlendWeights" not in text
    assert "numBones" not in text
    assert weights_drawn(scene) == weights


@pytest.mark.parametrize(("before", "after"), [SKINS, SKINS[::-1]])
def test_a_model_that_is_saved_with_other_weights_is_still_drawn(
    tmp_path: Path, before: str, after: str
) -> None:
    scene = imported(tmp_path, before)
    weights = weights_drawn(scene)
    FEATURES[after]().write(tmp_path / "body.glb")
    assert weights_drawn(scene) == weights


def body(joints: int, sets: int = 1) -> GltfFile:
    """A square of which all corners follow the last joint of so many."""
    file, last = GltfFile(), np.tile(np.array([joints - 1, 0, 0, 0], np.uint16), (4, 1))
    attributes = {}
    for number in range(sets):
        attributes[f"JOINTS_{number}"] = file.accessor(last)
        shares = np.tile(np.array([1 / sets, 0, 0, 0], np.float32), (4, 1))
        attributes[f"WEIGHTS_{number}"] = file.accessor(shares)
    mesh = file.mesh(file.quad(attributes=attributes))
    chain = [file.node(name=f"joint{number}") for number in range(joints)]
    file.node(name="body", mesh=mesh, skin=file.add("skins", {"joints": chain}))
    return file


@pytest.mark.parametrize(("sets", "before", "after"), [(1, "r8g8b8a8", 16), (2, "r16g16b16a16", 32)])
def test_a_model_that_is_saved_with_more_joints_than_the_text_has_room_for_is_drawn(
    tmp_path: Path, sets: int, before: str, after: int
) -> None:
    body(200, sets).write(tmp_path / "body.glb")
    assert main(["import", str(tmp_path / "body.glb"), "--out", str(tmp_path)]) == 0
    assert f"[frameIdxs {before}_uint]" in (tmp_path / "body.assets.hu").read_text()
    body(300, sets).write(tmp_path / "body.glb")
    for cooked in (1, 0):  # and then its cache is believed
        scene = load_scene(tmp_path / "body.hu")
        with open_library(scene.dbs) as library:
            assert library.problems == []
            assert library.cooked >= cooked
            if not cooked:
                assert library.cooked == 0
            ref = scene.asset("body", "mesh0", ("vertices",))
            facts = library.facts(ref)
            assert isinstance(facts, VerticesFacts)
            assert dict(facts.vertex_format)["frameIdxs"].bits == after
            found = read_blend_weights(facts, library.read(ref))
            assert found is not None
            assert found[0].max() == 299
    body(10, sets).write(tmp_path / "body.glb")
    with open_library(load_scene(tmp_path / "body.hu").dbs) as library:
        facts = library.facts(ref)
        assert isinstance(facts, VerticesFacts)
        assert dict(facts.vertex_format)["frameIdxs"].value.startswith(before), "it has room again"


def test_a_model_that_is_saved_with_more_vertices_than_16_bits_count_is_drawn(tmp_path: Path) -> None:
    def many(count: int) -> GltfFile:
        file = GltfFile()
        corners = np.random.default_rng(1).random((count, 3)).astype(np.float32)
        attributes = {"POSITION": file.positions(corners), "NORMAL": file.accessor(corners)}
        indices = file.accessor(np.arange(count, dtype=np.uint32))
        file.node(name="many", mesh=file.mesh({"attributes": attributes, "indices": indices, "mode": 0}))
        return file

    many(300).write(tmp_path / "body.glb")
    assert main(["import", str(tmp_path / "body.glb"), "--out", str(tmp_path)]) == 0
    assert "indexFormat: uint16" in (tmp_path / "body.assets.hu").read_text()
    many(70_000).write(tmp_path / "body.glb")
    for _ in range(2):
        scene = load_scene(tmp_path / "body.hu")
        with open_library(scene.dbs) as library:
            assert library.problems == []
            facts = library.facts(scene.asset("body", "mesh0", ("indices",)))
            assert isinstance(facts, IndicesFacts)
            assert (facts.type, facts.highest) == (IndexFormat.UINT32, 69_999)
