"""An allocation in a block, with the resource that is bound to it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.memory.device.problems import DoubleFree, NotMappable, OutOfBounds, UseAfterClose
from engine.plan.profile.device_profile import MemoryRequirements
from engine.plan.requirements.requirements import ImageShape
from engine.plan.terms.vocabulary import BufferUsage, Kind
from engine.storage.allocators.block import Block
from engine.storage.allocators.guards import Guards
from engine.storage.allocators.interface import MemoryAllocation, MemoryMapping
from engine.storage.allocators.statistics import AllocationFacts
from engine.vk.binding import NULL


@dataclass(frozen=True, slots=True)
class Place:
    """Where an allocation goes: [offset, offset + size) of a block; `outer` includes its margins."""

    block: Block
    offset: int
    outer: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be placed: a resource that was made and has no memory yet (NULL for bare memory)."""

    kind: Kind
    needs: MemoryRequirements
    mapping: MemoryMapping
    usage: int
    shape: ImageShape | None
    handle: Any
    name: str
    why: str
    dedicated: bool = False

    @property
    def device_address(self) -> bool:
        """Whether the memory needs VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT."""
        return self.kind is Kind.BUFFER and bool(self.usage & BufferUsage.SHADER_DEVICE_ADDRESS)

    @property
    def owner(self) -> tuple[str, Any] | None:
        """The resource as a dedicated allocation names it, where the device or the caller wants one."""
        wants = self.dedicated or self.needs.requires_dedicated or self.needs.prefers_dedicated
        return (self.type_name.lower(), self.handle) if wants and self.handle != NULL else None

    @property
    def type_name(self) -> str:
        """Buffer or Image."""
        return "Buffer" if self.kind is Kind.BUFFER else "Image"


class Owner(Protocol):
    """What an allocation needs of the allocator that made it."""

    lock: threading.RLock
    guards: Guards

    def free(self, allocation: BlockAllocation) -> None:
        """Destroy what is bound and release its place."""


class BlockAllocation(MemoryAllocation):
    """Bytes of a VkDeviceMemory at `place`; `bound` is the resource there, or NULL for bare memory."""

    def __init__(self, allocator: Owner, place: Place, request: Request) -> None:
        self._allocator = allocator
        self._taken = request.needs.size
        self._maps = 0
        self._is_freed = False
        self.place = place
        self.kind = request.kind
        self.size = request.needs.size
        self.mapping = request.mapping
        self.bound = request.handle
        self.name = request.name
        self.why = request.why

    @property
    def ready(self) -> bool:
        """Whether it has not been freed: the memory is there at once."""
        return not self._is_freed

    @property
    def handle(self) -> Any:
        """The VkBuffer or VkImage; raises UseAfterClose."""
        self._alive("its handle is asked for")
        return self.bound

    @property
    def memory(self) -> Any:
        """The VkDeviceMemory it lies in."""
        self._alive("its memory is asked for")
        return self.place.block.memory

    @property
    def offset(self) -> int:
        """Where it begins in the VkDeviceMemory."""
        return self.place.offset

    @property
    def memory_type(self) -> int:
        """Index of the memory type that was chosen."""
        return self.place.block.memory_type

    @property
    def is_initialised(self) -> bool:
        """False: nobody has touched a fresh image."""
        return False

    def map(self) -> NDArray[np.uint8]:
        """View the `size` bytes, see `MemoryAllocation.map`."""
        self._alive("it is mapped")
        if self.mapping is MemoryMapping.NONE:
            raise NotMappable(self.name, "it was allocated without host access (MemoryMapping.NONE)")
        with self._allocator.lock:
            whole = self.place.block.map(self.name)
            self._maps += 1
        return whole[self.offset : self.offset + self.size]

    def unmap(self) -> None:
        """End one `map`."""
        self._alive("it is unmapped")
        if not self._maps:
            raise NotMappable(self.name, "it is unmapped and was not mapped")
        with self._allocator.lock:
            self._maps -= 1
            self.place.block.unmap()

    def flush(self, offset: int = 0, size: int | None = None) -> None:
        """Make host writes visible, see `MemoryAllocation.flush`."""
        self.place.block.flush(*self._range(offset, size))

    def invalidate(self, offset: int = 0, size: int | None = None) -> None:
        """Make device writes visible to the host, see `MemoryAllocation.invalidate`."""
        self.place.block.invalidate(*self._range(offset, size))

    def free(self) -> None:
        """Destroy the resource and give the memory back, once. Raises DoubleFree, and Overrun after it."""
        if self._is_freed:
            raise DoubleFree(self.name, "it is freed a second time")
        self._is_freed = True
        with self._allocator.lock:
            for _ in range(self._maps):
                self.place.block.unmap()
            self._maps = 0
            self._allocator.free(self)

    def open(self) -> None:
        """Mark fresh memory for the debug options."""
        self._debug(lambda whole: self._allocator.guards.open(whole, *self._span, self.place.outer))

    def check(self, *, is_last: bool = False) -> None:
        """Compare the margins, and mark the bytes as freed where `is_last`. Raises Overrun."""
        guards = self._allocator.guards

        def compare(whole: NDArray[np.uint8]) -> None:
            try:
                guards.check(whole, *self._span, self.place.outer, self.name)
            finally:
                if is_last:
                    guards.close(whole, *self._span)

        self._debug(compare)

    def facts(self) -> AllocationFacts:
        """Describe it for statistics."""
        outer = self.place.outer
        kind = self.kind.name.lower()
        return AllocationFacts(self.name, self.why, kind, self.offset, self.size, outer[1] - outer[0])

    @property
    def _span(self) -> tuple[int, int]:
        return self.offset, self.offset + self._taken

    def _debug(self, action: Any) -> None:
        guards, block = self._allocator.guards, self.place.block
        if (guards.fill or guards.margin) and block.is_visible:
            whole = block.map(self.name)
            try:
                block.invalidate(*self.place.outer)
                action(whole)
                block.flush(*self.place.outer)
            finally:
                block.unmap()

    def _range(self, offset: int, size: int | None) -> tuple[int, int]:
        self._alive("it is flushed or invalidated")
        if not self._maps:
            raise NotMappable(self.name, "it is not mapped, so there is nothing to flush or invalidate")
        end = self.size if size is None else offset + size
        if offset < 0 or end < offset or end > self.size:
            raise OutOfBounds(self.name, f"bytes {offset} to {end} of {self.size}")
        return self.offset + offset, self.offset + end

    def _alive(self, doing: str) -> None:
        if self._is_freed:
            raise UseAfterClose(self.name, f"{doing}, and it is freed")
