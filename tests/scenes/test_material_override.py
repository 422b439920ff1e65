"""Claims about what an object draws: a material of its own, and casters without an asset of theirs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.images import assert_colours
from support.panes import Panes, pane

from engine.scene import load_scene
from engine.tableau import NO_ASSET
from engine.testing import OpenedScene, assert_not_planned, assert_planned, assert_problems, open_scene

pytestmark = pytest.mark.gpu

SIZE = (64, 64)
GLOWING = "parameters: {{ emissive: {} baseColor: [0 0 0 0.5] metallic: 0 roughness: 1 }}"
HALF = np.full((4, 4, 4), 255, np.uint8)
HALF[:, :2, 3] = 0
MATERIALS = {
    "red": GLOWING.format("[1 0 0]"),
    "green": GLOWING.format("[0 1 0]"),
    "glass": f"{GLOWING.format('[0 0 1]')} alphaMode: blend",
    "wall": "parameters: { metallic: 0 roughness: 1 }",
    "holes": "textures: { albedo: half } alphaMode: mask",
}
DARK = "    none: { features: [{ @type: light  intensity: 0  sky: [0 0 0]  ground: [0 0 0] }] }\n"
RED, GREEN, HALF_BLUE = [255, 0, 0], [0, 255, 0], [0, 0, 187]


@pytest.fixture
def panes(root: Path, tmp_path: Path) -> Panes:
    made = Panes(root, tmp_path)
    made.picture("half", HALF)
    return made


@pytest.fixture
def scene(panes: Panes) -> Iterator[OpenedScene]:
    left = pane("left", "red", "translation: [-0.5 0 0]").replace("red]", "red] material: [db green]")
    right = pane("right", "red", "translation: [0.5 0 0]")
    with open_scene(panes.scene(MATERIALS, left + right + DARK), size=SIZE) as opened:
        assert opened.problems == ()
        yield opened


def colours(scene: OpenedScene) -> list[list[int]]:
    """The colours of the left and of the right pane."""
    picture = scene.frame()
    return [picture[32, 16, :3].tolist(), picture[32, 48, :3].tolist()]


def test_an_object_may_have_a_material_in_place_of_its_model_s_own(scene):
    def of(name: str) -> object:
        return scene.document.asset("db", name, ("material",))

    assert_colours(colours(scene), [GREEN, RED])
    scene["right"].visibleModel.material = of("green")
    scene["left"].visibleModel.material = None
    assert_colours(colours(scene), [RED, GREEN])
    scene["left"].visibleModel.material = of("glass")
    assert_colours(colours(scene), [HALF_BLUE, GREEN], why="which may be drawn by another pass")
    scene["left"].visibleModel.asset = scene.document.asset("db", "green", ("model",))
    scene["left"].visibleModel.material = None
    assert_colours(colours(scene), [GREEN, GREEN])
    assert scene.problems == ()


def test_textures_of_a_replaced_material_are_not_resident(panes):
    objects = pane("p", "holes").replace("holes]", "holes] material: [db red]")
    with open_scene(panes.scene(MATERIALS, objects + DARK), size=SIZE) as opened:
        opened.frame()
        assert_not_planned(opened, "half")
        opened["p"].visibleModel.material = None
        opened.frame()
        assert_planned(opened, "half")


def test_a_caster_without_an_asset_casts_what_its_object_shows(panes):
    wall = pane("wall", "wall", "translation: [0 0 -1] scale: [3 3 1]")
    lamp = "    lamp: { features: [{ @type: light  sky: [0 0 0]  ground: [0 0 0] }] }\n"
    objects = """    caster: { features: [
        { @type: visibleModel  asset: [db red]  enabled: false }
        { @type: shadowCaster }
    ] }
"""
    with open_scene(panes.scene(MATERIALS, objects + wall + lamp), size=SIZE) as opened:
        assert opened.problems == ()
        picture = opened.frame()
        assert (picture[32, [24, 40], 0] == 0).all()
        opened["caster"].visibleModel.material = opened.document.asset("db", "holes", ("material",))
        opened.settle()
        picture = opened.frame()
        assert picture[32, 24, 0] > 200
        assert picture[32, 40, 0] == 0
        opened["caster"].visibleModel.material = None
        assert (opened.frame()[32, [24, 40], 0] == 0).all()


def test_a_caster_with_nothing_to_cast_is_one_warning_and_the_rest_is_drawn(panes):
    objects = pane("p", "red") + "    ghost: { features: [{ @type: shadowCaster }] }\n" + DARK
    scene = panes.scene(MATERIALS, objects)
    with open_scene(scene, size=SIZE) as opened:
        assert_colours(opened.frame()[32, 32, :3], RED)
        assert_problems(opened, ("feature.nothing", "shadowCaster on 'ghost' has nothing to draw"))
        (problem,) = opened.problems
        line = scene.read_text().splitlines()[problem.position.line - 1]
        assert line[problem.position.column - 1 :].startswith("@type: shadowCaster")
        opened["ghost"].shadowCaster.active = False
        assert opened.problems == ()
        opened["ghost"].shadowCaster.active = True
        opened["ghost"].shadowCaster.asset = opened.document.asset("db", "pane", ("mesh",))
        assert opened.problems == ()


@pytest.mark.parametrize("named", ["[db pane]", "[db nothing]"])
def test_a_material_that_is_none_is_reported_at_its_place(panes, named):
    objects = pane("p", "red").replace("red]", f"red] material: {named}") + DARK
    scene = panes.scene(MATERIALS, objects)
    (problem,) = load_scene(scene).left_out
    assert problem.code == "asset.reference"
    assert "material" in problem.message
    line = scene.read_text().splitlines()[problem.position.line - 1]
    assert line[problem.position.column - 1 :].startswith(named)


def test_a_field_that_names_no_asset_is_saved_and_read_again(panes):
    objects = pane("p", "red").replace("red]", "red] material: [db green]")
    scene = load_scene(panes.scene(MATERIALS, objects))
    scene.tableau["p"].visibleModel.material = None
    assert scene.save()
    again = load_scene(scene.path)
    assert not again.left_out
    assert again.tableau["p"].visibleModel.material == NO_ASSET
