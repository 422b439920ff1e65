"""Claims about scenes under faults: failing calls, budgets, devices, caches, sources, disks."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import pytest
from support.limits import limit
from support.sampling import Sample

from engine.memory.streaming.fills import Fills
from engine.plan.terms.errors import PlanError
from engine.render.frame_recorder import FrameRecorder
from engine.testing import (
    MIB,
    Faults,
    assert_color,
    assert_no_growth,
    assert_nothing_live,
    assert_problems,
    assert_same_pixels,
    open_scene,
)
from engine.vk.commands import Commands
from engine.vk.errors import DeviceLost, OutOfHostMemory, Result, TookTooLong, VulkanError

pytestmark = pytest.mark.gpu

FAILURES = ("OUT_OF_HOST_MEMORY", "OUT_OF_DEVICE_MEMORY", "DEVICE_LOST")
MAGENTA = (150, 0, 150)


def draw_and_switch(validate: bool = False) -> None:
    """Open, draw, switch the shadow off and close, on a device of its own."""
    with open_scene("scenes/cube.hu", size=(16, 16), own_device=True, validate=validate) as scene:
        scene.frame()
        scene["cube"].shadowCaster.active = False
        scene.settle()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("result", FAILURES)
def test_whichever_call_fails_the_error_is_ours_and_nothing_is_left(
    faults: Faults, sample: Sample, result: str
):
    with faults.counted_calls() as all_calls:
        draw_and_switch()
    assert all_calls.made > 80  # so that there are calls to fail
    for nth in sample.of(range(1, all_calls.made + 1), 4):
        # Anything left behind would raise AssertionError.
        with faults.failed_call(nth, result, onwards=result == "DEVICE_LOST"), suppress(VulkanError):
            draw_and_switch()


@pytest.mark.timeout(300)
def test_ctrl_c_at_whichever_call_ends_in_order(sample: Sample, monkeypatch: pytest.MonkeyPatch):
    call, left = Commands.call, 0

    def interrupted(commands: Commands, *arguments: Any, **given: Any) -> Result:
        nonlocal left
        left -= 1
        if left == 0:
            raise KeyboardInterrupt
        return call(commands, *arguments, **given)

    monkeypatch.setattr(Commands, "call", interrupted)
    for nth in sample.calls(16):
        left = nth
        try:
            draw_and_switch(validate=True)
        except KeyboardInterrupt:
            continue
        assert left > 0  # there were no more calls: none was interrupted, and the interrupt lost
        break
    assert nth > 80


@pytest.mark.parametrize("raised", [KeyboardInterrupt, ZeroDivisionError])
def test_commands_that_were_recorded_halfway_are_discarded_and_the_next_frame_is_whole(
    monkeypatch: pytest.MonkeyPatch, raised: type[BaseException]
):
    def broken(*_: object) -> int:
        raise raised

    with open_scene("scenes/cube.hu", size=(64, 48)) as scene:
        shown = scene.frame()
        with monkeypatch.context() as patch:
            patch.setattr(FrameRecorder, "_draw", broken)
            for _ in range(3):
                scene["cube"].shadowCaster.enabled = not scene["cube"].shadowCaster.enabled
                with pytest.raises(raised):
                    scene.frame()
        scene["cube"].shadowCaster.enabled = True
        assert_same_pixels(scene.frame(), shown, levels=0, share=0)


def test_no_frame_is_drawn_over_one_that_is_not_finished(faults: Faults, monkeypatch: pytest.MonkeyPatch):
    with open_scene("scenes/cube.hu", size=(64, 48)) as scene:
        shown = scene.frame()
        with monkeypatch.context() as patch:
            patch.setattr("engine.vk.timeline.PATIENCE_S", 0.0)
            for _ in range(3):
                hanging = faults.failed_call(1, "TIMEOUT", function="vkWaitSemaphores", onwards=True)
                with hanging, pytest.raises(TookTooLong, match=r"frames: \d+ is not reached"):
                    scene.frame()
        assert_same_pixels(scene.frame(), shown, levels=0, share=0)


def test_a_named_call_fails_at_the_given_number(faults: Faults):
    with open_scene("scenes/cube.hu", size=(64, 48)) as scene:
        shown = scene.frame()
        scene["cube"].shadowCaster.active = False
        scene.settle()
        scene["cube"].shadowCaster.active = True
        failed = faults.failed_call(1, "OUT_OF_HOST_MEMORY", function="vkAllocateMemory")
        with failed as calls, pytest.raises(OutOfHostMemory):
            scene.settle()
        assert calls.failed == 1
        scene.settle()
        assert_same_pixels(scene.frame(), shown, levels=0, share=0)


@pytest.mark.timeout(300)
def test_whichever_call_fails_without_host_memory_the_next_frame_is_right(faults: Faults, sample: Sample):
    with open_scene("scenes/cube.hu", size=(64, 48)) as scene:
        shown = scene.frame()

        def work() -> None:
            scene.resize(80, 60)
            scene.settle()
            scene.frame()
            scene["cube"].shadowCaster.active = False
            scene.settle()
            scene["cube"].shadowCaster.active = True
            scene.resize(64, 48)
            scene.settle()
            scene.frame()

        for nth in sample.calls(16):
            with faults.failed_call(nth, "OUT_OF_HOST_MEMORY") as calls, suppress(OutOfHostMemory):
                work()
            scene["cube"].shadowCaster.active = True
            scene.resize(64, 48)
            scene.settle()
            assert_same_pixels(scene.frame(), shown, levels=0, share=0)
            if not calls.failed:
                break
        assert nth > 80


def test_a_budget_that_shrinks_refuses_the_plan_and_keeps_the_scene(faults: Faults):
    with open_scene("scenes/cube.hu", size=(64, 48)) as scene:
        shown = scene.frame()
        with faults.budget(scene, 8 * MIB), pytest.raises(PlanError, match="shadowCaster on 'cube'"):
            scene.step()
        with assert_no_growth(scene):
            assert_same_pixels(scene.frame(), shown, levels=0, share=0)


def test_within_a_small_budget_a_scene_without_its_shadow_is_drawn(faults: Faults):
    with open_scene(
        "scenes/cube.hu", size=(64, 48), settings=["cube.shadowCaster.active=false"], budget=12 * MIB
    ) as scene:
        assert scene.memory.peak <= 12 * MIB
        assert_color(scene.frame(), (170, 90, 70), levels=60)


def test_a_lost_device_ends_one_scene_and_the_next_is_drawn_as_before(faults: Faults):
    with open_scene("scenes/cube.hu", size=(64, 48)) as scene:
        shown = scene.frame()
    with (
        open_scene("scenes/cube.hu", size=(64, 48)) as scene,
        faults.lost_device(),
        pytest.raises(DeviceLost),
    ):
        scene.step(count=3)
    with open_scene("scenes/cube.hu", size=(64, 48)) as scene:
        assert_same_pixels(scene.frame(), shown, levels=0, share=0)
        assert_nothing_live(scene)


@pytest.mark.parametrize("keep", [0.0, 0.001, 0.5, 0.999])
def test_a_truncated_cache_is_cooked_again_without_a_report(faults: Faults, keep: float):
    copy = faults.copy("scenes/cube.hu")
    with open_scene(copy, size=(64, 48)) as scene:
        shown = scene.frame()
    faults.truncate_cache(copy, keep)
    with open_scene(copy, size=(64, 48)) as scene:
        assert_problems(scene)
        assert_same_pixels(scene.frame(), shown, levels=0, share=0)


def test_a_half_written_picture_costs_one_placeholder_until_it_is_whole(faults: Faults):
    copy = faults.copy("scenes/cube.hu")
    picture = copy.parents[1] / "assets/builtin/material/brick-albedo.png"
    with faults.half_written(picture), open_scene(copy, size=(64, 48)) as scene:
        assert_problems(scene, ("asset.broken", "brick-albedo.png"))
        assert_color(scene.frame(), MAGENTA, levels=50, at_least=0.02)
    with open_scene(copy, size=(64, 48)) as scene:
        assert_problems(scene)
        assert_color(scene.frame(), MAGENTA, levels=50, at_least=0, at_most=0)


def test_a_half_written_shader_is_reported_and_the_placeholder_material_draws(faults: Faults):
    copy = faults.copy("scenes/cube.hu")
    shader = copy.parents[1] / "assets/builtin/material/surface.fs.glsl"
    with faults.half_written(shader), open_scene(copy, size=(64, 48)) as scene:
        end = len((shader.parent / "defaultMaterial.fs.glsl").read_text().splitlines()) + 1
        assert {problem.code for problem in scene.problems} == {"asset.broken", "shader.compile"}
        assert any(f"defaultMaterial.fs.glsl:{end}:" in problem.render() for problem in scene.problems)
        assert_color(scene.frame(), MAGENTA, levels=50, at_least=0.02)


def test_on_a_slow_disk_frames_go_on_while_the_scene_arrives(faults: Faults, monkeypatch: pytest.MonkeyPatch):
    """The disk answers when the test lets it, so that a frame that waited for it would never end."""
    copy, may_read = Fills._copy, threading.Event()

    def held_up(fills: Fills, *arguments: Any) -> None:
        may_read.wait(limit(100))
        copy(fills, *arguments)

    monkeypatch.setattr(Fills, "_copy", held_up)
    with open_scene("scenes/cube.hu", size=(64, 48), settle=False) as scene:
        try:
            scene.step(count=20)
            assert scene.schedule.left
            assert len(scene.frames) >= 20
        finally:
            may_read.set()
        scene.settle()
        assert_color(scene.frame(), (170, 90, 70), levels=60)
