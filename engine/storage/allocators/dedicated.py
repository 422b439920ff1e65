"""DedicatedAllocator: one VkDeviceMemory for each allocation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine.storage.allocators.block import Block
from engine.storage.allocators.block_allocation import Place, Request
from engine.storage.allocators.device_allocator import DeviceAllocator


class DedicatedAllocator(DeviceAllocator):
    """Gives every allocation a VkDeviceMemory that returns with it; for few and large resources.

    Devices bound how many there may be (maxMemoryAllocationCount, often 4,096).
    """

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self._blocks: dict[int, Block] = {}

    def place(self, request: Request, memory_type: int) -> Place:
        """Allocate memory for one request; it names the resource where there is one."""
        margin, alignment = self.guards.margin, request.needs.alignment
        # A margin needs room around the resource, and that of a dedicated allocation must be exact.
        owner = None if margin else replace(request, dedicated=True).owner
        lead = -(-margin // alignment) * alignment
        size = lead + request.needs.size + margin
        block = self.new_block(request, memory_type, size, owner)
        self._blocks[id(block)] = block
        return Place(block, lead, (0, size))

    def release(self, place: Place) -> None:
        """Free the memory."""
        self.free_block(self._blocks.pop(id(place.block)))

    def blocks(self) -> list[Block]:
        """List all VkDeviceMemory, oldest first."""
        return list(self._blocks.values())
