"""Claims about moving scenes: pictures follow the clock, and neither plan, memory nor file do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.testing import OpenedScene, assert_changed, assert_no_upload, assert_same_pixels, open_scene

SPINNING = """\
version: 1
tableau: {
    objects: {
        box: {
            features: [
                { @type: visibleModel  asset: [builtin placeholder] }
                { @type: spin  axis: [0 1 1]  speed: 30 }
            ]
        }
        camera: { translation: [0 0.4 3]  euler: [-6 0 0]  features: [{ @type: camera }] }
        sun: { euler: [-50 -40 0]  features: [{ @type: light }] }
    }
}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "spin.hu"
    made.write_text(SPINNING)
    return made


@pytest.fixture
def scene(path: Path) -> Iterator[OpenedScene]:
    with open_scene(path, size=(96, 72)) as opened:
        yield opened


@pytest.mark.gpu
def test_the_picture_follows_the_clock_and_comes_back_with_it(scene):
    first = scene.frame()
    scene.step(1.0)
    second = scene.frame()
    assert_changed(second, first, share=0.01)
    scene.clock.set(0.0)
    assert_same_pixels(scene.frame(), first, levels=0, share=0)


@pytest.mark.gpu
def test_a_paused_clock_draws_the_same_picture(scene):
    first = scene.frame()
    scene.clock.paused = True
    scene.step(1.0, count=3)
    assert_same_pixels(scene.frame(), first, levels=0, share=0)


@pytest.mark.gpu
def test_a_spun_object_is_drawn_as_one_that_is_turned(scene):
    scene.clock.set(2.0)
    spun = scene.frame()
    scene["box"].spin.enabled = False
    half = 0.5**0.5
    scene["box"].rotation = (0, 0.5 * half, 0.5 * half, 0.75**0.5)  # 60 degrees about 0 1 1
    assert_same_pixels(scene.frame(), spun, levels=1)


@pytest.mark.gpu
def test_motion_costs_neither_a_plan_nor_an_upload(scene):
    plan, text = scene.plan, scene.plan_text
    with assert_no_upload(scene):
        scene.step(0.1, count=5)
    assert scene.plan is plan
    assert scene.plan_text == text
    assert scene.problems == ()


def test_a_simulated_device_plans_once_for_a_scene_that_moves(path):
    with open_scene(path, profile="unified") as scene:
        plan = scene.plan
        scene.step(0.1, count=5)
        assert scene.plan is plan
        assert scene.tableau.pose.rows.tolist() == [scene["box"].row]


@pytest.mark.gpu
def test_what_has_moved_before_the_plan_was_looked_at_is_drawn(scene):
    for _ in range(3):  # every copy of the objects' places is written
        scene.frame()
    scene["box"].translation = (0.5, 0.2, 0)
    assert scene.memory.live
    looked = scene.frame()
    scene["box"].translation = (0, 0, 0)
    scene.frame()
    scene["box"].translation = (0.5, 0.2, 0)
    assert_same_pixels(scene.frame(), looked, levels=0, share=0)
