"""Statistics of an allocator: plain values that print as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class AllocationFacts:
    """One allocation: bytes it asked for, bytes it takes with padding and margins, and where."""

    name: str
    why: str
    kind: str
    offset: int
    size: int
    taken: int


@dataclass(frozen=True, slots=True)
class BlockFacts:
    """One VkDeviceMemory and what lies in it, by offset."""

    memory_type: int
    heap: int
    size: int
    dedicated: bool
    mapped: bool
    allocations: tuple[AllocationFacts, ...]

    @property
    def used(self) -> int:
        """Bytes taken by allocations."""
        return sum(row.taken for row in self.allocations)


@dataclass(frozen=True, slots=True)
class HeapFacts:
    """One heap: its size, what may be taken from it now in all, and what this allocator has of it."""

    size: int
    budget: int
    allocated: int


@dataclass(frozen=True, slots=True)
class AllocatorStatistics:
    """Every byte by block and allocation; sums are exact, since nothing is sampled."""

    heaps: tuple[HeapFacts, ...]
    blocks: tuple[BlockFacts, ...]

    @property
    def allocated(self) -> int:
        """Bytes of live VkDeviceMemory."""
        return sum(block.size for block in self.blocks)

    @property
    def used(self) -> int:
        """Bytes taken by allocations; the rest of `allocated` is free for more."""
        return sum(block.used for block in self.blocks)

    @property
    def allocations(self) -> int:
        """How many allocations live."""
        return sum(len(block.allocations) for block in self.blocks)

    def json(self, indent: int | None = None) -> str:
        """All of it as JSON text, the sums first."""
        sums = {"allocated": self.allocated, "used": self.used, "allocations": self.allocations}
        return json.dumps({**sums, **asdict(self)}, indent=indent)
