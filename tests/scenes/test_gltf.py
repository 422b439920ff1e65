"""Claims about glTF files in the picture: what they hold is drawn where it is, and moves as it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.gltf_features import clip, skinned
from support.gltf_files import GltfFile
from support.shared_runtime import shared_runtime

from engine.assets import open_library
from engine.runtime.options import RuntimeOptions
from engine.scene import load_scene

pytestmark = pytest.mark.gpu

SIZE = 96


def test_a_skin_a_morph_and_an_animation_of_a_file_are_drawn_and_move(tmp_path: Path) -> None:
    """At 0 s a square of a metre; at 1 s it is twice as high by a joint, and twice as wide by a target."""
    file = GltfFile()
    node, _, upper = skinned(file)
    pulled = np.zeros((4, 3), np.float32)
    pulled[1:3, 0] = 1.0
    part = file.root["meshes"][0]["primitives"][0]
    part["targets"] = [{"POSITION": file.positions(pulled)}]
    wide = {"emissiveFactor": [1, 1, 1], "doubleSided": True}
    part["material"] = file.add("materials", wide)
    clip(
        file,
        (node, "weights", "LINEAR", [0, 1, 2], [0, 1, 1]),
        (upper, "translation", "LINEAR", [0, 1, 2], [[0, 1, 0], [0, 2, 0], [0, 2, 0]]),
    )
    # What it is at its largest, so that the camera frames all of it.
    file.root["accessors"][part["attributes"]["POSITION"]]["max"] = [2, 2, 0]
    (tmp_path / "assets").mkdir()
    scene = load_scene(file.write(tmp_path / "assets" / "moving.glb"))
    assert scene.warnings == []
    scene.tableau["camera"]["camera"].projection = "orthographic"  # areas are then as in the plane
    options = RuntimeOptions(size=(SIZE, SIZE), validate=True, trials=False)
    shares = []
    with open_library(scene.dbs) as library, shared_runtime(scene, library, options) as runtime:
        assert library.problems == []
        runtime.settle()
        for time in (0.0, 1.0):
            runtime.tableau.clock.set(time)
            runtime.settle()
            runtime.frame()
            shares.append(float((runtime.read_pixels()[:, :, :3].min(axis=2) > 200).mean()))
    assert shares[0] > 0.03
    assert 3.8 < shares[1] / shares[0] < 4.2
