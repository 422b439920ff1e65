"""Claims about images that share bytes: which do follows from what is wanted now, not from earlier plans."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.placed_needs import attachment, needs
from support.random_scenes import profile

from engine.plan.model.plan import Plan
from engine.plan.model.plan_change import plan_change
from engine.plan.placement.planner import make_plan
from engine.plan.requirements.coalesce import Coalesced
from engine.plan.requirements.requirements import ImageShape, Requirement
from engine.plan.terms.formats import Format
from engine.plan.terms.keys import Keys
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import Dedicated
from engine.plan.text.validate import validate

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
        ({"k1": (WIDE, (0, 2), False)}, [1, 2]),
        ({"k2": None}, [1]),
        ({"k2": (LATE, (2, 3), True)}, [1, 2]),
        ({"k3": (LATE, (2, 2), False)}, [1, 2, 3]),
        ({"k4": (SMALL, (3, 3), False)}, [1, 2]),
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
