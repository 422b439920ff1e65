"""The memory of a device at one time, as three tables: of a snapshot, a file or a time of the timeline.

Tables are those of a MemoryPlan, which never change, so an image of a plan costs nothing but what it keeps
alive. Names and requesters are looked up when they are shown.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.plan.model.memory_plan import MemoryPlan
from engine.plan.model.plan import Plan
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.requesters import MAX_NAMED
from engine.plan.requirements.requirements import TermsTable
from engine.plan.terms.table import Int64s, Rows, distinct
from engine.plan.terms.vocabulary import Kind, MemoryProperty

PLACED = np.dtype(
    [
        ("key", np.int64),
        ("resource", np.int32),
        ("offset", np.int64),  # bytes in the buffer, or the first layer of the image
        ("size", np.int64),  # requested bytes
        ("footprint", np.int64),  # bytes of the buffer, or layers of the image
        ("stride", np.int64),
        ("usage", np.int64),  # planned usage bits of the key
    ]
)


class Names(Protocol):
    """What keys are called; two images with the same `space` number keys alike."""

    @property
    def space(self) -> object:
        """The numbering of keys."""

    def name(self, key: int) -> str:
        """The name of a key."""

    def why(self, key: int) -> tuple[str, ...]:
        """Who requests a key."""

    def every_why(self, keys: Int64s) -> Iterator[tuple[str, ...]]:
        """`why` of each of many keys, ascending; many times faster than one by one."""


@dataclass(frozen=True, eq=False)
class PlanNames:
    """The names of the keys of a plan."""

    plan: Plan

    @property
    def space(self) -> object:
        """The keys of the scene's planner."""
        return self.plan.requirements.keys

    def name(self, key: int) -> str:
        """The name of a key, as in plans."""
        return self.plan.requirements.keys.name(key)

    def why(self, key: int) -> tuple[str, ...]:
        """The first requesters of a key and the number of the others; none for staging."""
        try:
            return self.plan.requesters(key)
        except KeyError:
            return ()

    def every_why(self, keys: Int64s) -> Iterator[tuple[str, ...]]:
        """`why` of each of many keys, ascending."""
        requesters, rows = self.plan.requirements.requesters, self.plan.requirements.requested.rows
        at = np.searchsorted(keys, rows["key"])
        known = at < len(keys)
        known[known] = keys[at[known]] == rows["key"][known]
        pairs = distinct(at[known] << 32 | rows["requester"][known])
        ids = (pairs & 0xFFFF_FFFF).tolist()
        bounds = np.searchsorted(pairs >> 32, np.arange(len(keys) + 1)).tolist()
        texts: dict[int, str] = {}
        for low, high in itertools.pairwise(bounds):
            mine = ids[low:high]
            if len(mine) > MAX_NAMED:
                yield tuple(requesters.names(mine))
                continue
            for one in mine:
                if one not in texts:
                    texts[one] = str(requesters[one])
            yield tuple(sorted({texts[one] for one in mine}))


@dataclass(frozen=True, eq=False)
class WrittenNames:
    """Names from a file, by key."""

    names: Mapping[int, str]
    requesters: Mapping[int, tuple[str, ...]]

    @property
    def space(self) -> object:
        """A numbering of its own."""
        return self

    def name(self, key: int) -> str:
        """The name of a key of the file."""
        return self.names[key]

    def why(self, key: int) -> tuple[str, ...]:
        """Who requested a key when the file was written."""
        return self.requesters.get(key, ())

    def every_why(self, keys: Int64s) -> Iterator[tuple[str, ...]]:
        """`why` of each of many keys."""
        return (self.why(key) for key in keys.tolist())


@dataclass(frozen=True, slots=True)
class HeapFacts:
    """One heap: its size and budget in bytes."""

    size: int
    budget: int
    device_local: bool


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """What an image says of its device: name, heaps, and for each memory type its heap and properties."""

    name: str
    heaps: tuple[HeapFacts, ...]
    memory_types: tuple[tuple[int, MemoryProperty], ...]

    @staticmethod
    def of(profile: DeviceProfile) -> DeviceFacts:
        """The facts of a device profile."""
        heaps = (
            HeapFacts(heap.size, profile.budget(number), heap.device_local)
            for number, heap in enumerate(profile.heaps)
        )
        types = ((each.heap, each.properties) for each in profile.memory_types)
        return DeviceFacts(profile.name, tuple(heaps), tuple(types))


@dataclass(frozen=True, eq=False)
class MemoryImage:
    """Allocations (dtype ALLOCATION) and resources (RESOURCE) by id, places (PLACED) by key; in bytes."""

    allocations: Rows
    resources: Rows
    places: Rows
    device: DeviceFacts
    names: Names

    @staticmethod
    def of(plan: Plan) -> MemoryImage:
        """The image of a plan's memory."""
        return image_of(plan.memory, plan.terms, plan.profile, PlanNames(plan))

    @property
    def allocated(self) -> int:
        """Bytes of all allocations."""
        return int(self.allocations["size"].sum())

    @cached_property
    def resource_of(self) -> Int64s:
        """For each place the index of its resource."""
        found: Int64s = np.searchsorted(self.resources["id"], self.places["resource"])
        return found

    @cached_property
    def allocation_of(self) -> Int64s:
        """For each resource the index of its allocation."""
        found: Int64s = np.searchsorted(self.allocations["id"], self.resources["allocation"])
        return found

    @cached_property
    def bytes_of(self) -> Int64s:
        """Bytes of each place with its share of padding: the layers of an image share its size evenly."""
        found: Int64s = self.places["footprint"] * self._units[self.resource_of]
        return found

    @cached_property
    def start_of(self) -> Int64s:
        """The first byte of each place in its allocation."""
        of = self.resource_of
        found: Int64s = self.resources["offset"][of] + self.places["offset"] * self._units[of]
        return found

    @cached_property
    def _units(self) -> Int64s:
        """For each resource the bytes that offsets and footprints in it count: an image's layer, or one."""
        layers = np.maximum(self.resources["layers"], 1)
        return np.where(self.resources["kind"] == Kind.IMAGE, self.resources["size"] // layers, 1)

    @property
    def used(self) -> int:
        """Bytes of all places."""
        return int(self.bytes_of.sum())

    def heap_bytes(self) -> NDArray[np.int64]:
        """Allocated bytes of each heap."""
        heap = np.array([heap for heap, _ in self.device.memory_types] or [0], np.int64)
        of = heap[self.allocations["memory_type"]]
        sums = np.bincount(of, self.allocations["size"], minlength=len(self.device.heaps))
        return sums.astype(np.int64)


def image_of(memory: MemoryPlan, terms: TermsTable, profile: DeviceProfile, names: Names) -> MemoryImage:
    """The image of planned memory, whose planned terms are in `terms`."""
    rows = memory.subresources
    places = np.empty(len(rows), PLACED)
    for name in PLACED.names or ():
        if name != "usage":
            places[name] = rows[name]
    usages = np.array([terms[number].usage for number in range(len(terms))] or [0], np.int64)
    places["usage"] = usages[rows["terms"]]
    return MemoryImage(memory.allocations, memory.resources, places, DeviceFacts.of(profile), names)
