"""Matches by hand: objects of a plan that was made on its own get the ids of equal resident ones."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.cached_needs import DB, DEVICE, MIPS, buffer, needs, texture
from support.placed_needs import attachment
from support.placed_needs import needs as placed
from support.plans import filled

from engine.plan.model.memory_plan import ALLOCATION, RESOURCE, SUBRESOURCE, MemoryPlan
from engine.plan.placement.matching import _Matching, matched
from engine.plan.placement.planner import make_plan
from engine.plan.placement.planning_round import SLACK
from engine.plan.requirements.requirements import ImageShape
from engine.plan.requirements.shapes import tight_bytes
from engine.plan.terms.errors import PlanError
from engine.plan.terms.formats import Format
from engine.plan.terms.keys import Keys
from engine.plan.terms.table import Table
from engine.plan.terms.vocabulary import BufferUsage

SIZE = 100


def memory(*homes: list[int], first: int = 0, step: int = 1000) -> MemoryPlan:
    """Allocations of two buffers each, `step` bytes apart; `homes` has the keys of each buffer.

    Ids are counted from `first`.
    """
    rooms = [{"id": first + i, "size": 2000, "linear": 1} for i in range(len(homes) // 2)]
    buffers = [
        {"id": first + i, "allocation": first + i // 2, "offset": i % 2 * step, "size": 1000, "bytes": 1000}
        for i in range(len(homes))
    ]
    places = [
        {"key": key, "resource": first + i, "offset": key % 10 * SIZE, "size": SIZE, "footprint": SIZE}
        for i, keys in enumerate(homes)
        for key in keys
    ]
    places.sort(key=lambda row: row["key"])
    tables = (filled(ALLOCATION, rooms), filled(RESOURCE, buffers), filled(SUBRESOURCE, places))
    ends = first + len(homes) // 2, first + len(homes)
    return MemoryPlan(Table.of(tables[0], "id"), Table.of(tables[1], "id"), Table.of(tables[2], "key"), *ends)


def homes(plan: MemoryPlan) -> dict[int, int]:
    return dict(zip(plan.subresources["key"].tolist(), plan.subresources["resource"].tolist(), strict=True))


def test_an_allocation_with_equal_contents_keeps_ids_and_order():
    old, new = memory([1, 2], [3], first=5), memory([3], [1, 2])
    found = _Matching(old, new).run()
    assert homes(found) == {1: 5, 2: 5, 3: 6}
    assert found.resources["offset"].tolist() == [0, 1000]
    assert (found.next_allocation, found.next_resource) == (old.next_allocation, old.next_resource)


def test_a_buffer_gets_the_id_of_the_one_with_which_it_shares_most_bytes():
    old, new = memory([1], [], [2, 3], [], first=5), memory([1, 2, 3], [])
    found = _Matching(old, new).run()
    assert homes(found) == dict.fromkeys((1, 2, 3), 7)
    assert found.allocations["id"].tolist() == [6]


def test_of_equal_shares_the_lower_resident_id_stays():
    old, new = memory([2], [], [1], [], first=5), memory([1, 2], [])
    found = _Matching(old, new).run()
    assert homes(found) == {1: 5, 2: 5}
    assert found.resources["id"].tolist() == [5, 9]


def test_of_buffers_that_share_memory_only_one_gets_the_id_of_a_resident_one():
    old, new = memory([1, 2], [], first=5, step=0), memory([1], [2], step=0)
    found = _Matching(old, new).run()
    assert homes(found) == {1: 5, 2: 7}
    assert found.resources["id"].tolist() == [5, 7]


def test_only_keys_that_are_not_at_their_place_are_staged():
    keys = Keys()
    rows = [buffer(0, 500_000), buffer(1, 300_000)]
    resident, again = (make_plan(needs(*rows, keys=keys), DEVICE) for _ in range(2))
    assert not len(matched(again, resident).staging.resources)
    more = matched(make_plan(needs(*rows, texture(2), keys=keys), DEVICE), resident)
    assert tight_bytes(MIPS) <= int(more.staging.resources["bytes"].sum()) < 100_000
    assert (more.address(DB), more.address(DB + 1)) == (resident.address(DB), resident.address(DB + 1))


def with_field(plan: MemoryPlan, table: str, name: str, row: int, value: int) -> MemoryPlan:
    """The plan with another value in one row."""
    held = getattr(plan, table)
    rows = held.array.copy()
    rows[name][row] = value
    return replace(plan, **{table: Table.of(rows, "id" if "id" in rows.dtype.names else "key")})


@pytest.mark.parametrize("name", [name for name in ALLOCATION.names if name != "id"])
def test_an_allocation_that_differs_in_a_property_is_another_with_other_resources(name: str):
    old = memory([1, 2], [3], [4], [5, 6], first=5)
    new = with_field(
        memory([1, 2], [3], [4], [5, 6]), "allocation_table", name, 0, 3 if name != "linear" else 0
    )
    found = _Matching(old, new).run()
    assert found.allocations["id"].tolist() == [6, 7]
    assert homes(found) == {1: 9, 2: 9, 3: 10, 4: 7, 5: 8, 6: 8}


@pytest.mark.parametrize(
    "name", [name for name in RESOURCE.names if name not in ("id", "allocation", "offset", "aliased")]
)
def test_a_resource_that_differs_in_a_property_is_another_in_the_same_allocation(name: str):
    old = memory([1, 2], [3], first=5)
    new = with_field(
        memory([1, 2], [3]), "resource_table", name, 0, 1 if name in ("kind", "estimated") else 3
    )
    found = _Matching(old, new).run()
    assert found.allocations["id"].tolist() == [5]
    assert homes(found) == {1: 7, 2: 7, 3: 6}


def test_an_image_stays_the_same_where_another_joins_it_or_leaves_it():
    shape = ImageShape(Format.D32_SFLOAT, 256, 256)
    large, small = (
        attachment(1, shape, lifetime=(0, 1)),
        attachment(2, replace(shape, width=128), lifetime=(2, 3)),
    )
    keys = Keys()
    alone, both = (make_plan(placed(*rows, keys=keys), DEVICE) for rows in ([large], [large, small]))
    joined = matched(both, alone)
    assert joined.address(1) == alone.address(1)
    assert joined.memory.resources["aliased"].all()
    again = matched(alone, joined)
    assert again.address(1) == alone.address(1)
    assert not again.memory.resources["aliased"].any()


def test_a_resource_elsewhere_in_an_equal_allocation_stays_where_it_was():
    old, new = memory([1, 2], [3], first=5), memory([1, 2], [3], step=500)
    found = _Matching(old, new).run()
    assert homes(found) == {1: 5, 2: 5, 3: 6}
    assert found.resources["offset"].tolist() == [0, 1000]


@pytest.mark.parametrize(
    ("name", "stays"),
    [("size", False), ("content", False), ("stride", True), ("terms", True)],
)
def test_a_resource_stays_where_a_key_has_the_same_bytes_at_the_same_place(name: str, stays: bool):
    old, new = memory([1], [], first=5), with_field(memory([1], []), "subresource_table", name, 0, 7)
    found = _Matching(old, new).run()
    assert homes(found) == {1: 5 if stays else 7}
    assert found.subresources[name].tolist() == [7]


def test_equal_allocations_are_matched_one_to_one():
    old, new = memory([], [], [], [], first=5), memory([], [], [], [], [], [])
    found = _Matching(old, new).run()
    assert found.allocations["id"].tolist() == [5, 6, 7]
    assert found.resources["id"].tolist() == [5, 6, 7, 8, 9, 10]
    assert (found.next_allocation, found.next_resource) == (8, 11)


def test_a_resource_that_is_matched_takes_no_other_of_its_allocation_along():
    """Keys 1 and 2 share buffer 5 of one allocation, and are in two allocations of the new plan."""
    old, new = memory([1, 2], [], first=5), memory([1], [], [2], [])
    found = _Matching(old, new).run()
    assert homes(found) == {1: 5, 2: 8}
    assert found.allocations["id"].tolist() == [5, 6]


def test_an_allocation_is_matched_with_one_other_even_if_it_shares_keys_with_two():
    apart, together = ([1], [], [], [2]), ([1], [2])
    found = _Matching(memory(*together, first=5), memory(*apart)).run()
    assert found.allocations["id"].tolist() == [5, 6]
    assert homes(found) == {1: 5, 2: 9}
    found = _Matching(memory(*apart, first=5), memory(*together)).run()
    assert found.allocations["id"].tolist() == [5]
    assert homes(found) == {1: 5, 2: 9}


@pytest.mark.parametrize(("room", "fits"), [(3, True), (2, False)])
def test_staging_beside_a_matched_plan_is_enough_for_the_most_padded_buffer(room: int, fits: bool):
    """A buffer of three times 8192 bytes and one more takes a fourth, so 8191 bytes and the ends of a run."""
    keys, uniform = Keys(), {"usage": BufferUsage.UNIFORM_BUFFER, "alignment": 8192}
    plan = make_plan(needs(buffer(0, 102_400), buffer(1, 3 * 8192 + 1, **uniform), keys=keys), DEVICE)
    size = int(plan.memory.allocations["size"].sum())
    tight = replace(plan, profile=DEVICE.with_budgets({0: size + room * 4096}))
    resident = make_plan(needs(keys=keys), DEVICE)
    if fits:
        assert matched(tight, resident).staging.resources["bytes"].tolist() == [room * 4096]
    else:
        with pytest.raises(PlanError, match=r"heap 0 cannot hold the plan and staging .* of 2 assets"):
            matched(tight, resident)


@pytest.mark.parametrize(("size", "staged"), [(4096 - SLACK, 8192), (4096 - SLACK + 1, 12_288)])
def test_staging_has_room_for_what_is_fetched_and_the_ends_of_its_runs(size: int, staged: int):
    keys = Keys()
    plan, resident = make_plan(needs(buffer(0, size), keys=keys), DEVICE), make_plan(needs(keys=keys), DEVICE)
    assert plan.staging.resources["bytes"].tolist() == [staged]
    assert matched(plan, resident).staging.resources["bytes"].tolist() == [staged]
