from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.placed_needs import DEPTH, SHAPE, attachment, buffer, needs, texture
from support.random_scenes import profile

from engine.plan.model.drawing_plan import DrawingPlan, DrawingRows
from engine.plan.model.plan import Plan
from engine.plan.placement.planner import make_plan
from engine.plan.placement.planning_round import Keep, PlanningRound, _counts
from engine.plan.placement.staging_bounds import min_buffer_staging
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.coalesce import coalesce
from engine.plan.requirements.requesters import Requester
from engine.plan.requirements.requirements import (
    NO_PROPERTY,
    ImageShape,
    Requirement,
    RequirementTable,
)
from engine.plan.terms.drawing import ShaderStage
from engine.plan.terms.drawing_rows import ShaderRow
from engine.plan.terms.errors import PlanError
from engine.plan.terms.formats import Format
from engine.plan.terms.keys import asset_key
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import (
    BufferUsage,
    Contents,
    Dedicated,
    ImageUsage,
    Kind,
    MemoryProperty,
)
from engine.plan.text.plan_text import plan_text
from engine.plan.text.validate import stays_bound, validate

KIB, MIB = 1 << 10, 1 << 20
LAVAPIPE, DISCRETE, COARSE, UNIFIED = map(profile, ("lavapipe", "discrete-window", "coarse", "unified"))
MAPPED = MemoryProperty.HOST_VISIBLE | MemoryProperty.HOST_COHERENT


def resources(plan: Plan) -> list[int]:
    return plan.memory.resources["id"].tolist()


def test_buffers_of_one_class_share_one_exactly_sized_buffer():
    plan = make_plan(needs(*(buffer(i, 1000) for i in range(10))), UNIFIED)
    assert len(plan.memory.resources) == 1
    assert plan.memory.resources["bytes"].tolist() == [10_000]
    assert plan.planned_bytes == 10_000


def test_vertex_buffers_start_at_multiples_of_their_stride_without_gaps():
    rows = [buffer(i, 68 * 10, alignment=68) for i in range(3)]
    rows += [buffer(10 + i, 72, alignment=4, usage=BufferUsage.INDEX_BUFFER) for i in range(3)]
    plan = make_plan(needs(*rows), UNIFIED)
    assert [plan.address(i).offset for i in range(3)] == [0, 680, 1360]
    assert [plan.address(10 + i).offset for i in range(3)] == [2040, 2112, 2184]


def test_descriptor_ranges_have_the_alignment_of_the_device():
    rows = [buffer(i, 100, usage=BufferUsage.UNIFORM_BUFFER, alignment=68) for i in range(3)]
    plan = make_plan(needs(*rows), COARSE)
    assert all(plan.address(i).offset % 256 == 0 for i in range(3))
    assert all(plan.address(i).offset % 68 == 0 for i in range(3))


def test_blocks_are_limited_and_a_larger_asset_gets_a_page_of_its_own():
    policy = Policy(block=4 * KIB, own=KIB)
    plan = make_plan(needs(*(buffer(i, 1024) for i in range(9)), buffer(20, 9 * KIB)), UNIFIED, None, policy)
    assert sorted(plan.memory.resources["bytes"].tolist()) == [1024, 4096, 4096, 9216]


def test_textures_of_one_shape_share_array_pages_of_limited_layers():
    plan = make_plan(needs(*(texture(i) for i in range(300))), COARSE)
    assert plan.memory.resources["layers"].tolist() == [256, 44]
    assert plan.address(299).offset == 43


def test_textures_of_other_shapes_get_other_pages():
    plan = make_plan(needs(texture(0), texture(1, replace(SHAPE, width=32))), UNIFIED)
    assert len(plan.memory.resources) == 2


def test_attachments_and_large_transients_have_allocations_of_their_own():
    plan = make_plan(
        needs(attachment(1), buffer(2, MIB, contents=Contents.UNDEFINED), buffer(3, 100)), UNIFIED
    )
    homes = {key: plan.address(key).allocation for key in (1, 2, 3)}
    assert len(set(homes.values())) == 3
    assert plan.memory.allocation(homes[1])["own"]
    assert plan.memory.allocation(homes[2])["own"]


