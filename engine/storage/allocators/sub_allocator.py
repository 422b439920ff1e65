"""SubAllocator: many allocations in few VkDeviceMemory blocks."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from engine.plan.model.holes import Holes
from engine.plan.model.packing import block_pool
from engine.plan.terms.policy import MIB
from engine.plan.terms.vocabulary import Kind
from engine.storage.allocators.block import Block, padded
from engine.storage.allocators.block_allocation import Place, Request
from engine.storage.allocators.device_allocator import DeviceAllocator
from engine.vk.errors import OutOfDeviceMemory

_SMALLEST = 64 * 1024
_FIRST = 8  # the first block of a pool is this much smaller than the largest, each next twice the one before


@dataclass(slots=True)
class _Shared:
    """A block that many share, the pool it serves, and how many lie in it."""

    block: Block
    pool: Hashable
    count: int = 0


class SubAllocator(DeviceAllocator):
    """Places allocations in blocks of up to `block` bytes, with the planner's own good-fit `Holes`.

    Linear and optimal resources never share a block, so bufferImageGranularity does not matter
    (vulkan-rules 2). What the device wants dedicated, or is larger than half a block, gets memory of its
    own. An empty block is kept for the next allocation, one per pool; `trim` frees it.
    """

    def __init__(self, *given: Any, block: int = 64 * MIB, **options: Any) -> None:
        super().__init__(*given, **options)
        largest_heap = max(heap.size for heap in self.profile.heaps)
        limit = self.profile.limits.max_memory_allocation_size
        self._largest = max(min(block, largest_heap // 8, limit), _SMALLEST)
        self._holes = Holes()
        self._shared: dict[int, _Shared] = {}  # by number of the space in `_holes`
        self._numbers: dict[int, int] = {}
        self._own: dict[int, Block] = {}
        self._next = 0

    def place(self, request: Request, memory_type: int) -> Place:
        """Find room in a block, or make a new block. Raises OutOfDeviceMemory."""
        needs, margin = request.needs, self.guards.margin
        if request.owner is not None:
            return self._alone(request, memory_type, 0, needs.size)
        size, alignment = padded(needs.size, needs.alignment, self.atoms[memory_type])
        lead = -(-margin // alignment) * alignment
        outer = lead + size + -(-margin // alignment) * alignment
        pool = block_pool(memory_type, request.kind is Kind.BUFFER, False, request.device_address)
        found = self._holes.take(pool, outer, alignment)
        if found is None:
            if outer > self._largest // 2:
                return self._alone(request, memory_type, lead, outer)
            self._add_block(request, memory_type, pool, outer)
            found = self._holes.take(pool, outer, alignment)
            assert found is not None
        space, begin = found
        home = self._shared[space]
        home.count += 1
        return Place(home.block, begin + lead, (begin, begin + outer))

    def release(self, place: Place) -> None:
        """Free a place; a second empty block of a pool is freed."""
        block = place.block
        if self._own.pop(id(block), None) is not None:
            self.free_block(block)
            return
        space = self._numbers[id(block)]
        self._holes.give(space, place.outer[0], place.outer[1] - place.outer[0])
        home = self._shared[space]
        home.count -= 1
        if not home.count:
            alike = (row for row in self._shared.values() if row.pool == home.pool)
            if sum(not row.count for row in alike) > 1:
                self._drop(space)

    def blocks(self) -> list[Block]:
        """List all VkDeviceMemory."""
        return [*(row.block for row in self._shared.values()), *self._own.values()]

    def trim(self) -> int:
        """Free empty blocks and return their bytes."""
        with self.lock:
            return sum(self._drop(space) for space in [s for s, row in self._shared.items() if not row.count])

    def _alone(self, request: Request, memory_type: int, offset: int, size: int) -> Place:
        block = self.new_block(request, memory_type, size, request.owner)
        self._own[id(block)] = block
        return Place(block, offset, (0, size))

    def _add_block(self, request: Request, memory_type: int, pool: Hashable, least: int) -> None:
        """Make a block; a smaller one where the heap has no room for the usual size."""
        held = sum(row.pool == pool for row in self._shared.values())
        size = max(self._largest // max(_FIRST >> held, 1), _SMALLEST, least)
        while True:
            try:
                block = self.new_block(request, memory_type, size)
                break
            except OutOfDeviceMemory:
                if size == least:
                    raise
                size = max(size // 2, least)
        space, self._next = self._next, self._next + 1
        self._shared[space] = _Shared(block, pool)
        self._numbers[id(block)] = space
        self._holes.add_space(space, pool)
        self._holes.give(space, 0, size)

    def _drop(self, space: int) -> int:
        block = self._shared.pop(space).block
        del self._numbers[id(block)]
        self._holes.drop_space(space)
        self.free_block(block)
        return block.size
