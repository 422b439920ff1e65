"""Schedules at their edges: what is withdrawn early, moved, fetched again and finished after a stop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.cached_needs import DB, DEVICE, buffer, fresh, kinds, needs, of, packed, settled

from engine.plan.placement.planner import make_plan
from engine.plan.profile.device_profile import QueueFamily
from engine.plan.resident.resident import Resident
from engine.plan.resident.steps import Acquire, Move, Release, Transfer, Withdraw
from engine.plan.schedule.schedule import make_schedule
from engine.plan.schedule.simulation import SimulatedDevice
from engine.plan.terms.keys import Keys
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import BufferUsage, Contents, Dedicated, QueueKind


@pytest.mark.parametrize(("limit", "early"), [(5, []), (4, []), (3, [DB + 1])])
def test_the_smallest_old_places_are_withdrawn_early_where_allocations_run_out(limit: int, early: list[int]):
    both = BufferUsage.VERTEX_BUFFER | BufferUsage.STORAGE_BUFFER
    rows = [
        buffer(i, size << 20, dedicated=Dedicated.YES, contents=Contents.UNDEFINED)
        for i, size in enumerate((2, 1))
    ]
    plan, resident, keys = settled(rows)
    limits = replace(DEVICE.limits, max_memory_allocation_count=limit)
    few = replace(DEVICE, limits=limits, _cache={})
    new = make_plan(needs(*(replace(row, usage=both) for row in rows), keys=keys), few, plan)
    schedule = make_schedule(resident, new, packed())
    first = schedule.steps[0]
    assert (first.keys.tolist() if isinstance(first, Withdraw) else []) == early
    assert kinds(schedule).count("Withdraw") == bool(early)


@pytest.mark.parametrize("stop", ["Release", "Acquire"])
def test_a_transfer_between_queues_is_finished_after_a_stop(stop: str):
    families = (*DEVICE.queue_families, QueueFamily(frozenset({QueueKind.TRANSFER})))
    device, keys = replace(DEVICE, queue_families=families, _cache={}), Keys()
    plan = make_plan(needs(buffer(0), keys=keys), device)
    resident, whole = Resident(), make_schedule(Resident(), plan, packed(buffer(0)))
    resident.begin(plan)
    for step in whole.steps[: kinds(whole).index(stop)]:
        resident.apply(step)
    again = make_plan(needs(buffer(0), keys=keys), device, resident.snapshot())
    rest = make_schedule(resident, again, packed(buffer(0)))
    handed = [step for step in rest.steps if isinstance(step, Release | Acquire)]
    assert [type(step) for step in handed] == ([Release, Acquire] if stop == "Release" else [Acquire])
    assert {tuple(step.keys.tolist()) for step in handed} == {(DB,)}
    assert {(step.source, step.target) for step in handed} == {(QueueKind.TRANSFER, QueueKind.GRAPHICS)}
    assert not of(rest, Transfer)
    resident.begin(again)
    for step in rest.steps:
        resident.apply(step)
    assert resident.settled()


@pytest.mark.parametrize(("size", "cycles"), [(4096 - 32, 1), (4096 - 32 + 1, 2)])
def test_a_cycle_has_room_for_its_assets_and_the_ends_of_a_run_for_each(size: int, cycles: int):
    schedule = fresh([buffer(0, size), buffer(1, size)], Policy(staging=8192))
    assert schedule.plan.staging.resources["bytes"].tolist() == [8192, 8192]
    assert len(of(schedule, Transfer)) == cycles


def test_a_schedule_after_a_stop_stages_only_what_has_not_arrived():
    rows, policy = [buffer(0, 20_000)], Policy(staging=8192)
    whole = fresh(rows, policy)
    resident, first = Resident(), of(whole, Transfer)[0]
    resident.begin(whole.plan)
    for step in whole.steps[: whole.steps.index(first) + 1]:
        resident.apply(step)
    again = make_plan(needs(*rows), DEVICE, resident.snapshot(), policy)
    rest = make_schedule(resident, again, packed(*rows))
    assert 0 < int(first.sizes.sum()) < 20_000
    assert rest.staged == 20_000 - int(first.sizes.sum())


@pytest.mark.parametrize("queue", [False, True], ids=["incomplete", "owned by the transfer queue"])
def test_only_complete_places_of_the_graphics_queue_are_moved(queue: bool):
    """A buffer whose transfer was stopped gets a usage that its place has not."""
    families = (*DEVICE.queue_families, QueueFamily(frozenset({QueueKind.TRANSFER})))
    device = replace(DEVICE, queue_families=families, _cache={}) if queue else DEVICE
    rows, keys, policy = [buffer(0, 20_000)], Keys(), Policy(staging=32_768 if queue else 8192)
    cache = np.random.default_rng(1).integers(0, 256, 20_000, dtype=np.uint8)
    simulated = SimulatedDevice({1: cache})
    plan = make_plan(needs(*rows, keys=keys), device, None, policy)
    whole = make_schedule(simulated.resident, plan, packed(*rows))
    simulated.run(whole, kinds(whole).index("Transfer") + 1)
    both = BufferUsage.VERTEX_BUFFER | BufferUsage.STORAGE_BUFFER
    wanted = needs(replace(rows[0], usage=both), keys=keys)
    again = make_plan(wanted, device, simulated.resident.snapshot(), policy)
    rest = make_schedule(simulated.resident, again, packed(*rows))
    assert not of(rest, Move)
    assert rest.staged == 20_000
    simulated.run(rest)
    assert np.array_equal(simulated.read(DB), cache)


@pytest.mark.parametrize("change", [{"size": 128}, {"content": 1}])
def test_an_asset_of_another_size_or_content_is_fetched_and_not_moved(change: dict[str, int]):
    plan, resident, keys = settled([buffer(0)])
    row = replace(buffer(0), **change)
    schedule = make_schedule(resident, make_plan(needs(row, keys=keys), DEVICE, plan), packed(row))
    assert not of(schedule, Move)
    assert (schedule.staged, schedule.moved) == (row.size, 0)


def test_a_replaced_place_stays_until_the_new_one_is_published_where_its_resource_stays():
    plan, resident, keys = settled([buffer(0), buffer(1)])
    rows = [buffer(0, content=1), buffer(1)]
    names = kinds(make_schedule(resident, make_plan(needs(*rows, keys=keys), DEVICE, plan), packed(*rows)))
    assert "Withdraw" not in names
    assert "Publish" in names


def test_staging_that_nothing_needs_withdraws_no_old_place():
    """The plan has staging for a buffer that the schedule moves, where the budget holds old and new alone."""
    both = BufferUsage.VERTEX_BUFFER | BufferUsage.STORAGE_BUFFER
    old = buffer(0, 1 << 20, dedicated=Dedicated.YES)
    plan, resident, keys = settled([old])
    total = 2 * int(plan.memory.allocations["size"].sum())
    (heap,) = {DEVICE.memory_types[int(a["memory_type"])].heap for a in plan.memory.allocations}
    row = replace(old, usage=both)
    new = make_plan(needs(row, keys=keys), DEVICE.with_budgets({heap: total}), plan)
    assert len(new.staging.allocations)
    names = kinds(make_schedule(resident, new, packed(row)))
    assert "Move" in names
    assert "Withdraw" not in names


@pytest.mark.parametrize(
    ("beyond", "early"), [(0, []), (1, [DB]), (2 << 20, [DB]), ((2 << 20) + 1, [DB, DB + 1])]
)
def test_the_largest_old_places_are_withdrawn_early_and_no_more_than_necessary(beyond: int, early: list[int]):
    both = BufferUsage.VERTEX_BUFFER | BufferUsage.STORAGE_BUFFER
    rows = [
        buffer(i, size << 20, dedicated=Dedicated.YES, contents=Contents.UNDEFINED)
        for i, size in enumerate((2, 1))
    ]
    plan, resident, keys = settled(rows)
    (heap,) = {DEVICE.memory_types[int(a["memory_type"])].heap for a in plan.memory.allocations}
    total = 2 * int(plan.memory.allocations["size"].sum())
    device = DEVICE.with_budgets({heap: total - beyond})
    new = make_plan(needs(*(replace(row, usage=both) for row in rows), keys=keys), device, plan)
    withdrawn = of(make_schedule(resident, new, packed()), Withdraw)
    assert sorted(key for step in withdrawn for key in step.keys.tolist()) == early


def test_zeros_are_not_written_again_after_a_stop():
    rows = [buffer(0, contents=Contents.ZERO)]
    whole, resident = fresh(rows), Resident()
    resident.begin(whole.plan)
    for step in whole.steps[: kinds(whole).index("Fill") + 1]:
        resident.apply(step)
    again = make_plan(needs(*rows), DEVICE, resident.snapshot())
    assert kinds(make_schedule(resident, again, packed())) == ["Publish"]


def test_what_leaves_one_resource_for_two_is_moved_in_two_steps():
    both = BufferUsage.VERTEX_BUFFER | BufferUsage.STORAGE_BUFFER
    plan, resident, keys = settled([buffer(0), buffer(1)])
    (old,) = plan.memory.resources["id"].tolist()
    rows = [replace(buffer(0), usage=both), replace(buffer(1), dedicated=Dedicated.YES)]
    new = make_plan(needs(*rows, keys=keys), DEVICE, plan)
    moves = of(make_schedule(resident, new, packed(*rows)), Move)
    assert {(move.from_resource, move.to_resource) for move in moves} == {
        (old, new.address(DB).resource),
        (old, new.address(DB + 1).resource),
    }
    assert sorted(move.keys.tolist() for move in moves) == [[DB], [DB + 1]]
