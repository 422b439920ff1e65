"""Claims about frames while assets are in transfer: fallbacks are drawn, and nothing stalls."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from engine.plan.resident.steps import Transfer
from engine.testing import Box, OpenedScene, assert_changed, assert_same_pixels, open_scene

pytestmark = pytest.mark.gpu

BRICKS = Box(140, 100, 40, 40)


@pytest.fixture
def cube() -> Iterator[OpenedScene]:
    with open_scene("scenes/cube.hu") as scene:
        yield scene


def withdraw(scene: OpenedScene, kind: str, index: int) -> None:
    """Unpublish an asset, as if it were still in transfer."""
    runtime = scene.host.runtime
    key = runtime.library.find("assetDb0", index, (kind,)).key
    runtime.memory.published.withdraw(np.array([key], np.int64))


def means(frame: np.ndarray) -> np.ndarray:
    return BRICKS.of(frame)[..., :3].mean(axis=(0, 1))


def test_until_a_texture_arrives_the_builtin_one_of_its_slot_is_drawn(cube):
    bricks = means(cube.frame())
    withdraw(cube, "texture2d", 8)
    plain = means(cube.frame())
    assert bricks[0] > 1.3 * bricks[2]
    assert abs(plain[0] - plain[2]) < 0.2 * plain.mean()
    assert plain.mean() > bricks.mean()


def test_until_a_mesh_arrives_the_placeholder_is_drawn_with_the_objects_material(cube):
    bricks = cube.frame()
    withdraw(cube, "vertices", 2)
    assert_same_pixels(cube.frame(), bricks, levels=8, share=0.02)  # both are unit cubes


def test_a_scene_is_drawn_from_its_first_frame_on_and_ends_with_the_same_picture(cube):
    waited = cube.frame()
    with open_scene("scenes/cube.hu", settle=False, paging_cycles=1) as scene:
        scene.step(count=2)
        arriving = scene.frame()
        scene.settle()
        arrived = scene.frame()
    assert_changed(arriving, np.zeros_like(arriving))
    assert_same_pixels(arrived, waited, levels=0, share=0)


def test_what_the_camera_does_not_see_arrives_last():
    with open_scene("scenes/cube.hu", settle=False) as scene:
        scene.tableau["cube"].translation = (3.4, 0.5, 5.8)
        scene.step()
        runtime = scene.host.runtime
        sent = [step.keys for step in runtime.schedule.steps if isinstance(step, Transfer)]
        cube, ground = (runtime.library.find("assetDb0", name, ("vertices",)).key for name in (2, "plane"))
        order = np.concatenate(sent).tolist()
        assert order.index(ground) < order.index(cube)


@pytest.mark.parametrize(("given", "cycles", "by_hand"), [(None, 2, False), (7, 7, True)])
def test_cycles_are_set_by_hand_where_a_number_is_given(given, cycles, by_hand):
    with open_scene("scenes/cube.hu", size=(64, 48), settle=False, paging_cycles=given) as scene:
        pace = scene.host.runtime.memory.pace
        assert (pace.cycles, pace.whole_cycles) == (cycles, by_hand)
