"""Compaction against exhaustive search, and against the schedule that carries it out."""

from __future__ import annotations

import numpy as np
import pytest
from support.random_scenes import SMALL, World, needs
from support.sparse_plans import DEVICE, POLICY, fewest_bytes, full_and_sparse, sparse_plan

from engine.plan.model.plan import Plan
from engine.plan.placement import compaction
from engine.plan.placement.compaction import Page, _candidates, compact
from engine.plan.placement.planner import make_plan
from engine.plan.requirements.coalesce import coalesce
from engine.plan.requirements.requirements import Requirement, RequirementTable
from engine.plan.requirements.sources import Sources
from engine.plan.resident.resident import Resident
from engine.plan.resident.steps import Free, Move, Transfer
from engine.plan.schedule.schedule import make_schedule
from engine.plan.schedule.simulation import SimulatedDevice
from engine.plan.terms.errors import PlanError
from engine.plan.terms.keys import asset_key
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import BufferUsage, Contents, Kind
from engine.plan.text.validate import validate


@pytest.mark.parametrize("seed", range(25))
def test_the_most_gain_is_reached_with_nearly_the_fewest_moved_bytes(seed):
    plan = sparse_plan(np.random.default_rng(seed))
    found = compact(plan)
    gain, moved = fewest_bytes(plan)
    assert found.gain == gain
    assert found.moved <= 1.1 * moved


def test_gain_and_moves_are_those_of_the_schedule():
    checked = 0
    for seed in range(24):
        full, plan = full_and_sparse(np.random.default_rng(seed))
        found = compact(plan)
        assert validate(found.plan) == []
        assert plan.planned_bytes - found.plan.planned_bytes == found.gain
        cache = np.arange(1 << 16, dtype=np.uint32).view(np.uint8)
        sources = _sources(full.memory.subresources["key"], full.memory.subresources["size"])
        device = SimulatedDevice({1: cache})
        device.run(make_schedule(device.resident, full, sources))
        device.run(make_schedule(device.resident, plan, sources))
        steps = make_schedule(device.resident, found.plan, sources)
        assert not [s for s in steps.steps if isinstance(s, Transfer)]
        moves = [s for s in steps.steps if isinstance(s, Move)]
        assert sum(int(s.sizes.sum()) for s in moves) == found.moved
        assert sum(len(s.keys) for s in moves) == found.moves
        assert len([s for s in steps.steps if isinstance(s, Free)]) == len(plan.memory.resources) - len(
            found.plan.memory.resources
        )
        device.run(steps)
        assert device.resident.settled()
        for key in plan.memory.subresources["key"].tolist():
            row = int(np.searchsorted(sources.key, key))
            start, end = int(sources.offset[row]), int(sources.offset[row] + sources.size[row])
            assert np.array_equal(device.read(key), cache[start:end])
        checked += bool(found.gain)
    assert checked > 6


def _sources(keys: np.ndarray, size: np.ndarray) -> Sources:
    return Sources.of(keys, 1, np.cumsum(size) - size, size)


def test_bounds_on_bytes_and_moves_are_kept():
    for seed in range(12):
        plan = sparse_plan(np.random.default_rng(seed))
        free = compact(plan)
        if not free.gain:
            continue
        assert compact(plan, max_bytes=free.moved - 1).moved < free.moved
        assert compact(plan, max_moves=free.moves - 1).moves < free.moves
        assert compact(plan, max_moves=0).plan is plan


def pages_of_four(contents: Contents) -> tuple[Plan, Plan]:
    """Plans of two full pages with four buffers each, and of the same pages with one buffer each."""
    table = RequirementTable()
    requesters = [table.requesters.add("visibleModel", f"object{i}") for i in range(8)]
    for i, requester in enumerate(requesters):
        usage = BufferUsage.INDEX_BUFFER
        table.add(Requirement(asset_key(1, i), Kind.BUFFER, 240, usage=usage, contents=contents), requester)
    full = make_plan(coalesce(table), DEVICE, None, POLICY)
    assert len(full.memory.resources) == 2
    table.remove(requesters[:3] + requesters[5:])
    return full, make_plan(coalesce(table), DEVICE, full, POLICY)