def test_a_dedicated_asset_has_a_dedicated_allocation():
    plan = make_plan(needs(buffer(1, 500, dedicated=Dedicated.YES), buffer(2, 500)), UNIFIED)
    home = plan.memory.allocation(plan.address(1).allocation)
    assert home["dedicated"]
    assert plan.address(2).resource != plan.address(1).resource


def test_small_images_share_a_block():
    shapes = [ImageShape(Format.R8G8B8A8_UNORM, size, size) for size in (1, 2, 4)]
    plan = make_plan(needs(*(texture(i, shape) for i, shape in enumerate(shapes))), UNIFIED)
    assert len(plan.memory.resources) == 3
    assert len(plan.memory.allocations) == 1


def test_static_data_avoids_host_visible_device_memory_and_rings_prefer_it():
    ring = buffer(
        2,
        256,
        contents=Contents.UNDEFINED,
        usage=BufferUsage.UNIFORM_BUFFER,
        properties=MAPPED,
        preferred=MemoryProperty.DEVICE_LOCAL,
        persistent_map=True,
        copies=2,
    )
    plan = make_plan(needs(buffer(1), ring), DISCRETE)
    assert (plan.address(1).memory_type, plan.address(2).memory_type) == (1, 4)
    assert plan.memory.allocation(plan.address(2).allocation)["mapped"]


def test_cached_assets_are_host_visible_only_where_memory_is_shared():
    open_to_host = MemoryProperty.HOST_VISIBLE | MemoryProperty.HOST_COHERENT
    for device, expected in (
        (UNIFIED, True),
        (LAVAPIPE, True),
        (DISCRETE, False),
        (profile("nvidia-h200"), False),
    ):
        plan = make_plan(needs(buffer(1)), device)
        has = device.memory_types[plan.address(1).memory_type].properties
        assert (not open_to_host & ~has) == expected
        assert has & MemoryProperty.DEVICE_LOCAL


def test_a_preferred_memory_type_is_not_used_when_its_heap_is_full():
    tight = DISCRETE.with_budgets({2: 100 * KIB})
    rings = [
        buffer(
            i,
            60 * KIB,
            contents=Contents.UNDEFINED,
            properties=MAPPED,
            preferred=MemoryProperty.DEVICE_LOCAL,
            persistent_map=True,
            dedicated=Dedicated.YES,
        )
        for i in range(2)
    ]
    plan = make_plan(needs(*rings), tight)
    assert sorted(plan.address(i).memory_type for i in range(2)) == [2, 4]


def test_the_stride_of_a_ring_is_in_the_plan():
    ring = buffer(1, 100, contents=Contents.UNDEFINED, usage=BufferUsage.UNIFORM_BUFFER, copies=3)
    plan = make_plan(needs(ring), COARSE)
    assert plan.memory.stride(1) == 256
    assert plan.memory.subresource_table.row(1)["footprint"] == 768


def test_without_requirements_nothing_is_planned():
    plan = make_plan(needs(), UNIFIED)
    assert (plan.planned_bytes, len(plan.memory.resources), len(plan.staging.resources)) == (0, 0, 0)


def test_the_same_needs_in_another_order_give_the_same_plan():
    rows = [buffer(i, 500 + i) for i in range(20)] + [texture(100 + i) for i in range(5)]
    first = make_plan(needs(*rows), UNIFIED)
    again = make_plan(needs(*reversed(rows)), UNIFIED, first)
    assert np.array_equal(again.memory.subresources["offset"], first.memory.subresources["offset"])
    assert resources(again) == resources(first)
    assert len(again.staging.resources) == 0


def test_keys_that_fit_stay_and_only_others_need_new_allocations():
    first = make_plan(needs(*(buffer(i, 1000) for i in range(20))), UNIFIED)
    stays = [buffer(i, 1000) for i in range(20) if i != 7]
    second = make_plan(needs(*stays, buffer(50, 900), buffer(51, 5000)), UNIFIED, first)
    assert [second.address(i) for i in range(20) if i != 7] == [first.address(i) for i in range(20) if i != 7]
    assert second.address(50).offset == 7000  # in the hole that asset 7 left
    assert second.address(51).resource not in resources(first)
    assert list(stays_bound(first, second)) == []


