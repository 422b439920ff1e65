"""Claims about the simulated device: every fault of a schedule raises or shows as wrong bytes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.random_scenes import profile

from engine.plan.placement.planner import make_plan
from engine.plan.requirements.coalesce import coalesce
from engine.plan.requirements.requirements import ImageShape, Requirement, RequirementTable
from engine.plan.requirements.sources import Sources
from engine.plan.resident.resident import Resident
from engine.plan.resident.steps import Bind, ClearStaging, Publish, Transfer
from engine.plan.schedule.schedule import Schedule, make_schedule
from engine.plan.schedule.simulation import SimulatedDevice
from engine.plan.terms.errors import StepError
from engine.plan.terms.formats import Format
from engine.plan.terms.keys import asset_key
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import BufferUsage, Contents, ImageUsage, Kind

KEY = asset_key(1, 0)
CACHE = np.random.default_rng(1).integers(0, 256, 40_000, dtype=np.uint8)
BLOCKS = ImageShape(Format.BC1_RGB_UNORM_BLOCK, 16, 16, 2)


def buffer(index: int, size: int = 64) -> Requirement:
    usage, contents = BufferUsage.VERTEX_BUFFER, Contents.CACHE
    return Requirement(KEY + index, Kind.BUFFER, size, usage=usage, contents=contents)


def texture(index: int) -> Requirement:
    return Requirement(
        KEY + index, Kind.IMAGE, shape=BLOCKS, usage=ImageUsage.SAMPLED, contents=Contents.CACHE
    )


def schedule(*rows: Requirement, policy: Policy = Policy()) -> Schedule:  # noqa: B008
    table = RequirementTable()
    for row in rows:
        table.add(row, table.requesters.add("visibleModel", "cube"))
    plan = make_plan(coalesce(table), profile("unified"), None, policy)
    places = plan.memory.subresources
    sources = Sources.of(places["key"], 1, np.cumsum(places["size"]) - places["size"], places["size"])
    return make_schedule(Resident(), plan, sources)


def with_columns(made: Schedule, name: str, **by: int) -> Schedule:
    """The schedule with offsets added to fields of the first row in its first transfer."""
    steps = list(made.steps)
    at = next(i for i, step in enumerate(steps) if isinstance(step, Transfer))
    rows = getattr(steps[at], name).copy()
    for field, value in by.items():
        rows[field][0] += value
    steps[at] = replace(steps[at], **{name: rows})
    return replace(made, steps=tuple(steps))


def refused(made: Schedule, words: str) -> None:
    with pytest.raises(StepError, match=words):
        SimulatedDevice({1: CACHE}).run(made)


def test_published_bytes_are_those_of_the_cache():
    device = SimulatedDevice({1: CACHE})
    device.run(schedule(buffer(0), texture(1)))
    assert [keys.tolist() for keys in device.staged_keys] == [[KEY, KEY + 1]]
    assert device.staged_bytes == 64 + 128 + 32
    assert np.array_equal(device.read(KEY), CACHE[:64])
    assert np.array_equal(device.read(KEY + 1), CACHE[64 : 64 + 128 + 32])


def test_an_unpublished_key_cannot_be_read():
    device, made = SimulatedDevice({1: CACHE}), schedule(buffer(0))
    device.run(made, next(i for i, step in enumerate(made.steps) if isinstance(step, Publish)))
    with pytest.raises(StepError, match="is not published"):
        device.read(KEY)


def test_undefined_bytes_are_not_published():
    refused(with_columns(schedule(buffer(0)), "reads", size=-1), "has undefined bytes")
    refused(with_columns(schedule(texture(0)), "reads", size=-1), "has undefined bytes")


@pytest.mark.parametrize(
    ("row", "columns", "by", "words"),
    [
        (buffer(0), "reads", {"staging_offset": 1 << 20}, "reads beyond the staging buffer"),
        (buffer(0), "buffer_copies", {"offset": 1 << 20}, "beyond resource 0"),
        (buffer(0), "buffer_copies", {"offset": -1}, "beyond resource 0"),
        (texture(0), "image_copies", {"width": -4}, "not in whole rows of blocks"),
        (texture(0), "image_copies", {"y": 2}, "not in whole rows of blocks"),
        (texture(0), "image_copies", {"y": 4}, "beyond its mip level"),
        (texture(0), "image_copies", {"size": 8}, "has the wrong size"),
    ],
)
def test_an_invalid_copy_raises(row, columns, by, words):
    refused(with_columns(schedule(row), columns, **by), words)


def test_budgets_and_the_number_of_allocations_are_checked():
    made = schedule(buffer(0))
    device = made.plan.profile
    for other, words in (
        (device.with_budgets({0: 1000}), r"heap 0 holds \d+ of 1000 bytes"),
        (
            replace(device, limits=replace(device.limits, max_memory_allocation_count=1), _cache={}),
            "2 allocations, but maxMemoryAllocationCount is 1",
        ),
    ):
        refused(replace(made, plan=replace(made.plan, profile=other)), words)


def test_staging_that_is_filled_again_too_early_shows_as_wrong_bytes():
    made = schedule(*(buffer(i, 3000) for i in range(9)), policy=Policy(staging=8192))
    device = SimulatedDevice({1: CACHE})
    device.begin(made.plan)
    transfers = [step for step in made.steps if isinstance(step, Transfer)]
    again = next(step for step in transfers[1:] if step.staging == transfers[0].staging)
    for step in made.steps:
        if step is again:
            continue
        device.step(step)
        if step is transfers[0]:
            device.step(again)
        if isinstance(step, ClearStaging):
            break
    publish = next(step for step in made.steps if isinstance(step, Publish))
    device.step(publish)
    assert publish.keys[0] == KEY
    assert not np.array_equal(device.read(KEY), CACHE[:3000])


def test_the_peak_of_each_heap_is_the_most_that_its_allocations_have_taken():
    made = schedule(buffer(0, 4096))
    device = SimulatedDevice({1: CACHE})
    device.begin(made.plan)
    assert device.peak == [0] * len(made.plan.profile.heaps)
    device.run(made)
    heaps = [row.heap for row in made.plan.profile.memory_types]
    peak = [0] * len(made.plan.profile.heaps)
    for allocation in (*made.plan.memory.allocations, *made.plan.staging.allocations):
        peak[heaps[int(allocation["memory_type"])]] += int(allocation["size"])
    assert device.peak == peak
    assert sum(peak) > 4096


@pytest.mark.parametrize(("by", "refused"), [(0, False), (1, True)])
def test_a_copy_ends_within_its_buffer(by: int, refused: bool):
    made = schedule(buffer(0, 64), policy=Policy())
    room = int(made.plan.memory.resources["bytes"][0]) - 64
    broken = with_columns(made, "buffer_copies", offset=room + by)
    device = SimulatedDevice({1: CACHE})
    device.begin(made.plan)
    if refused:
        with pytest.raises(StepError):
            device.run(broken)
    else:
        device.run(broken)


@pytest.mark.parametrize("by", [0, 1])
def test_a_read_ends_within_its_staging_buffer(by: int):
    made = schedule(buffer(0, 64))
    room = int(made.plan.staging.resources["bytes"][0]) - 64
    broken = with_columns(made, "reads", staging_offset=room + by)
    refused(broken, "reads beyond the staging buffer" if by else "has undefined bytes")


def test_bytes_of_an_earlier_resource_are_undefined_in_the_next_one_at_its_place():
    device, made = SimulatedDevice({1: CACHE}), schedule(buffer(0, 4096))
    device.run(made)
    place = made.plan.address(KEY)
    assert device._range(place.resource, 0, 4096)[1].all()
    bind = next(step for step in made.steps if isinstance(step, Bind) and step.resource == place.resource)
    device._bind(bind)
    values, defined = device._range(place.resource, 0, 4096)
    assert not defined.any()
    assert not np.array_equal(values, CACHE[:4096])


def test_an_image_of_blocks_that_comes_in_several_parts_is_that_of_the_cache():
    shape = ImageShape(Format.BC1_RGB_UNORM_BLOCK, 64, 64)
    made = schedule(replace(texture(0), shape=shape), policy=Policy(staging=1024))
    copies = [step.image_copies["y"].tolist() for step in made.steps if isinstance(step, Transfer)]
    assert len(copies) > 1
    assert any(y > 4 for each in copies for y in each)
    device = SimulatedDevice({1: CACHE})
    device.run(made)
    assert np.array_equal(device.read(KEY), CACHE[: 16 * 16 * 8])


def test_zeros_are_zeros_in_buffers_and_images():
    device = SimulatedDevice({1: CACHE})
    device.run(schedule(*(replace(row, contents=Contents.ZERO) for row in (buffer(0), texture(1)))))
    assert not device.read(KEY).any()
    assert not device.read(KEY + 1).any()
