"""Plans at their edges: the last byte of a budget, the last allocation, the next pass."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.cached_needs import packed
from support.placed_needs import attachment, buffer, needs, texture
from support.random_scenes import profile

from engine.plan.model.plan import Plan
from engine.plan.placement.planner import make_plan, plan_again
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.requirements import (
    ImageShape,
    QueueUse,
)
from engine.plan.resident.resident import Resident
from engine.plan.resident.steps import Transfer
from engine.plan.schedule.schedule import make_schedule
from engine.plan.terms.errors import PlanError
from engine.plan.terms.formats import Format
from engine.plan.terms.keys import Keys
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import (
    Access,
    Contents,
    Dedicated,
    ImageUsage,
    MemoryProperty,
    QueueKind,
    Stage,
    flag_names,
)
from engine.plan.text.validate import validate

KIB, MIB = 1 << 10, 1 << 20
GRAPHICS = QueueUse(QueueKind.GRAPHICS, Access.SHADER_SAMPLED_READ, Stage.COMPUTE_SHADER)
DISCRETE, UNIFIED = map(profile, ("discrete-window", "unified"))


def with_limits(device: DeviceProfile, **limits: int) -> DeviceProfile:
    return replace(device, limits=replace(device.limits, **limits), _cache={})


@pytest.mark.parametrize(
    ("key", "change", "created"),
    [
        (1, {"lifetime": (0, 2)}, [2]),
        (1, {"uses": (GRAPHICS,)}, []),
        (3, {"lifetime": (0, 3)}, []),
        (3, {"uses": (GRAPHICS,)}, []),
    ],
    ids=[
        "aliased, lives longer",
        "aliased, lives as before",
        "alone, lives longer",
        "alone, lives as before",
    ],
)
def test_attachments_that_share_memory_are_created_again_only_if_they_no_longer_can(key, change, created):
    keys = Keys()
    lives = {1: (0, 1), 2: (2, 3), 3: (1, 2)}
    rows = {key: attachment(key, lifetime=life, dedicated=Dedicated.PREFER) for key, life in lives.items()}
    plan = make_plan(needs(*rows.values(), keys=keys), UNIFIED)
    rows[key] = replace(rows[key], **change)
    after = make_plan(needs(*rows.values(), keys=keys), UNIFIED, plan)
    moved = [key for key in lives if after.address(key) != plan.address(key)]
    assert moved == created
    assert validate(after) == []


@pytest.mark.parametrize(("beyond", "layers"), [(0, 4), (-1, 1)])
def test_a_block_that_joins_others_has_room_for_more_of_the_same_up_to_the_budget(beyond: int, layers: int):
    shapes = [ImageShape(Format.R8_UNORM, 64, 64 + 8 * i) for i in range(5)]
    size = UNIFIED.image_requirements(shapes[4], 1, ImageUsage(7)).size
    policy, keys = Policy(growth=1), Keys()
    rows = [replace(texture(i, shape), contents=Contents.ZERO) for i, shape in enumerate(shapes)]
    plan = make_plan(needs(*rows[:4], keys=keys), UNIFIED, None, policy)
    assert plan.memory.allocations["size"].tolist() == [4 * size]
    full = UNIFIED.with_budgets({0: 8 * size + beyond})
    after = make_plan(needs(*rows, keys=keys), full, plan, policy)
    assert after.memory.allocations["size"].tolist() == [4 * size, layers * size]


def test_a_need_without_a_memory_type_names_those_that_its_resource_can_have():
    device = replace(DISCRETE, buffers=replace(DISCRETE.buffers, type_bits=0b110), _cache={})
    names = [" ".join(flag_names(kind.properties)) for kind in device.memory_types[1:3]]
    with pytest.raises(PlanError) as caught:
        make_plan(needs(buffer(1, 8, properties=MemoryProperty.LAZILY_ALLOCATED)), device)
    assert f"is lazilyAllocated, but the memory types for it are: {'; '.join(names)};" in str(caught.value)


def test_half_of_all_allocations_are_kept_for_resources_that_require_one():
    few = with_limits(UNIFIED, max_memory_allocation_count=4)
    required = [buffer(i, dedicated=Dedicated.YES, contents=Contents.ZERO) for i in range(2)]
    large = buffer(2, MIB, contents=Contents.ZERO)
    own = {
        count: make_plan(needs(*required[:count], large), few).memory.allocations["own"].tolist()
        for count in (0, 1, 2)
    }
    assert own == {0: [True], 1: [True, True], 2: [True, True, False]}


@pytest.mark.parametrize(("budget", "words"), [(MIB // 10, "0.1 MiB"), (MIB // 10 - 1, "104856 bytes")])
def test_a_budget_is_reported_in_bytes_below_a_tenth_of_a_mib(budget: int, words: str):
    with pytest.raises(PlanError, match=f"heap 0 with a budget of {words} cannot hold the plan"):
        make_plan(needs(*(buffer(i, 50_000) for i in range(3))), UNIFIED.with_budgets({0: budget}))


@pytest.mark.parametrize(("beyond", "staged"), [(0, [4 * KIB]), (-1, None)])
def test_staging_may_fill_the_budget_to_its_last_byte(beyond: int, staged: list[int] | None):
    device = UNIFIED.with_budgets({0: 1004 * KIB + beyond})
    rows = needs(buffer(1, 1000 * KIB))
    if staged is None:
        with pytest.raises(PlanError, match="the plan and a staging buffer"):
            make_plan(rows, device)
    else:
        assert make_plan(rows, device).staging.resources["bytes"].tolist() == staged


@pytest.mark.parametrize(("size", "room"), [(1000, 2000), (600, 1800), (1500, 1500)])
def test_a_page_that_joins_others_has_room_for_more_of_the_same_up_to_its_share(size: int, room: int):
    policy, keys = Policy(growth=1), Keys()
    old = [buffer(0), buffer(1)]
    plan = make_plan(needs(*old, keys=keys), UNIFIED, None, policy)
    assert plan.memory.resources["bytes"].tolist() == [2000]
    after = make_plan(needs(*old, buffer(2, size), keys=keys), UNIFIED, plan, policy)
    assert after.memory.resources["bytes"].tolist() == [2000, room]


@pytest.mark.parametrize(("size", "stays"), [(200_000, True), (100_004, True), (100_000, False), (4, False)])
def test_a_resource_of_its_own_that_is_half_empty_is_replaced(size: int, stays: bool):
    keys = Keys()
    plan = make_plan(needs(buffer(0, 200_000, contents=Contents.UNDEFINED), keys=keys), UNIFIED)
    assert plan.memory.allocations["own"].all()
    after = make_plan(needs(buffer(0, size, contents=Contents.UNDEFINED), keys=keys), UNIFIED, plan)
    assert (resources(after) == resources(plan)) is stays


@pytest.mark.parametrize(("size", "stays"), [(4 * MIB, False), (4 * MIB + 4, True)])
def test_a_resource_of_its_own_stays_until_half_of_it_is_unused(size: int, stays: bool):
    rows, keys = buffer(1, 8 * MIB, dedicated=Dedicated.YES), Keys()
    plan = make_plan(needs(rows, keys=keys), UNIFIED)
    smaller = make_plan(needs(replace(rows, size=size), keys=keys), UNIFIED, plan)
    assert (resources(smaller) == resources(plan)) == stays


def resources(plan: Plan) -> list[int]:
    return plan.memory.resources["id"].tolist()


def test_what_a_smaller_need_leaves_of_its_place_is_given_to_another():
    keys, policy = Keys(), Policy(growth=1 << 30)
    plan = make_plan(needs(buffer(0, 1024), buffer(1, 1024), keys=keys), UNIFIED, None, policy)
    smaller = needs(buffer(0, 512), buffer(1, 1024), buffer(2, 512), keys=keys)
    after = make_plan(smaller, UNIFIED, plan, policy)
    assert after.planned_bytes == plan.planned_bytes == 2048
    places = after.memory.subresources
    assert places["offset"].tolist() == [0, 1024, 512]
    assert places["footprint"].tolist() == [512, 1024, 512]


def planned(plan: Plan) -> list[int]:
    return plan.memory.subresources["key"].tolist()


@pytest.mark.parametrize(("fetch", "there"), [(True, [0, 1, 2, 3]), (False, [0, 1, 3])])
def test_a_plan_that_is_made_again_leaves_out_what_had_to_be_fetched_if_it_may_not(
    fetch: bool, there: list[int]
):
    keys, rows = Keys(), [buffer(0), buffer(1), buffer(2), buffer(3, contents=Contents.ZERO)]
    resident = make_plan(needs(*rows[:2], keys=keys), UNIFIED)
    again = plan_again(make_plan(needs(*rows, keys=keys), UNIFIED, resident), resident, fetch=fetch)
    assert planned(again) == there
    assert [again.address(key) for key in (0, 1)] == [resident.address(key) for key in (0, 1)]


@pytest.mark.parametrize(("fetch", "there"), [(True, [0, 1, 2]), (False, [2])])
def test_what_has_not_arrived_counts_as_something_to_fetch(fetch: bool, there: list[int]):
    keys, rows = Keys(), [buffer(0), buffer(1), buffer(2, contents=Contents.UNDEFINED)]
    resident, plan = Resident(), make_plan(needs(*rows, keys=keys), UNIFIED)
    resident.begin(plan)
    for step in make_schedule(resident, plan, packed(*rows[:2])).steps:
        if isinstance(step, Transfer):
            break
        resident.apply(step)
    snapshot = resident.snapshot()
    assert sorted(snapshot.memory.missing.tolist()) == [0, 1]
    assert planned(plan_again(plan, snapshot, fetch=fetch)) == there


def test_an_error_names_the_five_largest_requesters_and_equal_ones_by_name():
    sizes = (3, 9, 5, 5, 1, 5, 2)
    rows = [buffer(i, size * 1000) for i, size in enumerate(sizes)]
    with pytest.raises(PlanError) as caught:
        make_plan(needs(*reversed(rows)), UNIFIED.with_budgets({0: 10_000}))
    named = str(caught.value).split("requesters: ")[1].split("\n")[0].split("; ")
    assert [each.split(": ")[1] for each in named] == [
        f"{size} bytes" for size in (9000, 5000, 5000, 5000, 3000)
    ]
    equal = [each.split("'")[1] for each in named[1:4]]
    assert equal == sorted(equal)
