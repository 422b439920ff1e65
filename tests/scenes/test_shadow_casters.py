"""Claims about what casts: also what is not seen, and what has holes casts them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.panes import Panes, pane

from engine.testing import open_scene

pytestmark = pytest.mark.gpu

SIZE = (64, 64)
HALF = np.full((4, 4, 4), 255, np.uint8)
HALF[:, :2, 3] = 0  # the left half is a hole
MATERIALS = {
    "wall": "parameters: { metallic: 0 roughness: 1 }",
    "holes": "textures: { albedo: half } alphaMode: mask",
    "low": "textures: { albedo: half } alphaMode: mask  alphaCutoff: 0",
    "glass": "textures: { albedo: half } parameters: { baseColor: [1 1 1 0.4] } alphaMode: blend",
    "paint": "textures: { albedo: half } parameters: { baseColor: [1 1 1 0.6] } alphaMode: blend",
    "opaque": "textures: { albedo: half }",
}
WALL = pane("wall", "wall", "translation: [0 0 -1] scale: [3 3 1]")
LAMP = "    lamp: { features: [{ @type: light  sky: [0 0 0]  ground: [0 0 0] }] }\n"  # shines where one looks


@pytest.fixture
def panes(root: Path, tmp_path: Path) -> Panes:
    made = Panes(root, tmp_path)
    made.picture("half", HALF)
    return made


def caster(asset: str, more: str = "") -> str:
    return f"    caster: {{ {more} features: [{{ @type: shadowCaster  asset: [db {asset}] }}] }}\n"


def lit(panes: Panes, objects: str) -> tuple[bool, bool]:
    """Whether the wall is lit behind the left and behind the right half of a pane that is not seen."""
    with open_scene(panes.scene(MATERIALS, objects + WALL + LAMP), size=SIZE) as opened:
        assert opened.problems == ()
        picture: Any = opened.frame()
    assert picture[4, 32, 0] > 200, "beside it"
    assert picture[32, 24, 0] in (0, picture[4, 32, 0])
    return bool(picture[32, 24, 0]), bool(picture[32, 40, 0])


def test_a_caster_may_be_invisible(panes):
    assert lit(panes, caster("opaque")) == (False, False)
    assert lit(panes, "    caster: {}\n") == (True, True)


@pytest.mark.parametrize(
    ("material", "expected"),
    [("holes", (True, False)), ("low", (False, False)), ("glass", (True, True)), ("paint", (True, False))],
)
def test_what_has_holes_casts_where_its_alpha_reaches_the_cutoff(panes, material, expected):
    assert lit(panes, caster(material)) == expected


def test_an_opaque_caster_is_drawn_by_the_shader_without_textures(panes):
    both = caster("holes") + caster("opaque", "translation: [0 0 -50]").replace("caster:", "other:")
    with open_scene(panes.scene(MATERIALS, both + WALL + LAMP), size=SIZE) as opened:
        opened.frame()
        needs = opened.host.runtime.needs
        assert [len(needs.tables[name].in_use.batches) for name in ("shadow", "shadowMasked")] == [1, 1]
        assert needs.tables["shadow"].recipes.textures.tolist() == []
        opened["caster"].shadowCaster.active = False
        opened.frame()
        assert "shadowMasked" not in opened.host.runtime.needs.tables
