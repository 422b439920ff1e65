"""Claims about a device with less memory than requested, by its budget or by refused allocations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from support.refusals import device_that_holds

from engine.memory.device.objects import LiveAllocation, Objects
from engine.memory.device.problems import HeapFull
from engine.plan.resident.steps import Allocate
from engine.plan.terms.errors import PlanError
from engine.testing import (
    MIB,
    Box,
    Faults,
    OpenedScene,
    assert_changed,
    assert_no_growth,
    assert_problems,
    assert_same_pixels,
    open_scene,
)
from engine.vk.errors import OutOfDeviceMemory

pytestmark = pytest.mark.gpu

ROOM = 83 * MIB // 4


def room_without_textures(cube) -> int:
    """A budget in which, with the shadow map, the textures of a scene do not fit."""
    return cube.memory.live - MIB - MIB // 8


BRICKS = Box(140, 100, 40, 40)


@pytest.fixture
def cube() -> Iterator[OpenedScene]:
    with open_scene("scenes/cube.hu") as scene:
        yield scene


def redness(frame: np.ndarray) -> float:
    red, _, blue = BRICKS.of(frame)[..., :3].mean(axis=(0, 1))
    return float(red / blue)


def test_within_a_smaller_budget_textures_are_left_out_and_come_back(cube):
    bricks, room = cube.frame(), room_without_textures(cube)
    with open_scene("scenes/cube.hu", budget=room) as scene:
        plain = scene.frame()
        assert scene.memory.live == scene.memory.planned
        assert all(heap.peak <= room for heap in scene.memory.heaps)
        if len(scene.memory.heaps) > 1:
            assert_problems(scene, ("plan.short", "in memory that is not device-local"))
            assert redness(plain) == pytest.approx(redness(bricks), rel=0.05)
        else:
            assert_problems(scene, ("plan.short", "texture2d"))
            assert redness(plain) < 1.2 < 1.3 < redness(bricks)
        scene["cube"].shadowCaster.active = False
        scene.settle()
        assert_problems(scene)
        assert redness(scene.frame()) > 1.3
        scene["cube"].shadowCaster.active = True
        scene.settle()
        assert_same_pixels(scene.frame(), plain, levels=0, share=0)


def test_what_nothing_draws_is_evicted_for_what_is_and_fetched_when_it_is_drawn_again(cube):
    bricks, room = cube.frame(), room_without_textures(cube)
    with open_scene("scenes/cube.hu", settings=["cube.shadowCaster.active=false"], budget=room) as scene:
        scene["cube"].visibleModel.enabled = False
        scene.settle()
        assert_problems(scene)
        scene["cube"].shadowCaster.active = True
        scene.settle()
        assert_problems(scene, ("plan.short", "left out, as nothing draws it now"))
        scene["cube"].shadowCaster.active = False
        scene["cube"].visibleModel.enabled = True
        scene.settle()
        assert_problems(scene)
        assert redness(scene.frame()) == pytest.approx(redness(bricks), rel=0.05)


def test_a_budget_that_holds_not_even_the_attachments_is_reported_once_and_frames_go_on(faults: Faults, cube):
    shown = cube.frame()
    with faults.budget(cube, 8 * MIB):
        with pytest.raises(PlanError, match="shadowCaster on 'cube'"):
            cube.step()
        cube.step(count=2)
        assert_same_pixels(cube.frame(), shown, levels=0, share=0)


def test_pictures_that_are_too_large_for_the_budget_keep_the_size_that_fits():
    with open_scene("scenes/cube.hu", budget=ROOM + MIB) as scene:
        shown = scene.frame()
        scene.resize(4000, 3000)
        with pytest.raises(PlanError, match="picture takes"):
            scene.step()
        assert_same_pixels(scene.frame(), shown, levels=0, share=0)
        scene.resize(320, 240)
        assert_same_pixels(scene.frame(), shown, levels=0, share=0)


def test_an_allocation_that_is_refused_once_is_retried_once(faults: Faults, cube):
    shown = cube.frame()
    for _ in range(3):
        cube["cube"].shadowCaster.active = False
        cube.settle()
        cube["cube"].shadowCaster.active = True
        with faults.failed_call(1, function="vkAllocateMemory") as calls:
            cube.settle()
        assert calls.failed == 1
        assert_problems(cube)
        assert_same_pixels(cube.frame(), shown, levels=0, share=0)


def test_a_refused_allocation_evicts_what_nothing_draws_and_nothing_that_is_drawn(cube):
    cube["cube"].shadowCaster.active = False
    cube.settle()
    cube["cube"].visibleModel.enabled = False
    ground = cube.frame()
    room = cube.memory.live + 16 * MIB - MIB // 2
    cube["cube"].shadowCaster.active = True
    cube["cube"].shadowCaster.enabled = False
    with device_that_holds(room) as refused:
        cube.settle()
        assert refused
        assert cube.memory.live <= room
        assert_problems(cube, ("plan.short", "left out, as nothing draws it now"))
        assert_same_pixels(cube.frame(), ground, levels=0, share=0)


def test_repeated_refusals_evict_what_is_drawn_and_fallbacks_are_drawn(cube):
    bricks = cube.frame()
    cube["cube"].shadowCaster.active = False
    cube.settle()
    room = cube.memory.live + 15 * MIB - MIB // 4
    cube["cube"].shadowCaster.active = True
    with device_that_holds(room) as refused:
        cube.settle()
        assert len(refused) >= 2
        assert cube.memory.live <= room
        assert_problems(cube, ("plan.short", "drawn as fallback"))
        plain = cube.frame()
        assert redness(plain) < 1.2
        assert_changed(plain, bricks)
    cube["cube"].shadowCaster.active = False
    cube.settle()
    cube["cube"].shadowCaster.active = True
    cube.settle()
    assert_problems(cube)
    assert_same_pixels(cube.frame(), bricks, levels=0, share=0)


def test_a_device_that_has_room_for_nothing_new_keeps_the_scene_as_it_was(faults: Faults, cube):
    shadowed = cube.frame()
    cube["cube"].shadowCaster.active = False
    cube.settle()
    plain = cube.frame()
    with assert_no_growth(cube):
        cube["cube"].shadowCaster.active = True
        with faults.failed_call(1, function="vkAllocateMemory", onwards=True):
            with pytest.raises(HeapFull, match="shadowCaster on 'cube'"):
                cube.settle()
            cube.step(count=3)
        assert redness(cube.frame()) > 0
        assert_same_pixels(Box(220, 20, 80, 80).of(cube.frame()), Box(220, 20, 80, 80).of(plain), levels=8)
    cube["cube"].shadowCaster.active = False
    cube.settle()
    assert_same_pixels(cube.frame(), plain, levels=0, share=0)
    cube["cube"].shadowCaster.active = True
    cube.settle()
    assert_same_pixels(cube.frame(), shadowed, levels=0, share=0)


def test_a_device_without_room_for_the_change_gets_the_old_scene_back(cube):
    cube["cube"].shadowCaster.active = False
    cube.settle()
    plain, room = cube.frame(), cube.memory.live + 14 * MIB
    with device_that_holds(room):
        cube["cube"].shadowCaster.active = True
        with pytest.raises(HeapFull, match="shadowCaster on 'cube'"):
            cube.settle()
        cube.settle()
        assert_same_pixels(cube.frame(), plain, levels=0, share=0)
        assert cube.memory.live <= room


def test_if_even_the_old_scene_does_not_fit_the_rest_of_it_is_drawn(cube):
    cube["cube"].shadowCaster.active = False
    cube.settle()
    plain = cube.frame()
    room = cube.memory.live + 15 * MIB - MIB // 4
    with device_that_holds(room) as refused:
        make = Objects.allocate_memory

        def none_any_more(self: Objects, step: Allocate, **how: bool) -> LiveAllocation:
            return make(self, replace(step, size=1 << 40) if len(refused) > 1 else step, **how)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Objects, "allocate_memory", none_any_more)
            cube["cube"].shadowCaster.active = True
            with pytest.raises(HeapFull):
                cube.settle()
            cube.settle()
    left = cube.frame()
    assert redness(left) < 1.2 < 1.3 < redness(plain)
    cube["cube"].shadowCaster.active = False
    cube.settle()
    assert_same_pixels(cube.frame(), plain, levels=0, share=0)


def test_a_device_without_any_room_is_reported_until_it_has_some(faults: Faults, cube):
    """There is no earlier scene to return to, so nothing can be drawn instead."""
    shown = cube.frame()
    with open_scene("scenes/cube.hu", size=cube.size, settle=False) as scene:
        with faults.failed_call(1, function="vkAllocateMemory", onwards=True):
            scene.step()  # the allocation is tried again after pending frees have run
            for _ in range(3):
                with pytest.raises(HeapFull):
                    scene.step()
            assert scene.memory.live == 0
        scene.settle()
        assert_same_pixels(scene.frame(), shown, levels=0, share=0)
        assert_problems(scene)


def test_another_call_that_finds_no_memory_is_tried_once_more_and_then_reported(faults: Faults, cube):
    cube["cube"].shadowCaster.active = False
    cube.settle()
    plain = cube.frame()
    cube["cube"].shadowCaster.active = True
    with faults.failed_call(1, function="vkCreateImage") as calls:
        cube.settle()
    assert calls.failed == 1
    cube["cube"].shadowCaster.active = False
    cube.settle()
    cube["cube"].shadowCaster.active = True
    with faults.failed_call(1, function="vkCreateImage", onwards=True):
        with pytest.raises(OutOfDeviceMemory):
            cube.settle()
        cube.step(count=2)
        assert_same_pixels(cube.frame(), plain, levels=0, share=0)


@pytest.mark.parametrize("room", [1, 8, 19, 20, 22])
def test_however_little_a_device_holds_opening_ends_in_a_picture_or_a_clear_error(room):
    with device_that_holds(room * MIB) as refused:
        try:
            with open_scene("scenes/cube.hu", own_device=True) as scene:
                assert scene.memory.live <= room * MIB
                assert_changed(scene.frame(), np.zeros_like(scene.frame()))
        except HeapFull as error:
            reported = str(error)
            assert "bytes of heap 0; heap 0 with a budget of" in reported
            assert room < 21
    assert refused or room > 22
