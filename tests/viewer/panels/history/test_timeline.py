"""The timeline shows every event's memory as the plan had it, in whatever order, within its limit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from support.random_scenes import SMALL, World, needs, profile
from support.sampling import Sample, amount

from engine.plan.model.memory_plan import MemoryPlan
from engine.plan.model.plan import Plan
from engine.plan.placement.planner import make_plan
from engine.plan.schedule.schedule import Schedule
from engine.plan.terms.table import Table
from engine.runtime.observation import Cause
from viewer.panels.history.memory_image import MemoryImage
from viewer.panels.history.plan_delta import plan_delta
from viewer.panels.history.timeline import EVENT_BYTES, Timeline

TABLES = ("allocations", "resources", "subresources")


def history(rng: np.random.Generator, count: int) -> list[Plan]:
    """Plans of one world, each from the one before."""
    world = World.make(rng, 24)
    plans: list[Plan] = []
    for _ in range(count):
        if plans and rng.random() < 0.3:
            world.reload(rng, int(rng.integers(24)))
        wanted = needs(rng, world, float(rng.uniform(0.1, 0.9)))
        plans.append(make_plan(wanted, profile("unified"), plans[-1] if plans else None, SMALL))
    return plans


def follow(timeline: Timeline, plans: list[Plan]) -> None:
    for frame, plan in enumerate(plans):
        timeline.planned(frame, plan, Schedule(plan, (), 3, 5), Cause.SCENE)
        timeline.settled(frame)


def assert_same(one: MemoryPlan, two: MemoryPlan) -> None:
    for table in TABLES:
        assert np.array_equal(getattr(one, table), getattr(two, table)), table


def a_timeline(limit: int = 1 << 30) -> Timeline:
    made = iter(range(1 << 20))
    return Timeline(lambda plan, cause: (f"cause {next(made)}",), limit)


def test_scrubbing_to_an_event_gives_the_plan_of_that_event(sample: Sample) -> None:
    for rng in (np.random.default_rng(seed) for seed in range(amount(5, 60))):
        plans = history(rng, 9)
        timeline = a_timeline()
        follow(timeline, plans)
        assert len(timeline.events) == len(plans)
        for index in [*range(9), *reversed(range(9)), *rng.integers(0, 9, 12).tolist()]:
            assert_same(timeline.memory(index), plans[index].memory)
            image, whole = timeline.image(index), MemoryImage.of(plans[index])
            assert np.array_equal(image.places, whole.places)
            event = timeline.events[index]
            assert event.planned_bytes == plans[index].planned_bytes
            assert event.frame == event.settled == index
        assert [event.causes for event in timeline.events] == [(f"cause {n}",) for n in range(9)]


def test_a_delta_leads_forth_and_back_and_follows_another() -> None:
    rng = np.random.default_rng(4)
    a, b, c = (plan.memory for plan in history(rng, 3))
    one, two = plan_delta(a, b), plan_delta(b, c)
    assert_same(one.apply(a), b)
    assert_same(one.reversed.apply(b), a)
    both = one.then(two)
    assert_same(both.apply(a), c)
    assert_same(both.reversed.apply(c), a)
    assert both.nbytes == plan_delta(a, c).nbytes, "rows that are as they were are left out"
    assert one.then(one.reversed).nbytes == 0


def test_what_is_stored_is_limited_and_old_events_are_thinned(sample: Sample) -> None:
    plans = history(np.random.default_rng(7), 60)
    whole = a_timeline()
    follow(whole, plans)
    limit = whole.nbytes // 3
    tiny = a_timeline(EVENT_BYTES)
    follow(tiny, plans[:3])
    assert (len(tiny.events), tiny.nbytes) == (1, EVENT_BYTES)
    assert_same(tiny.memory(0), plans[2].memory)
    timeline = a_timeline(limit)
    for frame, plan in enumerate(plans):
        timeline.planned(frame, plan, Schedule(plan, (), 3, 5), Cause.SCENE)
        assert timeline.nbytes <= limit
        assert timeline.nbytes == sum(event.nbytes for event in timeline.events)
    assert 5 < len(timeline.events) < 60
    assert timeline.events[-1].frame == 59, "new events stay"
    assert any(event.count > 1 for event in timeline.events), "old ones are joined"
    for index in [*range(len(timeline.events)), 0, len(timeline.events) - 1, 1]:
        assert_same(timeline.memory(index), plans[timeline.events[index].frame].memory)
    joined = next(event for event in timeline.events if event.count > 1)
    assert len(joined.causes) == min(joined.count, 17)
    frames = [event.frame for event in timeline.events]
    assert frames == sorted(frames)


def test_an_event_costs_what_has_changed() -> None:
    plan = history(np.random.default_rng(2), 1)[0]
    timeline = a_timeline()
    follow(timeline, [plan, make_plan(plan.requirements, plan.profile, plan, SMALL)])
    assert [event.nbytes for event in timeline.events] == [EVENT_BYTES, EVENT_BYTES]


def test_plans_of_another_device_begin_another_timeline() -> None:
    first, second = (history(np.random.default_rng(seed), 2) for seed in (1, 2))
    timeline = a_timeline()
    follow(timeline, first)
    follow(timeline, second)
    assert len(timeline.events) == 2
    assert_same(timeline.memory(0), second[0].memory)


def test_a_plan_without_steps_is_taken_into_the_event_before() -> None:
    rng = np.random.default_rng(5)
    plans = history(rng, 4)
    timeline = a_timeline()
    follow(timeline, plans[:2])
    # the same bytes in other rows, as where the lifetimes of images have changed
    same = replace(plans[2], memory=with_other_rows(plans[1].memory))
    for frame in (2, 3):
        timeline.planned(frame, same, Schedule(same, (), 0, 0), Cause.SCENE)
    assert [event.frame for event in timeline.events] == [0, 1]
    assert_same(timeline.memory(1), same.memory)
    assert_same(timeline.memory(0), plans[0].memory)
    follow(timeline, plans[3:])
    for index, plan in ((2, plans[3]), (0, plans[0]), (1, same), (2, plans[3])):
        assert_same(timeline.memory(index), plan.memory)
    assert timeline.nbytes == sum(event.nbytes for event in timeline.events)


def with_other_rows(memory: MemoryPlan) -> MemoryPlan:
    rows = memory.resources.copy()
    rows["usage"] += 1
    return replace(memory, resource_table=Table.of(rows, "id"))
