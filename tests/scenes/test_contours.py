"""Chosen objects are outlined as they are drawn, and what that takes of memory goes with the choice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from engine.graph.view_mode import CHOSEN_MASK, COVER, OUTLINED_PICTURE, ViewMode
from engine.runtime.runtime import Runtime
from engine.testing import OpenedScene, open_scene

pytestmark = pytest.mark.gpu

SIZE = (96, 72)
OWN = {CHOSEN_MASK.name, OUTLINED_PICTURE.name}


def runtime_of(scene: OpenedScene) -> Runtime:
    runtime: Runtime = scene.host.runtime  # type: ignore[attr-defined]
    return runtime


def passes_of(runtime: Runtime) -> list[str]:
    assert runtime.needs is not None
    return [p.declaration.name for p in runtime.needs.graph.passes]


def choose(scene: OpenedScene, names: Sequence[str]) -> None:
    runtime = runtime_of(scene)
    rows = sorted(runtime.tableau[name].row for name in names)
    runtime.planner.choose(np.array(rows, np.int32))
    runtime.planner.watch(frozenset({OUTLINED_PICTURE.name}))
    scene.settle()
    scene.frame()


def grown(mask: np.ndarray, by: int) -> np.ndarray:
    """What is at most so many texels away, along both axes."""
    for axis in (0, 1):
        mask = np.any([np.roll(mask, step, axis) for step in range(-by, by + 1)], axis=0)
    return mask


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("scenes/skin.hu", ["curled"]),
        ("scenes/morph.hu", ["flowers/flower61", "flowers/flower60"]),
        ("scenes/morph.hu", [f"flowers/flower{number}" for number in range(64)]),
        ("scenes/transparent.hu", ["bush", "panes/blue"]),
    ],
    ids=["skinned", "morphed", "many", "with holes and blended"],
)
def test_a_contour_follows_what_is_drawn_of_the_chosen_objects(path: str, names: list[str]) -> None:
    with open_scene(path, size=SIZE) as scene:
        runtime = runtime_of(scene)
        runtime.planner.show(ViewMode.ALBEDO)  # no shadows there: what changes without an object is its own
        choose(scene, names)
        outlined = runtime.read_pixels(OUTLINED_PICTURE)[..., :3].astype(int)
        picture = np.asarray(scene.frame())[..., :3].astype(int)
        for name in names:
            runtime.tableau[name].enabled = False
        without = np.asarray(scene.frame())[..., :3].astype(int)
        covered = (picture != without).any(axis=2)
        line = np.abs(outlined - picture).max(axis=2) > 24
        assert covered.sum() > 60
        assert not (line & ~grown(covered, 5)).any(), "nothing is outlined elsewhere"
        edge = covered & grown(~covered, 1)
        edge[:4] = edge[-4:] = edge[:, :4] = edge[:, -4:] = False  # no line beyond the picture
        assert (edge & grown(line, 2)).sum() >= 0.9 * edge.sum()
        assert (line & covered & ~grown(~covered, 3)).sum() <= 0.1 * covered.sum(), "it is a line, no area"


def test_the_images_of_a_contour_name_what_is_chosen_and_go_with_the_choice() -> None:
    with open_scene("scenes/skin.hu", size=SIZE) as scene:
        runtime = runtime_of(scene)
        scene.frame()
        picture, before, passes = np.asarray(scene.frame()), scene.memory, passes_of(runtime)
        choose(scene, [])
        assert passes_of(runtime) == passes, "nothing chosen costs nothing"
        assert scene.memory.live == before.live
        choose(scene, ["leaning"])
        assert set(scene.memory.assets) >= OWN
        assert "'leaning'" in str(scene.memory.assets[CHOSEN_MASK.name].why)
        assert "'curled'" not in str(scene.memory.assets[CHOSEN_MASK.name].why)
        assert "viewer: outline" in str(scene.memory.assets[OUTLINED_PICTURE.name].why)
        assert 2 * 4 * SIZE[0] * SIZE[1] <= scene.memory.live - before.live <= 256 << 10
        assert np.array_equal(np.asarray(scene.frame()), picture), "no picture that is read has it"
        choose(scene, [])
        assert set(scene.memory.assets) == set(before.assets)
        left = scene.memory.live
        assert left - before.live <= 192 << 10, "pages lie elsewhere"
        for names in (["leaning", "curled"], []):
            choose(scene, names)
        assert scene.memory.live == left


def test_what_draws_no_mesh_has_no_contour() -> None:
    with open_scene("scenes/skin.hu", size=SIZE) as scene:
        before = scene.memory.live
        choose(scene, ["camera"])
        assert not OWN & set(scene.memory.assets)
        assert scene.memory.live == before


def test_overlays_lie_over_the_contour_and_what_covers_it_goes_with_the_choice() -> None:
    with open_scene("scenes/tableau.hu", size=(480, 320)) as scene:
        runtime = runtime_of(scene)
        camera = runtime.tableau["camera"]
        camera.rotation = (0.0, 0.0, 0.0, 1.0)  # so that the horizon crosses the reticle and the map
        scene.frame()
        before, area_map = set(scene.memory.assets), runtime.tableau["camera/areaMap"]
        choose(scene, ["groundPlane"])
        assert "areaMap" in str(scene.memory.assets[COVER.name].why)
        with_map = lines(runtime)
        area_map.enabled = False
        scene.frame()
        without = lines(runtime)
        column = slice(300, 456)  # of the map, without its frame
        assert without[150:170, column].any(axis=0).all(), "the line crosses the place of the map"
        assert not with_map[:, column].any()
        assert np.array_equal(with_map[:, :270], without[:, :270])
        assert with_map[150:170, 20:200].any(axis=0).all()
        assert not with_map[159:161, 229:233].any(), "the arm of the reticle is whole"
        runtime.planner.choose(np.zeros(0, np.int32))
        runtime.planner.watch(frozenset())
        area_map.enabled = True
        scene.settle()
        assert set(scene.memory.assets) == before


def lines(runtime: Runtime) -> np.ndarray:
    """Where the contour has changed the picture by more than a little."""
    pictures = [runtime.read_pixels(), runtime.read_pixels(OUTLINED_PICTURE)]
    plain, outlined = (picture[..., :3].astype(int) for picture in pictures)
    return np.abs(outlined - plain).max(axis=2) > 24