def test_a_page_is_removed_with_its_last_layer():
    first = make_plan(needs(texture(1), texture(2), buffer(9)), UNIFIED)
    second = make_plan(needs(buffer(9)), UNIFIED, first)
    assert second.planned_bytes == 1008
    assert first.address(1).resource not in resources(second)


def test_ids_are_never_reused():
    first = make_plan(needs(attachment(1)), UNIFIED)
    second = make_plan(needs(attachment(1, replace(DEPTH, width=512))), UNIFIED, first)
    third = make_plan(needs(attachment(1)), UNIFIED, second)
    assert len({p.address(1).resource for p in (first, second, third)}) == 3
    assert len({p.address(1).allocation for p in (first, second, third)}) == 3


def test_a_new_usage_moves_an_asset_to_a_buffer_with_that_usage():
    first = make_plan(needs(buffer(1), buffer(2)), UNIFIED)
    both = BufferUsage.VERTEX_BUFFER | BufferUsage.STORAGE_BUFFER
    second = make_plan(needs(buffer(1, usage=both), buffer(2)), UNIFIED, first)
    assert second.address(2) == first.address(2)
    assert second.address(1).resource != first.address(1).resource
    assert validate(second) == []


def test_a_reloaded_asset_gets_another_place_than_its_old_version():
    first = make_plan(needs(buffer(1), buffer(2)), UNIFIED)
    second = make_plan(needs(buffer(1, content=5), buffer(2)), UNIFIED, first)
    assert second.address(1) != first.address(1)


def test_a_failed_plan_leaves_the_resident_one_valid():
    tight = UNIFIED.with_budgets({0: MIB})
    first = make_plan(needs(buffer(1)), tight)
    before = plan_text(first)
    with pytest.raises(PlanError):
        make_plan(needs(buffer(1), buffer(2, 8 * MIB)), tight, first)
    assert plan_text(first) == before
    assert make_plan(needs(buffer(1), buffer(2)), tight, first).address(1) == first.address(1)


def test_a_budget_error_names_heap_size_and_the_largest_requesters():
    tight = UNIFIED.with_budgets({0: 3 * MIB})
    with pytest.raises(PlanError) as caught:
        make_plan(needs(buffer(1, MIB), buffer(2, 2 * MIB), buffer(3, 100)), tight)
    assert caught.value.code == "plan.budget"
    text = str(caught.value)
    assert "heap 0 with a budget of 3.0 MiB" in text
    assert text.index("object1' at scenes/test.hu:2:5: 2.0 MiB") < text.index(
        "object0' at scenes/test.hu:1:5: 1.0"
    )


def test_a_budget_error_counts_an_asset_once_for_each_requester():
    table = RequirementTable()
    both = [table.requesters.add("visibleModel", "a"), table.requesters.add("visibleModel", "b")]
    table.add(buffer(1, 2 * MIB), both)
    table.add(buffer(1, 2 * MIB, usage=BufferUsage.INDEX_BUFFER), both[:1])
    table.add(buffer(2, 2 * MIB), both[1:])
    table.add(buffer(3, MIB), table.requesters.add("visibleModel", "gone"))
    table.remove(2)
    with pytest.raises(PlanError) as caught:
        make_plan(coalesce(table), UNIFIED.with_budgets({0: 3 * MIB}))
    requesters = "requesters: visibleModel on 'b': 4.0 MiB; visibleModel on 'a': 2.0 MiB\n"
    assert requesters in str(caught.value)


