"""Claims about the preconditions of steps: each is checked and has its own message."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.random_scenes import profile

from engine.plan.model.plan import Plan
from engine.plan.placement.planner import make_plan
from engine.plan.profile.device_profile import DeviceProfile, QueueFamily
from engine.plan.requirements.coalesce import Coalesced, coalesce
from engine.plan.requirements.requirements import ImageShape, Requirement, RequirementTable
from engine.plan.requirements.sources import Sources
from engine.plan.resident.resident import Resident
from engine.plan.resident.steps import (
    Acquire,
    Allocate,
    AnyStep,
    Bind,
    CreateBuffer,
    CreateImage,
    Destroy,
    Fill,
    Move,
    Publish,
    SetWindow,
    Transfer,
)
from engine.plan.schedule.schedule import Schedule, make_schedule
from engine.plan.terms.errors import StepError
from engine.plan.terms.formats import Format
from engine.plan.terms.keys import asset_key
from engine.plan.terms.vocabulary import BufferUsage, Contents, ImageUsage, Kind, QueueKind

DEVICE = profile("unified")
QUEUE = replace(
    DEVICE, queue_families=(*DEVICE.queue_families, QueueFamily(frozenset({QueueKind.TRANSFER}))), _cache={}
)
KEY = asset_key(1, 0)
ONE = np.array([KEY], np.int64)
ZERO = np.array([0], np.int64)


def buffer(index: int, **more: object) -> Requirement:
    terms = {"usage": BufferUsage.VERTEX_BUFFER, "contents": Contents.CACHE, **more}
    return Requirement(KEY + index, Kind.BUFFER, 64, **terms)


def texture(index: int, size: int) -> Requirement:
    shape = ImageShape(Format.R8_UNORM, size, size)
    return Requirement(
        KEY + index, Kind.IMAGE, shape=shape, usage=ImageUsage.SAMPLED, contents=Contents.CACHE
    )


def needs(*rows: Requirement) -> Coalesced:
    table = RequirementTable()
    for row in rows:
        table.add(row, table.requesters.add("visibleModel", "cube"))
    return coalesce(table)


def sources(plan: Plan) -> Sources:
    places = plan.memory.subresources
    return Sources.of(places["key"], 1, np.cumsum(places["size"]) - places["size"], places["size"])


def begun(
    *rows: Requirement, upto: type | None = None, device: DeviceProfile = DEVICE, without: type | None = None
) -> tuple[Resident, Schedule]:
    """The state after a schedule up to the first step of type `upto`, without steps of type `without`."""
    plan = make_plan(needs(*rows), device)
    schedule = make_schedule(Resident(), plan, sources(plan))
    resident = Resident()
    resident.begin(plan)
    for step in schedule.steps:
        if upto is not None and isinstance(step, upto):
            break
        if without is None or not isinstance(step, without):
            resident.apply(step)
    return resident, schedule


def first(schedule: Schedule, kind: type) -> AnyStep:
    return next(step for step in schedule.steps if isinstance(step, kind))


def swapped(*rows: Requirement) -> Resident:
    """Two keys settled in one page, and a target in which they have swapped places."""
    plan = make_plan(needs(*rows), DEVICE)
    resident = Resident.settled_at(plan)
    places = plan.memory.subresources.copy()
    assert places["resource"].tolist() == [0, 0]
    places["offset"] = places["offset"][::-1]
    table = plan.memory.subresource_table.changed(places, np.zeros(0, np.int64))
    resident.begin(replace(plan, memory=replace(plan.memory, subresource_table=table)))
    return resident


def refusal(resident: Resident, step: AnyStep) -> str:
    """The message of the error that a step raises."""
    with pytest.raises(StepError) as reported:
        resident.apply(step)
    return str(reported.value)


def test_dedicated_memory_comes_after_its_resource():
    resident, schedule = begun(buffer(0), upto=CreateBuffer)
    made = first(schedule, Allocate)
    assert "its resource must exist first" in refusal(resident, replace(made, dedicated_to=0))
    resident.apply(first(schedule, CreateBuffer))
    resident.apply(replace(made, dedicated_to=0))


def test_a_resource_must_be_created_as_planned():
    resident, schedule = begun(buffer(0), upto=CreateBuffer)
    made = first(schedule, CreateBuffer)
    assert "no plan has this resource" in refusal(resident, replace(made, usage=made.usage | 1 << 8))
    assert "no plan has this resource" in refusal(resident, replace(made, resource=99))


def test_a_bind_needs_resource_and_allocation_and_must_not_overlap():
    resident, schedule = begun(texture(0, 4), texture(1, 8), upto=CreateImage)
    binds = [step for step in schedule.steps if isinstance(step, Bind)][:2]
    assert binds[0].allocation == binds[1].allocation  # both pages lie in one block
    assert "the resource does not exist" in refusal(resident, binds[0])
    for step in schedule.steps:
        if isinstance(step, CreateImage):
            resident.apply(step)
    assert "the allocation does not exist" in refusal(resident, binds[0])
    resident.apply(next(s for s in schedule.steps if isinstance(s, Allocate) and s.allocation == 0))
    assert "misaligned" in refusal(resident, replace(binds[0], offset=1))
    assert "beyond the allocation" in refusal(resident, replace(binds[0], offset=1 << 30))
    resident.apply(binds[0])
    assert "overlaps resource" in refusal(resident, replace(binds[1], offset=binds[0].offset))
    resident.apply(binds[1])


def test_a_transfer_reads_inside_its_window():
    resident, schedule = begun(buffer(0), upto=Transfer)
    step = first(schedule, Transfer)
    for by in (-1, 1):
        reads = step.reads.copy()
        reads["cache_offset"] += by
        assert "reads outside the window" in refusal(resident, replace(step, reads=reads))
    resident.apply(step)


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (buffer(0), Transfer),
        (buffer(0, contents=Contents.ZERO), Fill),
        (buffer(0, contents=Contents(0)), Publish),
    ],
    ids=["Transfer", "Fill", "Publish"],
)
def test_only_bound_resources_are_written_or_published(row, kind):
    resident, schedule = begun(row, upto=kind, without=Bind)
    for step in schedule.steps:
        if isinstance(step, Bind) and step.resource in {
            int(r["id"]) for r in schedule.plan.staging.resources
        }:
            resident.apply(step)
    assert "resources [0] are not bound" in refusal(resident, first(schedule, kind))


@pytest.mark.parametrize(
    ("row", "kind"),
    [(buffer(0), Transfer), (buffer(0, contents=Contents.ZERO), Fill)],
    ids=["Transfer", "Fill"],
)
def test_published_places_are_not_written(row, kind):
    resident, schedule = begun(row, upto=Destroy)
    assert "writes to published places" in refusal(resident, first(schedule, kind))
    assert "published already" in refusal(resident, first(schedule, Publish))
    assert "writes to published places" in refusal(resident, Move(ONE, 0, 0, ZERO, ZERO, ZERO + 64))


def test_no_place_that_overlaps_a_published_key_is_written_or_published():
    words = "overlaps a published key"
    cached = swapped(buffer(0), buffer(1))
    assert words in refusal(cached, Move(ONE, 0, 0, ZERO, ZERO + 64, ZERO + 64))
    _, schedule = begun(buffer(0), buffer(1))
    cached.resources[9], cached.bound = cached.resources[0], {*cached.bound, 9}
    cached.apply(first(schedule, SetWindow))
    step = replace(first(schedule, Transfer), staging=9, keys=ONE, sizes=ZERO + 64)
    assert words in refusal(cached, step)
    assert words in refusal(swapped(*(buffer(i, contents=Contents.ZERO) for i in (0, 1))), Fill(ONE))
    nothing = swapped(*(buffer(i, contents=Contents.UNDEFINED) for i in (0, 1)))
    assert words in refusal(nothing, Publish(ONE, np.zeros(1, np.int32), ZERO + 64))


def moving(device: DeviceProfile, upto: type) -> tuple[Resident, Move]:
    """The state after a first schedule up to a step of type `upto`, and the move that a new usage needs."""
    resident, _ = begun(buffer(0), upto=upto, device=device)
    both = BufferUsage.VERTEX_BUFFER | BufferUsage.STORAGE_BUFFER
    plan = make_plan(needs(buffer(0, usage=both)), device, resident.snapshot())
    resident.begin(plan)
    return resident, Move(ONE, 0, plan.address(KEY).resource, ZERO, ZERO, ZERO + 64)


def test_a_move_needs_bound_resources():
    resident, move = moving(DEVICE, Destroy)
    assert "not bound" in refusal(resident, move)


def test_a_move_needs_a_complete_source_owned_by_the_copying_queue():
    resident, move = moving(QUEUE, Acquire)
    resident.bound.add(move.to_resource)
    assert "the source is not complete" in refusal(resident, move)


def test_keys_of_the_transfer_queue_are_acquired_before_they_are_published():
    resident, schedule = begun(buffer(0), upto=Acquire, device=QUEUE)
    assert "not acquired" in refusal(resident, first(schedule, Publish))
    resident.apply(first(schedule, Acquire))
    resident.apply(first(schedule, Publish))


def test_a_resource_with_published_keys_is_not_destroyed():
    resident, _ = moving(DEVICE, Destroy)
    assert "keys are published in it" in refusal(resident, Destroy(0))
