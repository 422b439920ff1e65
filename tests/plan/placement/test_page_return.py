"""Claims about pages that are mostly free: they wait, are returned within bounds, and do not move twice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from support.random_scenes import profile
from support.sampling import Sample

from engine.plan.model.plan import Plan
from engine.plan.placement.compaction import compact
from engine.plan.placement.page_return import PageReturn, return_pages
from engine.plan.placement.planner import make_plan
from engine.plan.placement.planning_round import Keep
from engine.plan.requirements.coalesce import Coalesced, coalesce
from engine.plan.requirements.requirements import ImageShape, Requirement, RequirementTable
from engine.plan.requirements.shapes import tight_bytes
from engine.plan.requirements.sources import Sources
from engine.plan.resident.resident import Resident
from engine.plan.resident.steps import Free, Move
from engine.plan.schedule.schedule import make_schedule
from engine.plan.terms.errors import PlanError
from engine.plan.terms.formats import Format
from engine.plan.terms.keys import asset_key
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import BufferUsage, Contents, ImageUsage, Kind, MemoryProperty
from engine.plan.text.validate import stays_bound, validate

DEVICE = profile("nvidia-h200")
SHAPE = ImageShape(Format.R8G8B8A8_SRGB, 256, 256, 9)
LAYER = tight_bytes(SHAPE)
NO_SOURCES = Sources.of(*np.zeros((4, 0), np.int64))


class Assets:
    """`count` textures of one shape, or buffers of 340 KiB each; `needs` are those of the active ones."""

    def __init__(self, count: int, kind: Kind = Kind.IMAGE, contents: Contents = Contents.CACHE) -> None:
        self.count = count
        self.rows = []
        for index in range(count):
            common = {"key": asset_key(1, index), "kind": kind, "contents": contents}
            common["properties"] = MemoryProperty.DEVICE_LOCAL
            if kind is Kind.IMAGE:
                self.rows.append(Requirement(shape=SHAPE, usage=ImageUsage.SAMPLED, **common))
            else:
                usage = BufferUsage.VERTEX_BUFFER
                self.rows.append(Requirement(size=340 << 10, alignment=16, usage=usage, **common))

    def needs(self, active: Iterable[int]) -> Coalesced:
        table = RequirementTable()
        for index in active:
            table.add(self.rows[index], table.requesters.add("visibleModel", f"object{index}"))
        return coalesce(table)

    def plan(
        self, active: Iterable[int], resident: Plan | None = None, policy: Policy | None = None, device=DEVICE
    ) -> Plan:
        made = make_plan(self.needs(active), device, resident, policy or Policy())
        assert validate(made) == []
        return made


def returned(plan: Plan) -> tuple[Plan, list[int]]:
    """The plan once nothing waits, and the bytes that each cycle on the way there moves."""
    moved = []
    while (smaller := return_pages(plan)) is not None:
        assert validate(smaller) == []
        assert list(stays_bound(plan, smaller)) == []
        schedule = make_schedule(Resident.settled_at(plan), smaller, NO_SOURCES)
        assert schedule.staged == 0
        moved.append(schedule.moved)
        plan = smaller
    assert plan.waiting == ()
    return plan, moved


@pytest.mark.parametrize("kind", [Kind.IMAGE, Kind.BUFFER])
@pytest.mark.parametrize("left", [[57], [3, 4, 90], list(range(0, 100, 3))])
def test_what_is_left_of_a_page_takes_no_more_than_in_a_fresh_plan(kind: Kind, left: list[int]):
    assets = Assets(100, kind)
    sparse = assets.plan(left, assets.plan(range(100)))
    fresh = assets.plan(left)
    assert sparse.planned_bytes == assets.plan(range(100)).planned_bytes
    assert sparse.waiting_bytes == sparse.planned_bytes - fresh.planned_bytes
    smaller, moved = returned(sparse)
    assert smaller.planned_bytes <= 1.2 * fresh.planned_bytes
    assert sum(moved) <= int(sparse.memory.subresources["size"].sum())


def test_the_old_page_is_freed_after_its_keys_have_moved():
    assets = Assets(100)
    sparse = assets.plan([7], assets.plan(range(100)))
    steps = make_schedule(Resident.settled_at(sparse), return_pages(sparse), NO_SOURCES).steps
    names = [type(step).__name__ for step in steps]
    assert names == ["CreateImage", "Allocate", "Bind", "Move", "Publish", "Destroy", "Free"]


def test_a_return_needs_no_staging():
    assets = Assets(100)
    plan = assets.plan([7, 99], assets.plan(range(99)))
    assert len(plan.staging.allocations) == 1
    assert len(return_pages(plan).staging.allocations) == 0


def test_what_was_switched_off_comes_back_beside_what_has_moved():
    assets = Assets(100)
    sparse, _ = returned(assets.plan([7], assets.plan(range(100))))
    full = assets.plan(range(100), sparse)
    assert full.address(asset_key(1, 7)) == sparse.address(asset_key(1, 7))
    assert full.planned_bytes <= 1.05 * assets.plan(range(100)).planned_bytes
    assert returned(full)[1] == []


@pytest.mark.parametrize("kind", [Kind.IMAGE, Kind.BUFFER])
@pytest.mark.parametrize("count", [2, 3, 5, 8, 33, 64, 400])
def test_one_asset_switched_off_and_on_moves_pages_at_most_once(sample: Sample, kind: Kind, count: int):
    """Even if all pages are returned after every switch."""
    shares = [0.1, 0.4, 0.5, 0.51, 0.9, 1.0]
    for number in sample.of(range(len(shares)), 2):
        assert moves(Assets(count, kind), count, shares[number]) <= 1


def moves(assets: Assets, count: int, share: float) -> int:
    """How often pages move while one of the active assets is switched off and on."""
    active = list(range(0, count, max(1, round(1 / share)))) if share <= 0.5 else range(int(count * share))
    plan, _ = returned(assets.plan(active, assets.plan(range(count))))
    times = 0
    for turn in range(6):
        plan, moved = returned(assets.plan(list(active)[turn % 2 :], plan))
        times += bool(moved)
    return times


def test_a_page_waits_only_once_most_of_it_is_free():
    assets = Assets(100)
    full = assets.plan(range(100))
    assert assets.plan(range(50), full).waiting == ()
    (page,) = assets.plan(range(49), full).waiting
    assert (page.used, page.capacity, page.moved) == (49, 100, 49 * LAYER)
    assert page.reason == "49 of 100 layers in use"


def test_room_for_additions_does_not_wait():
    """A page added to one of 400 layers has twelve layers, of which one is used."""
    assets = Assets(401)
    plan = assets.plan(range(401), assets.plan(range(400)))
    assert plan.memory.resources["layers"].tolist() == [400, 12]
    assert plan.waiting == ()


def test_contents_that_are_in_no_cache_do_not_wait():
    assets = Assets(100, Kind.BUFFER, Contents.ZERO)
    for index, row in enumerate(assets.rows):
        assets.rows[index] = replace(row, size=1000)
    assert assets.plan([7], assets.plan(range(100))).waiting == ()


def test_pages_stay_where_assets_cannot_be_moved():
    assets, policy = Assets(100), Policy(movable=False)
    sparse = assets.plan([7], assets.plan(range(100), None, policy), policy)
    assert sparse.waiting == ()
    assert return_pages(sparse) is None


def test_a_cycle_moves_no_more_bytes_and_keys_than_the_policy_allows():
    assets = Assets(100)
    for policy, bound in (
        (Policy(return_bytes=10 * LAYER), 10 * LAYER),
        (Policy(return_bytes=10 * LAYER + LAYER // 2), 10 * LAYER),
        (Policy(return_keys=7), 7 * LAYER),
        (Policy(return_bytes=1), LAYER),
    ):
        sparse = assets.plan(range(40), assets.plan(range(100), None, policy), policy)
        smaller, moved = returned(sparse)
        assert max(moved) == bound
        assert sum(moved) == 40 * LAYER
        assert smaller.planned_bytes <= 1.2 * assets.plan(range(40)).planned_bytes


def test_after_a_cycle_free_places_are_those_of_the_plan():
    """The stored packing serves the free places of the rest of a page as one that is made from the plan."""
    assets, policy = Assets(100), Policy(return_bytes=10 * LAYER)
    smaller = return_pages(assets.plan(range(40), assets.plan(range(100), None, policy), policy))
    again = assets.plan(range(60), replace(smaller, _packing=[]), policy)
    plan = assets.plan(range(60), smaller, policy)
    assert np.array_equal(plan.memory.subresources, again.memory.subresources)
    assert len(plan.memory.resources) == 2


@pytest.mark.parametrize(
    "bounds",
    [{"return_bytes": 7 * LAYER}, {"return_bytes": 6 * LAYER}, {"return_keys": 7}, {"return_keys": 6}],
)
def test_of_several_pages_those_that_free_the_most_for_each_moved_byte_come_first(bounds: dict[str, int]):
    assets, policy = Assets(60), Policy(block=20 * 351232, **bounds)
    full = assets.plan(range(60), None, policy)
    assert full.memory.resources["layers"].tolist() == [20, 20, 20]
    sparse = assets.plan([*range(4), *range(20, 25), *range(40, 42)], full, policy)
    first, second, third = full.memory.resources["id"].tolist()
    assert [page.resource for page in sparse.waiting] == [third, first, second]
    smaller = return_pages(sparse)
    assert [page.resource for page in smaller.waiting] == [second]
    assert returned(sparse)[1] == [6 * LAYER, 5 * LAYER]


def test_keys_move_into_free_places_of_fuller_pages_first():
    assets, policy = Assets(40), Policy(block=20 * 351232)
    sparse = assets.plan([*range(15), 20, 21], assets.plan(range(40), None, policy), policy)
    smaller, moved = returned(sparse)
    assert moved == [2 * LAYER]
    assert len(smaller.memory.resources) == 1


def test_under_pressure_the_plan_that_needs_the_memory_returns_pages_at_once():
    assets = Assets(100)
    sparse = assets.plan([7], assets.plan(range(100)))
    tight = DEVICE.with_budgets({0: sparse.planned_bytes - 1})
    roomy = assets.plan([7], sparse)
    assert roomy.planned_bytes == sparse.planned_bytes
    plan = assets.plan([7], sparse, device=tight)
    assert plan.planned_bytes <= 1.2 * assets.plan([7]).planned_bytes


@pytest.mark.parametrize("at_once", [False, True])
def test_pressure_moves_only_keys_of_waiting_pages(at_once: bool):
    """A dense page of another shape keeps its keys, which a plan without any places would move, too.

    Whether most of the other page was switched off before, or is by the same plan.
    """
    assets = Assets(100)
    small = replace(SHAPE, width=128, mip_levels=8)
    for index in range(60, 100):
        assets.rows[index] = replace(assets.rows[index], shape=small)
    dense = range(60, 90)
    full = assets.plan(range(100))
    sparse = assets.plan([7, *dense], full)
    tight = DEVICE.with_budgets({0: sparse.planned_bytes - 1})
    plan = assets.plan([7, *dense], full if at_once else sparse, device=tight)
    assert plan.planned_bytes < sparse.planned_bytes
    for index in dense:
        assert plan.address(asset_key(1, index)) == sparse.address(asset_key(1, index))
    assert plan.address(asset_key(1, 7)) != sparse.address(asset_key(1, 7))


@pytest.mark.parametrize("keep", [Keep.DENSE_PAGES, Keep.PLACES])
def test_where_no_page_waits_the_last_attempt_accepts_the_least_staging(keep: Keep):
    assets, device = Assets(12), profile("lavapipe")
    before = assets.plan(range(10), device=device)
    room = assets.plan(range(12), before, device=device).planned_bytes + 30_000
    plan = make_plan(assets.needs(range(12)), device.with_budgets({0: room}), before, keep=keep)
    assert 0 < plan.staging.planned_bytes <= 30_000


def test_without_room_for_both_pages_nothing_moves():
    """The return itself never withdraws anything: it waits until old and new page fit beside each other."""
    assets = Assets(100)
    policy, full = Policy(), assets.plan(range(100))
    tight = DEVICE.with_budgets({0: full.planned_bytes})
    sparse = assets.plan([7], assets.plan(range(100), device=tight), policy, tight)
    assert sparse.waiting_bytes > 0
    assert return_pages(sparse) is None
    assert assets.plan([7, 8], sparse, policy, tight).planned_bytes == full.planned_bytes


def test_without_room_for_one_more_allocation_nothing_moves():
    assets = Assets(100)
    sparse = assets.plan([7], assets.plan(range(100)))
    for count, has_room in ((2, False), (3, True)):
        limits = replace(DEVICE.limits, max_memory_allocation_count=count)
        few = replace(DEVICE, limits=limits, _cache={})
        assert (return_pages(assets.plan([7], sparse, device=few)) is not None) == has_room


def test_compaction_returns_the_only_page_of_a_pool_at_once():
    assets = Assets(100)
    sparse = assets.plan(
        [7, 8], assets.plan(range(100), None, Policy(return_bytes=1)), Policy(return_bytes=1)
    )
    found = compact(sparse)
    assert found.gain == sparse.waiting_bytes == sparse.planned_bytes - found.plan.planned_bytes
    assert (found.moves, found.moved) == (2, 2 * LAYER)
    steps = make_schedule(Resident.settled_at(sparse), found.plan, NO_SOURCES).steps
    assert sum(int(step.sizes.sum()) for step in steps if isinstance(step, Move)) == found.moved
    assert len([step for step in steps if isinstance(step, Free)]) == 1
    assert compact(sparse, max_bytes=2 * LAYER, max_moves=2).gain == found.gain
    assert compact(sparse, max_bytes=2 * LAYER - 1).plan is sparse
    assert compact(sparse, max_moves=1).plan is sparse
    assert compact(found.plan).plan is found.plan


def test_the_bounds_of_a_compaction_hold_for_all_pages_that_it_returns():
    textures, buffers = Assets(40), Assets(40, Kind.BUFFER)
    for row in buffers.rows:
        textures.rows.append(replace(row, key=asset_key(2, row.key & 0xFF)))
    sparse = textures.plan([7, 50], textures.plan(range(80)))
    assert compact(sparse).moves == len(sparse.waiting) == 2
    assert compact(sparse, max_moves=1).moves == 1
    assert compact(sparse, max_bytes=compact(sparse).moved - 1).moves == 1


def test_compaction_of_other_pools_leaves_bounds_for_the_only_page_of_a_pool():
    """Two pages of textures where one can be emptied into the other, and a sparse page of buffers."""
    policy = Policy(block=20 * 351232)
    textures, buffers = Assets(40), Assets(10, Kind.BUFFER)
    for row in buffers.rows:
        textures.rows.append(replace(row, key=asset_key(2, row.key & 0xFF)))
    full = textures.plan(range(50), None, policy)
    sparse = textures.plan([*range(15), 20, 21, 40], full, policy)
    both = compact(sparse)
    assert both.moved == 2 * LAYER + (340 << 10)
    assert both.gain == sparse.planned_bytes - both.plan.planned_bytes
    assert compact(sparse, max_bytes=both.moved - 1).moved < both.moved
    assert compact(sparse, max_moves=2).moves == 2


def test_a_snapshot_in_the_middle_of_a_schedule_has_no_waiting_pages():
    assets = Assets(100)
    sparse = assets.plan([7], assets.plan(range(100)))
    resident = Resident.settled_at(sparse)
    smaller = return_pages(sparse)
    resident.begin(smaller)
    for step in make_schedule(resident, smaller, NO_SOURCES).steps[:3]:
        resident.apply(step)
    assert resident.snapshot().waiting == ()
    with pytest.raises(PlanError, match="a schedule is in progress"):
        compact(resident.snapshot())


def test_pages_are_returned_after_frames_at_rest_and_the_rest_follows_at_once():
    assets, policy = Assets(100), Policy(rest=3, return_bytes=LAYER)
    full = assets.plan(range(100), None, policy)
    sparse = assets.plan([7, 8], full, policy)
    pages = PageReturn()
    assert pages.next(None, settled=True) is None
    assert [pages.next(full, settled=True) for _ in range(9)] == [None] * 9
    assert [pages.next(sparse, settled=False) for _ in range(9)] == [None] * 9
    assert [pages.next(sparse, settled=True) for _ in range(3)] == [None] * 3
    first = pages.next(sparse, settled=True)
    assert first is not None
    assert pages.next(first, settled=False) is None
    second = pages.next(first, settled=True)
    assert second is not None
    assert second.waiting == ()
    assert [pages.next(second, settled=True) for _ in range(9)] == [None] * 9


def test_a_change_begins_the_rest_again():
    assets, policy = Assets(100), Policy(rest=3)
    full = assets.plan(range(100), None, policy)
    pages = PageReturn()
    for turn in range(4):
        sparse = assets.plan([7, 8 + turn], full, policy)
        assert [pages.next(sparse, settled=True) for _ in range(3)] == [None] * 3
    assert pages.next(sparse, settled=True) is not None


def test_a_plan_without_room_for_a_return_is_tried_once(monkeypatch: pytest.MonkeyPatch):
    tried = []
    monkeypatch.setattr("engine.plan.placement.page_return.return_pages", tried.append)
    assets, policy = Assets(100), Policy(rest=0)
    sparse = assets.plan([7], assets.plan(range(100), None, policy), policy)
    pages = PageReturn()
    for _ in range(5):
        assert pages.next(sparse, settled=True) is None
    assert tried == [sparse]
