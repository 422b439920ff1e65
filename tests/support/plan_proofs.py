"""Proofs on random scenes, for tests and benchmarks: valid plans and right bytes after any stop or change."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace

import numpy as np
from support.random_scenes import CUBE, NAMES, SHAPES, SMALL, World, needs, profile

from engine.plan.model.plan import Plan
from engine.plan.placement.compaction import compact
from engine.plan.placement.page_return import return_pages
from engine.plan.placement.planner import make_plan
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.coalesce import Coalesced
from engine.plan.resident.steps import Move
from engine.plan.schedule.schedule import Schedule, make_schedule
from engine.plan.schedule.simulation import SimulatedDevice
from engine.plan.schedule.validate_schedule import validate_schedule
from engine.plan.terms.errors import PlanError
from engine.plan.terms.policy import Policy
from engine.plan.text.validate import stays_bound, validate

TIGHT = ("plan.allocations", "plan.budget", "plan.size", "plan.staging")
ROOMY = [profile(name) for name in NAMES]
FEW = replace(ROOMY[0], limits=replace(ROOMY[0].limits, max_memory_allocation_count=24), _cache={})
DEVICES = [*ROOMY, FEW]


def policy_of(seed: int) -> Policy:
    """The random policy of a seed: the proofs hold for any policy."""
    movable, alias, direct, queue = np.random.default_rng([seed, 4]).random(4) < 0.7
    chosen = {"movable": movable, "alias": alias, "direct": direct, "transfer_queue": queue}
    return replace(SMALL, **{name: bool(value) for name, value in chosen.items()})


def valid_plans(seed: int, count: int) -> int:
    """Make and validate `count` plans, each from the previous one; returns how many were possible.

    Sizes, active assets, versions and budgets change at random between them.
    """
    rng = np.random.default_rng(seed)
    device, policy = DEVICES[seed % len(DEVICES)], policy_of(seed)
    world = World.make(rng, int(rng.integers(1, 16)), (*SHAPES, CUBE))
    plan: Plan | None = None
    made = 0
    for _ in range(count):
        _reload(rng, world)
        try:
            wanted = needs(rng, world, rng.random(), 3)
            new = make_plan(wanted, _budget(rng, device, wanted, policy), plan, policy)
        except PlanError as error:
            if error.code not in TIGHT:
                raise
            continue
        findings = [*validate(new), *(stays_bound(plan, new) if plan is not None else ())]
        assert not findings, (seed, [str(f) for f in findings[:3]])
        plan, made = new, made + 1
        if len(new.memory.subresources) % 3 == 0 and (smaller := return_pages(new)) is not None:
            findings = [*validate(smaller), *stays_bound(new, smaller)]
            assert not findings, (seed, [str(f) for f in findings[:3]])
            plan = smaller
    return made


def packing_is_pure(seed: int) -> int:
    """Plans made from each other, each with the stored packing and with a new one: both are equal."""
    rng = np.random.default_rng(seed)
    device, policy = DEVICES[seed % len(DEVICES)], policy_of(seed)
    world = World.make(rng, int(rng.integers(5, 30)))
    plan: Plan | None = None
    for _ in range(8):
        _reload(rng, world)
        wanted = needs(rng, world, rng.uniform(0.3, 0.9), 3)
        again = make_plan(wanted, device, replace(plan, _packing=[]) if plan is not None else None, policy)
        plan = make_plan(wanted, device, plan, policy)
        _assert_equal(plan, again, seed)
        if (smaller := return_pages(plan)) is not None:
            other = return_pages(replace(again, _packing=[]))
            assert other is not None, seed
            _assert_equal(smaller, other, seed)
            plan = smaller
    return 8


def _assert_equal(plan: Plan, other: Plan, seed: int) -> None:
    for name in ("allocations", "resources", "subresources"):
        assert np.array_equal(getattr(plan.memory, name), getattr(other.memory, name)), (seed, name)


class Pair:
    """Three random states A, B and C of one scene, with their needs and caches."""

    def __init__(self, seed: int, devices: Sequence[DeviceProfile] = DEVICES) -> None:
        self.rng = rng = np.random.default_rng(seed)
        self.seed = seed
        self.device = devices[seed % len(devices)]
        self.policy = policy_of(seed)
        self.staging = np.random.default_rng([seed, 5])
        self.world = World.make(rng, int(rng.integers(1, 25)))
        self.a, self.a_sources = self._state()
        self.b, self.b_sources = self._state()
        self.c, self.c_sources = self._state()

    def _state(self) -> tuple[Coalesced, object]:
        _reload(self.rng, self.world)
        wanted = needs(self.rng, self.world, self.rng.random())
        return wanted, (
            self.world.sources(),
            dict(self.world.caches),
            list(self.world.offsets),
            list(self.world.sizes),
        )

    def at_a(self) -> SimulatedDevice | None:
        """A device on which A is settled; None where the budget cannot hold A."""
        device = SimulatedDevice(self.a_sources[1])
        return device if self.go(device, self.a, self.a_sources, self.budget(self.a)) else None

    def go(
        self, device: SimulatedDevice, wanted: Coalesced, state: tuple, profile_: DeviceProfile
    ) -> Plan | None:
        """Settle `wanted` on the device and check it; None where the budget is too small."""
        made = self.schedule(device, wanted, state, profile_)
        if made is None:
            return None
        device.run(made)
        self.check(device, made.plan, state)
        return made.plan

    def schedule(
        self, device: SimulatedDevice, wanted: Coalesced, state: tuple, profile_: DeviceProfile
    ) -> Schedule | None:
        """A valid schedule from the device's present state to `wanted`, with the caches of that state.

        Each has another staging size, so that partly transferred assets are split in another way.
        """
        policy = replace(self.policy, staging=int(self.staging.integers(6, 17)) << 10)
        try:
            plan = make_plan(wanted, profile_, device.resident.snapshot(), policy)
        except PlanError as error:
            if error.code not in TIGHT:
                raise
            return None
        assert not validate(plan), self.seed
        made = make_schedule(device.resident, plan, state[0])
        findings = validate_schedule(device.resident, made)
        assert not findings, (self.seed, [str(f) for f in findings[:3]])
        device.caches = state[1]
        return made

    def check(self, device: SimulatedDevice, plan: Plan, state: tuple) -> None:
        """Assert that the resident state is the plan, and that the bytes are those of the caches."""
        resident = device.resident
        assert resident.settled(), self.seed
        assert resident.live_bytes == plan.planned_bytes
        for present, planned in (
            (resident.allocations, plan.memory.allocations),
            (resident.resources, plan.memory.resources),
        ):
            assert [present[ident] for ident in sorted(present)] == list(planned), self.seed
        _, caches, offsets, sizes = state
        for key in plan.memory.subresources["key"].tolist():
            if key in self.world.keys:
                index = self.world.keys.index(key)
                expected = caches[key >> 32][offsets[index] : offsets[index] + sizes[index]]
                assert np.array_equal(device.read(key), expected), (self.seed, hex(key))

    def budget(self, wanted: Coalesced) -> DeviceProfile:
        return _budget(self.rng, self.device, wanted, self.policy)


def change(seed: int) -> int:
    """A -> B: the schedule reaches plan B with the bytes of B, within the budgets; 1 if it was possible."""
    pair = Pair(seed)
    device = pair.at_a()
    if device is None or pair.go(device, pair.b, pair.b_sources, pair.budget(pair.b)) is None:
        return 0
    again = make_plan(pair.b, device.resident.target.profile, device.resident.snapshot(), pair.policy)
    assert len(make_schedule(device.resident, again, pair.b_sources[0])) == 0, seed
    return 1


def replaced(seed: int) -> int:
    """A -> B is stopped at a random step and replaced by C, which must be reached; 1 if it was possible."""
    pair = Pair(seed)
    device, profile_ = pair.at_a(), pair.budget(pair.b)
    made = device and pair.schedule(device, pair.b, pair.b_sources, profile_)
    if not device or not made:
        return 0
    device.run(made, int(pair.rng.integers(0, len(made) + 1)))
    return int(pair.go(device, pair.c, pair.c_sources, pair.budget(pair.c)) is not None)


def stopped_everywhere(seed: int) -> int:
    """A -> B is stopped after every step and planned again from there; returns the number of stops."""
    pair = Pair(seed)
    device, profile_ = pair.at_a(), pair.budget(pair.b)
    made = device and pair.schedule(device, pair.b, pair.b_sources, profile_)
    if not device or not made:
        return 0
    device.begin(made.plan)
    for stop in range(len(made) + 1):
        plan = pair.go(forked(device), pair.b, pair.b_sources, profile_)
        assert plan is not None, (seed, stop)
        if stop < len(made):
            device.step(made.steps[stop])
    return len(made) + 1


def forked(device: SimulatedDevice) -> SimulatedDevice:
    """A copy of the device that shares plans and caches, which never change."""
    return deepcopy(
        device, {id(device.caches): device.caches, id(device.resident.target): device.resident.target}
    )


def resumed(seed: int) -> int:
    """A -> B with room for both, stopped at random steps and planned again: no byte is transferred twice."""
    pair = Pair(seed, ROOMY)
    device = SimulatedDevice(pair.a_sources[1])
    pair.go(device, pair.a, pair.a_sources, pair.device)
    made = pair.schedule(device, pair.b, pair.b_sources, pair.device)
    assert made is not None
    before = device.staged_bytes
    for _ in range(3):
        device.run(made, int(pair.rng.integers(0, len(made) + 1)))
        again = pair.schedule(device, pair.b, pair.b_sources, pair.device)
        assert again is not None
        rest = device.staged_bytes - before + again.staged
        assert rest == made.staged, (seed, rest, made.staged)
        before, made = device.staged_bytes, again
    device.run(made)
    pair.check(device, made.plan, pair.b_sources)
    return 1


def compacted(seed: int) -> int:
    """A full scene that has become sparse is compacted: the gain is as announced, and every byte is kept."""
    rng = np.random.default_rng(seed)
    pair = Pair(seed, ROOMY)
    pair.policy = replace(pair.policy, movable=True)
    pair.world = World.make(rng, 40)
    full, sparse = (needs(rng, pair.world, share) for share in (1.0, 0.3))
    state = (pair.world.sources(), dict(pair.world.caches), list(pair.world.offsets), list(pair.world.sizes))
    device = SimulatedDevice(state[1])
    pair.go(device, full, state, pair.device)
    plan = pair.go(device, sparse, state, pair.device)
    assert plan is not None
    found = compact(device.resident.snapshot())
    assert not validate(found.plan), seed
    assert plan.planned_bytes - found.plan.planned_bytes == found.gain
    steps = make_schedule(device.resident, found.plan, state[0])
    assert not validate_schedule(device.resident, steps), seed
    assert (steps.staged, steps.moved) == (0, found.moved), seed
    device.run(steps)
    pair.check(device, found.plan, state)
    return int(found.gain > 0)


def returned(seed: int) -> int:
    """A full scene that has become sparse returns its waiting pages cycle by cycle; the number of cycles.

    Every cycle stays within its bounds, fetches nothing and keeps every byte. Stopped after any step, the
    sparse scene is planned again without fetching anything, and the full one with what was switched off.
    """
    rng = np.random.default_rng(seed)
    pair = Pair(seed, ROOMY)
    bounds = int(rng.choice([2 << 10, 16 << 10, 1 << 20])), int(rng.choice([3, 4096]))
    pair.policy = replace(
        pair.policy, movable=True, block=256 << 10, return_bytes=bounds[0], return_keys=bounds[1]
    )
    pair.world = World.make(rng, 60)
    full, sparse = (needs(rng, pair.world, share) for share in (1.0, 0.2))
    state = (pair.world.sources(), dict(pair.world.caches), list(pair.world.offsets), list(pair.world.sizes))
    device = SimulatedDevice(state[1])
    pair.go(device, full, state, pair.device)
    before = pair.go(device, sparse, state, pair.device)
    assert before is not None
    fetch_full = pair.schedule(device, full, state, pair.device).staged
    cycles, moved, plan = 0, 0, before
    kept = int(before.memory.subresources["size"].sum())
    while (smaller := return_pages(plan)) is not None:
        assert not validate(smaller), seed
        made = make_schedule(device.resident, smaller, state[0])
        findings = validate_schedule(device.resident, made)
        assert not findings, (seed, [str(f) for f in findings[:3]])
        keys = sum(len(step.keys) for step in made.steps if isinstance(step, Move))
        assert made.staged == 0, seed
        assert 0 < keys <= bounds[1], seed
        assert made.moved <= bounds[0] or keys == 1, seed
        device.begin(smaller)
        stops = set(rng.choice(len(made), 2).tolist())
        for number, step in enumerate(made.steps):
            if number in stops:
                for wanted, fetch in ((sparse, 0), (full, fetch_full)):
                    other = forked(device)
                    again = pair.schedule(other, wanted, state, pair.device)
                    assert again is not None, (seed, number)
                    assert again.staged == fetch, (seed, number)
                    other.run(again)
                    pair.check(other, again.plan, state)
            device.step(step)
        pair.check(device, smaller, state)
        cycles, moved, plan = cycles + 1, moved + made.moved, smaller
    assert not plan.waiting, seed
    assert moved <= kept, seed
    if bounds == (1 << 20, 4096):  # with other bounds pages are split, into some of the device's granularity
        assert before.planned_bytes - plan.planned_bytes >= 0.95 * before.waiting_bytes, seed
    return cycles


def _reload(rng: np.random.Generator, world: World) -> None:
    for index in np.flatnonzero(rng.random(len(world.keys)) < 0.05).tolist():
        world.reload(rng, index)


def _budget(
    rng: np.random.Generator, device: DeviceProfile, wanted: Coalesced, policy: Policy
) -> DeviceProfile:
    """The device, mostly with budgets that hardly hold what is wanted and its staging."""
    if rng.random() < 0.3:
        return device
    fresh = make_plan(wanted, device, None, policy)
    used = fresh.heap_bytes() + fresh.heap_bytes(fresh.staging)
    return device.with_budgets(
        {heap: int(size * rng.uniform(0.95, 1.7)) + 4096 for heap, size in enumerate(used.tolist())}
    )
