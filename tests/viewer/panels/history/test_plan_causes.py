"""The timeline names what made a plan: the switch by object, feature and flag, an asset, a size, a budget."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from support.scenes import CUBE
from support.shared_runtime import shared_runtime

from engine.assets import open_library
from engine.graph.view_mode import GRID_PICTURE, OUTLINED_PICTURE, ViewMode
from engine.plan import BufferUsage, Kind, Requirement
from engine.plan.model.plan import Plan
from engine.plan.terms.policy import MIB
from engine.runtime.observation import Cause
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene
from viewer.panels.history.plan_causes import MAX_CAUSES, OPENED, PlanCauses
from viewer.panels.history.timeline import Timeline

pytestmark = pytest.mark.gpu


class Found:
    """The causes of each plan, also of those that are no events of the timeline."""

    def __init__(self, causes: PlanCauses) -> None:
        self._causes = causes
        self.last: tuple[str, ...] = ()

    def __call__(self, plan: Plan, cause: Cause) -> tuple[str, ...]:
        self.last = self._causes.find(plan, cause)
        return self.last


class Overlay:
    """A user of memory beside the scene."""

    requester, version = "viewer/inspector", 1

    def requirements(self) -> list[Requirement]:
        return [Requirement(1 << 40, Kind.BUFFER, size=4096, usage=BufferUsage.VERTEX_BUFFER)]


@pytest.fixture(scope="module")
def followed() -> Iterator[tuple[Runtime, Timeline]]:
    scene = load_scene(CUBE)
    options = RuntimeOptions(size=(64, 64), validate=True)
    with open_library(scene.dbs) as library, shared_runtime(scene, library, options) as runtime:
        timeline = Timeline(Found(PlanCauses(runtime)))
        runtime.observers.add(timeline)
        runtime.settle()
        yield runtime, timeline
        runtime.wait()


def test_each_plan_has_its_causes_and_its_memory(followed: tuple[Runtime, Timeline]) -> None:
    runtime, timeline = followed
    cube = runtime.tableau["cube"]
    assert timeline.events[0].causes == (OPENED,)

    def causes() -> tuple[str, ...]:
        runtime.settle()
        assert timeline.events[-1].settled is not None
        plans[len(timeline.events) - 1] = runtime.plan
        return timeline._causes.last

    plans = {0: runtime.plan}
    cube.shadowCaster.active = False
    assert causes() == ("cube: shadowCaster.active off",)
    cube.active = False
    cube.shadowCaster.active = True
    assert causes() == ("cube: active off", "cube: shadowCaster.active on")
    cube.active = True
    causes()
    runtime.tableau.active = False
    assert causes() == ("tableau: active off",)
    runtime.tableau.active = True
    causes()
    runtime.resize(80, 48)
    assert causes() == ("picture of 80 x 48 pixels",)
    runtime.limit_budget({0: 256 * MIB})
    assert any(line.startswith("budget of heap 0:") and "256.0 MiB" in line for line in causes())
    ground = {"visibleModel": {"asset": runtime.scene.asset("assetDb0", "ground", ("model",))}}
    runtime.tableau.add_object("more", features=ground)
    assert causes() == ("more: added", "more: visibleModel added")
    runtime.tableau["more"].visibleModel.asset = runtime.scene.asset("assetDb0", 0)
    assert causes()[0].startswith("more: visibleModel.asset is ")
    runtime.tableau.remove("more")
    assert causes() == ("1 object removed", "1 visibleModel removed")
    assert len(timeline.events) == len(plans) > 6
    for index, plan in plans.items():
        memory = timeline.memory(index)
        for table in ("allocations", "resources", "subresources"):
            assert np.array_equal(getattr(memory, table), getattr(plan.memory, table))


def test_what_the_viewer_wants_of_the_picture_is_named(followed: tuple[Runtime, Timeline]) -> None:
    runtime, timeline = followed
    planner, tableau = runtime.planner, runtime.tableau
    cube, ground = (tableau[name].row for name in ("cube", "ground"))

    def causes() -> tuple[str, ...]:
        runtime.settle()
        return timeline._causes.last

    def choose(*rows: int) -> None:
        planner.choose(np.array(sorted(rows), np.int32))
        planner.watch(frozenset({OUTLINED_PICTURE.name}) if rows else frozenset())

    choose(cube)
    assert causes() == ("cube selected (outline)",)
    choose()
    assert causes() == ("selection cleared",)
    choose(cube, ground)
    assert causes() == ("cube and 1 more selected (outline)",)
    choose()
    causes()
    planner.show(ViewMode.NORMAL)
    assert causes() == ("view mode: normal",)
    planner.show(ViewMode.LIT, grid=True)
    planner.watch(frozenset({GRID_PICTURE.name}))
    assert causes() == ("view mode: lit", "grid on")
    planner.show(ViewMode.LIT)
    planner.watch(frozenset({"sceneColor"}))
    assert causes() == ("grid off", "picture sceneColor watched")
    planner.watch(frozenset())
    assert causes() == ("picture sceneColor not watched any more",)
    overlay = Overlay()
    runtime.add_overlay(overlay)
    assert causes() == ("viewer/inspector requires other memory",)
    planner.others.remove(overlay)
    causes()


def test_a_plan_that_changes_nothing_is_no_event(followed: tuple[Runtime, Timeline]) -> None:
    runtime, timeline = followed
    before, plan = len(timeline.events), runtime.plan
    runtime.planner.mark_stale()
    runtime.settle()
    assert runtime.plan is not plan
    assert len(timeline.events) == before
    assert timeline.memory(before - 1) is runtime.plan.memory


def test_many_causes_are_counted(followed: tuple[Runtime, Timeline]) -> None:
    runtime, timeline = followed
    rows = runtime.tableau.add_objects(40)
    model = {"asset": runtime.scene.asset("assetDb0", 0)}
    runtime.tableau.add_feature("visibleModel", rows, model)
    runtime.settle()
    found = timeline._causes.last
    assert len(found) == MAX_CAUSES + 1
    assert found[-1] == f"and {80 - MAX_CAUSES} more"


def test_what_the_engine_plans_by_itself_is_named(followed: tuple[Runtime, Timeline]) -> None:
    runtime, timeline = followed
    runtime.apply_plan(runtime.needs, runtime.plan, Cause.PAGE_RETURN)
    assert timeline.events[-1].causes == ("pages that were mostly free are returned",)
    runtime.settle()
