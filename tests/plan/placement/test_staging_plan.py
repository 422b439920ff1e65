"""Claims about staging buffers: how many, how large, and in which memory."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.placed_needs import needs
from support.random_scenes import profile

from engine.plan.model.memory_plan import MemoryPlan, Sharing
from engine.plan.model.packing import Packing
from engine.plan.placement.builder import HeapFull
from engine.plan.placement.planning_round import RoundResult
from engine.plan.placement.staging_plan import STAGING_NAMES, plan_staging
from engine.plan.profile.device_profile import BufferRule, DeviceProfile, Heap, MemoryType
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import BufferUsage, Kind, MemoryProperty

KIB, MIB = 1 << 10, 1 << 20
PAGE = 4 * KIB
LOCAL = MemoryProperty.DEVICE_LOCAL
MAPPED = MemoryProperty.HOST_VISIBLE | MemoryProperty.HOST_COHERENT
CACHED = MAPPED | MemoryProperty.HOST_CACHED
ROOMY = 1 << 40


def device(
    *types: tuple[int, MemoryProperty], sizes: tuple[int, ...] = (ROOMY,), **limits: int
) -> DeviceProfile:
    """Heaps of these sizes, which budgets may fill, and memory types as (heap, properties)."""
    base = profile("unified")
    return replace(
        base,
        heaps=tuple(Heap(size, False) for size in sizes),
        memory_types=tuple(MemoryType(*each) for each in types or ((0, MAPPED),)),
        buffers=BufferRule(0xFF, alignment=1, size_multiple=1),
        limits=replace(base.limits, max_buffer_size=ROOMY, max_memory_allocation_size=ROOMY, **limits),
        budgets=dict(enumerate(sizes)),
        _cache={},
    )


def staged(
    to_stage: int,
    on: DeviceProfile | None = None,
    policy: Policy = Policy(),  # noqa: B008
    least: int | None = None,
    used: int = 0,
) -> list[tuple[int, int]]:
    """(memory type, bytes) of each staging buffer for so many bytes; heap 0 has so many in use."""
    on = on or device()
    packing = Packing(len(on.heaps))
    packing.heap_used[0] = used
    memory = replace(MemoryPlan.empty(), next_allocation=5, next_resource=7)
    after, staging = plan_staging(needs(), RoundResult(memory, packing, to_stage, 0), on, policy, least)
    count = len(staging.resources)
    assert (after.next_allocation, after.next_resource) == (5 + count, 7 + count)
    assert staging.resources["id"].tolist() == list(range(7, 7 + count))
    return list(zip(types_of(staging), staging.resources["bytes"].tolist(), strict=True))


def types_of(staging: MemoryPlan) -> list[int]:
    homes = staging.resources["allocation"].tolist()
    return [int(staging.allocation(home)["memory_type"]) for home in homes]


def test_nothing_is_planned_where_nothing_is_transferred():
    assert staged(0) == []


@pytest.mark.parametrize(
    ("to_stage", "sizes"),
    [
        (1, [2 * PAGE]),
        (PAGE, [2 * PAGE]),
        (PAGE + 1, [3 * PAGE]),
        (8 * MIB - PAGE, [8 * MIB]),
        (8 * MIB - PAGE + 1, [4 * MIB + PAGE] * 2),
        (20 * MIB, [10 * MIB + PAGE] * 2),
        (64 * MIB, [32 * MIB] * 2),
    ],
)
def test_one_buffer_holds_little_and_two_of_half_the_size_hold_more_up_to_a_limit(to_stage, sizes):
    assert staged(to_stage) == [(0, size) for size in sizes]


def test_two_buffers_are_used_where_one_is_not_allowed_to_hold_everything():
    assert staged(MIB, policy=Policy(staging=MIB)) == [(0, MIB // 2 + PAGE)] * 2
    assert staged(MIB - PAGE, policy=Policy(staging=MIB)) == [(0, MIB)]
    assert staged(3 * MIB, policy=Policy(staging=MIB)) == [(0, MIB)] * 2


def test_buffers_are_multiples_of_what_the_host_flushes_at_once():
    assert staged(1, device(non_coherent_atom_size=8 * KIB)) == [(0, 16 * KIB)]
    assert staged(1, device(non_coherent_atom_size=2 * KIB)) == [(0, 2 * PAGE)]


def test_a_buffer_takes_an_eighth_of_its_heap_at_most_but_64_kib_in_any_case():
    assert staged(100 * MIB, device(sizes=(8 * MIB,))) == [(0, MIB)] * 2
    assert staged(100 * MIB, device(sizes=(256 * KIB,))) == [(0, 64 * KIB)] * 2


def test_a_buffer_is_no_larger_than_the_device_allows():
    on = device()
    on = replace(on, limits=replace(on.limits, max_buffer_size=100 * KIB), _cache={})
    assert staged(100 * MIB, on) == [(0, 100 * KIB)] * 2


@pytest.mark.parametrize(
    ("room", "sizes"),
    [
        (8 * MIB + 2 * PAGE, [4 * MIB + PAGE] * 2),
        (8 * MIB + 2 * PAGE - 1, [4 * MIB] * 2),
        (128 * KIB, [64 * KIB] * 2),
        (128 * KIB - 1, [124 * KIB]),
        (64 * KIB, [64 * KIB]),
        (64 * KIB - 1, None),
    ],
)
def test_of_what_a_budget_leaves_two_buffers_are_made_or_one_of_64_kib_at_least(room, sizes):
    on, used = device(sizes=(100 * MIB,)), 100 * MIB - room
    if sizes is not None:
        assert staged(8 * MIB, on, used=used) == [(0, size) for size in sizes]
    else:
        with pytest.raises(HeapFull, match="no room for 65536 bytes in heap 0"):
            staged(8 * MIB, on, used=used)


def test_less_than_64_kib_suffices_for_what_needs_no_more():
    on = device(sizes=(100 * MIB,))
    assert staged(PAGE, on, used=100 * MIB - 2 * PAGE) == [(0, 2 * PAGE)]
    with pytest.raises(HeapFull):
        staged(PAGE, on, used=100 * MIB - 2 * PAGE + 1)


@pytest.mark.parametrize(
    ("least", "room", "size"),
    [
        (1, PAGE, PAGE),
        (1, PAGE - 1, None),
        (3 * PAGE, 3 * PAGE, 3 * PAGE),
        (3 * PAGE, 3 * PAGE - 1, None),
        (3 * PAGE - 1, 3 * PAGE + 1, 3 * PAGE),
        (None, 15 * PAGE, None),
    ],
)
def test_as_a_last_resort_a_buffer_for_the_largest_piece_suffices(least, room, size):
    on, used = device(sizes=(100 * MIB,)), 100 * MIB - room
    if size is not None:
        assert staged(8 * MIB, on, least=least, used=used) == [(0, size)]
    else:
        with pytest.raises(HeapFull):
            staged(8 * MIB, on, least=least, used=used)


def test_staging_is_in_memory_that_the_host_writes_and_other_memory_only_where_that_is_full():
    types = ((1, LOCAL), (1, MAPPED | LOCAL), (0, CACHED), (1, MAPPED))
    on = device(*types, sizes=(100 * MIB, 100 * MIB))
    assert staged(MIB, on) == [(2, MIB + PAGE)]
    assert staged(MIB, on, used=100 * MIB) == [(3, MIB + PAGE)]
    with pytest.raises(HeapFull) as caught:
        staged(MIB, on.with_budgets({0: 0, 1: 0}))
    assert (caught.value.heap, caught.value.size) == (1, 64 * KIB)
    with pytest.raises(HeapFull) as caught:
        staged(MIB, device((0, LOCAL)))
    assert (caught.value.heap, caught.value.size) == (0, 64 * KIB)


def test_staging_buffers_are_mapped_dedicated_and_read_by_copies():
    keys = needs().keys
    packing, memory = Packing(1), MemoryPlan.empty()
    wanted = replace(needs(), keys=keys)
    _, staging = plan_staging(wanted, RoundResult(memory, packing, 20 * MIB, 0), device(), Policy(), None)
    assert staging.allocations["mapped"].all()
    assert staging.allocations["own"].all()
    assert staging.allocations["dedicated"].all()
    assert not staging.allocations["device_address"].any()
    assert set(staging.resources["usage"].tolist()) == {int(BufferUsage.TRANSFER_SRC)}
    assert set(staging.resources["kind"].tolist()) == {int(Kind.BUFFER)}
    assert set(staging.resources["sharing"].tolist()) == {int(Sharing.OWN)}
    places = staging.subresources
    assert places["key"].tolist() == sorted(keys.transient(name) for name in STAGING_NAMES)
    for name in ("size", "footprint", "stride"):
        assert places[name].tolist() == [10 * MIB + PAGE] * 2
    assert places["terms"].tolist() == [-1, -1]
    assert sorted(places["resource"].tolist()) == staging.resources["id"].tolist()
