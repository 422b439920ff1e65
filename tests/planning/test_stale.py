"""Claims about when a plan must be made again."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from support.random_scenes import profile

from engine.planning.scene import ScenePlanner


@pytest.fixture
def planner(cube) -> ScenePlanner:
    scene, library = cube
    made = ScenePlanner(scene.tableau, scene.registry, library, profile("unified"), (64, 48))
    assert made.stale()
    made.needs()
    assert not made.stale()
    return made


def test_a_plan_is_stale_once_something_is_switched_active_and_not_when_it_is_back(cube, planner):
    caster = cube[0].tableau["cube"].shadowCaster
    caster.active = False
    assert planner.stale()
    assert planner.stale()
    caster.active = True
    assert not planner.stale()
    caster.active = False
    planner.needs()
    assert not planner.stale()


def test_a_plan_is_stale_once_another_asset_is_named(cube, planner):
    scene, _ = cube
    model = scene.tableau["cube"].visibleModel
    before = model["asset"]
    model.asset = scene.tableau["ground"].visibleModel["asset"]
    assert planner.stale()
    model.asset = before
    assert not planner.stale()


def test_a_plan_is_stale_once_an_object_with_an_active_feature_comes_or_goes(cube, planner):
    tableau = cube[0].tableau
    tableau.add_object("empty")
    assert not planner.stale()
    model = {"asset": tableau["cube"].visibleModel["asset"]}
    tableau.add_object("off", features={"visibleModel": {**model, "active": False}})
    assert not planner.stale()
    tableau.add_object("on", features={"visibleModel": model})
    assert planner.stale()
    planner.needs()
    tableau.remove("off")
    assert not planner.stale()
    tableau.remove("on")
    assert planner.stale()


def test_no_plan_is_made_for_what_frames_can_do_alone(cube, planner):
    tableau = cube[0].tableau
    tableau["cube"].visibleModel.enabled = False
    tableau["cube"].translation = (1, 2, 3)
    tableau["camera"].camera.exposure = 2.0
    assert not planner.stale()


def test_a_plan_is_stale_once_the_picture_or_another_user_of_memory_changes(planner):
    planner.size = (65, 48)
    assert planner.stale()
    planner.needs()
    assert not planner.stale()
    other = SimpleNamespace(requester="other", version=1, requirements=list)
    planner.others.append(other)
    assert planner.stale()
    planner.needs()
    assert not planner.stale()
    other.version = 2
    assert planner.stale()


def test_a_switch_that_is_switched_back_has_the_same_graph_as_before(cube, planner):
    caster = cube[0].tableau["cube"].shadowCaster
    graph = planner.needs().graph
    caster.active = False
    without = planner.needs().graph
    assert without is not graph
    for is_active, known in ((True, graph), (False, without)):
        caster.active = is_active
        assert planner.needs().graph is known
