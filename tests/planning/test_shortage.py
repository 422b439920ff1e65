"""Claims about a scene that its device cannot hold: what is left out, and what is reported."""

from __future__ import annotations

import numpy as np
import pytest
from support.cached_needs import DB, buffer, needs
from support.random_scenes import profile

from engine.assets import AssetLibrary
from engine.feature.recency import ENABLED_NOW
from engine.feature.requirement_builders import FALLBACK_PRIORITY
from engine.humon import parse
from engine.plan.terms.errors import PlanError
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import Contents, MemoryProperty
from engine.plan.text.plan_reader import read_plan
from engine.plan.text.plan_text import plan_text
from engine.plan.text.validate import validate
from engine.plan.text.why import LeftOut, why, why_text
from engine.planning.scene import ScenePlanner
from engine.planning.shortage import eviction_candidates
from engine.scene import Scene
from engine.testing import MIB, assert_problems, open_scene

TEXTURES = ["texture2d #11", "texture2d #10", "texture2d #9", "texture2d #8"]
ROOM = 333 * MIB // 16  # the four textures have none, as the shadow map takes 16 MiB


def planner(scene: Scene, library: AssetLibrary, budget: int | None = None) -> ScenePlanner:
    device = profile("unified")
    return ScenePlanner(scene.tableau, scene.registry, library, reduced(device, budget), (320, 240))


def reduced(device, budget: int | None):
    return device if budget is None else device.with_budgets(dict.fromkeys(range(len(device.heaps)), budget))


def left_out(made: ScenePlanner) -> tuple[list[str], list[str]]:
    """Names of the unused and of the used assets that were left out, in order."""
    assert made.shortage is not None
    found = made.shortage.reduced
    return tuple([made.keys.name(key)[9:] for key in keys.tolist()] for keys in (found.unused, found.used))


