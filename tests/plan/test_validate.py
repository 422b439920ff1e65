"""Mutation tests: each rule is broken in a valid plan, and the validator must say which and where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from support.random_scenes import SMALL, World, needs, profile

from engine.plan.coalesce import coalesce
from engine.plan.formats import Format
from engine.plan.memory_plan import MemoryPlan
from engine.plan.plan import Plan
from engine.plan.planner import make_plan
from engine.plan.requirements import ImageShape, Requirement, RequirementTable
from engine.plan.resident import Resident
from engine.plan.schedule import Schedule, make_schedule
from engine.plan.steps import Bind, Move, SetWindow, Transfer
from engine.plan.table import Table
from engine.plan.validate import stays_bound, validate
from engine.plan.validate_schedule import validate_schedule
from engine.plan.vocabulary import BufferUsage, Contents, ImageUsage, Kind, MemoryProperty

SHAPE = ImageShape(Format.R8G8B8A8_UNORM, 16, 16)
DEPTH = ImageShape(Format.D32_SFLOAT, 64, 64)
MAPPED = MemoryProperty.HOST_VISIBLE | MemoryProperty.HOST_COHERENT


def a_plan(name: str = "discrete-window") -> Plan:
    """Buffers (0, 1, 7), a ring (2), two layers of a page (3, 4), two attachments that alias (5, 6)."""
    table = RequirementTable()
    who = table.askers.add("visibleModel", "cube")
    rows = [
        Requirement(0, Kind.BUFFER, 640, usage=BufferUsage.UNIFORM_BUFFER, contents=Contents.CACHE),
        Requirement(
            1,
            Kind.BUFFER,
            640,
            usage=BufferUsage.STORAGE_BUFFER | BufferUsage.SHADER_DEVICE_ADDRESS,
            contents=Contents.CACHE,
        ),
        Requirement(
            2,
            Kind.BUFFER,
            100,
            usage=BufferUsage.UNIFORM_BUFFER,
            properties=MAPPED,
            persistent_map=True,
            copies=2,
        ),
        Requirement(3, Kind.IMAGE, shape=SHAPE, usage=ImageUsage.SAMPLED, contents=Contents.CACHE),
        Requirement(4, Kind.IMAGE, shape=SHAPE, usage=ImageUsage.SAMPLED, contents=Contents.CACHE),
        Requirement(5, Kind.IMAGE, shape=DEPTH, usage=ImageUsage.DEPTH_STENCIL_ATTACHMENT, lifetime=(0, 1)),
        Requirement(6, Kind.IMAGE, shape=DEPTH, usage=ImageUsage.DEPTH_STENCIL_ATTACHMENT, lifetime=(2, 3)),
        Requirement(7, Kind.BUFFER, 640, usage=BufferUsage.UNIFORM_BUFFER, contents=Contents.CACHE),
    ]
    for requirement in rows:
        table.add(requirement, who)
    return make_plan(coalesce(table), profile(name), None, SMALL)


def changed(plan: Plan, table: str, key: int, **fields: object) -> Plan:
    """The plan with fields of one row set, whatever that breaks; `key` names what holds it, too."""
    memory = plan.memory
    place = memory.subresource_table.row(key)
    resource = memory.resource(int(place["resource"]))
    ident = {"subresource": key, "resource": int(resource["id"]), "allocation": int(resource["allocation"])}[
        table
    ]
    rows: Table = getattr(memory, f"{table}_table")
    row = rows.rows(np.array([ident]))
    for name, value in fields.items():
        row[name] = value
    broken = {f"{table}_table": rows.changed(row, np.zeros(0, np.int64))}
    return replace(plan, memory=replace(memory, **broken))


def without(plan: Plan, key: int) -> Plan:
    rows = plan.memory.subresource_table.changed(plan.memory.subresources[:0], np.array([key]))
    return replace(plan, memory=replace(plan.memory, subresource_table=rows))


def with_terms(plan: Plan, key: int, **fields: object) -> Plan:
    place = plan.memory.subresource_table.row(key)
    terms = replace(plan.terms[int(place["terms"])], **fields)
    return changed(plan, "subresource", key, terms=plan.terms.id(terms))


def with_profile(plan: Plan, **fields: object) -> Plan:
    return replace(plan, profile=replace(plan.profile, _cache={}, **fields))


def with_limits(plan: Plan, **fields: int) -> Plan:
    return with_profile(plan, limits=replace(plan.profile.limits, **fields))


BREAKS: dict[str, tuple[str, Callable[[Plan], Plan]]] = {
    "reference": ("reference", lambda p: changed(p, "subresource", 0, resource=99)),
    "misaligned": ("1 alignment", lambda p: changed(p, "resource", 5, offset=16)),
    "beyond the allocation": ("1 range", lambda p: changed(p, "allocation", 3, size=100)),
    "illegal type": ("1 type bits", lambda p: changed(p, "allocation", 3, memory_type=2)),
    "too small": ("1 size", lambda p: changed(p, "resource", 5, size=16)),
    "dedicated needed": ("4 dedicated", lambda p: changed(p, "allocation", 5, dedicated=True)),
    "too many allocations": ("5 count", lambda p: with_limits(p, max_memory_allocation_count=2)),
    "too large an allocation": ("5 size", lambda p: with_limits(p, max_memory_allocation_size=1000)),
    "usage missing": ("6 usage", lambda p: changed(p, "resource", 0, usage=int(BufferUsage.TRANSFER_DST))),
    "staged without transfer": (
        "13 transfer",
        lambda p: changed(p, "resource", 3, usage=int(ImageUsage.SAMPLED)),
    ),
    "no address flag": ("8 device address", lambda p: changed(p, "allocation", 1, device_address=False)),
    "descriptor offset": ("7 descriptor", lambda p: changed(p, "subresource", 0, offset=8)),
    "ring stride": ("7 descriptor", lambda p: changed(p, "subresource", 2, stride=100)),
    "asked alignment": ("7 alignment", lambda p: with_terms(p, 7, alignment=7, usage=0)),
    "shared atom": ("9 atom", lambda p: changed(p, "subresource", 2, footprint=200)),
    "not mapped": ("9 mapping", lambda p: changed(p, "allocation", 2, mapped=False)),
    "wrong properties": (
        "memory properties",
        lambda p: with_terms(p, 3, properties=MemoryProperty.HOST_VISIBLE),
    ),
    "beyond the buffer": ("range", lambda p: changed(p, "subresource", 0, offset=64 * 1000)),
    "beyond the layers": ("range", lambda p: changed(p, "subresource", 4, offset=2)),
    "keys overlap": ("overlap", lambda p: changed(p, "subresource", 7, offset=0)),
    "layers overlap": ("overlap", lambda p: changed(p, "subresource", 4, offset=0)),
    "smaller than asked": ("size", lambda p: changed(p, "subresource", 0, footprint=64)),
    "live at once": ("16 alias", lambda p: with_terms(p, 5, lifetime=(0, 2))),
    "aliased in secret": ("overlap", lambda p: changed(p, "resource", 5, aliased=False)),
    "a need without a place": ("complete", lambda p: without(p, 0)),
    "over budget": ("budget", lambda p: with_profile(p, budgets={0: 100})),
    "a place nobody needs": (
        "why",
        lambda p: replace(
            p,
            requirements=replace(
                p.requirements,
                needs=p.requirements.needs.changed(p.requirements.needs.array[:0], np.array([3])),
            ),
        ),
    ),
}


def test_the_plan_to_be_broken_is_valid():
    assert validate(a_plan()) == []


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_rule_is_found(name):
    rule, break_it = BREAKS[name]
    findings = validate(break_it(a_plan()))
    assert rule in {finding.rule for finding in findings}
    where = next(finding.where for finding in findings if finding.rule == rule)
    assert any(word in where for word in ("key", "resource", "allocation", "heap", "id"))


def test_linear_and_optimal_in_one_page_are_found_from_both_sides():
    plan = a_plan("coarse")
    after = changed(plan, "resource", 3, allocation=plan.address(0).allocation, offset=4096)
    assert "2 granularity" in {finding.rule for finding in validate(after)}
    small = changed(plan, "resource", 3, size=1000)
    after = changed(small, "resource", 0, allocation=plan.address(3).allocation, offset=1024)
    assert "2 granularity" in {finding.rule for finding in validate(after)}


def test_required_dedicated_memory_is_insisted_on():
    plan = a_plan()
    row = plan.memory.resource(plan.address(3).resource)
    needs_it = replace(
        plan.profile.image_requirements(SHAPE, 2, ImageUsage(int(row["usage"]))), requires_dedicated=True
    )
    plan.profile._cache[(SHAPE, 2, int(row["usage"]))] = needs_it
    assert "4 dedicated" in {finding.rule for finding in validate(plan)}


def test_an_id_that_changes_its_object_is_found():
    plan = a_plan()
    assert list(stays_bound(plan, plan)) == []
    for table, fields in (("resource", {"offset": 64}), ("allocation", {"size": 1 << 20})):
        found = list(stays_bound(plan, changed(plan, table, 3, **fields)))
        assert [f.rule for f in found] == ["3 bound once"]


def a_schedule() -> tuple[Resident, Schedule]:
    """A schedule that brings textures and buffers through a transfer queue, in rows where they are large."""
    rng = np.random.default_rng(3)
    world = World.make(rng, 30)
    plan = make_plan(needs(rng, world, 1.0), profile("coarse"), None, SMALL)
    return Resident(), make_schedule(Resident(), plan, world.sources())


def mutated(
    schedule: Schedule, kind: type, change: Callable[[object], object], pick: Callable[[object], bool]
) -> Schedule:
    steps = list(schedule.steps)
    at = next(i for i, step in enumerate(steps) if isinstance(step, kind) and pick(step))
    steps[at] = change(steps[at])
    return replace(schedule, steps=tuple(steps))


def shifted(name: str, field: str, by: int) -> Callable[[object], object]:
    def change(step: object) -> object:
        rows = getattr(step, name).copy()
        rows[field][-1] += by
        return replace(step, **{name: rows})

    return change


def doubled(name: str) -> Callable[[object], object]:
    return lambda step: replace(step, **{name: np.concatenate([getattr(step, name)] * 2)})


def has(name: str) -> Callable[[object], bool]:
    return lambda step: len(getattr(step, name)) > 0


SCHEDULE_BREAKS = {
    "10 bufferOffset": (Transfer, shifted("image_copies", "staging_offset", 1), has("image_copies")),
    "11 granularity": (Transfer, shifted("image_copies", "height", -1), has("image_copies")),
    "10 rows": (Transfer, shifted("image_copies", "width", 1), has("image_copies")),
    "12 disjoint": (Transfer, doubled("buffer_copies"), has("buffer_copies")),
    "12 range": (Transfer, shifted("buffer_copies", "size", 1 << 20), has("buffer_copies")),
    "1 range": (Transfer, shifted("reads", "staging_offset", 1 << 20), has("reads")),
    "window": (
        SetWindow,
        lambda s: replace(s, windows=(replace(s.windows[0], size=1 << 30),)),
        has("windows"),
    ),
}


def test_the_schedule_to_be_broken_is_valid():
    assert validate_schedule(*a_schedule()) == []


@pytest.mark.parametrize("rule", SCHEDULE_BREAKS)
def test_a_broken_rule_of_a_schedule_is_found(rule):
    resident, schedule = a_schedule()
    findings = validate_schedule(resident, mutated(schedule, *SCHEDULE_BREAKS[rule]))
    assert rule in {finding.rule for finding in findings}
    assert all(finding.where.startswith("step ") for finding in findings)


def test_binding_twice_is_found():
    resident, schedule = a_schedule()
    bind = next(step for step in schedule.steps if isinstance(step, Bind))
    found = validate_schedule(resident, replace(schedule, steps=(*schedule.steps, bind)))
    assert [f.rule for f in found] == ["3 bound once"]


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
    buffer, depth = plan.address(0).resource, plan.address(5).resource
    ones = np.array([1], np.int64)

    def rules(step: Move) -> set[str]:
        return {f.rule for f in validate_schedule(resident, Schedule(plan, (step,), 0, 0))}

    assert rules(Move(ones, buffer, buffer, ones * 0, ones * 700, ones * 640)) == set()
    assert rules(Move(ones, buffer, buffer, ones * 0, ones * 320, ones * 640)) == {"12 disjoint"}
    assert rules(Move(ones, depth, depth, ones * 0, ones, ones * 64)) == {"13 transfer"}