def test_a_budget_error_counts_device_bytes_and_sums_them_by_name():
    table = RequirementTable()
    asset, frame = (
        table.requesters.add_block("visibleModel", np.array([0]), lambda _: Requester("visibleModel", "cube"))
        for _ in range(2)
    )
    table.add(buffer(1, MIB), asset)
    samples = replace(DEPTH, samples=4)
    table.add(attachment(2, samples), frame)
    table.add(buffer(3, 10 * MIB), table.requesters.add("light", "sun"))
    size = UNIFIED.image_requirements(samples, 1, ImageUsage(0)).size
    assert size == 16 * MIB
    with pytest.raises(PlanError) as caught:
        make_plan(coalesce(table), UNIFIED.with_budgets({0: 20 * MIB}))
    assert "largest requesters: visibleModel on 'cube': 17.0 MiB; light on 'sun': 10.0 MiB" in str(
        caught.value
    )


def test_small_budgets_are_reported_in_bytes():
    with pytest.raises(PlanError, match="budget of 1500 bytes cannot hold the plan") as caught:
        make_plan(needs(buffer(1), buffer(2)), UNIFIED.with_budgets({0: 1500}))
    assert "'object0' at scenes/test.hu:1:5: 1000 bytes" in str(caught.value)


@pytest.mark.parametrize(
    ("requirement", "code", "words"),
    [
        (
            attachment(1, replace(DEPTH, width=40_000)),
            "plan.size",
            "40000x1024, but maxImageDimension2D is 16384",
        ),
        (attachment(1, DEPTH, copies=3000), "plan.size", "3000 layers, but maxImageArrayLayers is 2048"),
        (buffer(1, 9 << 30), "plan.size", "9663676416 bytes, but maxBufferSize is 1073741824"),
        (attachment(1, replace(DEPTH, width=16_000, height=16_000), copies=8), "plan.size", "than any heap"),
        (buffer(1, 0), "plan.requirement", "with 0 bytes"),
        (buffer(1, 8, alignment=0), "plan.requirement", "alignment 0"),
        (buffer(1, 8, copies=2), "plan.requirement", "2 copies of cached contents"),
        (Requirement(1, Kind.IMAGE), "plan.requirement", "an image without a shape"),
        (buffer(1, 8, properties=MemoryProperty.LAZILY_ALLOCATED), "plan.memory_type", "lazilyAllocated"),
    ],
)
def test_an_error_for_an_unsatisfiable_need_names_asset_and_requester(requirement, code, words):
    with pytest.raises(PlanError) as caught:
        make_plan(needs(requirement), UNIFIED)
    assert caught.value.code == code
    assert words in str(caught.value)
    assert "'object0' at scenes/test.hu:1:5" in str(caught.value)


def test_attachments_of_different_passes_share_memory_and_are_marked_aliased():
    rows = [attachment(1, lifetime=(0, 1)), attachment(2, lifetime=(2, 3)), attachment(3, lifetime=(1, 2))]
    plan = make_plan(needs(*rows), UNIFIED)
    assert plan.address(1).allocation == plan.address(2).allocation != plan.address(3).allocation
    flags = {int(r["id"]): bool(r["aliased"]) for r in plan.memory.resources}
    assert [flags[plan.address(key).resource] for key in (1, 2, 3)] == [True, True, False]
    shared = plan.memory.allocation(plan.address(1).allocation)
    assert (bool(shared["own"]), bool(shared["dedicated"])) == (True, False)
    assert validate(plan) == []
    prefers = replace(UNIFIED, images=replace(UNIFIED.images, dedicated_from=1), _cache={})
    assert make_plan(needs(*rows), prefers).memory.allocations["dedicated"].tolist() == [False, True]
    apart = make_plan(needs(*rows), UNIFIED, None, Policy(alias=False))
    assert apart.planned_bytes == plan.planned_bytes * 3 // 2


def test_allocation_counts_stay_below_the_devices_limit():
    few = with_limits(UNIFIED, max_memory_allocation_count=20)
    plan = make_plan(needs(*(attachment(i, replace(DEPTH, width=200 + i)) for i in range(40))), few)
    assert len(plan.memory.allocations) < 20
    assert validate(plan) == []


def with_limits(device: DeviceProfile, **limits: int) -> DeviceProfile:
    return replace(device, limits=replace(device.limits, **limits), _cache={})


