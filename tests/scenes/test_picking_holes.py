"""Claims about picking what has holes: through a hole, what is behind is picked, to the pixel."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.colored_grids import FULL, SIDE, full, grid_rows, write_grid
from support.panes import CORNERS, Panes, pane, shader_and_mesh_rows

from engine.graph.view_mode import ViewMode
from engine.planning.picking.cutouts import ALPHA_SLACK
from engine.testing import OpenedScene, open_scene

pytestmark = pytest.mark.gpu

SIZE = (64, 64)
WHITE = "parameters: {{ emissive: [1 1 1]  baseColor: [1 1 1 {}] }}"
BEHIND = "parameters: { emissive: [0 1 0]  baseColor: [0 0 0 1]  metallic: 0  roughness: 1 }"
MASK = "alphaMode: mask"
DARK = "    dark: { features: [{ @type: light  intensity: 0  sky: [0 0 0]  ground: [0 0 0] }] }\n"
FAR = "[[-1.3 2.4] [1.9 2.1] [2.2 -0.7] [-1.1 -0.9]]"
"""Coordinates of textures as a transform of glTF makes them."""
WRAPS = {
    "repeated": "",
    "clamped": "wrap: clamp",
    "mirrored": "wrap: mirror",
    "coarse": "filter: nearest",
    "blocks": "compress: true",
}


def texture(name: str, source: str, fields: str) -> str:
    return f"{{ @type: texture2d name: {name} source: {source}.png {fields} }}\n"


@pytest.fixture(scope="module")
def scene(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenedScene]:
    """A pane that may have holes, turned, and an opaque wall behind it."""
    panes = Panes(root, tmp_path_factory.mktemp("holes"))
    rng = np.random.default_rng(5)
    for name, side in (("spots", 8), ("fine", 256)):
        texels = np.full((side, side, 4), 255, np.uint8)
        texels[..., 3] = rng.integers(0, 256, (side, side))
        if name == "fine":  # spots that are smaller than pixels here, and larger ones there
            texels[:, 128:, 3] = np.kron(rng.integers(0, 2, (16, 8)), np.full((16, 16), 255))
        Image.fromarray(texels).save(panes.folder / f"{name}.png")
    across = np.broadcast_to(np.linspace(0.2, 0.9, SIDE + 1)[:, None], (SIDE + 1, SIDE + 1))
    write_grid(panes.folder, "ramp", across)
    far = (panes.folder / "pane.mesh.hu").read_text().replace(f"uv_albedo: {CORNERS}", f"uv_albedo: {FAR}")
    (panes.folder / "far.mesh.hu").write_text(far.replace("name: pane", "name: far"))
    assets = "\n".join((FULL, grid_rows("ramp"), *shader_and_mesh_rows("far", "far.mesh.hu")[2:]))
    assets += full("colors", f"{WHITE.format(1)} {MASK}", "ramp")
    assets += "{ @type: model name: unread mesh: ramp material: dense }\n"
    materials = {
        "whole": WHITE.format(1),
        "faint": f"{WHITE.format(0.4)} {MASK}",
        "dense": f"{WHITE.format(0.6)} {MASK}",
        "wall": BEHIND,
        "film": f"{WHITE.format(1)} alphaMode: blend textures: {{ albedo: half }}",
        "fine": f"{WHITE.format(1)} {MASK} textures: {{ albedo: fine }}",
    }
    panes.picture("half", np.kron([[0, 1], [1, 0]], np.ones((4, 4)))[..., None] * (255, 255, 255, 255))
    assets += texture("fine", "fine", "")
    for name, fields in WRAPS.items():
        assets += texture(name, "spots", fields)
        assets += f"{{ @type: model name: {name} mesh: far material: {name} }}\n"
        assets += (
            f"{{ @type: material name: {name} shaders: [vs fs] {WHITE.format(0.9)} {MASK} alphaCutoff: 0.45"
            f" textures: {{ albedo: {name} }} }}\n"
        )
    objects = pane("p", "whole", "euler: [20 25 10] scale: [1.4 1.4 1]")
    objects += pane("wall", "wall", "translation: [0 0 -1.5] scale: [1.7 1.7 1]") + DARK
    with open_scene(panes.scene(materials, objects, assets), size=SIZE) as opened:
        assert opened.problems == ()
        yield opened


def shown_and_picked(scene: OpenedScene, model: str, step: int = 5) -> tuple[np.ndarray[Any, Any], ...]:
    """Names of what is seen at every fifth pixel, by its colour and by picking."""
    scene["p"].visibleModel.asset = scene.document.asset("db", model, ("model",))
    scene.settle()
    picture = np.asarray(scene.frame())[::step, ::step]
    shown = np.where(picture[..., 0] > 0, "p", np.where(picture[..., 1] > 0, "wall", ""))
    pick = scene.host.pick
    places = range(0, SIZE[0], step)
    hits = [[hit.object.path if (hit := pick(x, y)) is not None else "" for x in places] for y in places]
    return shown, np.array(hits)


@pytest.mark.parametrize("model", ["whole", "faint", "dense", "unread", "colors", "coarse"])
def test_what_is_seen_at_a_pixel_is_picked_through_holes_of_whatever_kind(scene, model):
    shown, picked = shown_and_picked(scene, model)
    np.testing.assert_array_equal(picked, shown)
    assert {"p"} <= set(shown.ravel()) or model == "faint"
    assert "wall" in shown


@pytest.mark.parametrize("model", sorted(WRAPS))
def test_holes_of_a_texture_are_where_its_coordinates_and_its_sampling_have_them(scene, model):
    shown, picked = shown_and_picked(scene, model)
    assert 20 < (shown == "p").sum() < 70
    assert (picked != shown).sum() <= 1, "where alpha is nearly the cutoff"


def test_holes_that_are_smaller_than_pixels_are_averaged_as_in_the_picture(scene):
    shown, picked = shown_and_picked(scene, "fine")
    assert 20 < (shown == "p").sum() < 70
    assert (picked != shown).mean() < 0.06


def test_what_blends_is_picked_where_it_covers_at_all(scene):
    shown, picked = shown_and_picked(scene, "film")
    assert set(np.unique(shown)) == {"", "p", "wall"}
    assert (picked != shown).sum() <= 1


def test_lines_over_a_surface_do_not_close_its_holes(scene):
    runtime = scene.host.runtime
    if "fillModeNonSolid" not in runtime.device.features:
        pytest.skip("no lines")
    _, expected = shown_and_picked(scene, "coarse")
    for mode in (ViewMode.LINES, ViewMode.LIT):
        runtime.planner.show(mode)
        _, picked = shown_and_picked(scene, "coarse")
        np.testing.assert_array_equal(picked, expected, mode.name)


def test_the_slack_of_alpha_is_that_of_the_shaders(root):
    text = (root / "assets/builtin/shader/mask.glsl").read_text()
    found = re.search(r"ALPHA_SLACK = ([0-9e.-]+);", text)
    assert found is not None
    assert float(found[1]) == ALPHA_SLACK
