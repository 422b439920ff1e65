"""Every byte of every allocation belongs to one tile, which says what the byte is."""

from __future__ import annotations

import numpy as np
import pytest
from support.memory_maps import aliased_plan, random_plan
from support.sparse_pages import sparse_page

from engine.plan.model.plan import Plan
from viewer.panels.memory.map.places import NO_PLACE, Places, leaving_allocations
from viewer.panels.memory.map.tiles import Tiles, TileState


def tiles_of(plan: Plan) -> Tiles:
    return Tiles.of(Places.of(plan), plan.waiting)


@pytest.mark.parametrize("seed", range(6))
def test_tiles_cover_all_planned_bytes_once(seed: int) -> None:
    plan = random_plan(seed)
    tiles = tiles_of(plan)
    assert tiles.starts[0] == 0
    assert tiles.starts[-1] == plan.planned_bytes + plan.staging.planned_bytes
    assert (tiles.sizes > 0).all()
    assert np.isin(tiles.places.bases, tiles.starts).all()  # none reaches into the next allocation


@pytest.mark.parametrize("seed", range(6))
def test_each_key_has_exactly_its_bytes(seed: int) -> None:
    plan = random_plan(seed)
    tiles = tiles_of(plan)
    begin, used, _ = tiles.places.ranges
    alone = ~tiles.places.resources["aliased"][tiles.places.resource_of]
    of_key = tiles.states == TileState.USED
    found = np.bincount(tiles.place[of_key], tiles.sizes[of_key], len(begin))
    assert (found == used - begin)[alone].all()
    for place in np.flatnonzero(alone)[:20].tolist():
        middle = int(begin[place] + used[place]) // 2
        tile = tiles.find(middle)
        assert tile is not None
        assert tiles.owners(tile).tolist() == [place]


@pytest.mark.parametrize("seed", range(4))
def test_free_bytes_and_waste_are_those_of_the_plan(seed: int) -> None:
    plan = random_plan(seed)
    tiles = tiles_of(plan)
    belongs = np.isin(tiles.states, [TileState.USED, TileState.ALIASED])
    padded = (tiles.states == TileState.PADDING) & (tiles.place != NO_PLACE)
    places = tiles.places
    staged = np.isin(tiles.place, np.arange(places.planned_count, len(places)))
    # Aliased bytes count once in tiles, and once for each key in the plan's sum.
    begin, _, reserved = places.ranges
    shared = places.resources["aliased"][places.resource_of]
    twice = int((reserved - begin)[shared].sum())
    covered = int((tiles.aliased.cuts[:, 1] - tiles.aliased.cuts[:, 0]).sum())
    filled = int(tiles.sizes[(belongs | padded) & ~staged].sum()) + twice - covered
    assert abs(filled - float(plan.filled().sum())) <= len(places)  # layers round down to bytes


def test_aliased_bytes_name_all_their_owners() -> None:
    plan = aliased_plan()
    tiles = tiles_of(plan)
    shared = np.flatnonzero(tiles.states == TileState.ALIASED)
    assert int(tiles.sizes[shared].sum()) == 256 * 256 * 4
    keys = tiles.places.subresources["key"]
    names = {plan.requirements.keys.name(int(keys[place])) for place in tiles.owners(int(shared[0]))}
    assert names == {"first", "second"}


def test_the_free_rest_of_a_waiting_page_waits() -> None:
    plan = sparse_page()
    sums = tiles_of(plan).state_bytes
    assert sums[TileState.WAITING] == plan.waste_bytes > 0
    assert Tiles.of(Places.of(plan)).state_bytes[TileState.FREE_IN_PAGE] == plan.waste_bytes


def test_allocations_that_no_plan_has_are_about_to_be_freed() -> None:
    plan, before = random_plan(1), random_plan(2)
    resident = {int(row["id"]) + 10_000: row.copy() for row in before.memory.allocations}
    for ident, row in resident.items():
        row["id"] = ident
    kept = {int(row["id"]): row for row in plan.memory.allocations}
    leaving = leaving_allocations(plan, {**resident, **kept})
    assert set(leaving["id"].tolist()) == set(resident)
    tiles = Tiles.of(Places.of(plan, leaving))
    assert tiles.state_bytes[TileState.LEAVING] == before.planned_bytes
    assert tiles.starts[-1] == plan.planned_bytes + plan.staging.planned_bytes + before.planned_bytes
