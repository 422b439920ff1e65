"""The panel of plans lists what the plan's text has, opens rows as that text, and finds names."""

from __future__ import annotations

import pytest
from support.random_scenes import profile
from support.scenes import CUBE

from engine.humon import parse
from engine.plan.model.plan import Plan
from engine.plan.text.plan_text import plan_text
from engine.plan.text.requirement_text import requirement_text
from engine.planning.offline import plan_scene
from viewer.panels.history.key_names import KeyNames
from viewer.panels.history.row_changes import row_changes, row_texts, text_changes
from viewer.panels.plans.last_plans import LastPlans
from viewer.panels.plans.plan_rows import PlanRows, Topic


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_scene(CUBE, profile("discrete-window"), (64, 64)).plan


def rows_of(plan: Plan, topic: Topic, opened: set[object] | None = None) -> PlanRows:
    names = KeyNames(plan.requirements.keys.caption)
    return PlanRows(plan, topic, set() if opened is None else opened, names)


def count_in_text(plan: Plan, topic: Topic) -> int:
    root = parse(plan_text(plan), "plan").root["featureDb"]
    if topic is Topic.MEMORY:
        return sum(len(list(blocks)) for _, blocks in root["memoryPlan"].items())
    if topic is Topic.REQUESTS:
        return len(list(parse(requirement_text(plan), "requests").root["featureDb"]))
    key = {"shaders": "shaderPlan", "pipelines": "pipelinePlan", "descriptor sets": "descriptorSetPlan"}
    return len(list(root[key[topic]]))


@pytest.mark.parametrize("topic", Topic)
def test_each_topic_has_a_row_for_each_entry_of_the_text(plan: Plan, topic: Topic) -> None:
    rows = rows_of(plan, topic)
    assert rows.visible == len(rows.rows) == count_in_text(plan, topic) > 0
    for index in range(rows.visible):
        row = rows.row_at(index)
        assert row.name
        assert row.row == index
        assert not row.line


@pytest.mark.parametrize("topic", Topic)
def test_an_open_row_shows_its_text_and_stays_open_in_the_next_plan(plan: Plan, topic: Topic) -> None:
    opened: set[object] = set()
    rows = rows_of(plan, topic, opened)
    count = rows.visible
    rows.set_open(1, True)
    lines = [rows.row_at(2 + n) for n in range(rows.visible - count)]
    assert lines
    assert all(line.line and line.row == 1 for line in lines)
    whole = requirement_text(plan) if topic is Topic.REQUESTS else plan_text(plan)
    text = "".join("".join(line.name.partition("  //")[0] for line in lines).split())
    assert text in "".join(whole.split()), "lines are broken elsewhere, where they are indented"
    assert rows.row_at(rows.visible - 1).row == count - 1
    again = rows_of(plan, topic, opened)
    assert again.visible == rows.visible
    assert again.is_open(1)
    again.set_open(1, False)
    assert again.visible == count


def test_assets_without_names_are_shown_with_what_they_are_made_from(plan: Plan) -> None:
    rows = rows_of(plan, Topic.REQUESTS)
    names = {rows.row_at(index).name for index in range(rows.visible)}
    assert {"assetDb0 texture2d #8 (brick-albedo.png)", "assetDb0 vertices #2 (of mesh 'cube')"} <= names
    assert {"shadowMap", "builtin texture2d 'white'"} <= names, "a name says enough"
    for topic in (Topic.MEMORY, Topic.REQUESTS):
        rows = rows_of(plan, topic)
        rows.set_search("brick-albedo")
        while not rows.is_searched:
            rows.refresh()
        assert len(rows.rows) == 1, topic
    for topic in (Topic.MEMORY, Topic.DESCRIPTOR_SETS):
        rows = rows_of(plan, topic)
        for row in reversed(range(rows.visible)):
            rows.set_open(row, True)
        lines = [row.name for row in map(rows.row_at, range(rows.visible)) if row.line]
        shown = [line for line in lines if "texture2d #8" in line]
        assert shown, topic
        assert all(line.endswith("  // brick-albedo.png") for line in shown), topic
        assert not [line for line in lines if "'white'" in line and "//" in line]


def test_a_search_finds_an_allocation_by_what_is_in_it(plan: Plan) -> None:
    rows = rows_of(plan, Topic.MEMORY)
    rows.set_search("shadowmap")
    key = plan.requirements.keys.transient("shadowMap")
    wanted = plan.address(key).allocation
    found = {rows.row_at(index).name for index in range(rows.visible)}
    assert f"allocation {wanted}" in found
    assert len(found) < len(plan.memory.allocations)
    rows = rows_of(plan, Topic.PIPELINES)
    rows.set_search("depthBias")
    assert 0 < rows.visible < len(plan.pipelines)
    rows.set_search("no such thing")
    assert rows.visible == 0
    rows.set_search("")
    assert rows.visible == len(plan.pipelines)


def test_rows_of_plans_with_other_keys_are_compared_by_what_they_say(plan: Plan) -> None:
    again, without = (
        plan_scene(CUBE, profile("discrete-window"), (64, 64), settings).plan
        for settings in ((), ("cube.shadowCaster.active=false",))
    )
    assert not any(change.created or change.removed for change in row_changes(plan, plan))
    same = text_changes(row_texts(plan), row_texts(again))
    assert [change.kept for change in same] == [
        len(plan.shaders),
        len(plan.pipelines),
        len(plan.descriptor_sets),
    ]
    assert not any(change.created or change.removed for change in same)
    changes = text_changes(row_texts(plan), row_texts(without))
    assert changes[:2] == row_changes(plan, without)[:2], "no key is in them"
    assert "toneMap/frame" not in changes[2].removed, "its keys have the same names"


def test_the_last_two_plans_are_kept_and_their_rows_compared(plan: Plan) -> None:
    without = plan_scene(CUBE, profile("discrete-window"), (64, 64), ("cube.shadowCaster.active=false",)).plan
    changes = {change.title: change for change in row_changes(plan, without)}
    gone = changes["pipelines"].removed
    assert any(name.startswith("shadow") for name in gone)
    assert changes["shaders"].kept + len(changes["shaders"].removed) == len(plan.shaders)
    assert not any(change.created or change.removed for change in row_changes(plan, plan))
    plans = LastPlans()
    for each in (plan, plan):
        plans.planned(0, each, None, None)
    assert (plans.before, plans.present) == (plan, plan)
    plans.planned(0, without, None, None)
    assert plans.before is None, "keys of another device have other numbers"
