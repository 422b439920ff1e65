"""Claims about new resources and their allocations: own ones, shared blocks, aliases, budgets and ids."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.random_scenes import profile

from engine.plan.model.memory_plan import MemoryPlan, Sharing
from engine.plan.model.packing import Packing, block_pool
from engine.plan.placement.builder import Builder, HeapFull, NewResource
from engine.plan.profile.device_profile import DeviceProfile, MemoryRequirements
from engine.plan.requirements.requirements import ImageShape
from engine.plan.terms.formats import Format
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import Kind

DEVICE = profile("unified")
TWO_HEAPS = profile("discrete-window")
POLICY = Policy(block=1000, own=500, growth=1)
SHAPE = ImageShape(Format.R8G8B8A8_UNORM, 8, 4, 3, 2)


def made_by(
    device: DeviceProfile = DEVICE, policy: Policy = POLICY, packing: Packing | None = None, **grow: bool
) -> Builder:
    packing = packing or Packing(len(device.heaps))
    return Builder(MemoryPlan.empty(), packing, device, policy, **grow)


def buffer(size: int, alignment: int = 1, mapped: bool = False, **memory: bool) -> NewResource:
    needs = MemoryRequirements(size, alignment, 1, **memory)
    return NewResource(Kind.BUFFER, Sharing.STATIC, 3, needs, 0, mapped, False, bytes=size)


def image(
    size: int, lifetime: tuple[int, int] | None = None, memory_type: int = 0, **memory: bool
) -> NewResource:
    needs = MemoryRequirements(size, 1, 1, **memory)
    common = (Kind.IMAGE, Sharing.OWN, 7, needs, memory_type, False, False)
    return NewResource(*common, shape=SHAPE, layers=5, lifetime=lifetime)


def finished(builder: Builder, *resources: NewResource) -> tuple[list[int], list[tuple[int, int]]]:
    """The sizes of the allocations, and (allocation, offset) of each resource."""
    for resource in resources:
        builder.add(resource)
    allocations, rows = builder.finish()
    assert allocations["id"].tolist() == list(range(len(allocations)))
    assert rows["id"].tolist() == list(range(len(resources)))
    places = list(zip(rows["allocation"].tolist(), rows["offset"].tolist(), strict=True))
    return allocations["size"].tolist(), places


def test_room_is_the_budget_less_what_is_used_and_what_is_pending():
    packing = Packing(1)
    packing.heap_used[0] = 300
    builder = made_by(DEVICE.with_budgets({0: 1000}), packing=packing)
    assert builder.room(0) == 700
    assert [builder.add(buffer(150)), builder.add(buffer(50))] == [0, 1]
    assert builder.room(0) == 500
    builder.add(buffer(501))
    assert builder.room(0) == 0


def test_room_is_at_most_the_largest_allocation():
    few = replace(DEVICE, limits=replace(DEVICE.limits, max_memory_allocation_size=900), _cache={})
    assert made_by(few.with_budgets({0: 901})).room(0) == 900
    assert made_by(few.with_budgets({0: 899})).room(0) == 899


def test_each_heap_has_a_budget_of_its_own():
    first, second = (
        next(i for i, t in enumerate(TWO_HEAPS.memory_types) if t.heap == heap) for heap in (0, 1)
    )
    device = TWO_HEAPS.with_budgets({0: 600, 1: 700})
    builder = made_by(device)
    builder.add(replace(buffer(600), memory_type=first))
    assert (builder.room(first), builder.room(second)) == (0, 700)
    builder.add(replace(buffer(700), memory_type=second))
    allocations, _ = builder.finish()
    assert allocations["memory_type"].tolist() == [first, second]
    for heap, memory_type in ((0, first), (1, second)):
        full = made_by(device)
        full.add(replace(buffer(701), memory_type=memory_type))
        with pytest.raises(HeapFull) as caught:
            full.finish()
        assert (caught.value.heap, caught.value.size) == (heap, 701)


def test_new_allocations_may_fill_the_budget_beside_what_is_used_to_the_last_byte():
    for used, fits in ((400, True), (401, False)):
        packing = Packing(1)
        packing.heap_used[0] = used
        builder = made_by(DEVICE.with_budgets({0: 1000}), packing=packing)
        builder.add(buffer(600))
        if fits:
            assert builder.finish()[0]["size"].tolist() == [600]
        else:
            with pytest.raises(HeapFull, match="no room for 600 bytes in heap 0"):
                builder.finish()


def test_resources_from_a_size_on_have_an_allocation_of_their_own_and_others_share_blocks():
    builder = made_by()
    for size in (499, 500, 300):
        builder.add(buffer(size))
    allocations, rows = builder.finish()
    assert rows["allocation"].tolist() == [0, 1, 0]
    assert allocations["own"].tolist() == [False, True]
    assert allocations["size"].tolist() == [799, 500]
    assert allocations["linear"].tolist() == [True, True]
    assert not allocations["dedicated"].any()


@pytest.mark.parametrize(
    ("wishes", "own", "dedicated"),
    [
        ({}, False, False),
        ({"prefers_dedicated": True}, False, False),
        ({"requires_dedicated": True}, True, True),
    ],
)
def test_a_small_resource_has_a_dedicated_allocation_only_if_the_device_requires_it(wishes, own, dedicated):
    builder = made_by()
    builder.add(buffer(10, **wishes))
    (allocation,) = builder.finish()[0]
    assert (bool(allocation["own"]), bool(allocation["dedicated"])) == (own, dedicated)
    large = made_by()
    large.add(buffer(500, **wishes))
    (allocation,) = large.finish()[0]
    assert (bool(allocation["own"]), bool(allocation["dedicated"])) == (True, bool(wishes))


def test_a_small_resource_has_a_dedicated_allocation_on_request():
    builder = made_by()
    builder.add(replace(buffer(10), dedicated=True))
    builder.add(buffer(10))
    allocations, _ = builder.finish()
    assert allocations["dedicated"].tolist() == [True, False]
    assert allocations["own"].tolist() == [True, False]


def test_the_largest_have_allocations_of_their_own_while_half_of_all_last():
    few = replace(DEVICE, limits=replace(DEVICE.limits, max_memory_allocation_count=8), _cache={})
    sizes = (500, 700, 600, 700, 650)
    for present, own in ((0, {1, 2, 3, 4}), (1, {1, 3, 4}), (3, {1}), (4, set()), (9, set())):
        packing = Packing(1)
        packing.resources_in = dict.fromkeys(range(present), 1)
        builder = made_by(few, packing=packing)
        for size in sizes:
            builder.add(buffer(size))
        allocations, rows = builder.finish()
        alone = set(allocations["id"][allocations["own"]].tolist())
        assert {i for i, home in enumerate(rows["allocation"].tolist()) if home in alone} == own


def test_allocations_that_are_required_count_against_those_that_are_not():
    few = replace(DEVICE, limits=replace(DEVICE.limits, max_memory_allocation_count=8), _cache={})
    builder = made_by(few)
    for each in (*(buffer(10, requires_dedicated=True) for _ in range(3)), *(buffer(500) for _ in range(3))):
        builder.add(each)
    allocations, _ = builder.finish()
    assert allocations["own"].tolist() == [True, True, True, True, False]


def test_a_block_is_filled_coarsest_alignment_first_then_largest_then_oldest():
    sizes, places = finished(made_by(), buffer(10), buffer(20), buffer(8, 16), buffer(20), buffer(8, 32))
    assert sizes == [16 + 8 + 20 + 20 + 10]
    assert places == [(0, 64), (0, 24), (0, 16), (0, 44), (0, 0)]


def test_a_block_holds_as_much_as_the_limit_and_no_more():
    assert finished(made_by(), *(buffer(250) for _ in range(5))) == (
        [1000, 250],
        [(0, 0), (0, 250), (0, 500), (0, 750), (1, 0)],
    )
    small = replace(DEVICE, limits=replace(DEVICE.limits, max_memory_allocation_size=600), _cache={})
    assert finished(made_by(small), *(buffer(301) for _ in range(2)))[0] == [301, 301]
    assert finished(made_by(small), *(buffer(300) for _ in range(2)))[0] == [600]
    assert finished(made_by(), buffer(400, 64), buffer(400), buffer(300))[0] == [800, 300]


def test_a_resource_behind_others_in_a_block_is_aligned():
    assert finished(made_by(), buffer(40, 16), buffer(40, 16), buffer(24, 16)) == (
        [120],
        [(0, 0), (0, 48), (0, 96)],
    )


def test_free_room_of_present_blocks_is_used_first():
    packing = Packing(1)
    pool = block_pool(0, True, False, False)
    packing.blocks.add_space(0, pool)
    packing.blocks.give(0, 100, 50)
    builder = Builder(replace(MemoryPlan.empty(), next_allocation=1), packing, DEVICE, POLICY)
    for each in (buffer(50), buffer(20), buffer(10, mapped=True)):
        builder.add(each)
    allocations, rows = builder.finish()
    assert list(zip(rows["allocation"].tolist(), rows["offset"].tolist(), strict=True)) == [
        (0, 100),
        (1, 0),
        (2, 0),
    ]
    assert allocations["id"].tolist() == [1, 2]
    assert allocations["size"].tolist() == [20, 10]
    assert allocations["mapped"].tolist() == [False, True]


def test_allocations_are_numbered_by_their_first_resources():
    sizes, places = finished(made_by(), buffer(10), buffer(600), buffer(20), buffer(700))
    assert places == [(0, 20), (1, 0), (0, 0), (2, 0)]
    assert sizes == [30, 600, 700]


@pytest.mark.parametrize(
    ("present", "size", "block"),
    [
        (0, 40, 40),
        (1, 1, 1),
        (40, 40, 40),
        (79, 40, 40),
        (80, 40, 80),
        (130, 40, 120),
        (5000, 40, 1000),
        (5000, 300, 900),
    ],
)
def test_the_last_block_has_room_for_more_of_the_last_resource_up_to_its_share(present, size, block):
    packing = Packing(1)
    packing.in_blocks[block_pool(0, True, False, False)] = present
    assert finished(made_by(packing=packing, grow=True), buffer(size))[0] == [block]
    assert finished(made_by(packing=packing), buffer(size))[0] == [size]
    half = replace(POLICY, growth=2)
    packing.in_blocks[block_pool(0, True, False, False)] = 2 * present
    assert finished(made_by(DEVICE, half, packing, grow=True), buffer(size))[0] == [block]


@pytest.mark.parametrize(("budget", "sizes"), [(800, [400, 400]), (799, [400, 100]), (499, [100, 100])])
def test_blocks_of_several_pools_grow_while_the_budget_lasts(budget: int, sizes: list[int]):
    packing = Packing(1)
    for mapped in (False, True):
        packing.in_blocks[block_pool(0, True, mapped, False)] = 400
    builder = made_by(DEVICE.with_budgets({0: budget}), packing=packing, grow=True)
    assert finished(builder, buffer(100), buffer(100, mapped=True))[0] == sizes


def test_images_of_other_passes_share_an_allocation():
    builder = made_by()
    rows = [image(600, (0, 1)), image(500, (2, 3)), image(550, (1, 2)), image(700), buffer(800)]
    for row in rows:
        builder.add(row)
    allocations, resources = builder.finish()
    assert resources["allocation"].tolist() == [0, 0, 1, 2, 3]
    assert resources["offset"].tolist() == [0] * 5
    assert resources["aliased"].tolist() == [True, True, False, False, False]
    assert allocations["size"].tolist() == [600, 550, 700, 800]
    assert allocations["own"].all()
    assert allocations["linear"].tolist() == [False, False, False, True]


@pytest.mark.parametrize(
    ("one", "policy"),
    [
        (image(499, (2, 3)), POLICY),
        (image(500, (2, 3), requires_dedicated=True), POLICY),
        (replace(image(500, (2, 3)), dedicated=True), POLICY),
        (image(500, (2, 3), memory_type=1), POLICY),
        (image(500), POLICY),
        (replace(buffer(500), lifetime=(2, 3)), POLICY),
        (image(500, (2, 3)), replace(POLICY, alias=False)),
    ],
    ids=["small", "required", "asked for", "other memory", "always live", "no image", "not allowed"],
)
def test_what_must_or_can_be_alone_shares_no_allocation(one: NewResource, policy: Policy):
    builder = made_by(policy=policy)
    for row in (image(600, (0, 1)), one):
        builder.add(row)
    allocations, resources = builder.finish()
    assert allocations["size"].tolist() == [600, one.memory.size]
    assert not resources["aliased"].any()


def test_an_image_that_shares_memory_is_not_dedicated_even_if_that_is_preferred():
    builder = made_by()
    for lifetime in ((0, 1), (2, 3), (0, 3)):
        builder.add(image(600, lifetime, prefers_dedicated=True))
    assert builder.finish()[0]["dedicated"].tolist() == [False, True]


def test_a_resource_is_described_by_what_was_asked_for():
    builder = made_by()
    builder.add(replace(buffer(24, 8, estimated=True), usage=5))
    builder.add(image(600))
    first, second = builder.finish()[1]
    assert {name: first[name].item() for name in first.dtype.names} == {
        "id": 0,
        "allocation": 0,
        "offset": 0,
        "size": 24,
        "bytes": 24,
        "alignment": 8,
        "usage": 5,
        "kind": int(Kind.BUFFER),
        "format": 0,
        "width": 0,
        "height": 0,
        "mip_levels": 0,
        "samples": 0,
        "cube": False,
        "layers": 0,
        "estimated": True,
        "aliased": False,
        "sharing": int(Sharing.STATIC),
    }
    assert {name: second[name].item() for name in second.dtype.names} == {
        "id": 1,
        "allocation": 1,
        "offset": 0,
        "size": 600,
        "bytes": 0,
        "alignment": 1,
        "usage": 7,
        "kind": int(Kind.IMAGE),
        "format": int(SHAPE.format),
        "width": 8,
        "height": 4,
        "mip_levels": 3,
        "samples": 2,
        "cube": False,
        "layers": 5,
        "estimated": False,
        "aliased": False,
        "sharing": int(Sharing.OWN),
    }


def test_ids_go_on_from_those_of_the_plan():
    memory = replace(MemoryPlan.empty(), next_allocation=7, next_resource=9)
    builder = Builder(memory, Packing(1), DEVICE, POLICY)
    assert [builder.add(buffer(10)), builder.add(buffer(600))] == [9, 10]
    allocations, rows = builder.finish()
    assert allocations["id"].tolist() == rows["allocation"].tolist() == [7, 8]
    assert rows["id"].tolist() == [9, 10]
    assert (builder.next_allocation, builder.next_resource) == (9, 11)


def test_an_image_that_shares_the_bytes_of_others_fits_where_they_fill_the_budget():
    builder = made_by(DEVICE.with_budgets({0: 1600}))
    builder.add(image(1000, (0, 1)))
    assert builder.room(0) == 600
    assert builder.has_room(image(900, (2, 3)))
    assert not builder.has_room(image(900, (1, 2)))
    assert not builder.has_room(image(900))
    builder.add(image(900, (2, 3)))
    assert builder.room(0) == 600
    allocations, _ = builder.finish()
    assert allocations["size"].tolist() == [1000]


def test_an_image_larger_than_the_largest_allocation_has_no_room_beside_smaller_ones():
    limits = replace(DEVICE.limits, max_memory_allocation_size=1000)
    builder = made_by(replace(DEVICE, limits=limits))
    builder.add(image(1000, (0, 1)))
    assert builder.has_room(image(1000, (2, 3)))
    assert not builder.has_room(image(1001, (2, 3)))
