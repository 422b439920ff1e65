"""Claims about needs in pages: packing, holes, new pages and their limits, on a device of two small heaps."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from support.random_scenes import profile

from engine.plan.model.groups import Group
from engine.plan.model.memory_plan import MemoryPlan, Sharing
from engine.plan.model.packing import Packing
from engine.plan.placement.builder import Builder, HeapFull
from engine.plan.placement.placing import GroupNeeds, UnsatisfiableNeed, pack, place
from engine.plan.profile.device_profile import BufferRule, Heap, ImageRule, MemoryType
from engine.plan.requirements.requirements import ImageShape, Requirement
from engine.plan.terms.formats import Format
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import Dedicated, Kind, MemoryProperty

NO_PROPERTY = MemoryProperty(0)
LOCAL = MemoryProperty.DEVICE_LOCAL
DEVICE = replace(
    profile("unified"),
    heaps=(Heap(100_000, True), Heap(100_000, False)),
    memory_types=(MemoryType(0, LOCAL), MemoryType(1, NO_PROPERTY)),
    buffers=BufferRule(0b11, alignment=1, size_multiple=1),
    images=ImageRule(0b11, 1, 1, 1, 1, 1),
    budgets={0: 10_000, 1: 10_000},
    _cache={},
)
POLICY = Policy(block=1000, own=1 << 30, growth=1)
STATIC = Group(Kind.BUFFER, Sharing.STATIC, NO_PROPERTY, LOCAL, False, False, None, 0)
LOCAL_ONLY = replace(STATIC, required=LOCAL)
SHAPE = ImageShape(Format.R8_UNORM, 10, 10)  # a layer takes 100 bytes
LAYERS = Group(Kind.IMAGE, Sharing.LAYERS, LOCAL, NO_PROPERTY, False, False, SHAPE, 7)


def needs(group: Group, *footprints: int, alignment: int = 1, usage: int = 1) -> GroupNeeds:
    count = len(footprints)
    terms = Requirement(0, group.kind, shape=group.shape).terms()
    own = [terms] * count if group.sharing is Sharing.OWN else []
    columns = (np.array(each, np.int64) for each in (footprints, [alignment] * count, [usage] * count))
    return GroupNeeds(group, own, np.arange(count), *columns)


def made_by(
    device=DEVICE, packing: Packing | None = None, policy: Policy = POLICY, grow: bool = False
) -> Builder:
    return Builder(MemoryPlan.empty(), packing or Packing(2), device, policy, grow=grow)


def limited(**limits: int):
    return replace(DEVICE, limits=replace(DEVICE.limits, **limits), _cache={})


def placed(needs: GroupNeeds, builder: Builder) -> tuple[list[int], list[int]]:
    resource, offset = place(needs, builder)
    return resource.tolist(), offset.tolist()


def pages(builder: Builder) -> list[tuple[int, int]]:
    """(memory type, bytes or layers) of each new resource."""
    return [(new.memory_type, new.bytes or new.layers) for new in builder._new.values()]


def holes(device=DEVICE, *, size: int, usage: int = 1, in_pages: int = 0) -> Packing:
    """Page 77 of static buffers in the first memory type has a free range at 100."""
    packing, pool = Packing(2), (int(Sharing.STATIC), 0, False, False)
    packing.pages.add_space(77, pool)
    packing.pages.give(77, 100, size)
    packing.page_usage[77] = usage
    packing.in_pages[pool] = in_pages
    return packing


@pytest.mark.parametrize(
    ("footprint", "alignment", "limit", "page", "offset", "sizes"),
    [
        ([4, 4, 4], [4, 4, 4], 12, [0, 0, 0], [0, 4, 8], [12]),
        ([4, 4, 4], [4, 4, 4], 11, [0, 0, 1], [0, 4, 0], [8, 4]),
        ([4, 4, 4], [4, 4, 4], 8, [0, 0, 1], [0, 4, 0], [8, 4]),
        ([20, 4], [4, 4], 8, [0, 1], [0, 0], [20, 4]),
        ([4, 20, 4, 4], [4] * 4, 8, [0, 1, 2, 2], [0, 0, 0, 4], [4, 20, 8]),
        ([20, 20], [4, 4], 8, [0, 1], [0, 0], [20, 20]),
        ([6, 6, 4], [6, 6, 4], 100, [0, 0, 0], [0, 6, 12], [16]),
        ([6, 4], [6, 4], 12, [0, 0], [0, 8], [12]),
        ([6, 4], [6, 4], 11, [0, 1], [0, 0], [6, 4]),
        ([6, 6, 4, 4, 1], [6, 6, 4, 4, 1], 17, [0, 0, 0, 1, 1], [0, 6, 12, 0, 4], [16, 5]),
        ([5, 8], [5, 8], 16, [0, 0], [0, 8], [16]),
        ([5], [5], 5, [0], [0], [5]),
    ],
)
def test_needs_are_packed_one_after_another_up_to_the_limit(footprint, alignment, limit, page, offset, sizes):
    found = pack(np.array(footprint), np.array(alignment), limit)
    assert (found[0].tolist(), found[1].tolist(), found[2]) == (page, offset, sizes)


def test_needs_share_pages_of_at_most_a_block():
    builder = made_by()
    assert placed(needs(STATIC, 400, 600, 1), builder) == ([0, 0, 1], [0, 400, 0])
    assert pages(builder) == [(0, 1000), (0, 1)]


def test_pages_are_no_larger_than_the_largest_buffer_and_arrays_than_the_most_layers():
    builder = made_by(limited(max_buffer_size=600))
    assert placed(needs(STATIC, 300, 300, 1), builder) == ([0, 0, 1], [0, 300, 0])
    builder = made_by(limited(max_image_array_layers=3))
    assert placed(needs(LAYERS, *[1] * 5), builder) == ([0, 0, 0, 1, 1], [0, 1, 2, 0, 1])
    assert pages(builder) == [(0, 3), (0, 2)]
    builder = made_by()
    placed(needs(LAYERS, *[1] * 11), builder)
    assert pages(builder) == [(0, 10), (0, 1)]


def test_a_layer_that_is_larger_than_a_block_has_a_page_of_its_own():
    builder = made_by(policy=replace(POLICY, block=99))
    placed(needs(LAYERS, 1, 1), builder)
    assert pages(builder) == [(0, 1), (0, 1)]


@pytest.mark.parametrize(("size", "found"), [(50, ([77, 0], [100, 0])), (49, ([0, 0], [0, 50]))])
def test_a_hole_is_filled_to_its_last_byte_before_a_page_is_made(size: int, found):
    assert placed(needs(STATIC, 50, 50), made_by(packing=holes(size=size))) == found


@pytest.mark.parametrize(("usage", "fits"), [(1, True), (3, True), (2, False), (6, False)])
def test_a_hole_serves_needs_whose_usage_its_page_has(usage: int, fits: bool):
    (resource,), _ = placed(needs(STATIC, 50), made_by(packing=holes(size=50, usage=usage)))
    assert resource == (77 if fits else 0)


def test_needs_of_other_usages_than_a_page_has_do_not_keep_the_rest_from_its_hole():
    both = replace(needs(STATIC, 50, 50, 50), usage=np.array([2, 1, 2]))
    builder = made_by(packing=holes(size=500))
    assert placed(both, builder) == ([0, 77, 0], [0, 100, 50])
    assert [new.usage for new in builder._new.values()] == [2]


def test_a_new_page_has_the_usages_of_all_its_needs():
    builder = made_by()
    placed(replace(needs(STATIC, 50, 50), usage=np.array([2, 4])), builder)
    assert [new.usage for new in builder._new.values()] == [6]


@pytest.mark.parametrize(
    ("present", "page"), [(0, 40), (40, 40), (79, 40), (80, 80), (119, 80), (120, 120), (5000, 1000)]
)
def test_the_last_new_page_has_room_for_more_of_the_last_need_up_to_its_share(present: int, page: int):
    packing = Packing(2)
    packing.in_pages[(int(Sharing.STATIC), 0, False, False)] = present
    for grow in (True, False):
        builder = made_by(packing=packing, grow=grow)
        placed(needs(STATIC, 40), builder)
        assert pages(builder) == [(0, page if grow else 40)]


def test_only_the_last_new_page_has_room_for_more():
    packing = Packing(2)
    packing.in_pages[(int(Sharing.STATIC), 0, False, False)] = 5000
    builder = made_by(packing=packing, grow=True)
    placed(needs(STATIC, 600, 600, 300), builder)
    assert pages(builder) == [(0, 600), (0, 900)]
    packing.in_pages[(int(Sharing.LAYERS), 0, False, False, int(SHAPE.format), 10, 10, 1, 1)] = 4
    builder = made_by(packing=packing, grow=True)
    placed(needs(LAYERS, 1), builder)
    assert pages(builder) == [(0, 4)]


@pytest.mark.parametrize(("budget", "page"), [(120, 120), (119, 40)])
def test_a_page_grows_only_where_the_budget_has_room(budget: int, page: int):
    packing = Packing(2)
    packing.in_pages[(int(Sharing.STATIC), 0, False, False)] = 120
    builder = made_by(DEVICE.with_budgets({0: budget, 1: 0}), packing=packing, grow=True)
    placed(needs(STATIC, 40), builder)
    # Within a budget of 119 bytes a page of 119 has room for two more whole needs only.
    assert pages(builder) == [(0, page if page == 120 else 80)]


def test_what_a_heap_has_no_room_for_goes_to_the_next_memory_type():
    builder = made_by(DEVICE.with_budgets({0: 100, 1: 500}))
    assert placed(needs(STATIC, 60, 60, 60), builder) == ([0, 1, 1], [0, 0, 60])
    assert pages(builder) == [(0, 60), (1, 120)]
    builder = made_by(DEVICE.with_budgets({0: 120, 1: 500}))
    placed(needs(STATIC, 60, 60, 60), builder)
    assert pages(builder) == [(0, 120), (1, 60)]


def test_without_room_for_the_rest_the_first_heap_is_full_for_the_largest_of_it():
    builder = made_by(DEVICE.with_budgets({0: 100, 1: 0}))
    with pytest.raises(HeapFull) as caught:
        place(needs(STATIC, 40, 50, 70, 60), builder)
    assert (caught.value.heap, caught.value.size) == (0, 70)


@pytest.mark.parametrize(
    ("budgets", "used", "size", "satisfiable"),
    [
        ({0: 100, 1: 100}, 100, 100, True),
        ({0: 100, 1: 100}, 100, 101, False),
        ({0: 100, 1: 500}, 500, 101, True),
        ({0: 500, 1: 100}, 500, 101, True),
        ({0: 100, 1: 500}, 500, 501, False),
    ],
)
def test_a_need_that_some_heap_could_hold_if_it_were_empty_is_no_fault_of_its_own(
    budgets, used, size, satisfiable
):
    packing = Packing(2)
    packing.heap_used = [used, used]
    builder = made_by(DEVICE.with_budgets(budgets), packing)
    with pytest.raises(HeapFull if satisfiable else UnsatisfiableNeed) as caught:
        place(needs(STATIC, 10, size), builder)
    if not satisfiable:
        assert (caught.value.row, caught.value.code) == (1, "plan.size")


def test_a_need_above_the_largest_allocation_can_never_be_held():
    device = limited(max_memory_allocation_size=500)
    assert placed(needs(STATIC, 500), made_by(device)) == ([0], [0])
    with pytest.raises(UnsatisfiableNeed, match="takes 501 bytes, more than any heap for it allows"):
        place(needs(STATIC, 501), made_by(device))


def test_a_need_of_memory_that_there_is_not_can_never_be_held():
    with pytest.raises(
        UnsatisfiableNeed, match=r"needs memory that is deviceLocal, but .* are: none$"
    ) as caught:
        place(needs(LOCAL_ONLY, 1), made_by(replace(DEVICE, buffers=BufferRule(0b10), _cache={})))
    assert (caught.value.row, caught.value.key, caught.value.code) == (0, -1, "plan.memory_type")


@pytest.mark.parametrize("group", [STATIC, replace(STATIC, sharing=Sharing.OWN)])
def test_a_buffer_may_be_as_large_as_the_device_allows(group: Group):
    device = limited(max_buffer_size=500)
    assert placed(needs(group, 500, 400), made_by(device))[0] == [0, 1]
    with pytest.raises(UnsatisfiableNeed, match="takes 501 bytes, but maxBufferSize is 500") as caught:
        place(needs(group, 400, 501), made_by(device))
    assert caught.value.row == 1


@pytest.mark.parametrize(
    ("width", "height", "fits"),
    [(20, 1, True), (1, 20, True), (21, 1, False), (1, 21, False), (0, 1, False), (1, 0, False)],
)
def test_an_image_may_be_as_wide_and_high_as_the_device_allows(width: int, height: int, fits: bool):
    group = replace(LAYERS, shape=replace(SHAPE, width=width, height=height))
    builder = made_by(limited(max_image_dimension_2d=20))
    if fits:
        assert placed(needs(group, 1), builder) == ([0], [0])
    else:
        with pytest.raises(UnsatisfiableNeed, match=f"is {width}x{height}, but maxImageDimension2D is 20"):
            place(needs(group, 1), builder)


def test_an_image_may_have_as_many_layers_as_the_device_allows():
    group, device = replace(LAYERS, sharing=Sharing.OWN), limited(max_image_array_layers=4)
    assert placed(needs(group, 4), made_by(device)) == ([0], [0])
    with pytest.raises(UnsatisfiableNeed, match="has 5 layers, but maxImageArrayLayers is 4") as caught:
        place(needs(group, 1, 5), made_by(device))
    assert caught.value.row == 1


def test_resources_of_their_own_may_fill_a_heap_to_its_last_byte():
    group = replace(STATIC, sharing=Sharing.OWN)
    builder = made_by(DEVICE.with_budgets({0: 100, 1: 99}))
    assert placed(needs(group, 60, 40, 99), builder) == ([0, 1, 2], [0, 0, 0])
    assert pages(builder) == [(0, 60), (0, 40), (1, 99)]


def test_a_resource_of_its_own_is_dedicated_and_lives_as_its_need_says():
    group = replace(LAYERS, sharing=Sharing.OWN)
    each = needs(group, 2, 3, 1)
    first, second, third = each.terms
    terms = [
        replace(first, dedicated=Dedicated.YES),
        replace(second, lifetime=(3, 4)),
        replace(third, dedicated=Dedicated.PREFER),
    ]
    builder = made_by()
    placed(replace(each, terms=terms), builder)
    made = list(builder._new.values())
    assert [new.dedicated for new in made] == [True, False, False]
    assert [new.lifetime for new in made] == [None, (3, 4), None]
    assert [(new.layers, new.bytes, new.shape) for new in made] == [(n, 0, SHAPE) for n in (2, 3, 1)]
    builder = made_by()
    placed(needs(replace(STATIC, sharing=Sharing.OWN), 30), builder)
    (new,) = builder._new.values()
    assert (new.layers, new.bytes, new.shape) == (0, 30, None)


@pytest.mark.parametrize(("mapped", "pages_made"), [(True, 0), (False, 1)])
def test_what_comes_back_to_a_mapped_page_fits_into_the_holes_that_it_has_left(mapped, pages_made):
    """Largest first; what is copied from a cache stays in its order, and the largest may find no room."""
    packing, pool = Packing(2), (int(Sharing.STATIC), 0, mapped, False)
    packing.pages.add_space(77, pool)
    packing.pages.give(77, 100, 660)
    packing.pages.give(77, 1000, 220)
    packing.page_usage[77] = 1
    builder = made_by(packing=packing)
    resource, offset = placed(needs(replace(STATIC, mapped=mapped), 100, 40, 480, 40, 220), builder)
    assert len(pages(builder)) == pages_made
    assert resource.count(77) == 5 - pages_made
    places = sorted(zip(resource, offset, (100, 40, 480, 40, 220), strict=True))
    for (page, start, size), (other, after, _) in itertools.pairwise(places):
        assert page != other or start + size <= after
