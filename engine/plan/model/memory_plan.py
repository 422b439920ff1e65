"""memoryPlan as columns: memory type -> allocations -> resources -> subresources.

Ids are stable: a plan made from a resident one keeps the ids of the objects that stay and never reuses an id.
So a plan can be compared with the resident state by id alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from engine.plan.requirements.requirements import ImageShape
from engine.plan.terms.formats import Format
from engine.plan.terms.table import Int64s, Rows, Table
from engine.plan.terms.vocabulary import Kind


class Sharing(IntEnum):
    """Which keys may share a resource: OWN holds one key, all others any keys of their class.

    STATIC buffers hold asset data, HOST buffers data written by the host (rings), OTHER buffers data written
    by the device; LAYERS are array pages for images of one shape and usage.
    """

    OWN = 0
    STATIC = 1
    HOST = 2
    OTHER = 3
    LAYERS = 4


HELD = np.dtype([("resource", np.int32), ("offset", np.int64), ("footprint", np.int64)])
ALLOCATION = np.dtype(
    [
        ("id", np.int32),
        ("memory_type", np.int32),
        ("size", np.int64),  # bytes of the VkDeviceMemory
        ("own", np.bool_),  # holds one resource, or resources that alias, and no others
        ("dedicated", np.bool_),  # VkMemoryDedicatedAllocateInfo names its resource
        ("device_address", np.bool_),
        ("mapped", np.bool_),  # persistently, for its whole lifetime
        ("linear", np.bool_),  # buffers and linear images only, no optimal images
    ]
)
RESOURCE = np.dtype(
    [
        ("id", np.int32),
        ("allocation", np.int32),
        ("offset", np.int64),  # bytes in the allocation
        ("size", np.int64),  # bytes in the allocation, from the device's memory requirements
        ("bytes", np.int64),  # a buffer's VkBufferCreateInfo.size; 0 for an image
        ("alignment", np.int64),
        ("usage", np.uint32),
        ("kind", np.int8),
        ("format", np.int32),
        ("width", np.int32),
        ("height", np.int32),
        ("mip_levels", np.int32),
        ("samples", np.int32),
        ("cube", np.bool_),
        ("layers", np.int32),
        ("estimated", np.bool_),  # the profile only estimates size and alignment
        ("aliased", np.bool_),  # shares bytes with another resource that is never live at the same time
        ("sharing", np.int8),
    ]
)
SUBRESOURCE = np.dtype(
    [
        ("key", np.int64),
        ("resource", np.int32),
        ("terms", np.int32),
        ("offset", np.int64),  # bytes in the buffer, or the first layer of the image
        ("size", np.int64),  # requested bytes; for an image those of its packed mip chain, one sample
        ("footprint", np.int64),  # bytes of the buffer, or layers of the image, reserved for this key
        ("stride", np.int64),  # of a ring: bytes from copy to copy; otherwise the size
        ("content", np.int64),
    ]
)


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a key, as in the seed: memory type, allocation, resource, kind, offset.

    `offset` is in bytes for buffers and the layer for images; `allocation` and `resource` are ids.
    """

    memory_type: int
    allocation: int
    resource: int
    kind: Kind
    offset: int


@dataclass(frozen=True, eq=False)
class MemoryPlan:
    """The memory plan as three tables, and the next unused ids.

    `held` are ranges (dtype HELD) that belong to no key of this plan but are still in use while a schedule
    runs: old copies of keys that are being replaced. `missing` are the keys whose bytes have not all arrived,
    sorted. Both are empty in a settled plan.
    """

    allocation_table: Table
    resource_table: Table
    subresource_table: Table
    next_allocation: int = 0
    next_resource: int = 0
    held: Rows = field(default_factory=lambda: np.zeros(0, HELD))
    missing: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))

    @staticmethod
    def empty() -> MemoryPlan:
        """A plan without allocations."""
        return _EMPTY

    @property
    def allocations(self) -> Rows:
        """All allocations, dtype ALLOCATION, sorted by id."""
        return self.allocation_table.array

    @property
    def resources(self) -> Rows:
        """All resources, dtype RESOURCE, sorted by id."""
        return self.resource_table.array

    @property
    def subresources(self) -> Rows:
        """All subresources, dtype SUBRESOURCE, sorted by key."""
        return self.subresource_table.array

    @property
    def planned_bytes(self) -> int:
        """Sum of all VkDeviceMemory sizes."""
        return int(self.allocations["size"].sum())

    def __contains__(self, key: int) -> bool:
        return bool(self.subresource_table.has(np.array([key]))[0])

    def resource(self, id: int) -> np.void:
        """The row of resource `id`; KeyError where it is missing."""
        return self.resource_table.row(id)

    def allocation(self, id: int) -> np.void:
        """The row of allocation `id`; KeyError where it is missing."""
        return self.allocation_table.row(id)

    def address(self, key: int) -> Address:
        """The address of `key`; KeyError where it is not in the plan."""
        place = self.subresource_table.row(key)
        resource = self.resource_table.row(int(place["resource"]))
        allocation = self.allocation_table.row(int(resource["allocation"]))
        return Address(
            int(allocation["memory_type"]),
            int(allocation["id"]),
            int(resource["id"]),
            Kind(int(resource["kind"])),
            int(place["offset"]),
        )

    def stride(self, key: int) -> int:
        """Bytes from one copy of a ring to the next; the size where there is only one copy."""
        return int(self.subresource_table.row(key)["stride"])


def shape_of(resource: np.void) -> ImageShape:
    """The shape of an image resource row."""
    return ImageShape(
        Format(int(resource["format"])),
        int(resource["width"]),
        int(resource["height"]),
        int(resource["mip_levels"]),
        int(resource["samples"]),
        bool(resource["cube"]),
    )


_EMPTY = MemoryPlan(
    Table.of(np.zeros(0, ALLOCATION), "id"),
    Table.of(np.zeros(0, RESOURCE), "id"),
    Table.of(np.zeros(0, SUBRESOURCE), "key"),
)
