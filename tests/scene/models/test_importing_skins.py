"""What `engine import` writes of skinned meshes fits them, also once the model has other weights."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.gltf_features import FEATURES

from engine.assets import AssetType, VerticesFacts, open_library
from engine.assets.importers.blend_weights import BlendLayout
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
