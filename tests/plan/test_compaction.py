"""Compaction against exhaustive search, and against the schedule that carries it out."""

from __future__ import annotations

from itertools import chain, combinations

import numpy as np
import pytest
from support.random_scenes import SMALL, World, needs, profile

from engine.plan.coalesce import coalesce
from engine.plan.compaction import Item, Page, compact, fit
from engine.plan.keys import asset_key
from engine.plan.plan import Plan
from engine.plan.planner import make_plan
from engine.plan.policy import Policy
from engine.plan.requirements import Requirement, RequirementTable
from engine.plan.schedule import make_schedule
from engine.plan.simulation import SimulatedDevice
from engine.plan.sources import Sources
from engine.plan.steps import Free, Move, Transfer
from engine.plan.validate import validate
from engine.plan.vocabulary import BufferUsage, Contents, Kind

DEVICE = profile("unified")
POLICY = Policy(block=1024, own=256)


def sparse_plan(rng: np.random.Generator, count: int = 10) -> Plan:
    """At most `count` buffers left over in pages of a KiB that once were full."""
    return full_and_sparse(rng, count)[1]


def full_and_sparse(rng: np.random.Generator, count: int = 10) -> tuple[Plan, Plan]:
    table = RequirementTable()
    sizes = rng.integers(4, 40, 60) * 16
    askers = [table.askers.add("visibleModel", f"object{i}") for i in range(60)]
    for i, asker in enumerate(askers):
        usage, contents = BufferUsage.VERTEX_BUFFER, Contents.CACHE
        row = Requirement(asset_key(1, i), Kind.BUFFER, int(sizes[i]), 16, usage=usage, contents=contents)
        table.add(row, asker)
    full = make_plan(coalesce(table), DEVICE, None, POLICY)
    pages = int(rng.integers(2, 6))
    first = full.memory.subresources["resource"] < pages
    keep = full.memory.subresources["key"][first]
    keep = set(rng.choice(keep, min(int(rng.integers(2, count + 1)), len(keep)), replace=False).tolist())
    table.remove([a for i, a in enumerate(askers) if asset_key(1, i) not in keep])
    return full, make_plan(coalesce(table), DEVICE, full, POLICY)


def fewest_bytes(plan: Plan) -> tuple[int, int]:
    """(most bytes that can return, fewest bytes moved for that), by trying everything."""
    places, resources = plan.memory.subresources, plan.memory.resources
    ids = resources["id"].tolist()
    gain = {int(r["id"]): int(plan.memory.allocation(int(r["allocation"]))["size"]) for r in resources}
    best = (0, 0)
    for emptied in chain.from_iterable(combinations(ids, n) for n in range(1, len(ids))):
        out = places[np.isin(places["resource"], emptied)]
        free = {
            r: np.ones(int(plan.memory.resource(r)["bytes"]) // 16, bool) for r in ids if r not in emptied
        }
        for place in places[~np.isin(places["resource"], emptied)]:
            start = int(place["offset"]) // 16
            free[int(place["resource"])][start : start + int(place["footprint"]) // 16] = False
        if fits_somehow(sorted((int(f) // 16 for f in out["footprint"]), reverse=True), free):
            best = max(best, (sum(gain[r] for r in emptied), -int(out["size"].sum())))
    return best[0], -best[1]


def fits_somehow(cells: list[int], free: dict[int, np.ndarray]) -> bool:
    if not cells:
        return True
    for page in free.values():
        for start in range(len(page) - cells[0] + 1):
            if page[start : start + cells[0]].all() and (start == 0 or not page[start - 1]):
                page[start : start + cells[0]] = False
                if fits_somehow(cells[1:], free):
                    return True
                page[start : start + cells[0]] = True
    return False


@pytest.mark.parametrize("seed", range(25))
def test_it_moves_hardly_more_than_the_fewest_bytes_for_the_most_gain(seed):
    plan = sparse_plan(np.random.default_rng(seed))
    found = compact(plan)
    gain, moved = fewest_bytes(plan)
    assert found.gain == gain
    assert found.moved <= 1.1 * moved


def test_what_it_says_is_what_happens():
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


def test_bounds_are_kept():
    for seed in range(12):
        plan = sparse_plan(np.random.default_rng(seed))
        free = compact(plan)
        if not free.gain:
            continue
        assert compact(plan, max_bytes=free.moved - 1).moved < free.moved
        assert compact(plan, max_moves=free.moves - 1).moves < free.moves
        assert compact(plan, max_moves=0).plan is plan


def test_a_full_plan_has_nothing_to_gain():
    rng = np.random.default_rng(2)
    plan = make_plan(needs(rng, World.make(rng, 30), 1.0, 0), DEVICE, None, SMALL)
    found = compact(plan)
    assert (found.gain, found.moves) == (0, 0)
    assert found.plan is plan


def test_many_items_are_placed_without_going_back():
    items = [Item(i, 16, 16, 0, 16) for i in range(100)]
    pages = [Page(7, 1, 0, (), ((8, 1640),)), Page(8, 1, 0, (), ((0, 16),))]
    found = fit(items, pages)
    assert found is not None
    assert len(set(found.values())) == 100
    assert all(offset % 16 == 0 for _, offset in found.values())
    assert fit([*items, Item(100, 64, 16, 0, 64)], pages) is None
