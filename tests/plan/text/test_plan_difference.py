"""Claims about the difference of two plans: its schedule ends exactly at the second plan."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from support.plan_proofs import DEVICES, TIGHT, Pair
from support.random_scenes import NAMES, SMALL, World, needs, profile
from support.sampling import Sample

from engine.plan.model.memory_plan import MemoryPlan
from engine.plan.model.plan import Plan
from engine.plan.placement.matching import matched
from engine.plan.placement.planner import make_plan
from engine.plan.resident.steps import Allocate, Free
from engine.plan.schedule.schedule import make_schedule
from engine.plan.schedule.simulation import SimulatedDevice
from engine.plan.schedule.validate_schedule import validate_schedule
from engine.plan.terms.errors import PlanError
from engine.plan.terms.keys import Keys
from engine.plan.text.plan_difference import difference
from engine.plan.text.plan_reader import database_name, read_plan
from engine.plan.text.plan_text import plan_text
from engine.plan.text.schedule_listing import schedule_listing


def allocations(plan: Plan) -> Counter[tuple[int, ...]]:
    """The allocations of a plan without their ids, counted."""
    names = [name for name in plan.memory.allocations.dtype.names if name != "id"]
    return Counter(plan.memory.allocations[names].tolist())


def read_pair(pair: Pair) -> tuple[Plan, Plan] | None:
    """Two plans of one world, made independently, written and read."""
    names: dict[int, str] = {}
    keys, plans = Keys(names.__getitem__), []
    for wanted in (pair.a, pair.b):
        try:
            made = make_plan(wanted, pair.budget(wanted), None, pair.policy)
        except PlanError as error:
            if error.code not in TIGHT:
                raise
            return None
        plans.append(read_plan(plan_text(made), made.profile, pair.policy, keys=keys, names=names))
        assert plans[-1].planned_bytes == made.planned_bytes
    return plans[0], plans[1]


@pytest.mark.parametrize("kind", range(len(DEVICES)))
def test_a_simulated_device_ends_exactly_at_the_second_plan(sample: Sample, kind: int) -> None:
    for seed in sample.seeds(3, 20):
        pair = Pair(seed * len(DEVICES) + kind)
        plans = read_pair(pair)
        if plans is not None:
            reaches_the_second(pair, *plans)


def reaches_the_second(pair: Pair, before: Plan, after: Plan) -> None:
    device = SimulatedDevice(pair.a_sources[1])
    first = matched(before, replace(before, memory=MemoryPlan.empty()))
    device.run(make_schedule(device.resident, first, pair.a_sources[0]))
    pair.check(device, first, pair.a_sources)
    found = difference(first, after)
    schedule = make_schedule(device.resident, found.plan, pair.b_sources[0])
    assert not validate_schedule(device.resident, schedule), pair.seed
    device.caches = pair.b_sources[1]
    device.run(schedule)
    pair.check(device, found.plan, pair.b_sources)
    assert allocations(found.plan) == allocations(after)
    assert device.resident.live_bytes == after.planned_bytes == found.plan.planned_bytes
    assert found.plan.waste_bytes == after.waste_bytes
    assert found.plan.planned_bytes == before.planned_bytes + found.allocated - found.freed


@pytest.mark.parametrize("name", NAMES)
def test_a_difference_and_its_reverse_have_the_same_bytes(name: str) -> None:
    rng = np.random.default_rng(8)
    world = World.make(rng, 25)
    small, large = (make_plan(needs(rng, world, share), profile(name), None, SMALL) for share in (0.3, 1.0))
    there, back = difference(small, large), difference(large, small)
    assert (there.allocated, there.freed) == (back.freed, back.allocated)
    assert len(difference(large, large).schedule) == 0


def test_new_objects_get_unused_ids() -> None:
    rng = np.random.default_rng(9)
    world = World.make(rng, 25)
    one, other = (make_plan(needs(rng, world, 0.5), profile("unified"), None, SMALL) for _ in range(2))
    found = difference(one, other)
    made = {s.allocation for s in found.schedule.steps if isinstance(s, Allocate)}
    assert made
    assert min(made) >= one.memory.next_allocation
    freed = {s.allocation for s in found.schedule.steps if isinstance(s, Free)}
    assert freed <= {*one.memory.allocations["id"].tolist(), *made}


def test_a_listing_names_databases_by_their_names() -> None:
    rng = np.random.default_rng(4)
    world = World.make(rng, 25)
    world.names = Keys(lambda key: f"my db{key >> 32} mesh '{key & 0xFF}'", lambda db: f"my db{db}")
    plan = make_plan(needs(rng, world, 0.8), profile("unified"), None, SMALL)
    names: dict[int, str] = {}
    keys = Keys(names.__getitem__, lambda db: database_name(names, db))
    again = read_plan(plan_text(plan), plan.profile, SMALL, keys=keys, names=names)
    nothing = replace(again, memory=MemoryPlan.empty())
    text = schedule_listing(difference(nothing, again).schedule)
    assert '["my db5" schedule' in text
    assert "assetDb" not in text
    assert database_name({}, 3) == "assetDb3"


def test_assets_with_different_names_at_the_same_address_are_different() -> None:
    rng = np.random.default_rng(4)
    world = World.make(rng, 25)
    wanted = needs(rng, world, 0.8)
    texts = []
    for database in ("left", "right"):
        named = Keys(lambda key, database=database: f"{database} mesh '{key}'")
        keys = replace(wanted, keys=named)
        for transient in wanted.keys.transients:
            named.transient(transient)
        texts.append(plan_text(make_plan(keys, profile("unified"), None, SMALL)))
    names: dict[int, str] = {}
    keys = Keys(names.__getitem__, lambda db: database_name(names, db))
    plans = [read_plan(text, profile("unified"), SMALL, keys=keys, names=names) for text in texts]
    found = difference(plans[0], plans[1])
    assets = [key for key in plans[1].memory.subresources["key"].tolist() if key not in plans[0].memory]
    assert found.added.tolist() == assets
    assert len(assets) == len(found.removed) > 10
    text = schedule_listing(found.schedule)
    assert "[right schedule" in text
    assert "left schedule" not in text
