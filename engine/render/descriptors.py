"""Descriptor sets: equal contents share one, and what no frame uses any more is freed by ticket.

A set is never written again once it has been handed out, so a set that a frame in flight still reads
cannot change under it. Sets come from pools that are added as they fill.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from engine.plan.terms.drawing import DescriptorType
from engine.render.descriptor_pools import DescriptorPools
from engine.render.layouts import Layouts, SetLayout
from engine.vk.binding import ffi
from engine.vk.device import Device
from engine.vk.structs import array, new

_KINDS = (
    DescriptorType.UNIFORM_BUFFER,
    DescriptorType.STORAGE_BUFFER,
    DescriptorType.COMBINED_IMAGE_SAMPLER,
)


@dataclass(frozen=True)
class BoundBuffer:
    """A range of a buffer at a binding."""

    binding: int
    descriptor_type: int
    buffer: Any
    offset: int
    size: int


@dataclass(frozen=True)
class BoundImage:
    """A sampled image view at a binding, with its sampler and the layout it is in (VkImageLayout)."""

    binding: int
    descriptor_type: int
    view: Any
    sampler: Any
    layout: int


Bound = BoundBuffer | BoundImage


class DescriptorSets:
    """Owns the descriptor sets of one renderer."""

    def __init__(self, device: Device, layouts: Layouts) -> None:
        self._device = device
        self._layouts = layouts
        self._pools = DescriptorPools(device, _KINDS, "descriptors")
        self._sets: dict[tuple[SetLayout, tuple[Bound, ...]], tuple[Any, Any]] = {}
        self._retired: deque[tuple[int, Any, Any]] = deque()

    def get(self, layout: SetLayout, contents: tuple[Bound, ...]) -> Any:
        """Return the VkDescriptorSet of that layout with these contents."""
        key = (layout, contents)
        found = self._sets.get(key)
        if found is None:
            descriptors = sum(slot.count for slot in layout)
            found = self._pools.allocate(self._layouts.set_layout(layout), descriptors)
            self._sets[key] = found
            self._write(found[0], contents)
        return found[0]

    def retire_all(self, ticket: int) -> None:
        """Give up every set; they are freed once `ticket` is over."""
        self._retired.extend((ticket, handle, pool) for handle, pool in self._sets.values())
        self._sets.clear()

    def collect(self, completed: int) -> None:
        """Free retired sets whose ticket is over."""
        while self._retired and self._retired[0][0] <= completed:
            _, handle, pool = self._retired.popleft()
            self._pools.free(handle, pool)

    def close(self) -> None:
        """Destroy the pools and with them every set; none may be in use."""
        self._pools.close()
        self._sets.clear()
        self._retired.clear()

    def _write(self, handle: Any, contents: tuple[Bound, ...]) -> None:
        writes = []
        for bound in contents:
            fields: dict[str, Any] = {
                "dstSet": handle,
                "dstBinding": bound.binding,
                "descriptorCount": 1,
                "descriptorType": bound.descriptor_type,
            }
            if isinstance(bound, BoundBuffer):
                fields["pBufferInfo"] = new(
                    "VkDescriptorBufferInfo", buffer=bound.buffer, offset=bound.offset, range=bound.size
                )
            else:
                fields["pImageInfo"] = new(
                    "VkDescriptorImageInfo",
                    sampler=bound.sampler,
                    imageView=bound.view,
                    imageLayout=bound.layout,
                )
            writes.append(new("VkWriteDescriptorSet", **fields))
        if writes:
            rows = array("VkWriteDescriptorSet", writes)
            self._device.vk.vkUpdateDescriptorSets(self._device.handle, len(writes), rows, 0, ffi.NULL)
