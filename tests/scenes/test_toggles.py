"""Claims about every feature switched off and on again, active and enabled: plan, memory and pixels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from engine.testing import (
    MIB,
    Box,
    OpenedScene,
    assert_changed,
    assert_changed_only_inside,
    assert_color,
    assert_freed,
    assert_memory,
    assert_no_growth,
    assert_no_upload,
    assert_not_planned,
    assert_plan_rows,
    assert_planned,
    assert_same_pixels,
    assert_same_plan,
    assert_schedule,
    open_scene,
)

pytestmark = pytest.mark.gpu

EVERY_FEATURE = (
    "cube.visibleModel",
    "cube.shadowCaster",
    "ground.visibleModel",
    "camera.camera",
    "sun.light",
)
# Switching a cube's model off needs its shadow off too: a shadow caster requires a visible model.
BOXES = {"cube.visibleModel": Box(95, 40, 130, 150), "cube.shadowCaster": Box(60, 60, 230, 130)}
CUBE_ASSETS = ("vertices #2", "indices #3", "texture2d #8", "texture2d #9", "texture2d #10", "texture2d #11")
SHADOW_PASS = ("shadowMap", "frame.cascade.0", "shadow.draws", "shadow.commands")
TEXTURES = ("texture2d #8", "texture2d #9", "texture2d #10", "texture2d #11")


@pytest.fixture
def cube() -> Iterator[OpenedScene]:
    with open_scene("scenes/cube.hu") as scene:
        yield scene


@pytest.mark.parametrize("feature", EVERY_FEATURE)
def test_a_disabled_feature_keeps_plan_and_memory_and_comes_back_in_the_next_frame(cube, feature):
    shown, plan, memory = cube.frame(), cube.plan_text, cube.memory
    cube.set(f"{feature}.enabled=false")
    without = cube.frame()
    assert_changed(without, shown, share=0.01)
    if feature in BOXES:
        assert_changed_only_inside(without, shown, BOXES[feature])
    assert_same_plan(cube, plan)
    assert cube.memory.live == memory.live
    cube.set(f"{feature}.enabled=true")
    assert_same_pixels(cube.frame(), shown, levels=0, share=0)


@pytest.mark.parametrize("feature", EVERY_FEATURE)
def test_an_inactive_feature_is_gone_and_comes_back_as_it_was(cube, feature):
    shown, memory = cube.frame(), cube.memory
    cube.set(f"{feature}.active=false")
    cube.settle()
    assert_changed(cube.frame(), shown, share=0.01)
    assert_memory(cube, live=memory.live, planned=memory.planned)
    path, _, type_name = feature.partition(".")
    assert f"{type_name} on '{path}'" not in str([row.why for row in cube.memory.assets.values()])
    cube.set(f"{feature}.active=true")
    cube.settle()
    assert_same_pixels(cube.frame(), shown, levels=0, share=0)
    assert cube.memory.live == memory.live
    assert set(cube.memory.assets) == set(memory.assets)


def test_an_inactive_shadow_frees_exactly_the_shadow_pass(cube):
    before = cube.memory
    assert_planned(
        cube,
        "shadowMap",
        usages=("sampled_bit", "depth_stencil_attachment_bit"),
        kind="image",
        why="shadowCaster on 'cube'",
    )
    assert_plan_rows(cube, pipelines=["forward/0", "shadow/0", "toneMap"])
    cube["cube"].shadowCaster.active = False
    assert_schedule(cube, bytes_uploaded=0)
    cube.settle()
    assert_freed(before, cube.memory, *SHADOW_PASS, only=True, at_least=16 * MIB)
    assert_not_planned(cube, "shadowMap")
    assert_plan_rows(cube, pipelines=["forward/0", "toneMap"])


def test_an_inactive_model_frees_its_mesh_and_its_textures(cube):
    before = cube.memory
    cube["cube"].active = False
    cube.settle()
    assert_freed(before, cube.memory, *CUBE_ASSETS, at_least=17 * MIB)
    cube["cube"].active = True
    facts = cube.schedule
    assert {name.removeprefix("assetDb0 ") for name in facts.uploads} == set(CUBE_ASSETS)
    cube.settle()
    assert cube.memory.live == before.live


def test_an_inactive_camera_costs_and_frees_nothing(cube):
    before = cube.memory
    with assert_no_upload(cube), assert_no_growth(cube):
        cube.set("camera.camera.active=false")
        cube.settle()
        assert cube.memory.live == before.live
        cube.set("camera.camera.active=true")


def test_an_inactive_light_frees_exactly_its_shadow_pass(cube):
    before = cube.memory
    with assert_no_upload(cube), assert_no_growth(cube):
        cube.set("sun.light.active=false")
        cube.settle()
        assert_freed(before, cube.memory, *SHADOW_PASS, only=True, at_least=16 * MIB)
        assert_plan_rows(cube, pipelines=["forward/0", "toneMap"])
        cube.set("sun.light.active=true")
        cube.settle()
        assert cube.memory.live == before.live


def test_shadow_and_model_keep_what_the_other_still_requests(cube):
    cube["cube"].shadowCaster.active = False
    row = assert_planned(cube, "vertices #2", why="visibleModel on 'cube'")
    assert "shadowCaster" not in str(row.why)
    cube["cube"].shadowCaster.active = True
    assert_planned(cube, "vertices #2", why="shadowCaster on 'cube'")


def test_everything_inactive_draws_the_background_and_keeps_little(cube):
    shown = cube.frame()
    cube.tableau.active = False
    cube.settle()
    empty = cube.frame()
    assert np.asarray(empty).std(axis=(0, 1)).max() == 0
    assert_memory(cube, live=4 * MIB)
    cube.tableau.active = True
    cube.settle()
    assert_same_pixels(cube.frame(), shown, levels=0, share=0)


def test_the_shadow_darkens_a_part_of_the_ground_and_nothing_else(cube):
    lit = np.asarray(cube.frame())[..., :3].astype(int)
    cube["cube"].shadowCaster.enabled = False
    brighter = np.asarray(cube.frame())[..., :3].astype(int) - lit
    assert (brighter.sum(axis=2) > 60).mean() > 0.01
    assert (brighter.sum(axis=2) < -12).mean() < 0.001


def test_without_its_light_the_scene_is_dark(cube):
    bright = np.asarray(cube.frame())[..., :3].mean()
    cube["sun"].light.enabled = False
    assert np.asarray(cube.frame())[..., :3].mean() < bright / 2


def test_bricks_are_red_and_the_sky_is_empty(cube):
    frame = cube.frame()
    assert_color(frame, (140, 85, 70), box=Box(160, 60, 60, 60), levels=40, at_least=0.1)
    assert_color(frame, tuple(frame[0, 0]), box=Box(0, 0, 320, 4), levels=1, at_least=1.0)
    assert_color(frame, (255, 0, 255), levels=60, at_least=0, at_most=0)
