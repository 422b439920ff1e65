"""Mutation tests: each rule is broken in a valid plan, and the validator must find which and where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from support.mutations import (
    changed,
    ident,
    staged_twice,
    with_empty,
    with_limits,
    with_profile,
    with_terms,
    without_need,
    without_place,
    without_requesters,
)
from support.random_scenes import SMALL, World, needs, profile

from engine.plan.model.findings import Part
from engine.plan.model.memory_plan import MemoryPlan
from engine.plan.model.plan import Plan
from engine.plan.placement.planner import make_plan
from engine.plan.profile.device_profile import DeviceProfile, QueueFamily
from engine.plan.requirements.coalesce import coalesce
from engine.plan.requirements.requirements import ImageShape, Requirement, RequirementTable
from engine.plan.requirements.shapes import tight_bytes
from engine.plan.requirements.sources import Sources
from engine.plan.resident.resident import Resident
from engine.plan.resident.steps import Bind, Fill, Move, SetWindow, Transfer
from engine.plan.schedule.schedule import Schedule, make_schedule
from engine.plan.schedule.validate_schedule import validate_schedule
from engine.plan.terms.formats import Format
from engine.plan.terms.table import Table
from engine.plan.terms.vocabulary import BufferUsage, Contents, ImageUsage, Kind, MemoryProperty, QueueKind
from engine.plan.text.validate import stays_bound, validate

SHAPE = ImageShape(Format.R8G8B8A8_UNORM, 16, 16)
DEPTH = ImageShape(Format.D32_SFLOAT, 64, 64)
MAPPED = MemoryProperty.HOST_VISIBLE | MemoryProperty.HOST_COHERENT


HALF = ImageShape(Format.D32_SFLOAT, 64, 32)
TINY = ImageShape(Format.R8G8B8A8_UNORM, 8, 8)
STORED = BufferUsage.STORAGE_BUFFER | BufferUsage.SHADER_DEVICE_ADDRESS


def static(key: int, size: int, usage: BufferUsage, **more: int) -> Requirement:
    return Requirement(key, Kind.BUFFER, size, usage=usage, contents=Contents.CACHE, **more)


def attachment(key: int, shape: ImageShape, lifetime: tuple[int, int]) -> Requirement:
    usage = ImageUsage.DEPTH_STENCIL_ATTACHMENT
    return Requirement(key, Kind.IMAGE, shape=shape, usage=usage, lifetime=lifetime)


def texture(key: int, shape: ImageShape) -> Requirement:
    return Requirement(key, Kind.IMAGE, shape=shape, usage=ImageUsage.SAMPLED, contents=Contents.CACHE)


ROWS = (
    *(static(key, 640, BufferUsage.UNIFORM_BUFFER) for key in (0, 7)),
    static(1, 640, STORED),
    Requirement(
        2,
        Kind.BUFFER,
        100,
        usage=BufferUsage.UNIFORM_BUFFER,
        properties=MAPPED,
        persistent_map=True,
        copies=2,
    ),
    texture(3, SHAPE),
    texture(4, SHAPE),
    texture(8, TINY),
    attachment(5, DEPTH, (0, 1)),
    attachment(6, HALF, (2, 3)),
    attachment(12, HALF, (2, 3)),
    static(9, 12, BufferUsage.VERTEX_BUFFER, alignment=4),
    static(10, 6, BufferUsage.INDEX_BUFFER, alignment=2),
    static(11, 640, BufferUsage.STORAGE_TEXEL_BUFFER),
)


def a_plan(name: str = "discrete-window") -> Plan:
    """Buffers (0, 1, 7, 9, 10, 11), a ring (2), two layers of a page (3, 4) and a page beside it (8), an
    attachment (5) and two others of half its size (6, 12) that lie over it side by side.
    """
    table = RequirementTable()
    who = table.requesters.add("visibleModel", "cube")
    for requirement in ROWS:
        table.add(requirement, who)
    return make_plan(coalesce(table), profile(name), None, SMALL)


PLACE, RESOURCE, ALLOCATION = Part.SUBRESOURCE, Part.RESOURCE, Part.ALLOCATION
Break = tuple[str, Part, tuple[int, ...], Callable[[Plan], Plan]]

# What is broken: the rule, what of the plan breaks it, by keys, and how to break it.
BREAKS: dict[str, Break] = {
    "misaligned": ("1 alignment", RESOURCE, (8,), lambda p: changed(p, RESOURCE, 8, offset=2064)),
    "beyond the allocation": ("1 range", RESOURCE, (3,), lambda p: changed(p, ALLOCATION, 3, size=100)),
    "before the allocation": ("1 range", RESOURCE, (3,), lambda p: changed(p, RESOURCE, 3, offset=-1024)),
    "illegal type": ("1 type bits", RESOURCE, (3,), lambda p: changed(p, ALLOCATION, 3, memory_type=2)),
    "too small": ("1 size", RESOURCE, (5,), lambda p: changed(p, RESOURCE, 5, size=16)),
    "too large a buffer": ("extent", RESOURCE, (0,), lambda p: with_limits(p, max_buffer_size=700)),
    "too wide": ("extent", RESOURCE, (5,), lambda p: with_limits(p, max_image_dimension_2d=63)),
    "too high": ("extent", RESOURCE, (12,), lambda p: changed(p, RESOURCE, 12, height=1 << 20)),
    "too many layers": ("extent", RESOURCE, (3,), lambda p: with_limits(p, max_image_array_layers=1)),
    "not alone": ("4 dedicated", RESOURCE, (5,), lambda p: changed(p, ALLOCATION, 5, dedicated=True)),
    "own and shared": ("4 dedicated", RESOURCE, (8,), lambda p: changed(p, ALLOCATION, 8, own=True)),
    "usage missing": ("6 usage", PLACE, (0,), lambda p: changed(p, RESOURCE, 0, usage=2)),
    "staged without transfer": ("13 transfer", PLACE, (3,), lambda p: changed(p, RESOURCE, 3, usage=5)),
    "no address flag": (
        "8 device address",
        RESOURCE,
        (1,),
        lambda p: changed(p, ALLOCATION, 1, device_address=False),
    ),
    "uniform offset": ("7 descriptor", PLACE, (7,), lambda p: changed(p, PLACE, 7, offset=648)),
    "storage offset": ("7 descriptor", PLACE, (1,), lambda p: changed(p, PLACE, 1, offset=8)),
    "texel offset": ("7 descriptor", PLACE, (11,), lambda p: changed(p, PLACE, 11, offset=8)),
    "ring stride": ("7 descriptor", PLACE, (2,), lambda p: changed(p, PLACE, 2, stride=100)),
    "asked alignment": ("7 alignment", PLACE, (7,), lambda p: with_terms(p, 7, alignment=7, usage=0)),
    "asked stride": ("7 alignment", PLACE, (2,), lambda p: with_terms(p, 2, alignment=256)),
    "shared atom": ("9 atom", PLACE, (2,), lambda p: changed(p, PLACE, 2, footprint=200)),
    "atom begins before": ("9 atom", PLACE, (2,), lambda p: changed(p, PLACE, 2, offset=32)),
    "not mapped": ("9 mapping", PLACE, (2,), lambda p: changed(p, ALLOCATION, 2, mapped=False)),
    "mapped unseen": ("9 mapping", PLACE, (2,), lambda p: changed(p, ALLOCATION, 2, memory_type=1)),
    "wrong properties": (
        "memory properties",
        PLACE,
        (3,),
        lambda p: with_terms(p, 3, properties=MemoryProperty.HOST_VISIBLE),
    ),
    "beyond the buffer": ("range", PLACE, (0,), lambda p: changed(p, PLACE, 0, offset=64 * 1000)),
    "beyond the layers": ("range", PLACE, (4,), lambda p: changed(p, PLACE, 4, offset=2)),
    "before the buffer": ("range", PLACE, (0,), lambda p: changed(p, PLACE, 0, offset=-64)),
    "keys overlap": ("overlap", PLACE, (0, 7), lambda p: changed(p, PLACE, 7, offset=0)),
    "layers overlap": ("overlap", PLACE, (3, 4), lambda p: changed(p, PLACE, 4, offset=0)),
    "smaller than asked": ("size", PLACE, (0,), lambda p: changed(p, PLACE, 0, footprint=64)),
    "ring too small": ("size", PLACE, (2,), lambda p: changed(p, PLACE, 2, footprint=128)),
    "fewer layers": ("size", PLACE, (3,), lambda p: with_terms(p, 3, copies=2)),
    "live at once": ("16 alias", RESOURCE, (5, 6), lambda p: with_terms(p, 5, lifetime=(0, 2))),
    "live before": ("16 alias", RESOURCE, (5, 12), lambda p: with_terms(p, 12, lifetime=(0, 0))),
    "live at its end": ("16 alias", RESOURCE, (5, 6), lambda p: with_terms(p, 5, lifetime=(3, 4))),
    "alive for ever": ("16 alias", RESOURCE, (5, 6), lambda p: with_terms(p, 6, lifetime=None)),
    "aliased in secret": ("overlap", RESOURCE, (5, 6), lambda p: changed(p, RESOURCE, 5, aliased=False)),
    "resources overlap": ("overlap", RESOURCE, (3, 8), lambda p: changed(p, RESOURCE, 8, offset=1024)),
    "a need without a place": ("complete", PLACE, (0,), lambda p: without_place(p, 0)),
    "a place nobody needs": ("why", PLACE, (3,), lambda p: without_need(p, 3)),
    "a need nobody has": ("why", PLACE, (3,), lambda p: without_requesters(p, 3)),
    "too large an allocation": (
        "5 size",
        ALLOCATION,
        (5,),
        lambda p: with_limits(p, max_memory_allocation_size=16_000),
    ),
    "larger than the heap": (
        "5 size",
        ALLOCATION,
        (5,),
        lambda p: with_profile(p, heaps=(replace(p.profile.heaps[0], size=16_000), *p.profile.heaps[1:])),
    ),
    "no bytes": ("5 size", ALLOCATION, (5,), lambda p: changed(p, ALLOCATION, 5, size=0)),
}


@pytest.mark.parametrize("name", ["discrete-window", "coarse"])
def test_the_plan_to_be_broken_is_valid(name):
    plan = a_plan(name)
    assert validate(plan) == []
    used = plan.heap_bytes() + plan.heap_bytes(plan.staging)
    assert validate(with_profile(plan, budgets=dict(enumerate(used.tolist())))) == []
    largest = int(plan.memory.allocations["size"].max())
    assert validate(with_limits(plan, max_memory_allocation_size=largest)) == []
    bytes_ = max(int(memory.resources["bytes"].max()) for memory in (plan.memory, plan.staging))
    touching = with_limits(plan, max_buffer_size=bytes_)
    assert validate(with_limits(touching, max_image_dimension_2d=64, max_image_array_layers=2)) == []


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_rule_is_found_with_its_location(name):
    rule, part, keys, break_it = BREAKS[name]
    plan = a_plan()
    findings = validate(break_it(plan))
    ids = {ident(plan, part, key) for key in keys}
    assert any(f.rule == rule and f.part is part and set(f.ids) == ids for f in findings), findings
    assert all(f.where for f in findings)


def test_a_finding_names_the_asset_and_the_resource():
    plan = a_plan()
    (found,) = validate(changed(plan, PLACE, 7, offset=0))
    assert str(found) == (
        "overlap: assetDb: 0 asset: 0 at 0 of resource 0 and assetDb: 0 asset: 7 at 0 of resource 0"
    )


def test_an_unknown_id_is_found():
    found = validate(changed(a_plan(), PLACE, 0, resource=99))
    assert (found[0].rule, found[0].where) == ("reference", "id 99 is not in the plan")


@pytest.mark.parametrize("part", [RESOURCE, ALLOCATION])
def test_empty_and_duplicate_parts_are_found(part):
    empty = [(f.rule, f.part, f.ids) for f in validate(with_empty(a_plan(), part))]
    assert ("why", part, (77,)) in empty
    twice = [(f.rule, f.part, f.ids) for f in validate(staged_twice(a_plan(), part))]
    assert ("ids", part, (0,)) in twice


def test_too_many_allocations_are_found():
    plan = a_plan()
    count = len(plan.memory.allocations) + len(plan.staging.allocations)
    assert [f.rule for f in validate(with_limits(plan, max_memory_allocation_count=count))] == ["5 count"]
    assert validate(with_limits(plan, max_memory_allocation_count=count + 1)) == []


def test_a_heap_over_its_budget_is_found():
    found = [f for f in validate(with_profile(a_plan(), budgets={0: 100})) if f.rule == "budget"]
    assert [(f.part, f.ids) for f in found] == [(Part.HEAP, (0,))]


def test_linear_and_optimal_in_one_page_are_found_from_both_sides():
    plan = a_plan("coarse")
    both = {ident(plan, RESOURCE, key) for key in (0, 3)}
    after = changed(plan, RESOURCE, 3, allocation=plan.address(0).allocation, offset=4096)
    assert [set(f.ids) for f in validate(after) if f.rule == "2 granularity"] == [both]
    small = changed(plan, RESOURCE, 3, size=1000)
    after = changed(small, RESOURCE, 0, allocation=plan.address(3).allocation, offset=1024)
    assert [set(f.ids) for f in validate(after) if f.rule == "2 granularity"] == [both]


def test_required_dedicated_memory_is_checked():
    for name, layers in (("discrete-window", 2), ("coarse", 1)):  # beside another; alone but not dedicated
        plan = a_plan(name)
        usage = ImageUsage(int(plan.memory.resource(plan.address(3).resource)["usage"]))
        needs_it = replace(plan.profile.image_requirements(SHAPE, layers, usage), requires_dedicated=True)
        plan.profile._cache[(SHAPE, layers, int(usage))] = needs_it
        found = {ids for f in validate(plan) if f.rule == "4 dedicated" for ids in f.ids}
        assert plan.address(3).resource in found


def test_an_allocation_may_fill_its_heap():
    table = RequirementTable()
    table.add(static(0, 640, BufferUsage.VERTEX_BUFFER), table.requesters.add("visibleModel", "cube"))
    plan = make_plan(coalesce(table), profile("discrete-window"))
    small = replace(plan.profile.heaps[0], size=plan.planned_bytes)
    heaps = (small, *plan.profile.heaps[1:])
    assert validate(with_profile(plan, heaps=heaps, budgets={0: small.size})) == []


def test_an_id_that_changes_its_object_is_found():
    plan = a_plan()
    assert list(stays_bound(plan, plan)) == []
    for table, fields in ((RESOURCE, {"offset": 64}), (ALLOCATION, {"size": 1 << 20})):
        found = list(stays_bound(plan, changed(plan, table, 3, **fields)))
        assert [(f.rule, f.part, f.ids) for f in found] == [("3 bound once", table, (ident(plan, table, 3),))]


def a_schedule() -> tuple[Resident, Schedule]:
    """A schedule that transfers textures and buffers on a transfer queue, large textures in rows."""
    rng = np.random.default_rng(1)
    world = World.make(rng, 30)
    plan = make_plan(needs(rng, world, 1.0), profile("coarse"), None, SMALL)
    return Resident(), make_schedule(Resident(), plan, world.sources())


def mutated(
    schedule: Schedule, kind: type, change: Callable[[object], object], pick: Callable[[object], bool]
) -> tuple[int, Schedule]:
    """The index of the changed step, and the schedule with it."""
    steps = list(schedule.steps)
    at = next(i for i, step in enumerate(steps) if isinstance(step, kind) and pick(step))
    steps[at] = change(steps[at])
    return at, replace(schedule, steps=tuple(steps))


def shifted(name: str, field: str, by: int) -> Callable[[object], object]:
    def change(step: object) -> object:
        rows = getattr(step, name).copy()
        rows[field][-1] += by
        return replace(step, **{name: rows})

    return change


def doubled(name: str) -> Callable[[object], object]:
    return lambda step: replace(step, **{name: np.concatenate([getattr(step, name)] * 2)})


def emptied(step: Transfer) -> Transfer:
    copies = step.buffer_copies.copy()
    copies["size"][-1] = 0
    return replace(step, buffer_copies=copies)


def has(name: str) -> Callable[[object], bool]:
    return lambda step: len(getattr(step, name)) > 0


IMAGES, BUFFERS = has("image_copies"), has("buffer_copies")
HIGH, FLAT = (
    lambda step: len(step.image_copies) and step.image_copies["height"][-1] > 1,
    lambda step: len(step.image_copies) and step.image_copies["height"][-1] == 1,
)
SCHEDULE_BREAKS = {
    "misaligned": ("10 bufferOffset", Transfer, shifted("image_copies", "staging_offset", 1), IMAGES),
    "part of a row of blocks": ("11 granularity", Transfer, shifted("image_copies", "height", -1), HIGH),
    "no row": ("10 rows", Transfer, shifted("image_copies", "height", -1), FLAT),
    "wider": ("10 rows", Transfer, shifted("image_copies", "width", 1), IMAGES),
    "lower": ("10 rows", Transfer, shifted("image_copies", "height", 1 << 10), IMAGES),
    "higher": ("10 rows", Transfer, shifted("image_copies", "y", -(1 << 10)), IMAGES),
    "twice": ("12 disjoint", Transfer, doubled("buffer_copies"), BUFFERS),
    "rows twice": ("12 disjoint", Transfer, doubled("image_copies"), IMAGES),
    "read twice": ("12 disjoint", Transfer, doubled("reads"), has("reads")),
    "beyond the buffer": ("12 range", Transfer, shifted("buffer_copies", "size", 1 << 20), BUFFERS),
    "nothing": ("12 range", Transfer, emptied, BUFFERS),
    "before the buffer": ("12 range", Transfer, shifted("buffer_copies", "offset", -(1 << 20)), BUFFERS),
    "no such layer": ("12 range", Transfer, shifted("image_copies", "layer", 1 << 10), IMAGES),
    "no layer at all": ("12 range", Transfer, shifted("image_copies", "layer", -(1 << 10)), IMAGES),
    "no such level": ("12 range", Transfer, shifted("image_copies", "mip", 20), IMAGES),
    "no level at all": ("12 range", Transfer, shifted("image_copies", "mip", -20), IMAGES),
    "read beyond staging": ("12 range", Transfer, shifted("reads", "staging_offset", 1 << 20), has("reads")),
    "copied from beyond": (
        "12 range",
        Transfer,
        shifted("buffer_copies", "staging_offset", 1 << 20),
        BUFFERS,
    ),
    "texels from beyond": ("12 range", Transfer, shifted("image_copies", "staging_offset", 1 << 20), IMAGES),
    "large": (
        "window",
        SetWindow,
        lambda s: replace(s, windows=(replace(s.windows[0], size=SMALL.window + 1),)),
        has("windows"),
    ),
}


def test_the_schedule_to_be_broken_is_valid():
    _, schedule = a_schedule()
    assert validate_schedule(*a_schedule()) == []
    copies = [step for step in schedule.steps if isinstance(step, Transfer)]
    assert any((step.image_copies["y"] > 0).any() for step in copies)  # some come in parts
    assert any(len(step.buffer_copies) > 1 for step in copies)
    assert any(isinstance(step, Fill) for step in schedule.steps)
    windows = [w.size for s in schedule.steps if isinstance(s, SetWindow) for w in s.windows]
    exact = replace(schedule.plan, policy=replace(SMALL, window=max(windows)))
    assert validate_schedule(Resident(), replace(schedule, plan=exact)) == []


@pytest.mark.parametrize("name", SCHEDULE_BREAKS)
def test_a_broken_rule_of_a_schedule_is_found_at_its_step(name):
    rule, kind, change, pick = SCHEDULE_BREAKS[name]
    resident, schedule = a_schedule()
    at, broken = mutated(schedule, kind, change, pick)
    findings = validate_schedule(resident, broken)
    assert rule in {finding.rule for finding in findings}
    assert all(finding.where.startswith(f"step {at} ({kind.__name__})") for finding in findings)


@pytest.mark.parametrize(("bit", "name"), [(1, "TRANSFER_SRC"), (2, "TRANSFER_DST")])
def test_transfers_without_their_usages_are_found(bit, name):
    resident, schedule = a_schedule()
    plan = schedule.plan
    for which in ("memory", "staging"):
        memory = getattr(plan, which)
        rows = memory.resources.copy()
        rows["usage"] &= ~np.uint32(bit)
        plan = replace(plan, **{which: replace(memory, resource_table=Table.of(rows, "id"))})
    found = validate_schedule(resident, replace(schedule, plan=plan))
    assert {f.rule for f in found} == {"13 transfer"}
    assert all(f.where.endswith(f"lacks {name}") for f in found)
    kinds = {f.where.split("(")[1].split(")")[0] for f in found}
    assert kinds == ({"Transfer"} if bit == 1 else {"Transfer", "Fill"})


def depth_schedule(device: DeviceProfile, shape: ImageShape) -> Schedule:
    """A schedule that transfers one depth image, which only tests do."""
    table = RequirementTable()
    usage = ImageUsage.SAMPLED
    row = Requirement(1 << 32, Kind.IMAGE, shape=shape, usage=usage, contents=Contents.CACHE)
    table.add(row, table.requesters.add("visibleModel", "cube"))
    plan = make_plan(coalesce(table), device, None, SMALL)
    return make_schedule(Resident(), plan, Sources.of([1 << 32], 1, 0, tight_bytes(shape)))


def test_depth_formats_and_transfer_queues_need_offsets_of_multiples_of_four():
    colour, depth = ImageShape(Format.R8_UNORM, 8, 8), ImageShape(Format.D16_UNORM, 8, 8)
    graphics = profile("unified")
    copier = QueueFamily(frozenset({QueueKind.TRANSFER}))
    queue = replace(graphics, queue_families=(*graphics.queue_families, copier), _cache={})
    for device, shape, wrong in ((graphics, colour, 0), (graphics, depth, 1), (queue, colour, 1)):
        schedule = depth_schedule(device, shape)
        _, moved = mutated(schedule, Transfer, shifted("image_copies", "staging_offset", 2), IMAGES)
        moved = replace(moved, plan=replace(moved.plan, profile=device))
        found = [f.rule for f in validate_schedule(Resident(), moved) if f.rule == "10 bufferOffset"]
        assert len(found) == wrong


def test_copies_may_reach_exactly_the_end_of_an_image():
    schedule = depth_schedule(profile("unified"), ImageShape(Format.R8_UNORM, 8, 8))
    for field in ("layer", "mip"):
        at, beyond = mutated(schedule, Transfer, shifted("image_copies", field, 1), IMAGES)
        assert [f.rule for f in validate_schedule(Resident(), beyond)] == ["12 range"]
    at = next(i for i, step in enumerate(schedule.steps) if isinstance(step, Transfer))
    halves = np.repeat(schedule.steps[at].image_copies, 2)
    halves["height"], halves["size"] = 4, 32
    halves["y"][1] += 4
    halves["staging_offset"][1] += 32
    for lower, found in ((4, []), (3, ["12 disjoint"])):
        halves["y"][1] = lower
        steps = list(schedule.steps)
        steps[at] = replace(steps[at], image_copies=halves.copy())
        findings = validate_schedule(Resident(), replace(schedule, steps=tuple(steps)))
        assert [f.rule for f in findings] == found
        assert all(f.where.endswith("rows 3 to 7") for f in findings)


@pytest.mark.parametrize("others", [(), (QueueFamily(frozenset({QueueKind.TRANSFER})),)], ids=["one", "two"])
def test_a_partial_copy_is_found_if_one_transfer_queue_copies_whole_levels_only(others):
    graphics = profile("unified")
    copier = QueueFamily(frozenset({QueueKind.TRANSFER}), image_granularity=(0, 0, 0))
    device = replace(graphics, queue_families=(*graphics.queue_families, copier, *others), _cache={})
    schedule = depth_schedule(device, ImageShape(Format.R8_UNORM, 8, 8))
    assert validate_schedule(Resident(), schedule) == []
    for field, by in (("height", -4), ("y", 4)):
        _, parts = mutated(schedule, Transfer, shifted("image_copies", field, by), IMAGES)
        assert "11 granularity" in {f.rule for f in validate_schedule(Resident(), parts)}
    alone = replace(schedule.plan, policy=replace(SMALL, transfer_queue=False))
    _, parts = mutated(schedule, Transfer, shifted("image_copies", "height", -4), IMAGES)
    assert validate_schedule(Resident(), replace(parts, plan=alone)) == []


def test_binding_twice_is_found():
    resident, schedule = a_schedule()
    bind = next(step for step in schedule.steps if isinstance(step, Bind))
    found = validate_schedule(resident, replace(schedule, steps=(*schedule.steps, bind)))
    assert [str(f) for f in found] == [
        f"3 bound once: step {len(schedule.steps)} (Bind): resource {bind.resource}"
    ]


def test_staging_must_be_coherent():
    resident, schedule = a_schedule()
    rows = schedule.plan.staging.allocations.copy()
    rows["memory_type"] = 2
    staging: MemoryPlan = replace(schedule.plan.staging, allocation_table=Table.of(rows, "id"))
    found = validate_schedule(resident, replace(schedule, plan=replace(schedule.plan, staging=staging)))
    assert {f.rule for f in found} == {"9 atom"}


def test_a_move_over_itself_or_without_its_usages_is_found():
    plan = a_plan()
    resident = Resident.settled_at(plan)
    buffer, depth, other, layers = (plan.address(key).resource for key in (0, 5, 6, 3))
    ones = np.array([1], np.int64)

    def rules(step: Move) -> set[str]:
        return {f.rule for f in validate_schedule(resident, Schedule(plan, (step,), 0, 0))}

    assert rules(Move(ones, buffer, buffer, ones * 0, ones * 640, ones * 640)) == set()
    assert rules(Move(ones, buffer, buffer, ones * 0, ones * 639, ones * 640)) == {"12 disjoint"}
    assert rules(Move(ones, buffer, buffer, ones * 640, ones * 5000, ones * 640)) == {"12 range"}
    assert rules(Move(ones, buffer, buffer, ones * 5000, ones * 0, ones * 640)) == {"12 range"}
    assert rules(Move(ones, depth, other, ones * 0, ones * 0, ones * 64)) == {"13 transfer"}
    assert rules(Move(ones, layers, layers, ones * 0, ones, ones * 1024)) == set()
    assert rules(Move(ones, layers, layers, ones, ones, ones * 1024)) == {"12 disjoint"}
    assert rules(Move(ones, layers, layers, ones, ones * 2, ones * 1024)) == {"12 range"}
