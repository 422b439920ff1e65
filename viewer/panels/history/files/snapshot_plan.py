"""The memory of a snapshot as a plan, so that the map, the table and `why` show it as they show a scene's."""

from __future__ import annotations

import re

import numpy as np

from engine.humon import Position
from engine.plan.model.drawing_plan import NO_DRAWING
from engine.plan.model.memory_plan import SUBRESOURCE, MemoryPlan
from engine.plan.model.plan import Plan
from engine.plan.profile.device_profile import DeviceProfile, Heap, MemoryType
from engine.plan.requirements.coalesce import coalesce
from engine.plan.requirements.requesters import RequesterTable
from engine.plan.requirements.requirements import ImageShape, Requirement, RequirementTable, TermsTable
from engine.plan.terms.formats import Format
from engine.plan.terms.keys import TRANSIENT_DB, Keys
from engine.plan.terms.policy import Policy
from engine.plan.terms.table import Table
from engine.plan.terms.vocabulary import BufferUsage, ImageUsage, Kind
from viewer.panels.history.memory_image import MemoryImage

_REQUESTER = re.compile(r"(\S+)(?: on '(.*)')?(?: at (.+):(\d+):(\d+))?")


class _SnapshotKeys(Keys):
    """Keys by the rows of an image's places: none of them is an asset of an opened scene."""

    def __init__(self, image: MemoryImage) -> None:
        super().__init__()
        self._image = image

    def name(self, key: int) -> str:
        """The name that the key had."""
        return self._image.names.name(int(self._image.places["key"][key & 0xFFFF_FFFF]))


def snapshot_plan(image: MemoryImage, like: DeviceProfile) -> Plan:
    """Return a plan with the memory of an image, on a device profile with its name, heaps and memory types.

    `like` gives what an image does not say of its device. Keys get numbers of their own, in the same order.
    """
    device = image.device
    profile = DeviceProfile(
        device.name,
        tuple(Heap(heap.size, heap.device_local) for heap in device.heaps),
        tuple(MemoryType(*each) for each in device.memory_types),
        like.queue_families,
        like.limits,
        like.buffers,
        like.images,
        budgets={number: heap.budget for number, heap in enumerate(device.heaps)},
    )
    keys, terms = _SnapshotKeys(image), TermsTable()
    table = RequirementTable(keys, RequesterTable())
    rows = np.zeros(len(image.places), SUBRESOURCE)
    for name in ("resource", "offset", "size", "footprint", "stride"):
        rows[name] = image.places[name]
    rows["key"] = np.arange(len(rows)) + (TRANSIENT_DB << 32)
    homes = image.resources[image.resource_of]
    types = image.allocations["memory_type"][image.allocation_of[image.resource_of]]
    whys = image.names.every_why(image.places["key"].astype(np.int64))
    for at, (row, home, why) in enumerate(zip(rows, homes, whys, strict=True)):
        is_image = home["kind"] == Kind.IMAGE
        usage = int(image.places["usage"][at])
        shape = None
        if is_image:
            width, height, mips, samples = (
                int(home[name]) for name in ("width", "height", "mip_levels", "samples")
            )
            kind = Format(int(home["format"]))
            shape = ImageShape(kind, width, height, mips, samples, bool(home["cube"]))
        requirement = Requirement(
            int(row["key"]),
            Kind(int(home["kind"])),
            0 if is_image else int(row["size"]),
            int(home["alignment"]),
            shape,
            ImageUsage(usage) if is_image else BufferUsage(usage),
            profile.memory_types[int(types[at])].properties,
        )
        rows["terms"][at] = terms.id(requirement.terms())
        table.add(requirement, [_requester(table.requesters, text) for text in why])
    memory = MemoryPlan(
        Table.of(image.allocations, "id"), Table.of(image.resources, "id"), Table.of(rows, "key")
    )
    needs = coalesce(table)
    return Plan(memory, MemoryPlan.empty(), NO_DRAWING, needs, terms, profile, Policy(), whole=False)


def _requester(requesters: RequesterTable, text: str) -> int:
    """Return the id of a requester by what is written of it: `light on 'sun' at scene.hu:3:5`."""
    found = _REQUESTER.fullmatch(text)
    if found is None:
        return requesters.add(text)
    feature, path, file, line, column = found.groups()
    position = Position(file, int(line), int(column)) if file else None
    return requesters.add(feature, path or "", position)