def test_moves_and_bytes_in_one_pool_count_in_the_next():
    """Two pools of two pages each: in both of them one buffer of 240 bytes must move for a page to go."""
    table, requesters = RequirementTable(), []
    for i in range(16):
        usage = BufferUsage.INDEX_BUFFER | (BufferUsage.SHADER_DEVICE_ADDRESS if i >= 8 else 0)
        row = Requirement(asset_key(1, i), Kind.BUFFER, 240, usage=usage, contents=Contents.CACHE)
        requesters.append(table.requesters.add("visibleModel", f"object{i}"))
        table.add(row, requesters[-1])
    full = make_plan(coalesce(table), DEVICE, None, POLICY)
    table.remove([row for i, row in enumerate(requesters) if i % 8 not in (3, 4)])
    plan = make_plan(coalesce(table), DEVICE, full, POLICY)
    assert len(plan.memory.resources) == 4
    free, half = compact(plan), compact(plan, max_moves=1)
    assert (free.moves, free.moved) == (2, 480)
    assert (half.moves, half.gain) == (1, free.gain // 2)
    assert compact(plan, max_bytes=479).moves == 1
    assert compact(plan, max_bytes=480, max_moves=2).moves == 2


def test_a_smaller_page_is_emptied_where_the_keys_of_a_larger_do_not_fit():
    """Of two pages with many keys the keys of the larger do not fit into the smaller."""
    rng, count = np.random.default_rng(1), 3000
    table = RequirementTable()
    usage, contents = BufferUsage.VERTEX_BUFFER, Contents.CACHE
    terms = Requirement(0, Kind.BUFFER, alignment=16, usage=usage, contents=contents).terms()
    requesters = np.array([table.requesters.add("visibleModel", f"object{i}") for i in range(count)])
    table.add_rows(terms, key=np.arange(count), size=rng.integers(16, 8192, count), requester=requesters)
    policy = Policy(block=8 << 20)
    full = make_plan(coalesce(table), DEVICE, None, policy)
    table.remove(requesters[rng.permutation(count)[: count * 6 // 10]].tolist())
    plan = make_plan(coalesce(table), DEVICE, full, policy)
    large, small = sorted(plan.memory.resources, key=lambda row: -int(row["bytes"]))
    assert small["bytes"] < large["bytes"]
    found = compact(plan)
    assert found.plan.memory.resources["id"].tolist() == [large["id"]]
    assert found.moves > 300
    assert validate(found.plan) == []


def test_a_page_that_exceeds_the_bounds_does_not_stop_the_others():
    """One of fourteen pages, the cheapest of all, holds 400 keys, each of the others three."""
    table, policy = RequirementTable(), Policy(block=64 << 10, own=32 << 10)
    usage, contents = BufferUsage.VERTEX_BUFFER, Contents.CACHE
    terms = Requirement(0, Kind.BUFFER, alignment=16, usage=usage, contents=contents).terms()
    plan, requesters = None, np.arange(4096 + 16 * 13)
    for keys, size in ((requesters[:4096], 16), (requesters[4096:], 4096)):
        ids = np.array([table.requesters.add("visibleModel", f"object{key}") for key in keys])
        table.add_rows(terms, key=keys, size=size, requester=ids)
        plan = make_plan(coalesce(table), DEVICE, plan, policy)
    places = plan.memory.subresources
    large = [places["key"][places["resource"] == page].astype(int) for page in np.unique(places["resource"])]
    keep = np.concatenate([np.arange(400), *(page[:3] for page in large if page[0] >= 4096)])
    table.remove(np.setdiff1d(requesters, keep).tolist())
    plan = make_plan(coalesce(table), DEVICE, plan, policy)
    assert len(plan.memory.resources) == 14
    everything = compact(plan)
    assert everything.moves > 400
    assert compact(plan, max_moves=300).gain == everything.gain == 11 * (64 << 10)
    assert compact(plan, max_moves=20).gain == 6 * (64 << 10)


def test_each_pool_has_a_search_budget_of_its_own(monkeypatch):
    _, plan = pages_of_four(Contents.CACHE)
    (pool,) = compaction._pools(plan)
    left = []

    def hopeless(items, holes, budget):
        left.append(budget.left)
        budget.left = 0

    monkeypatch.setattr(compaction, "fit", hopeless)
    monkeypatch.setattr(compaction, "_pools", lambda plan: [pool, pool])
    assert compact(plan).plan is plan
    assert left == [compaction._SEARCH_BUDGET // 2] * 2


def test_contents_that_are_in_no_cache_are_not_moved():
    assert compact(pages_of_four(Contents.CACHE)[1]).gain > 0
    for contents in (Contents.UNDEFINED, Contents.ZERO):
        _, plan = pages_of_four(contents)
        assert compact(plan).plan is plan


def test_an_unsettled_plan_is_not_compacted():
    plan, _ = pages_of_four(Contents.CACHE)
    sources = _sources(plan.memory.subresources["key"], plan.memory.subresources["size"])
    resident = Resident()
    resident.begin(plan)
    for step in make_schedule(resident, plan, sources).steps[:4]:
        resident.apply(step)
    with pytest.raises(PlanError, match="a schedule is in progress"):
        compact(resident.snapshot())


def test_a_full_plan_cannot_be_compacted():
    rng = np.random.default_rng(2)
    plan = make_plan(needs(rng, World.make(rng, 30), 1.0, 0), DEVICE, None, SMALL)
    found = compact(plan)
    assert (found.gain, found.moves) == (0, 0)
    assert found.plan is plan


def sparse_page(resource: int, gain: int, moved: int) -> Page:
    nothing = np.zeros(0, np.int64)
    return Page(resource, gain, 0, nothing.astype(np.intp), moved, moved, nothing.reshape(0, 2))


@pytest.mark.parametrize(
    ("count", "sizes"),
    [
        (1, [1]),
        (2, [2, 1]),
        (9, [9, 8, 7, 6, 5, 4, 3, 2, 1]),
        (20, [20, 18, 16, 14, *range(13, 0, -1)]),
        (40, [40, 35, 31, 28, 25, 22, 20, 18, 16, 14, *range(13, 0, -1)]),
    ],
)
def test_of_many_pages_ever_fewer_are_emptied_the_cheapest_longest_and_then_each_alone(
    count: int, sizes: list[int]
):
    pages = [sparse_page(100 - i, 10, 5 * i) for i in range(count)]
    found = list(_candidates(pages[::-1], 11))
    assert found[: len(sizes)] == [tuple(pages[:size]) for size in sizes]
    assert found[len(sizes) :] == [(page,) for page in pages[1:]]


def test_of_pages_that_cost_as_much_the_first_comes_first():
    pages = [sparse_page(7, 10, 20), sparse_page(3, 20, 40), sparse_page(5, 30, 30)]
    assert next(iter(_candidates(pages, 11))) == (pages[2], pages[1], pages[0])


def test_of_few_pages_all_sets_are_tried_those_of_most_gain_and_fewest_bytes_first():
    one, two, large = sparse_page(1, 10, 5), sparse_page(2, 10, 4), sparse_page(3, 20, 50)
    assert list(_candidates([one, two, large], 10)) == [
        (one, two, large),
        (two, large),
        (one, large),
        (one, two),
        (large,),
        (two,),
        (one,),
    ]
