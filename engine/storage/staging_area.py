"""One mapped staging buffer of fixed size, and the ranges allocated from it."""

from __future__ import annotations

from collections import deque
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.plan.model.holes import Holes
from engine.storage.allocators.block import padded
from engine.storage.allocators.interface import MemoryAllocation, MemoryAllocator, MemoryMapping


class Span:
    """A range of staging; its views keep it alive, and the last one to go frees it.

    `is_handed_over`: a scheduled copy or a resource set frees it instead.
    """

    __slots__ = ("__array_interface__", "__weakref__", "area", "is_handed_over", "offset", "size", "taken")

    def __init__(self, area: StagingArea, offset: int, size: int, taken: int, address: int) -> None:
        self.area = area
        self.offset = offset
        self.size = size
        self.taken = taken
        self.is_handed_over = False
        self.__array_interface__ = {
            "shape": (size,),
            "typestr": "|u1",
            "data": (address + offset, False),
            "version": 3,
        }

    @property
    def buffer(self) -> Any:
        """The VkBuffer that contains it."""
        return self.area.handle

    def view(self) -> NDArray[np.uint8]:
        """View its bytes: mapped memory itself, no copy."""
        return np.asarray(self)

    def flush(self) -> None:
        """Make what the host wrote visible to later submits."""
        assert self.area.memory is not None
        self.area.memory.flush(self.offset, self.size)

    def invalidate(self) -> None:
        """Make what the device wrote visible to the host."""
        assert self.area.memory is not None
        self.area.memory.invalidate(self.offset, self.size)

    def __del__(self) -> None:
        # Runs on any thread at any moment, so it only enqueues.
        if not self.is_handed_over:
            self.area.dropped.append((self.offset, self.taken))


class StagingArea:
    """At most `capacity` bytes in one buffer, allocated by `reserve` or on first use; its owner locks it."""

    def __init__(
        self,
        allocator: MemoryAllocator,
        capacity: int,
        usage: int,
        mapping: MemoryMapping,
        atom: int,
        name: str,
    ) -> None:
        self.capacity = capacity
        self.name = name
        self.memory: MemoryAllocation | None = None
        self.dropped: deque[tuple[int, int]] = deque()
        self.used = 0
        self.peak = 0
        self._make = (usage, mapping)
        self._allocator = allocator
        self._atom = atom
        self._address = 0
        self._holes = Holes()

    @property
    def handle(self) -> Any:
        """The VkBuffer."""
        assert self.memory is not None
        return self.memory.handle

    def reserve(self) -> None:
        """Allocate the buffer before it is used, so that a plan holds it. Raises OutOfDeviceMemory."""
        if self.memory is None:
            usage, mapping = self._make
            self.memory = self._allocator.allocate_buffer(
                self.capacity, usage, mapping, name=self.name, why="staging", dedicated=True
            )

    def take(self, size: int, alignment: int) -> Span | None:
        """Allocate a range; None if there is no room now. Raises OutOfDeviceMemory."""
        if not self._open():
            return None
        while self.dropped:
            self.give(*self.dropped.popleft())
        taken, alignment = padded(max(size, 1), lcm(alignment, 4), self._atom)
        found = self._holes.take("staging", taken, alignment)
        if found is None:
            return None
        self.used += taken
        self.peak = max(self.peak, self.used)
        return Span(self, found[1], size, taken, self._address)

    def give(self, offset: int, taken: int) -> None:
        """Free a range that the device no longer uses."""
        self.used -= taken
        self._holes.give(0, offset, taken)

    def close(self) -> None:
        """Free the buffer, once; no view of it may be used any more."""
        memory, self.memory = self.memory, None
        if memory is not None:
            memory.free()

    def _open(self) -> bool:
        """Whether the buffer is mapped; the first call allocates it."""
        self.reserve()
        assert self.memory is not None
        if not self._address and self.memory.ready:
            self._address = self.memory.map().ctypes.data
            self._holes.add_space(0, "staging")
            self._holes.give(0, 0, self.capacity)
        return bool(self._address)