@pytest.mark.parametrize(
    "row",
    [
        lambda i: buffer(i, 1000),
        pytest.param(lambda i: buffer(i, 100 * KIB), marks=pytest.mark.proof(short=True)),
        pytest.param(texture, marks=pytest.mark.proof(short=True)),
        pytest.param(
            lambda i: texture(i, ImageShape(Format.R8_UNORM, 1 + i, 16)),
            marks=pytest.mark.proof(short=True),
        ),
    ],
    ids=["small buffers", "large buffers", "textures", "textures of other shapes"],
)
def test_assets_added_one_after_another_are_in_few_allocations(row):
    plan, table = None, RequirementTable()
    for count in range(300):
        table.add(row(count), table.requesters.add("visibleModel", f"object{count}"))
        plan = make_plan(coalesce(table), UNIFIED, plan)
    assert len(plan.memory.allocations) < 130
    assert plan.waste_bytes <= plan.planned_bytes // 16
    assert validate(plan) == []


def test_a_new_page_is_not_enlarged_beyond_the_budget():
    rows = [buffer(i, 100 * KIB) for i in range(64)]
    roomy = make_plan(needs(*rows, buffer(90, 1000)), UNIFIED, make_plan(needs(*rows), UNIFIED))
    assert roomy.memory.resource(roomy.address(90).resource)["bytes"] == 204_000
    first = make_plan(needs(*rows), UNIFIED)
    tight = UNIFIED.with_budgets({0: first.planned_bytes + 100 * KIB})
    second = make_plan(needs(*rows, buffer(90, 1000)), tight, first)
    assert second.memory.resource(second.address(90).resource)["bytes"] == 1000
    assert second.address(63) == first.address(63)


def test_a_resource_with_its_own_allocation_stays_when_pages_are_placed_again():
    few = with_limits(UNIFIED, max_memory_allocation_count=5)
    written = buffer(9, contents=Contents.UNDEFINED, dedicated=Dedicated.YES)
    usages = (BufferUsage.VERTEX_BUFFER, BufferUsage.INDEX_BUFFER, BufferUsage.STORAGE_BUFFER)
    rows = [buffer(i, usage=usage) for i, usage in enumerate(usages)]
    plan, places = None, []
    for count in range(1, 4):
        plan = make_plan(needs(written, *rows[:count]), few, plan)
        places.append((plan.address(9), plan.address(0)))
    assert places[0][0] == places[1][0] == places[2][0]
    assert places[1][1] != places[2][1]
    assert validate(plan) == []


def test_everything_is_placed_again_where_allocations_run_out():
    few = with_limits(UNIFIED, max_memory_allocation_count=4)
    usages = (BufferUsage.VERTEX_BUFFER, BufferUsage.INDEX_BUFFER, BufferUsage.STORAGE_BUFFER)
    rows = [buffer(i, usage=usage) for i, usage in enumerate(usages)]
    plan, counts = None, []
    for count in range(1, 4):
        plan = make_plan(needs(*rows[:count]), few, plan)
        counts.append((len(plan.memory.allocations), len(plan.staging.allocations)))
        assert validate(plan) == []
    assert counts == [(1, 1), (2, 1), (1, 1)]


def test_an_error_for_too_many_dedicated_resources_names_their_requesters():
    few = with_limits(UNIFIED, max_memory_allocation_count=4)
    table = RequirementTable()
    for i in range(5):
        who = table.requesters.add("visibleModel", "cube" if i < 3 else "ground")
        table.add(buffer(i, dedicated=Dedicated.YES), who)
    with pytest.raises(PlanError, match=r"6 allocations are needed, but .* fewer than 4") as caught:
        make_plan(coalesce(table), few)
    assert caught.value.code == "plan.allocations"
    assert "visibleModel on 'cube': 3; visibleModel on 'ground': 2" in str(caught.value)


def test_no_buffer_is_larger_than_the_device_allows():
    small = with_limits(UNIFIED, max_buffer_size=3000)
    plan = make_plan(needs(*(buffer(i, 1000) for i in range(9))), small)
    assert plan.memory.resources["bytes"].tolist() == [3000, 3000, 3000]
    assert plan.staging.resources["bytes"].max() <= 3000
    with pytest.raises(PlanError, match="asset: 7 takes 5000 bytes, but maxBufferSize is 3000") as caught:
        make_plan(needs(buffer(3), buffer(7, 5000)), small)
    assert "object1' at scenes/test.hu:2:5" in str(caught.value)