def test_visible_objects_lose_their_textures_in_reverse_order_and_keep_their_mesh(cube):
    made = planner(*cube, ROOM + MIB)
    plan = made.plan(made.needs())
    assert left_out(made) == ([], TEXTURES[:1])
    made.profile = reduced(made.profile, ROOM - MIB // 4)
    plan = made.plan(made.needs())
    assert left_out(made) == ([], TEXTURES)
    assert not validate(plan)
    assert plan.planned_bytes <= ROOM
    there = {made.keys.name(key)[9:] for key in plan.memory.subresources["key"].tolist()}
    assert {"vertices #2", "indices #3"} <= there
    assert not there & set(TEXTURES)
    again = read_plan(plan_text(plan), made.profile)
    assert len(again.memory.subresources) == len(plan.memory.subresources)


def test_the_plan_lists_left_out_assets_with_their_requesters(cube):
    made = planner(*cube, ROOM + MIB)
    plan = made.plan(made.needs())
    assert [made.keys.name(key)[9:] for key in plan.left_out.tolist()] == TEXTURES[:1]
    (entry,) = parse(plan_text(plan), "plan").root["featureDb"]["leftOut"]
    assert entry["asset"].text.endswith("texture2d #11")
    assert [who.text for who in entry["why"]] == ["visibleModel on 'cube' at scenes/cube.hu:12:19"]
    for question in ("assetDb0:11", "#11", "cube", "visibleModel", "sampled_bit"):
        (reported,) = (reason for reason in why(plan, question) if isinstance(reason, LeftOut))
        assert reported.name.endswith("texture2d #11")
        assert reported.requesters == ("visibleModel on 'cube' at scenes/cube.hu:12:19",)
    for question in ("shadowCaster", "vertex_buffer_bit", "depth_stencil_attachment_bit"):
        assert not [reason for reason in why(plan, question) if isinstance(reason, LeftOut)]
    assert "leftOut: true" in why_text(plan, "#11")


def test_nothing_is_left_out_if_everything_fits(cube):
    made = planner(*cube)
    made.plan(made.needs())
    assert made.shortage is None
    assert made.problems == ()


def test_undrawn_assets_are_left_out_first_the_least_recent_before_others(cube):
    scene, library = cube
    made = planner(scene, library)
    made.plan(made.needs())
    for name in ("ground", "cube"):
        scene.tableau[name].enabled = False
        assert not made.stale()
    made.profile = reduced(made.profile, ROOM - MIB // 4)
    made.plan(made.needs())
    unused, used = left_out(made)
    assert used == []
    assert unused[:2] == ["vertices 'plane'", "indices 'plane'"]
    assert set(unused) == {*unused[:2], *TEXTURES, "vertices #2", "indices #3"}


def test_assets_that_are_drawn_again_replace_undrawn_ones(cube):
    scene, library = cube
    made = planner(scene, library, ROOM)
    scene.tableau["cube"].enabled = False
    made.plan(made.needs())
    assert left_out(made)[1] == []
    assert not made.stale()
    scene.tableau["cube"].enabled = True
    assert made.stale()
    made.plan(made.needs())
    assert left_out(made) == ([], TEXTURES)


def test_freed_memory_is_used_for_left_out_assets(cube):
    scene, library = cube
    made = planner(scene, library, ROOM)
    made.plan(made.needs())
    scene.tableau["cube"].shadowCaster.active = False
    assert made.stale()
    plan = made.plan(made.needs())
    assert made.shortage is None
    assert "texture2d #8" in plan_text(plan)
    scene.tableau["sun"].light.enabled = False
    assert not made.stale()


def test_invisible_assets_are_left_out_before_visible_ones(cube):
    scene, library = cube
    made = planner(scene, library, ROOM + MIB)
    scene.tableau["ground"].translation = (0, -5000, 0)
    scene.tableau["camera"].translation = (0, -2, 0.5)
    scene.tableau["camera"].euler = (60, 0, 0)  # up to the cube
    scene.tableau.update_world()
    made.plan(made.needs())
    assert left_out(made)[1] == ["vertices 'plane'", "indices 'plane'", TEXTURES[0]]


def test_fallbacks_and_attachments_are_never_left_out(cube):
    scene, library = cube
    made = planner(scene, library)
    needs = made.needs()
    whole = made.plan(needs)
    made.profile = reduced(made.profile, ROOM - MIB // 4)
    least = made.plan(made.needs())
    made.profile = reduced(made.profile, ROOM - MIB)
    with pytest.raises(PlanError, match="shadowCaster on 'cube'") as error:
        made.plan(made.needs())
    assert error.value.code == "plan.budget"
    rows = whole.requirements.needs.array
    kept = {made.keys.name(int(row["key"])) for row in rows if row["priority"] >= FALLBACK_PRIORITY}
    assert kept
    assert kept < {made.keys.name(k) for k in least.memory.subresources["key"].tolist()}


def test_without_placeholders_all_drawn_assets_must_fit(cube):
    made = planner(*cube, ROOM)
    needs = made.needs()
    with pytest.raises(PlanError, match=r"plan\.budget"):
        made.plan(needs, placeholders=False)


def test_a_shortage_reports_the_largest_requesters_and_what_is_left_out():
    with open_scene("scenes/cube.hu", profile="unified", budget=ROOM + MIB) as scene:
        assert_problems(scene, ("plan.short", "shadowCaster on 'cube' at scenes/cube.hu:13"))
        (problem,) = scene.problems
        assert "so: assetDb0 texture2d #11 drawn as fallback" in problem.message
        assert "raise the budget" in problem.help
        scene["cube"].visibleModel.enabled = False
        scene["cube"].shadowCaster.enabled = False
        scene.settle()
        (problem,) = scene.problems
        assert "left out, as nothing draws it now" in problem.message
        scene["cube"].shadowCaster.active = False
        scene.settle()
        assert scene.problems == ()


def test_assets_in_memory_that_is_not_device_local_are_reported_in_bytes():
    with open_scene("scenes/cube.hu", profile="nvidia-h200") as scene:
        memory = scene.memory
        own = max(heap.planned for heap in memory.heaps)
    budgets = {0: own - MIB, 1: 64 * MIB}
    with open_scene("scenes/cube.hu", profile="nvidia-h200") as scene:
        scene.host.limit_budget(budgets)
        scene.settle()
        (problem,) = scene.problems
        assert "bytes of assets are in memory that is not device-local" in problem.message
        assert scene.memory.heaps[0].live <= budgets[0]


def test_small_textures_are_left_out_before_large_meshes():
    rows = [buffer(0, 1000, priority=1), buffer(1, 50, priority=0), buffer(2, 10, priority=0)]
    wanted = needs(*rows)
    times = np.full(len(wanted.requesters), ENABLED_NOW)
    candidates = eviction_candidates(wanted, times, None, profile("unified"), Policy())
    assert (candidates.keys - DB).tolist() == [1, 2, 0]
    assert candidates.unused == 0
    visible = eviction_candidates(wanted, times, lambda keys: keys == DB + 1, profile("unified"), Policy())
    assert (visible.keys - DB).tolist() == [2, 0, 1]


def test_candidates_have_a_lower_bound_of_bytes_to_leave_out():
    hosted = buffer(3, 700, properties=MemoryProperty.HOST_VISIBLE)
    wanted = needs(buffer(0, 3000), buffer(1, 2000), buffer(2, 100, contents=Contents.UNDEFINED), hosted)
    times = np.full(len(wanted.requesters), ENABLED_NOW)
    device = profile("discrete-window")
    device = device.with_budgets({0: 1000, 1: 2500, 2: 500})
    candidates = eviction_candidates(wanted, times, None, device, Policy())
    assert candidates.over == 5000 - 1500
    assert candidates.over_all == 5700 - 4000


def test_where_everything_would_fit_the_lower_bound_is_nothing():
    wanted = needs(buffer(0, 3000), buffer(1, 2000))
    times = np.full(len(wanted.requesters), ENABLED_NOW)
    for budgets, over, over_all in (
        ({0: 1000, 1: 2500, 2: 4000}, 0, 0),
        ({0: 1000, 1: 2500, 2: 3999}, 1, 0),
        ({0: 999, 1: 2500, 2: 1500}, 2501, 1),
    ):
        device = profile("discrete-window").with_budgets(budgets)
        candidates = eviction_candidates(wanted, times, None, device, Policy())
        assert (candidates.over, candidates.over_all) == (over, over_all)


@pytest.mark.parametrize(("name", "several"), [("unified", False), ("discrete-window", True)])
def test_only_a_device_of_several_heaps_has_other_memory_to_use(cube, name, several):
    device = profile(name)
    scene, library = cube
    tight = reduced(device, ROOM - MIB // 4)
    made = ScenePlanner(scene.tableau, scene.registry, library, tight, (320, 240))
    plan = made.plan(made.needs())
    assert (len(device.heaps) > 1, plan.policy.elsewhere) == (several, several)
