"""memoryPlan as columns: memory type -> allocations -> resources -> subresources.

Ids are stable: a plan made from a resident one keeps the ids of what stays and never gives an old id to
something new. So a plan can be compared with what is resident by id alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np
from numpy.typing import NDArray

from engine.plan.formats import Format
from engine.plan.requirements import ImageShape
from engine.plan.vocabulary import Kind

ALLOCATION = np.dtype(
    [
        ("id", np.int32),
        ("memory_type", np.int32),
        ("size", np.int64),  # bytes of the VkDeviceMemory
        ("dedicated", np.bool_),  # VkMemoryDedicatedAllocateInfo names its one resource
        ("device_address", np.bool_),
        ("mapped", np.bool_),  # persistently, for its whole life
        ("linear", np.bool_),  # buffers and linear images, never beside optimal ones
    ]
)
RESOURCE = np.dtype(
    [
        ("id", np.int32),
        ("allocation", np.int32),
        ("offset", np.int64),  # bytes in the allocation
        ("size", np.int64),  # bytes taken there, as the device's memory requirements say
        ("bytes", np.int64),  # a buffer's VkBufferCreateInfo.size; 0 for an image
        ("alignment", np.int64),
        ("usage", np.uint32),
        ("kind", np.int8),
        ("format", np.int32),
        ("width", np.int32),
        ("height", np.int32),
        ("mip_levels", np.int32),
        ("samples", np.int32),
        ("layers", np.int32),
        ("estimated", np.bool_),  # the profile could only guess size and alignment
        ("aliased", np.bool_),  # shares bytes with another resource that is never live at the same time
        ("group", np.int32),  # what may be placed in it: see placement
    ]
)
SUBRESOURCE = np.dtype(
    [
        ("key", np.int64),
        ("resource", np.int32),
        ("terms", np.int32),
        ("offset", np.int64),  # bytes in the buffer, or the first layer of the image
        ("size", np.int64),  # bytes (ring: of all copies); of an image: of its mip chain, tight
        ("stride", np.int64),  # ring: bytes from copy to copy; else the size
        ("content", np.int64),
    ]
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a key lives, as in the seed: memory type, allocation, resource, kind, offset.

    `offset` is in bytes for buffers and the layer for images; `allocation` and `resource` are ids.
    """

    memory_type: int
    allocation: int
    resource: int
    kind: Kind
    offset: int


@dataclass(frozen=True, eq=False)
class MemoryPlan:
    """The memory plan: three sorted tables, dtypes ALLOCATION and RESOURCE (by id), SUBRESOURCE (by key)."""

    allocations: NDArray[np.void]
    resources: NDArray[np.void]
    subresources: NDArray[np.void]

    @property
    def planned_bytes(self) -> int:
        """Sum of all VkDeviceMemory sizes."""
        return int(self.allocations["size"].sum())

    def find(self, key: int) -> int:
        """Row of `key` in `subresources`; KeyError where the plan has none."""
        row = int(np.searchsorted(self._keys, key))
        if row == len(self._keys) or self._keys[row] != key:
            raise KeyError(key)
        return row

    def __contains__(self, key: int) -> bool:
        row = int(np.searchsorted(self._keys, key))
        return row < len(self._keys) and bool(self._keys[row] == key)

    def resource(self, id: int) -> np.void:
        """The row of resource `id`."""
        return cast(np.void, self.resources[int(np.searchsorted(self.resources["id"], id))])

    def allocation(self, id: int) -> np.void:
        """The row of allocation `id`."""
        return cast(np.void, self.allocations[int(np.searchsorted(self.allocations["id"], id))])

    def address(self, key: int) -> Address:
        """Where `key` lives; KeyError where the plan has none."""
        place = self.subresources[self.find(key)]
        resource = self.resource(place["resource"])
        allocation = self.allocation(resource["allocation"])
        return Address(
            int(allocation["memory_type"]),
            int(allocation["id"]),
            int(resource["id"]),
            Kind(int(resource["kind"])),
            int(place["offset"]),
        )

    def stride(self, key: int) -> int:
        """Bytes from one copy of a ring to the next; the size where there is one copy."""
        return int(self.subresources[self.find(key)]["stride"])

    @cached_property
    def _keys(self) -> NDArray[np.int64]:
        return np.ascontiguousarray(self.subresources["key"])


def shape_of(resource: np.void) -> ImageShape:
    """The shape of an image resource row."""
    return ImageShape(
        Format(int(resource["format"])),
        int(resource["width"]),
        int(resource["height"]),
        int(resource["mip_levels"]),
        int(resource["samples"]),
    )
