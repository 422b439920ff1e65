"""While a runtime holds, plans wait and frames go on; steps are carried out one by one; nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from support.scenes import CUBE
from support.shared_runtime import shared_runtime

from engine.assets import open_library
from engine.plan.resident.steps import ClearStaging, SetWindow, Transfer
from engine.runtime.observation import Cause
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene

pytestmark = pytest.mark.gpu


@pytest.fixture
def runtime() -> Iterator[Runtime]:
    scene = load_scene(CUBE)
    options = RuntimeOptions(size=(64, 64), validate=True, paging_cycles=1)
    with open_library(scene.dbs) as library, shared_runtime(scene, library, options) as runtime:
        runtime.settle()
        yield runtime
        runtime.wait()


def test_a_held_plan_waits_and_frames_go_on_as_they_were(runtime: Runtime) -> None:
    plan, live = runtime.plan, runtime.memory.live_bytes
    before = runtime.read_pixels()
    runtime.hold.set(True)
    runtime.tableau["cube"].active = False
    for _ in range(4):
        assert runtime.frame().drawn
    assert runtime.plan is plan
    assert runtime.memory.live_bytes == live
    held = runtime.read_pixels()
    assert not np.array_equal(held, before), "what is switched off takes no part in frames"
    waiting = runtime.hold.waiting
    assert waiting is not None
    assert waiting.plan.planned_bytes < plan.planned_bytes
    assert waiting.schedule.steps
    runtime.hold.set(False)
    runtime.settle()
    assert runtime.plan.planned_bytes == waiting.plan.planned_bytes == runtime.memory.live_bytes
    assert runtime.hold.waiting is None
    runtime.frame()
    assert np.array_equal(runtime.read_pixels(), held), "the plan alone has waited"


def test_a_held_plan_is_carried_out_step_by_step(runtime: Runtime) -> None:
    runtime.tableau["cube"].active = False
    runtime.settle()
    runtime.hold.set(True)
    runtime.tableau["cube"].active = True
    runtime.frame()
    foreseen = runtime.hold.waiting.schedule.steps
    runtime.hold.step()
    while (facts := runtime.frame()) and runtime.memory.granted:
        pass
    assert facts.drawn, "the first step creates what frames draw into"
    assert runtime.hold.waiting is None
    assert runtime.schedule.steps == foreseen
    first = next(n for n, step in enumerate(foreseen) if isinstance(step, SetWindow | Transfer))
    assert runtime.memory.steps_left == len(foreseen) - first
    left = runtime.memory.steps_left
    for number in range(1, left + 1):
        runtime.hold.step()
        while runtime.memory.granted:
            runtime.wait()
            assert runtime.frame().drawn
        runtime.frame()
        assert runtime.memory.steps_left == left - number
    assert runtime.settle() >= 1
    runtime.hold.set(False)


def test_a_held_schedule_goes_on_by_cycles(runtime: Runtime) -> None:
    runtime.tableau["cube"].active = False
    runtime.settle()
    runtime.hold.set(True)
    runtime.tableau["cube"].active = True
    runtime.frame()
    runtime.hold.step()
    while runtime.frame() and runtime.memory.granted:
        pass
    steps = list(runtime.memory.open_steps)
    cycle = next(n for n, step in enumerate(steps) if isinstance(step, ClearStaging)) + 1
    runtime.hold.step(cycle=True)
    while runtime.memory.granted:
        runtime.wait()
        runtime.frame()
    assert runtime.memory.steps_left == len(steps) - cycle
    runtime.hold.set(False)
    runtime.settle()
    assert runtime.memory.live_bytes == runtime.plan.planned_bytes


def test_what_is_switched_back_while_holding_changes_nothing(runtime: Runtime) -> None:
    planned, live = runtime.plan.planned_bytes, runtime.memory.live_bytes
    runtime.hold.set(True)
    for value in (False, True):
        runtime.tableau["cube"].active = value
        runtime.frame()
    assert not runtime.hold.waiting.schedule.steps
    runtime.hold.set(False)
    runtime.settle()
    assert (runtime.plan.planned_bytes, runtime.memory.live_bytes) == (planned, live)


def test_a_held_runtime_is_idle(runtime: Runtime) -> None:
    runtime.hold.set(True)
    runtime.tableau["cube"].active = False
    runtime.frame()
    runtime.frame()
    for _ in range(70):
        runtime.frame()
    assert runtime.is_idle
    runtime.hold.step()
    assert not runtime.is_idle


def test_an_observer_follows_every_plan_with_its_cause(runtime: Runtime) -> None:
    seen: list[tuple[str, object]] = []

    class Observer:
        def planned(self, frame, plan, schedule, cause) -> None:
            assert schedule.plan is plan is runtime.plan
            seen.append((cause, plan))

        def settled(self, frame) -> None:
            seen.append(("settled", runtime.plan))

    observer = Observer()
    runtime.observers.add(observer)
    runtime.tableau["cube"].active = False
    runtime.settle()
    assert [what for what, _ in seen] == [Cause.SCENE, "settled"]
    assert seen[0][1] is runtime.plan
    runtime.frame()
    assert len(seen) == 2
    runtime.observers.remove(observer)
    runtime.tableau["cube"].active = True
    runtime.settle()
    assert len(seen) == 2


def test_many_new_objects_wait_with_the_plan_that_has_room_for_them(runtime: Runtime) -> None:
    before = runtime.read_pixels()
    tableau = runtime.tableau
    cube = tableau["cube"]
    asset = cube.visibleModel.asset
    runtime.hold.set(True)
    rows = tableau.add_objects(200)
    tableau.set_transforms(rows, translation=np.array((0.0, 2.0, 0.0)))
    tableau.add_feature("visibleModel", rows, {"asset": asset})
    for _ in range(3):
        runtime.frame()
    assert np.array_equal(runtime.read_pixels(), before)
    runtime.hold.set(False)
    runtime.settle()
    assert not np.array_equal(runtime.read_pixels(), before)


def test_rows_that_a_held_plan_makes_room_for_are_drawn_once_it_is_carried_out(runtime: Runtime) -> None:
    light = runtime.tableau["sun"].light
    runtime.tableau["sun"].translation = (-1.0, 1.5, 1.5)
    light.kind, light.shadows, light.intensity = "spot", "on", 60.0
    runtime.settle()
    runtime.frame()
    before = runtime.read_pixels()
    runtime.hold.set(True)
    light.kind = "point"
    for _ in range(4):
        assert runtime.frame().drawn
    assert np.array_equal(runtime.read_pixels(), before)
    runtime.hold.set(False)
    runtime.settle()
    runtime.frame()
    assert not np.array_equal(runtime.read_pixels(), before)
    assert "feature.failed" not in {problem.code for problem in runtime.problems}
