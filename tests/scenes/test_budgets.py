"""Claims about `cube.hu` on every recorded device profile: its budget, plan and schedule."""

from __future__ import annotations

import pytest

from engine.plan.terms.errors import PlanError
from engine.testing import (
    MIB,
    NoPixels,
    assert_freed,
    assert_memory,
    assert_no_growth,
    assert_no_upload,
    assert_same_plan,
    assert_schedule,
    open_scene,
)


@pytest.mark.profiles("*")
def test_the_cube_takes_at_most_32_mib_on_every_recorded_device(profile):
    with open_scene("scenes/cube.hu", profile=profile) as scene:
        assert scene.memory.peak <= 32 * MIB
        assert_memory(scene, planned=24 * MIB, live=scene.memory.planned)
        assert all(heap.peak <= heap.budget for heap in scene.memory.heaps)
        # Staging is allocated too while assets arrive.
        assert scene.memory.peak >= scene.memory.live + scene.schedule.bytes_uploaded
        assert scene.memory.peak <= sum(heap.peak for heap in scene.memory.heaps)


@pytest.mark.profiles("*")
def test_an_inactive_shadow_frees_its_memory_on_every_recorded_device(profile):
    with open_scene("scenes/cube.hu", profile=profile) as scene:
        before = scene.memory
        scene["cube"].shadowCaster.active = False
        assert_schedule(scene, bytes_uploaded=0)
        scene.settle()
        assert_freed(before, scene.memory, "shadowMap", at_least=16 * MIB)
        with assert_no_growth(scene, by=17 * MIB), assert_no_upload(scene):
            scene["cube"].shadowCaster.active = True
        assert scene.memory.live == before.live


@pytest.mark.profiles("*")
def test_every_byte_of_the_cube_arrives_on_every_recorded_device(profile):
    with open_scene("scenes/cube.hu", profile=profile, check_bytes=True) as scene:
        scene["cube"].active = False
        scene.settle()
        scene["cube"].active = True
        scene.settle()
        assert scene.memory.live == scene.memory.planned


@pytest.mark.profiles("*")
def test_the_same_scene_gives_the_same_plan_text_on_every_recorded_device(profile):
    with open_scene("scenes/cube.hu", profile=profile) as scene:
        text = scene.plan_text
    with open_scene("scenes/cube.hu", profile=profile) as scene:
        assert_same_plan(scene, text)


@pytest.mark.profiles("*")
def test_a_budget_that_is_too_small_names_the_largest_on_every_recorded_device(profile):
    with pytest.raises(PlanError, match="shadowCaster on 'cube'"):
        open_scene("scenes/cube.hu", profile=profile, budget=8 * MIB)


@pytest.mark.gpu
def test_a_budget_that_is_too_small_from_the_start_is_reported_until_it_is_raised():
    with open_scene("scenes/cube.hu", settle=False, budget=8 * MIB) as scene:
        for _ in range(3):
            with pytest.raises(PlanError, match="shadowCaster on 'cube'"):
                scene.step()
        scene.limit_budget({})
        scene.settle()
        assert scene.memory.live == scene.memory.planned


def test_larger_frames_cost_only_attachments():
    with open_scene("scenes/cube.hu", profile="unified") as scene:
        small = scene.memory
        with assert_no_upload(scene):
            scene.resize(1280, 720)
        grown = {name for name, row in scene.memory.assets.items() if row.bytes > small.assets[name].bytes}
        assert grown == {"picture", "sceneColor", "sceneColorSamples", "sceneDepthSamples"}


def test_a_scene_for_a_profile_raises_no_pixels():
    with (
        open_scene("scenes/cube.hu", profile="unified") as scene,
        pytest.raises(NoPixels, match="the profile 'unified'"),
    ):
        scene.frame()


@pytest.mark.gpu
def test_a_live_device_and_its_own_profile_give_the_same_plan_text():
    with open_scene("scenes/cube.hu") as live, open_scene("scenes/cube.hu", profile=live.profile) as recorded:
        assert_same_plan(recorded, live)
