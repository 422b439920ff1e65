"""Claims about normals and tangents that are made when cooked: they look like those that shaders find."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.panes import CORNERS, FORMAT, PANE, Panes, pane

from engine.testing import assert_same_pixels, open_scene

pytestmark = pytest.mark.gpu

SIZE = (96, 96)
TANGENT = " [tangent r32g32b32a32_sfloat]"
MIRRORED = PANE.replace(f"uv_normal: {CORNERS}", "uv_normal: [[1 1] [0 1] [0 0] [1 0]]")
SUN = "    sun: { euler: [-30 -40 0] features: [{ @type: light }] }\n"
BUMPY = {
    "m": "textures: { normal: bumps } parameters: { metallic: 0 roughness: 0.5 } doubleSided: true",
}


@pytest.fixture
def panes(root: Path, tmp_path: Path) -> Panes:
    slopes = np.random.default_rng(0).uniform(-0.5, 0.5, (8, 8, 2))
    normals = np.dstack((slopes, np.sqrt(1 - (slopes**2).sum(axis=2))))
    texels = np.concatenate((normals * 127.5 + 127.5, np.full((8, 8, 1), 255)), axis=2)
    made = Panes(root, tmp_path)
    made.picture("bumps", texels.round())
    return made


def shown(panes: Panes, turned: str, mesh: str, vertex_format: str) -> np.ndarray[Any, Any]:
    (panes.folder / "pane.mesh.hu").write_text(mesh)
    scene = panes.scene(BUMPY, pane("p", "m", turned) + SUN, vertex_format=vertex_format)
    with open_scene(scene, size=SIZE) as opened:
        assert opened.problems == ()
        return opened.frame()


@pytest.mark.parametrize("mesh", [PANE, MIRRORED], ids=["plain", "mirrored"])
@pytest.mark.parametrize("scale", ["", "scale: [-1 1 1]", "scale: [1 1 -1]"])
def test_a_normal_map_looks_the_same_with_made_tangents_as_without(panes, mesh, scale):
    for euler in ("euler: [20 30 40]", "euler: [10 200 0]"):
        turned = f"{euler} {scale}"
        found = shown(panes, turned, mesh, FORMAT + TANGENT)
        expected = shown(panes, turned, mesh, FORMAT)
        assert expected.std() > 30
        assert_same_pixels(found, expected, levels=1)


def test_a_mesh_without_normals_looks_as_with_those_of_its_triangles(panes):
    bare = PANE.replace("normal: [[0 0 1] [0 0 1] [0 0 1] [0 0 1]]", "", 1)
    assert bare != PANE
    turned = "euler: [20 30 40]"
    expected = shown(panes, turned, PANE, FORMAT)
    assert_same_pixels(shown(panes, turned, bare, FORMAT), expected, levels=0)
    assert_same_pixels(shown(panes, turned, bare, FORMAT + TANGENT), expected, levels=1)
