"""Claims about surfaces with holes: they are where alpha reaches the cutoff, however edges are smoothed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.colored_grids import FULL, SIDE, full, grid_rows, write_grid
from support.panes import Panes, pane

from engine.graph.view_mode import ViewMode
from engine.testing import OpenedScene, open_scene

pytestmark = pytest.mark.gpu

SIZE = (64, 64)
LIGHT = "    dark: { features: [{ @type: light  intensity: 0  sky: [0 0 0]  ground: [0 0 0] }] }\n"
GLOW = "parameters: {{ emissive: [1 1 1]  baseColor: [1 1 1 {}] }} doubleSided: true"
MASK = "alphaMode: mask"
ANTIALIASING = ("none", "fxaa", "msaa2", "msaa4")


@pytest.fixture(scope="module")
def scene(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenedScene]:
    """A grid of many triangles whose materials cover by a factor, a picture, or colours of vertices."""
    panes = Panes(root, tmp_path_factory.mktemp("masks"))
    for level in (40, 55):
        panes.picture(f"level{level}", np.full((4, 4, 4), (255, 255, 255, level * 255 // 100), np.uint8))
    for name, alpha in (("pane", 1.0), ("faint", 0.4), ("half", 0.5), ("dense", 0.55)):
        write_grid(panes.folder, name, np.full((SIDE + 1, SIDE + 1), alpha))
    materials = {
        "opaque": GLOW.format(1),
        "factor40": f"{GLOW.format(0.4)} {MASK}",
        "factor50": f"{GLOW.format(0.5)} {MASK}",
        "factor55": f"{GLOW.format(0.55)} {MASK}",
        "whole": f"{GLOW.format(1)} {MASK}",
        "picture40": f"{GLOW.format(1)} {MASK} textures: {{ albedo: level40 }}",
        "picture55": f"{GLOW.format(1)} {MASK} textures: {{ albedo: level55 }}",
        "every": f"{GLOW.format(0)} {MASK} alphaCutoff: 0",
    }
    assets = FULL + "".join(map(grid_rows, ("faint", "half", "dense")))
    for name in ("faint", "half", "dense"):
        assets += full(name, f"{GLOW.format(1)} {MASK}", name)
    path = panes.scene(materials, pane("p", "opaque", "euler: [20 25 0]") + LIGHT, assets)
    with open_scene(path, size=SIZE) as opened:
        assert opened.problems == ()
        yield opened


def shown(scene: OpenedScene, model: str, antialiasing: str = "none") -> np.ndarray[Any, Any]:
    """The brightness of the picture with a model, in parts of 255."""
    scene["p"].visibleModel.asset = scene.document.asset("db", model, ("model",))
    scene.set(f"camera.camera.antialiasing={antialiasing}")
    scene.settle()
    return np.asarray(scene.frame())[..., 0].astype(int)


@pytest.mark.parametrize("antialiasing", ANTIALIASING)
def test_a_surface_whose_alpha_is_below_the_cutoff_everywhere_is_nowhere(scene, antialiasing):
    for model in ("factor40", "picture40", "faint"):
        assert not shown(scene, model, antialiasing).any(), model


@pytest.mark.parametrize("antialiasing", ANTIALIASING)
def test_a_surface_whose_alpha_reaches_the_cutoff_everywhere_is_where_an_opaque_one_is(scene, antialiasing):
    expected = shown(scene, "opaque", antialiasing)
    assert (expected == 255).sum() > 700
    for model in ("factor55", "factor50", "whole", "picture55", "every", "dense", "half"):
        np.testing.assert_array_equal(shown(scene, model, antialiasing), expected, model)


def test_edges_where_alpha_of_vertices_passes_the_cutoff_are_smooth(root, tmp_path):
    panes = Panes(root, tmp_path)
    across, along = np.meshgrid(*(np.linspace(0, 1, SIDE + 1),) * 2, indexing="ij")
    write_grid(panes.folder, "ramp", across + 0.3 * along)
    assets = FULL + grid_rows("ramp") + full("ramp", f"{GLOW.format(1)} {MASK}", "ramp")
    covered = {}
    with open_scene(panes.scene({}, pane("p", "ramp") + LIGHT, assets), size=SIZE) as opened:
        assert opened.problems == ()
        for antialiasing in ("none", "msaa4"):
            found = shown(opened, "ramp", antialiasing)[18:46, 18:46] / 255
            covered[antialiasing] = found**2.2
        can_cover_in_part = "alphaToOne" in opened.host.runtime.device.features
    assert set(np.unique(covered["none"])) == {0.0, 1.0}
    in_part = (covered["msaa4"] > 0) & (covered["msaa4"] < 1)
    assert (in_part.sum() >= 20) == can_cover_in_part
    assert abs(covered["msaa4"].mean() - covered["none"].mean()) < 0.02, "the same is covered"
    assert in_part.sum(axis=1).max() <= 3, "no pixel far from the edge"


def test_views_of_values_have_the_holes_the_colours_and_both_sides_of_what_is_lit(root, tmp_path):
    panes = Panes(root, tmp_path)
    across = np.broadcast_to(np.linspace(0, 1, SIDE + 1)[:, None], (SIDE + 1, SIDE + 1))
    write_grid(panes.folder, "ramp", across)
    holes = np.full((4, 4, 4), 255, np.uint8)
    holes[:, :2, 3] = 0
    panes.picture("holes", holes)
    plain = f"{GLOW.format(1)} textures: {{ albedo: holes }}"
    materials = {"holes": f"{plain} {MASK}", "film": f"{plain} alphaMode: blend"}
    assets = FULL + grid_rows("ramp") + full("ramp", f"{GLOW.format(1)} {MASK}", "ramp")
    assets += "{ @type: model name: unread mesh: ramp material: holes }\n"
    for turned in ("", "euler: [0 180 0]"):
        scene = panes.scene(materials, pane("p", "holes", turned) + LIGHT, assets)
        with open_scene(scene, size=SIZE) as opened:
            for model in ("holes", "film", "ramp", "unread"):
                opened.host.runtime.planner.show(ViewMode.LIT)
                lit = shown(opened, model) > 0
                assert 300 < lit.sum() < 800, model
                opened.host.runtime.planner.show(ViewMode.NORMAL)
                np.testing.assert_array_equal(shown(opened, model) > 0, lit, model)


def test_a_shadow_has_the_holes_of_colours_only_where_the_material_reads_them(root, tmp_path):
    panes = Panes(root, tmp_path)
    write_grid(panes.folder, "faint", np.full((SIDE + 1, SIDE + 1), 0.4))
    materials = {"plain": f"{GLOW.format(1)} {MASK}", "wall": "parameters: { metallic: 0 roughness: 1 }"}
    assets = FULL + grid_rows("faint") + full("read", f"{GLOW.format(1)} {MASK}", "faint")
    assets += "{ @type: model name: unread mesh: faint material: plain }\n"
    objects = pane("wall", "wall", "translation: [0 0 -1] scale: [3 3 1]")
    objects += "    sun: { features: [{ @type: light  sky: [0 0 0]  ground: [0 0 0] }] }\n"
    objects += "    caster: { features: [{ @type: shadowCaster  asset: [db read] }] }\n"
    with open_scene(panes.scene(materials, objects, assets), size=SIZE) as opened:
        assert opened.frame()[32, 32, 0] > 200
        opened["caster"].shadowCaster.asset = opened.document.asset("db", "unread", ("model",))
        opened.settle()
        assert opened.frame()[32, 32, 0] == 0
        assert opened.problems == ()
