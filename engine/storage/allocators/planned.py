"""PlannedAllocator: memory in a running scene; every allocation is a requirement of the scene's plan.

Nothing is allocated here. Each allocation becomes a requirement with a requester; the next plan places it, a
schedule creates it, and the memory manager publishes it. Until then the allocation is not `ready`. Freeing
removes the requirement, and the next plan returns the memory.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.memory.device.addresses import Location
from engine.memory.device.problems import DoubleFree, NotMappable, NotReady, OutOfBounds, UseAfterClose
from engine.memory.streaming.manager import MemoryManager
from engine.plan.requirements.requirements import ImageShape, Requirement
from engine.plan.terms.keys import Keys
from engine.plan.terms.vocabulary import BufferUsage, Dedicated, ImageUsage, Kind, MemoryProperty
from engine.storage.allocators.interface import MemoryAllocation, MemoryAllocator, MemoryMapping
from engine.storage.allocators.statistics import (
    AllocationFacts,
    AllocatorStatistics,
    BlockFacts,
    HeapFacts,
)

_SEEN = ImageUsage.SAMPLED | ImageUsage.TRANSFER_DST | ImageUsage.TRANSFER_SRC


class PlannedAllocation(MemoryAllocation):
    """A requirement of the plan, by the name of its key; there once it is published."""

    def __init__(
        self,
        allocator: PlannedAllocator,
        requirement: Requirement,
        mapping: MemoryMapping,
        name: str,
        why: str,
    ) -> None:
        self._allocator = allocator
        self._is_freed = False
        self.requirement = requirement
        self.kind = requirement.kind
        self.size = requirement.size
        self.mapping = mapping
        self.name = name
        self.why = why

    @property
    def location(self) -> Location | None:
        """Where it is published, or None."""
        if self._is_freed:
            raise UseAfterClose(self.name, "its place is asked for, and it is freed")
        return self._allocator.manager.location(self.requirement.key)

    @property
    def ready(self) -> bool:
        """Whether the plan that holds it has been carried out."""
        return not self._is_freed and self.location is not None

    @property
    def handle(self) -> Any:
        """The VkBuffer or VkImage, of its own alone. Raises NotReady, UseAfterClose."""
        return self._found().handle

    @property
    def is_initialised(self) -> bool:
        """True for sampled images: the executor brings them to where they rest."""
        usage = int(self.requirement.usage)
        return self.kind is Kind.IMAGE and bool(usage & ImageUsage.SAMPLED) and not usage & ~int(_SEEN)

    def map(self) -> NDArray[np.uint8]:
        """View the bytes: mapped for as long as it lives."""
        found = self._found()
        if found.mapped is None:
            raise NotMappable(self.name, "it was asked for without host access (MemoryMapping.NONE)")
        return found.mapped[: self.size]

    def unmap(self) -> None:
        """Nothing to do: planned memory stays mapped."""
        self._found()

    def flush(self, offset: int = 0, size: int | None = None) -> None:
        """Make host writes visible, see `MemoryAllocation.flush`."""
        self._found()
        end = self.size if size is None else offset + size
        if offset < 0 or not offset <= end <= self.size:
            raise OutOfBounds(self.name, f"bytes {offset} to {end} of {self.size}")
        self._allocator.manager.flush(self.requirement.key, offset, end - offset)

    def invalidate(self, offset: int = 0, size: int | None = None) -> None:
        """Nothing to do: what the host reads is asked for coherent in a plan."""
        self._found()

    def free(self) -> None:
        """Remove the requirement: the next plan returns the memory. Raises DoubleFree."""
        if self._is_freed:
            raise DoubleFree(self.name, "it is freed a second time")
        self._is_freed = True
        self._allocator.withdraw(self)

    def _found(self) -> Location:
        found = self.location
        if found is None:
            raise NotReady(self.name, "the plan that gives it memory has not been carried out yet")
        return found


class PlannedAllocator(MemoryAllocator):
    """Turns allocations into requirements of a scene's plan; pass it to `Runtime.add_overlay`.

    `requester` is named in the plan's why; `version` goes up whenever `requirements` changes. `keys` are
    those of the scene's planner, so that plans can name each allocation. Each resource has one of its own.
    """

    def __init__(self, manager: MemoryManager, keys: Keys, requester: str) -> None:
        self.manager = manager
        self.requester = requester
        self.leaks: list[str] = []
        self._keys = keys
        self._live: dict[int, PlannedAllocation] = {}
        self._version = 0
        self._lock = threading.Lock()
        self._is_closed = False

    @property
    def version(self) -> int:
        """Goes up with every change of the requirements."""
        return self._version

    def requirements(self) -> Iterable[Requirement]:
        """Everything that is asked for at this moment, in the order of keys."""
        with self._lock:
            return [self._live[key].requirement for key in sorted(self._live)]

    @property
    def ready(self) -> bool:
        """Whether everything that is asked for is there."""
        with self._lock:
            live = list(self._live.values())
        return all(allocation.ready for allocation in live)

    def allocate_buffer(
        self,
        size: int,
        usage: int,
        mapping: MemoryMapping = MemoryMapping.NONE,
        *,
        name: str = "buffer",
        why: str = "",
        dedicated: bool = False,
    ) -> PlannedAllocation:
        """Add a requirement for a buffer; its memory comes with the next plan."""
        properties = mapping.required
        if mapping is MemoryMapping.NONE:
            properties = MemoryProperty.DEVICE_LOCAL
        elif mapping is MemoryMapping.HOST_ACCESS_RANDOM:
            properties |= MemoryProperty.HOST_COHERENT
        return self._state(
            mapping,
            name,
            why,
            kind=Kind.BUFFER,
            size=size,
            usage=BufferUsage(usage) | BufferUsage.TRANSFER_DST,  # what is read alone may come later
            properties=properties,
            preferred=mapping.preferred,
            persistent_map=mapping is not MemoryMapping.NONE,
        )

    def allocate_image(
        self,
        shape: ImageShape,
        layers: int,
        usage: int,
        *,
        name: str = "image",
        why: str = "",
        dedicated: bool = False,
    ) -> PlannedAllocation:
        """Add a requirement for an image; its memory comes with the next plan."""
        return self._state(
            MemoryMapping.NONE,
            name,
            why,
            kind=Kind.IMAGE,
            shape=shape,
            copies=layers,
            usage=ImageUsage(usage),
            preferred=MemoryMapping.NONE.preferred,
        )

    def withdraw(self, allocation: PlannedAllocation) -> None:
        """Remove a requirement; called by `MemoryAllocation.free`."""
        with self._lock:
            del self._live[allocation.requirement.key]
            self._version += 1

    def statistics(self) -> AllocatorStatistics:
        """Account for all planned memory of the scene, this allocator's share by name."""
        with self._lock:
            mine = dict(self._live)
        live, profile = self.manager.live(), self.manager.profile
        at = {key: found.location for key, found in mine.items()}
        by_resource = {place.resource: mine[key] for key, place in at.items() if place is not None}
        blocks = []
        for row in live.allocations:
            rows = live.resources[live.resources["allocation"] == row["id"]]
            facts = [_facts(resource, by_resource.get(int(resource["id"]))) for resource in rows]
            memory_type = int(row["memory_type"])
            heap = profile.memory_types[memory_type].heap
            state = (bool(row["dedicated"]), bool(row["mapped"]))
            blocks.append(BlockFacts(memory_type, heap, int(row["size"]), *state, tuple(facts)))
        heaps = tuple(
            HeapFacts(row.size, profile.budget(heap), sum(b.size for b in blocks if b.heap == heap))
            for heap, row in enumerate(profile.heaps)
        )
        return AllocatorStatistics(heaps, tuple(blocks))

    def close(self) -> None:
        """Remove all requirements, once; `leaks` names what was not freed."""
        self._is_closed = True
        for allocation in list(self._live.values()):
            self.leaks.append(allocation.name)
            allocation.free()

    def _state(self, mapping: MemoryMapping, name: str, why: str, **terms: Any) -> PlannedAllocation:
        with self._lock:
            if self._is_closed:
                raise UseAfterClose(self.requester, f"it is closed, and {name} asks for memory")
            self._version += 1
            # A key stands for one thing for ever: plans may still hold what was freed under it.
            key = self._keys.transient(f"{self.requester}: {name} {self._version}")
            need = Requirement(key=key, dedicated=Dedicated.YES, **terms)
            self._live[key] = PlannedAllocation(self, need, mapping, name, why)
            return self._live[key]


def _facts(resource: np.void, mine: PlannedAllocation | None) -> AllocationFacts:
    name = f"resource {int(resource['id'])}" if mine is None else mine.name
    why = "plan" if mine is None else mine.why
    size = int(resource["size"])
    kind = Kind(int(resource["kind"])).name.lower()
    return AllocationFacts(name, why, kind, int(resource["offset"]), size, size)
