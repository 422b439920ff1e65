"""Plans and schedules built by hand, for tests of the executor without the planner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from engine.memory.readback import read_buffer
from engine.memory.streaming.manager import MemoryManager, Pace
from engine.plan.model.memory_plan import RESOURCE, SUBRESOURCE, MemoryPlan
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.requirements import ImageShape
from engine.plan.resident.steps import (
    BUFFER_COPY,
    IMAGE_COPY,
    READ,
    Allocate,
    AnyStep,
    Bind,
    ClearStaging,
    CreateBuffer,
    CreateImage,
    Destroy,
    Free,
    Publish,
    SetWindow,
    Transfer,
    Window,
)
from engine.plan.terms.formats import Format
from engine.plan.terms.table import Table
from engine.plan.terms.vocabulary import BufferUsage, ImageUsage, MemoryProperty
from engine.vk.device import Device

STAGING = BufferUsage.TRANSFER_SRC
SHAPE = ImageShape(Format.R8G8B8A8_UNORM, 8, 4, 3)
STAGED = BufferUsage.TRANSFER_SRC | BufferUsage.TRANSFER_DST | BufferUsage.VERTEX_BUFFER
SAMPLED = ImageUsage.SAMPLED | ImageUsage.TRANSFER_SRC | ImageUsage.TRANSFER_DST
A, B, C = 10, 11, 12


@dataclass(frozen=True)
class PlanStub:
    """The part of a plan that the executor reads."""

    memory: MemoryPlan
    staging: MemoryPlan


@dataclass
class Written:
    """A schedule, and the subresources (key, resource, offset, size, stride) of its plan.

    `aliased` are resources that share bytes with others.
    """

    steps: list[AnyStep] = field(default_factory=list)
    places: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    aliased: list[int] = field(default_factory=list)

    def add(self, *steps: AnyStep) -> Written:
        self.steps += steps
        return self

    def place(self, key: int, resource: int, offset: int, size: int, stride: int = 0) -> Written:
        self.places.append((key, resource, offset, size, stride or size))
        return self

    @property
    def plan(self) -> PlanStub:
        table = np.zeros(len(self.places), SUBRESOURCE)
        for row, (key, resource, offset, size, stride) in zip(table, sorted(self.places), strict=True):
            row["key"], row["resource"], row["offset"] = key, resource, offset
            row["size"], row["stride"], row["footprint"] = stride, stride, size
        made = [step for step in self.steps if isinstance(step, CreateBuffer) and step.usage == STAGING]
        staging = np.zeros(len(made), RESOURCE)
        staging["id"] = sorted(step.resource for step in made)
        shared = np.zeros(len(self.aliased), RESOURCE)
        shared["id"], shared["aliased"] = sorted(self.aliased), True
        nothing = MemoryPlan.empty()
        tables = {"resource_table": Table.of(shared, "id"), "subresource_table": Table.of(table, "key")}
        return PlanStub(
            replace(nothing, **tables),
            replace(nothing, resource_table=Table.of(staging, "id")),
        )


_VISIBLE = MemoryProperty.HOST_VISIBLE | MemoryProperty.HOST_COHERENT


def memory_type(profile: DeviceProfile, *, visible: bool) -> int:
    """Choose a host-visible type, or a device-local one."""
    wanted = _VISIBLE if visible else MemoryProperty.DEVICE_LOCAL
    return next(i for i, row in enumerate(profile.memory_types) if row.properties & wanted == wanted)


def writes_directly(profile: DeviceProfile, pace: Pace) -> bool:
    """Whether buffers that are not mapped are written in place: the host must see the memory they are in."""
    properties = profile.memory_types[memory_type(profile, visible=False)].properties
    return pace.direct and properties & _VISIBLE == _VISIBLE


def buffer(
    profile: DeviceProfile,
    number: int,
    size: int,
    usage: BufferUsage = STAGED,
    *,
    mapped: bool = False,
) -> list[AnyStep]:
    """Create buffer `number` in an allocation of the same number, dedicated for staging."""
    needs = profile.buffer_requirements(size, usage)
    dedicated = number if mapped and usage == STAGING else -1
    return [
        CreateBuffer(number, size, int(usage)),
        Allocate(number, memory_type(profile, visible=mapped), needs.size, dedicated, mapped=mapped),
        Bind(number, number, 0),
    ]


def image(
    profile: DeviceProfile, number: int, shape: ImageShape, layers: int, usage: ImageUsage = SAMPLED
) -> list[AnyStep]:
    """Create image `number` in a dedicated allocation of the same number."""
    needs = profile.image_requirements(shape, layers, usage)
    return [
        CreateImage(number, shape, layers, int(usage)),
        Allocate(number, memory_type(profile, visible=False), needs.size, dedicated_to=number),
        Bind(number, number, 0),
    ]


def longs(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


def publish(*places: tuple[int, int, int]) -> Publish:
    """The Publish step of (key, resource, offset) places."""
    keys, resources, offsets = zip(*places, strict=True)
    return Publish(longs(*keys), np.array(resources, np.int32), longs(*offsets))


def transfer(
    staging: int,
    reads: Sequence[tuple[int, int, int]] = (),
    buffers: Sequence[tuple[int, int, int, int]] = (),
    images: Sequence[tuple[int, int, int, int, int, int, int, int]] = (),
    keys: Sequence[int] = (),
    db: int = 0,
) -> Transfer:
    """A Transfer step with rows of READ, BUFFER_COPY and IMAGE_COPY."""
    return Transfer(
        db,
        staging,
        longs(*keys),
        longs(*(size for _cache, _staging, size in reads)),
        np.array(list(reads), READ),
        np.array(list(buffers), BUFFER_COPY),
        np.array(list(images), IMAGE_COPY),
    )


def mip_copies(
    shape: ImageShape, staging_offset: int, resource: int, layer: int
) -> list[tuple[int, int, int, int, int, int, int, int]]:
    """The copies of a tightly packed mip chain into one layer."""
    copies, texel = [], shape.format.info.block_bytes
    for mip in range(shape.mip_levels):
        width, height = max(shape.width >> mip, 1), max(shape.height >> mip, 1)
        size = width * height * texel
        copies.append((staging_offset, resource, layer, mip, 0, width, height, size))
        staging_offset += size
    return copies


def chain_bytes(shape: ImageShape) -> int:
    """Bytes of a tightly packed mip chain."""
    return sum(copy[-1] for copy in mip_copies(shape, 0, 0, 0))


def staged(profile: DeviceProfile, *, window: int = 4 << 20) -> Written:
    """A schedule that creates staging buffer 1 and device buffer 2, of 1 MiB each."""
    made = Written()
    made.add(*buffer(profile, 1, 1 << 20, STAGING, mapped=True), *buffer(profile, 2, 1 << 20))
    return made.add(SetWindow(0, (Window(0, 0, window),)))


def end_staging(written: Written) -> Written:
    """Destroy and free staging buffer 1."""
    return written.add(ClearStaging(1), Destroy(1), Free(1))


def contents(device: Device, manager: MemoryManager, key: int) -> NDArray[np.uint8]:
    """Read back the bytes of a published buffer key."""
    place = manager.location(key)
    assert place is not None
    return read_buffer(device, manager.profile, place.handle, place.offset, place.size)