def test_a_page_is_split_where_a_heap_has_room_for_a_part_of_it():
    shape = ImageShape(Format.R8G8B8A8_UNORM, 256, 256)
    device = replace(DISCRETE, images=replace(DISCRETE.images, type_bits=0b11), _cache={})
    layer = device.image_requirements(shape, 1, ImageUsage(7)).size
    rows = [replace(texture(i, shape), properties=NO_PROPERTY) for i in range(6)]
    preferring = [replace(row, preferred=MemoryProperty.DEVICE_LOCAL) for row in rows]
    plan = make_plan(needs(*preferring), device.with_budgets({0: 4 * layer}))
    assert [device.memory_types[plan.address(i).memory_type].heap for i in range(6)] == [0, 0, 0, 0, 1, 1]


def test_linear_and_optimal_never_share_a_block():
    rows = [buffer(i, 100) for i in range(3)] + [
        texture(10 + i, ImageShape(Format.R8_UNORM, 4, 4 + i)) for i in range(3)
    ]
    plan = make_plan(needs(*rows), COARSE)
    homes = [{plan.address(k).allocation for k in keys} for keys in ((0, 1, 2), (10, 11, 12))]
    assert homes[0].isdisjoint(homes[1])


def test_staging_is_planned_only_if_there_is_something_to_transfer():
    first = make_plan(needs(buffer(1, 100 * KIB)), UNIFIED)
    assert len(first.staging.resources) == 1
    assert int(first.staging.allocations["size"].sum()) < 120 * KIB
    assert len(make_plan(needs(buffer(1, 100 * KIB)), UNIFIED, first).staging.resources) == 0
    large = make_plan(needs(*(buffer(i, 8 * MIB) for i in range(100))), UNIFIED)
    assert len(large.staging.resources) == 2
    assert int(large.staging.resources["bytes"].max()) <= 256 * MIB


def test_equal_rows_of_the_other_plans_are_merged():
    vertex = ShaderRow(asset_key(1, 6), ShaderStage.VERTEX, requesters=(1,))
    rows = DrawingRows([vertex, replace(vertex, requesters=(0,))])
    plan = make_plan(needs(), UNIFIED, drawing=DrawingPlan(lambda: rows))
    assert plan.shaders == (replace(vertex, requesters=(0, 1)),)


@pytest.mark.parametrize(
    ("width", "height", "limit"),
    [
        (0, 16, "with 0 x 16 texels, .* all must be at least 1"),
        (16, 0, "with 16 x 0 texels, .* all must be at least 1"),
        (20_000, 16, "is 20000x16, but maxImageDimension2D is"),
        (16, 20_000, "is 16x20000, but maxImageDimension2D is"),
    ],
)
def test_an_image_of_an_impossible_size_is_refused_with_its_limit(width: int, height: int, limit: str):
    shape = replace(SHAPE, width=width, height=height, mip_levels=1)
    with pytest.raises(PlanError, match=limit):
        make_plan(needs(texture(1, shape)), UNIFIED)


@pytest.mark.parametrize("padding", [0, 60])
def test_a_round_reports_the_least_staging_for_its_padding(padding: int):
    wanted = needs(buffer(1, 1000, usage=BufferUsage.UNIFORM_BUFFER, alignment=1000 + padding))
    found = PlanningRound(wanted, UNIFIED, None, Policy(), wanted.terms, Keep.NOTHING).run()
    place = found.memory.subresources[0]
    assert found.min_staging == min_buffer_staging(int(place["footprint"] - place["size"]))


def test_occurrences_are_counted_for_each_id():
    assert _counts(np.array([3, 1, 1, 7, 3, 1], np.int32)) == [(1, 3), (3, 2), (7, 1)]
    assert _counts(np.array([5], np.int32)) == [(5, 1)]
    assert _counts(np.array([], np.int32)) == []
