"""Claims about images that share bytes: which do follows from what is wanted now, not from earlier plans.

Where they lie does follow from earlier plans: what need not be created again stays.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.placed_needs import attachment, needs
from support.random_scenes import profile

from engine.plan.model.plan import Plan
from engine.plan.model.plan_change import plan_change
from engine.plan.placement.planner import make_plan
from engine.plan.placement.shared_images import WORTH
from engine.plan.profile.device_profile import ImageFact
from engine.plan.requirements.coalesce import Coalesced
from engine.plan.requirements.requirements import ImageShape, Requirement
from engine.plan.requirements.sources import Sources
from engine.plan.resident.steps import Allocate, Bind, CreateImage, Destroy, Free, Publish, Step, Withdraw
from engine.plan.schedule.schedule import Schedule, make_schedule
from engine.plan.schedule.simulation import SimulatedDevice
from engine.plan.schedule.validate_schedule import validate_schedule
from engine.plan.terms.formats import Format
from engine.plan.terms.keys import Keys
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import Dedicated, ImageUsage, MemoryProperty
from engine.plan.text.validate import stays_bound, validate

DEVICE = profile("unified")
POLICY = Policy(own=1 << 16)
SHAPES = [ImageShape(Format.D32_SFLOAT, side, side) for side in (64, 128, 192, 256)]
"""The smallest is below the size from which an image has an allocation of its own."""
Wanted = dict[int, tuple[int, tuple[int, int] | None, bool]]
"""The images of a frame by key: number of the shape, lifetime, and whether it must be alone."""


def coalesced(keys: Keys, wanted: Wanted) -> Coalesced:
    return needs(*(image(key, *how) for key, how in sorted(wanted.items())), keys=keys)


def image(key: int, shape: int, lifetime: tuple[int, int] | None, alone: bool = False) -> Requirement:
    dedicated = Dedicated.YES if alone else Dedicated.NO
    return attachment(key, SHAPES[shape], lifetime=lifetime, dedicated=dedicated)


def layout(plan: Plan) -> list[tuple[int, list[tuple[int, int]]]]:
    """The allocations that several images share: their bytes, and their keys with offsets."""
    shared: dict[int, list[tuple[int, int]]] = {}
    for place in plan.memory.subresources:
        resource = plan.memory.resource(int(place["resource"]))
        if resource["aliased"]:
            found = shared.setdefault(int(resource["allocation"]), [])
            found.append((int(place["key"]), int(resource["offset"])))
    return sorted((int(plan.memory.allocation(each)["size"]), members) for each, members in shared.items())


def lifetimes() -> st.SearchStrategy[tuple[int, int] | None]:
    limited = st.tuples(st.integers(0, 4), st.integers(0, 3)).map(lambda pair: (pair[0], sum(pair)))
    return st.one_of(limited, limited, limited, st.none())


def frames() -> st.SearchStrategy[Wanted]:
    one = st.tuples(st.integers(0, len(SHAPES) - 1), lifetimes(), st.integers(0, 7).map(lambda n: n == 7))
    return st.dictionaries(st.integers(1, 7), one, max_size=7)


@given(st.lists(frames(), min_size=2, max_size=5))
def test_the_same_images_share_bytes_after_any_history_as_in_a_plan_made_from_nothing(history: list[Wanted]):
    keys = Keys()
    plan = None
    for wanted in history:
        plan = make_plan(coalesced(keys, wanted), DEVICE, plan, POLICY)
        assert validate(plan) == []
        fresh = make_plan(coalesced(keys, wanted), DEVICE, None, POLICY)
        assert layout(plan) == layout(fresh)


@given(st.lists(frames(), min_size=1, max_size=3))
def test_a_budget_of_what_a_plan_takes_from_nothing_is_enough_after_any_history(history: list[Wanted]):
    keys = Keys()
    plan = None
    for wanted in history[:-1]:
        plan = make_plan(coalesced(keys, wanted), DEVICE, plan, POLICY)
    last = coalesced(keys, history[-1])
    fresh = make_plan(last, DEVICE, None, POLICY)
    tight = DEVICE.with_budgets({0: fresh.planned_bytes})
    plan = make_plan(last, tight, plan, POLICY)
    assert validate(plan) == []
    assert plan.planned_bytes <= fresh.planned_bytes
    assert layout(plan) == layout(fresh)


WIDE, LATE, SMALL = 3, 2, 1
BEFORE: Wanted = {1: (WIDE, (0, 1), False), 2: (LATE, (2, 3), False), 3: (LATE, (1, 2), False)}


def after(**changes: tuple[int, tuple[int, int] | None, bool] | None) -> tuple[Plan, Plan]:
    """The plan of BEFORE, and the one that follows it with changes of images, by their keys."""
    keys = Keys()
    plan = make_plan(coalesced(keys, BEFORE), DEVICE, None, POLICY)
    wanted = {**BEFORE, **{int(name[1:]): how for name, how in changes.items() if how is not None}}
    wanted = {key: how for key, how in wanted.items() if f"k{key}" not in changes or changes[f"k{key}"]}
    return plan, make_plan(coalesced(keys, wanted), DEVICE, plan, POLICY)


@pytest.mark.parametrize(
    ("changes", "created"),
    [
        ({"k1": (WIDE, (4, 5), False), "k2": (LATE, (6, 7), False), "k3": (LATE, (5, 6), False)}, []),
        ({"k2": (LATE, (3, 3), False)}, []),
        ({"k3": (LATE, (0, 3), False)}, []),
        ({"k4": (SMALL, (0, 3), False)}, []),
        ({"k3": None}, []),
        ({"k1": (WIDE, (0, 2), False)}, [2]),
        ({"k2": None}, []),
        ({"k2": (LATE, (2, 3), True)}, [2]),
        ({"k3": (LATE, (2, 2), False)}, [2, 3]),
        ({"k4": (SMALL, (3, 3), False)}, []),
        ({"k1": (WIDE, None, False)}, [1, 2]),
    ],
    ids=[
        "all passes later",
        "shorter, in the same place",
        "longer, alone as before",
        "new, with an allocation of its own",
        "one that was alone is gone",
        "longer, no place beside the other",
        "gone, so that the other is alone",
        "dedicated from now on",
        "another has the better place",
        "new, beside those that share",
        "kept for ever",
    ],
)
def test_only_images_whose_place_is_another_are_created_again(changes, created):
    before, plan = after(**changes)
    present = [key for key in BEFORE if key in plan.memory]
    assert [key for key in present if plan.address(key) != before.address(key)] == created
    change = plan_change(before, plan)
    assert (change.moved, change.renewed) == (0, len(created)), "nothing of an attachment is copied"


PREFERS = replace(DEVICE, images=replace(DEVICE.images, dedicated_from=1), _cache={})
"""The same device, which prefers a dedicated allocation for each attachment that shares no bytes."""
SHADOW_MAP: Wanted = {1: (WIDE, (0, 1), False), 2: (LATE, (1, 3), False)}
"""A frame with a shadow map, which shares its bytes with nothing, and a picture."""
OUTLINED: Wanted = {**SHADOW_MAP, 3: (SMALL, (2, 3), False)}
"""The same with the mask of an outline."""


def settle(device: SimulatedDevice, keys: Keys, wanted: Wanted) -> tuple[Plan, list[Step]]:
    """Carry out the plan for a frame; returns it with the steps that led to it."""
    plan = make_plan(coalesced(keys, wanted), DEVICE, device.resident.snapshot(), POLICY)
    made = schedule_to(device, plan)
    device.run(made)
    assert device.resident.settled()
    return plan, list(made.steps)


def schedule_to(device: SimulatedDevice, plan: Plan) -> Schedule:
    assert validate(plan) == []
    made = make_schedule(device.resident, plan, Sources.of(*np.zeros((4, 0), np.int64)))
    assert validate_schedule(device.resident, made) == []
    return made


def test_a_small_image_joins_a_large_one_and_leaves_it_without_moving_or_allocating_anything():
    keys, device = Keys(), SimulatedDevice({})
    before, _ = settle(device, keys, SHADOW_MAP)
    assert layout(before) == []
    for _ in range(2):
        joined, steps = settle(device, keys, OUTLINED)
        assert [type(step) for step in steps] == [CreateImage, Bind, Publish]
        assert [joined.address(key) for key in SHADOW_MAP] == [before.address(key) for key in SHADOW_MAP]
        assert joined.address(3).allocation == before.address(1).allocation
        assert joined.planned_bytes == before.planned_bytes
        flags = {
            key: bool(joined.memory.resource(joined.address(key).resource)["aliased"]) for key in OUTLINED
        }
        assert flags == {1: True, 2: False, 3: True}
        alone, steps = settle(device, keys, SHADOW_MAP)
        assert [type(step) for step in steps] == [Withdraw, Destroy]
        assert [alone.address(key) for key in SHADOW_MAP] == [before.address(key) for key in SHADOW_MAP]
        assert not alone.memory.resources["aliased"].any()
        assert not any(row["aliased"] for row in device.resident.resources.values())


def test_memory_that_would_be_larger_than_its_images_is_given_back():
    keys, device = Keys(), SimulatedDevice({})
    settle(device, keys, OUTLINED)
    without = {key: how for key, how in OUTLINED.items() if key != 1}
    plan, steps = settle(device, keys, without)
    assert plan.planned_bytes == make_plan(coalesced(keys, without), DEVICE, None, POLICY).planned_bytes
    assert [type(step) for step in steps].count(Free) == 1
    assert [step.size for step in steps if isinstance(step, Allocate)] == [128 * 128 * 4]


def test_an_image_joins_others_where_the_budget_has_no_room_for_a_second_allocation():
    keys = Keys()
    plan = make_plan(coalesced(keys, SHADOW_MAP), DEVICE, None, POLICY)
    full = DEVICE.with_budgets({0: plan.planned_bytes})
    joined = make_plan(coalesced(keys, OUTLINED), full, plan, POLICY)
    assert validate(joined) == []
    assert [joined.address(key) for key in SHADOW_MAP] == [plan.address(key) for key in SHADOW_MAP]


def test_images_that_no_longer_share_bytes_separate_while_one_of_them_stays():
    keys, device = Keys(), SimulatedDevice({})
    before, _ = settle(device, keys, OUTLINED)
    plan, steps = settle(device, keys, {**OUTLINED, 3: (SMALL, (0, 3), False)})
    assert plan.address(1) == before.address(1)
    assert [type(step) for step in steps] == [CreateImage, Allocate, Bind, Publish, Destroy]
    assert not plan.memory.resources["aliased"].any()


def test_no_image_joins_a_dedicated_allocation():
    keys = Keys()
    wanted = {1: OUTLINED[1]}
    before = make_plan(coalesced(keys, wanted), PREFERS, None, POLICY)
    assert before.memory.allocations["dedicated"].all()
    plan = make_plan(coalesced(keys, {**wanted, 3: OUTLINED[3]}), PREFERS, before, POLICY)
    assert validate(plan) == []
    assert plan.address(1).allocation == plan.address(3).allocation != before.address(1).allocation


def test_a_dedicated_image_stays_where_another_would_save_little_of_it_and_that_lies_elsewhere():
    keys = Keys()
    before = make_plan(coalesced(keys, SHADOW_MAP), PREFERS, None, POLICY)
    assert before.memory.allocation(before.address(1).allocation)["dedicated"]
    small: Wanted = {**SHADOW_MAP, 3: (0, (2, 3), False)}
    joined = make_plan(coalesced(keys, small), PREFERS, before, replace(POLICY, own=1))
    assert validate(joined) == []
    assert [joined.address(key) for key in SHADOW_MAP] == [before.address(key) for key in SHADOW_MAP]
    assert not joined.memory.resources["aliased"].any()
    fresh = make_plan(coalesced(keys, small), PREFERS, None, replace(POLICY, own=1))
    assert joined.planned_bytes - fresh.planned_bytes == 64 * 64 * 4
    again = make_plan(coalesced(keys, SHADOW_MAP), PREFERS, joined, POLICY)
    assert again.planned_bytes == before.planned_bytes
    assert [again.address(key) for key in SHADOW_MAP] == [before.address(key) for key in SHADOW_MAP]


def test_a_dedicated_image_is_created_again_where_the_budget_has_no_room_beside_it():
    keys, policy = Keys(), replace(POLICY, own=1)
    before = make_plan(coalesced(keys, SHADOW_MAP), PREFERS, None, policy)
    full = PREFERS.with_budgets({0: before.planned_bytes})
    plan = make_plan(coalesced(keys, {**SHADOW_MAP, 3: (0, (2, 3), False)}), full, before, policy)
    assert validate(plan) == []
    assert plan.address(1).allocation == plan.address(3).allocation != before.address(1).allocation


@given(st.lists(frames(), min_size=2, max_size=5))
def test_what_dedicated_images_keep_from_sharing_is_less_than_a_quarter_of_them(history: list[Wanted]):
    keys, policy = Keys(), replace(POLICY, own=1)
    plan = None
    for wanted in history:
        plan = make_plan(coalesced(keys, wanted), PREFERS, plan, policy)
        assert validate(plan) == []
        fresh = make_plan(coalesced(keys, wanted), PREFERS, None, policy)
        dedicated = plan.memory.allocations["size"][plan.memory.allocations["dedicated"]]
        assert plan.planned_bytes - fresh.planned_bytes < max(int(dedicated.sum()) / WORTH, 1)


def test_images_of_one_size_that_no_longer_share_bytes_lie_in_two_allocations():
    keys, device = Keys(), SimulatedDevice({})
    before, _ = settle(device, keys, {1: (WIDE, (0, 0), False), 2: (WIDE, (1, 1), False)})
    plan, steps = settle(device, keys, {1: (WIDE, (0, 1), False), 2: (WIDE, (1, 1), False)})
    assert [plan.address(key) == before.address(key) for key in (1, 2)] == [True, False]
    assert [type(step) for step in steps] == [CreateImage, Allocate, Bind, Publish, Destroy]


def test_images_that_change_places_are_drawn_until_the_others_are_there():
    keys, device = Keys(), SimulatedDevice({})
    settle(device, keys, BEFORE)
    plan, steps = settle(device, keys, {**BEFORE, 3: (LATE, (2, 2), False)})
    assert plan.address(3).allocation == plan.address(1).allocation
    kinds = [CreateImage] * 2 + [Allocate] + [Bind] * 2 + [Publish] + [Destroy] * 2 + [Free]
    assert [type(step) for step in steps] == kinds, "nothing is withdrawn first"


def test_no_image_joins_memory_of_a_type_that_it_cannot_have():
    color = Format.R8G8B8A8_UNORM
    images = replace(DEVICE.images, format_type_bits=((int(color), 0b01),))
    device, keys = replace(DEVICE, images=images, _cache={}), Keys()
    visible = replace(image(1, WIDE, (0, 1)), properties=MemoryProperty.HOST_VISIBLE)
    before = make_plan(needs(visible, keys=keys), device, None, POLICY)
    joining = attachment(2, replace(SHAPES[LATE], format=color), lifetime=(2, 3))
    plan = make_plan(needs(image(1, WIDE, (0, 1)), joining, keys=keys), device, before, POLICY)
    assert validate(plan) == []
    assert before.address(1).memory_type == 1
    assert plan.address(1).allocation == plan.address(2).allocation != before.address(1).allocation


def test_an_image_that_takes_more_than_it_would_from_nothing_has_nobody_beside_it():
    plain = ImageUsage.DEPTH_STENCIL_ATTACHMENT | ImageUsage.SAMPLED
    copied = plain | ImageUsage.TRANSFER_SRC
    small = DEVICE.image_requirements(SHAPES[SMALL], 1, plain)
    large = replace(small, size=small.size + small.alignment)
    sizes = ((plain, small), (copied, large))
    facts = tuple(ImageFact(SHAPES[SMALL], 1, usage, requirements) for usage, requirements in sizes)
    device, keys = replace(DEVICE, facts=facts, _cache={}), Keys()
    wide, once = image(1, WIDE, (0, 1)), replace(image(2, SMALL, (2, 3)), usage=copied)
    before = make_plan(needs(wide, once, keys=keys), device, None, POLICY)
    both = (replace(once, usage=plain), image(3, SMALL, (2, 3)))
    plan = make_plan(needs(wide, *both, keys=keys), device, before, POLICY)
    assert validate(plan) == []
    assert plan.address(1) == before.address(1)
    assert plan.address(2).resource != before.address(2).resource


def test_no_image_joins_one_in_a_block_of_small_resources():
    keys = Keys()
    few = replace(DEVICE, limits=replace(DEVICE.limits, max_memory_allocation_count=3), _cache={})
    before = make_plan(needs(image(1, WIDE, (0, 1)), image(2, LATE, (0, 1)), keys=keys), few, None, POLICY)
    assert not before.memory.allocation(before.address(2).allocation)["own"]
    plan = make_plan(needs(image(2, LATE, (0, 1)), image(3, SMALL, (2, 3)), keys=keys), few, before, POLICY)
    assert validate(plan) == []
    assert plan.address(2).allocation == plan.address(3).allocation != before.address(2).allocation


def test_what_lies_behind_an_image_that_leaves_takes_its_place():
    keys, device = Keys(), SimulatedDevice({})
    wide, small = (WIDE, (0, 1), False), (SMALL, (2, 3), False)
    before, _ = settle(device, keys, {1: wide, 2: small, 3: small})
    without, _ = settle(device, keys, {1: wide, 3: small})
    offsets = [int(plan.memory.resource(plan.address(3).resource)["offset"]) for plan in (before, without)]
    assert offsets[1] == 0 < offsets[0]
    assert without.address(1) == before.address(1)


def test_an_image_with_other_layers_of_the_same_size_is_created_again():
    usage = ImageUsage.DEPTH_STENCIL_ATTACHMENT | ImageUsage.SAMPLED
    size = DEVICE.image_requirements(SHAPES[SMALL], 2, usage)
    facts = tuple(ImageFact(SHAPES[SMALL], layers, usage, size) for layers in (1, 2))
    device, keys = replace(DEVICE, facts=facts, _cache={}), Keys()
    wide, small = image(1, WIDE, (0, 1)), image(2, SMALL, (2, 3))
    before = make_plan(needs(wide, replace(small, copies=2), keys=keys), device, None, POLICY)
    plan = make_plan(needs(wide, small, keys=keys), device, before, POLICY)
    assert validate(plan) == []
    assert plan.memory.resource(plan.address(2).resource)["layers"] == 1
    assert plan.address(1).allocation == plan.address(2).allocation == before.address(1).allocation


@given(st.lists(st.tuples(frames(), st.integers(0, 12)), min_size=2, max_size=6))
def test_schedules_between_frames_are_valid_from_any_of_their_steps(history: list[tuple[Wanted, int]]):
    keys, device = Keys(), SimulatedDevice({})
    for wanted, upto in history:
        known = device.resident.snapshot()
        plan = make_plan(coalesced(keys, wanted), DEVICE, known, POLICY)
        if known is not None:
            assert list(stays_bound(known, plan)) == []
        device.run(schedule_to(device, plan), upto)
    last = history[-1][0]
    plan, _ = settle(device, keys, last)
    assert layout(plan) == layout(make_plan(coalesced(keys, last), DEVICE, None, POLICY))


@given(frames(), frames())
def test_images_with_the_same_place_and_company_in_two_frames_are_not_created_again(one: Wanted, two: Wanted):
    keys = Keys()
    before = make_plan(coalesced(keys, one), DEVICE, None, POLICY)
    after = make_plan(coalesced(keys, two), DEVICE, before, POLICY)
    fresh = make_plan(coalesced(keys, two), DEVICE, None, POLICY)
    kept = [
        key for key in one.keys() & two.keys() if two[key][1] and _place(before, key) == _place(fresh, key)
    ]
    for key in kept:
        pairs = {(before.address(each).allocation, fresh.address(each).allocation) for each in kept}
        was, now = before.address(key).allocation, fresh.address(key).allocation
        if [pair for pair in pairs if was in pair[:1] or now in pair[1:]] == [(was, now)]:
            assert after.address(key) == before.address(key)


def _place(plan: Plan, key: int) -> tuple[object, ...]:
    """What an image's memory is like: the allocation, its own offset, and its shape."""
    address = plan.address(key)
    resource = plan.memory.resource(address.resource)
    allocation = plan.memory.allocation(address.allocation)
    names = ("size", "own", "dedicated")
    return (*(allocation[name] for name in names), *(resource[name] for name in ("offset", "size", "width")))
