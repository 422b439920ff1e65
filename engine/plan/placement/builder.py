"""New resources and their allocations: own allocations for large resources, shared blocks for small ones.

A builder collects the new resources of one planning round, within the budgets of the heaps, and at the end
places each in an allocation.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from engine.plan.model.memory_plan import ALLOCATION, RESOURCE, MemoryPlan, Sharing
from engine.plan.model.packing import Packing, block_pool
from engine.plan.placement.aliasing import AliasCandidate, place_aliases
from engine.plan.profile.device_profile import DeviceProfile, MemoryRequirements
from engine.plan.requirements.requirements import ImageShape
from engine.plan.terms.policy import Policy
from engine.plan.terms.table import Rows
from engine.plan.terms.vocabulary import Kind

_NO_HOMES: Mapping[int, tuple[int, int]] = MappingProxyType({})
_NO_ALLOCATIONS, _NO_RESOURCES = np.zeros(0, ALLOCATION), np.zeros(0, RESOURCE)


class HeapFull(Exception):
    """No allowed memory type has room for a resource of `size` bytes; `heap` is the heap to report."""

    def __init__(self, heap: int, size: int) -> None:
        super().__init__(f"no room for {size} bytes in heap {heap}")
        self.heap = heap
        self.size = size


@dataclass(frozen=True, slots=True)
class NewResource:
    """One VkBuffer (`bytes`) or VkImage (`shape`, `layers`) to create, and its memory requirements."""

    kind: Kind
    sharing: Sharing
    usage: int
    memory: MemoryRequirements
    memory_type: int
    mapped: bool
    device_address: bool
    dedicated: bool = False
    bytes: int = 0
    shape: ImageShape | None = None
    layers: int = 0
    lifetime: tuple[int, int] | None = None


class Builder:
    """Collects new resources; `finish` places them and returns their rows.

    `homes` are the allocations of the plan, with offsets, where images join others that they share bytes
    with, by key. With `grow`, new pages and blocks may be larger than their present contents (Policy.growth).
    """

    def __init__(
        self,
        memory: MemoryPlan,
        packing: Packing,
        profile: DeviceProfile,
        policy: Policy,
        *,
        homes: Mapping[int, tuple[int, int]] = _NO_HOMES,
        grow: bool = False,
    ) -> None:
        self.profile = profile
        self.policy = policy
        self.packing = packing
        self.homes = homes
        self._grow = grow
        self.next_allocation = memory.next_allocation
        self.next_resource = memory.next_resource
        self._new: dict[int, NewResource] = {}
        self._joining: dict[int, tuple[int, int]] = {}
        self._pending = [0] * len(profile.heaps)
        self._shareable: dict[int, list[AliasCandidate]] = {}
        """New images that may share bytes, by memory type; `_pending` has what all of them take together."""
        self._allocations = len(packing.resources_in)

    def room(self, memory_type: int) -> int:
        """The largest size in bytes of one more allocation of this memory type."""
        heap = self.profile.memory_types[memory_type].heap
        left = self.profile.budget(heap) - self.packing.heap_used[heap] - self._pending[heap]
        return max(0, min(left, self.profile.limits.max_memory_allocation_size))

    def has_room(self, resource: NewResource) -> bool:
        """Whether one more fits: an image that may share the bytes of others takes fewer than its size."""
        heap = self.profile.memory_types[resource.memory_type].heap
        left = self.profile.budget(heap) - self.packing.heap_used[heap] - self._pending[heap]
        fits = resource.memory.size <= self.profile.limits.max_memory_allocation_size
        return fits and self._takes(resource) <= left

    def _takes(self, resource: NewResource) -> int:
        """Bytes of its heap that one more resource takes."""
        candidate = self._candidate(resource)
        if candidate is None:
            return resource.memory.size
        others = self._shareable.get(resource.memory_type, [])
        return _bytes_of([*others, candidate]) - _bytes_of(others)

    def _candidate(self, resource: NewResource) -> AliasCandidate | None:
        """The resource as one that may share bytes with others; None where it may not."""
        memory, lifetime = resource.memory, resource.lifetime
        alone = memory.requires_dedicated or resource.dedicated or memory.size < self.policy.own
        if not self.policy.alias or resource.kind is not Kind.IMAGE or lifetime is None or alone:
            return None
        return AliasCandidate(memory.size, memory.alignment, *lifetime)

    def min_growth(self, present: int) -> int:
        """The least size of a new page or block, given the total size of all present ones of its pool."""
        return present // self.policy.growth if self._grow else 0

    def add(self, resource: NewResource) -> int:
        """Add one resource; returns its id."""
        ident, self.next_resource = self.next_resource, self.next_resource + 1
        self._new[ident] = resource
        self._pending[self.profile.memory_types[resource.memory_type].heap] += self._takes(resource)
        candidate = self._candidate(resource)
        if candidate is not None:
            self._shareable.setdefault(resource.memory_type, []).append(candidate)
        return ident

    def join(self, resource: NewResource, home: tuple[int, int]) -> int:
        """Add an image that shares the bytes of others at its place in `homes`; returns its id."""
        ident, self.next_resource = self.next_resource, self.next_resource + 1
        self._new[ident], self._joining[ident] = resource, home
        return ident

    def finish(self) -> tuple[Rows, Rows]:
        """Rows of the new allocations and resources, sorted by id; HeapFull where they exceed a budget."""
        if not self._new:
            self._check_budgets(_NO_ALLOCATIONS)
            return _NO_ALLOCATIONS, _NO_RESOURCES
        allocations: list[tuple[object, ...]] = []
        locations = dict(self._joining)
        aliased = self._joining.keys() | self._place_aliased(locations, allocations)
        for ident in self._own_ids(aliased):
            new = self._new[ident]
            locations[ident] = (self._allocation(allocations, new, new.memory.size, own=True), 0)
        self._place_small([ident for ident in self._new if ident not in locations], locations, allocations)
        self._number(allocations, locations)
        rows = np.array([_row(ident, new, *locations[ident]) for ident, new in self._new.items()], RESOURCE)
        rows["aliased"] = [ident in aliased for ident in self._new]
        made = np.array(allocations, ALLOCATION)
        self._check_budgets(made)
        return made, rows

    def _check_budgets(self, made: Rows) -> None:
        """HeapFull where all allocations of a heap, with these, exceed its budget."""
        sizes = [0] * len(self._pending)
        for memory_type, size in zip(made["memory_type"].tolist(), made["size"].tolist(), strict=True):
            sizes[self.profile.memory_types[memory_type].heap] += size
        for heap, size in enumerate(sizes):
            if self.packing.heap_used[heap] + size > self.profile.budget(heap):
                raise HeapFull(heap, size)

    def _place_aliased(
        self, locations: dict[int, tuple[int, int]], allocations: list[tuple[object, ...]]
    ) -> set[int]:
        """Place images that are never live in the same pass in shared allocations; returns their ids."""
        by_type: dict[int, list[tuple[int, AliasCandidate]]] = {}
        for ident, new in self._new.items():
            candidate = self._candidate(new)
            if candidate is not None and ident not in locations:
                by_type.setdefault(new.memory_type, []).append((ident, candidate))
        shared: set[int] = set()
        for members in by_type.values():
            for size, together in place_aliases([candidate for _, candidate in members]):
                if len(together) > 1:
                    first = self._new[members[together[0][0]][0]]
                    allocation = self._allocation(allocations, first, size, own=True, alone=False)
                    locations.update({members[index][0]: (allocation, offset) for index, offset in together})
                    shared.update(members[index][0] for index, _ in together)
        return shared

    def _own_ids(self, aliased: set[int]) -> list[int]:
        """Ids of the others with an allocation of their own: all that require it, then the largest.

        At most half of maxMemoryAllocationCount is used for those that do not require it.
        """
        rest = {ident: new for ident, new in self._new.items() if ident not in aliased}
        required = {ident for ident, new in rest.items() if new.memory.requires_dedicated or new.dedicated}
        large = [i for i, new in rest.items() if i not in required and new.memory.size >= self.policy.own]
        slots = self.profile.limits.max_memory_allocation_count // 2 - self._allocations - len(required)
        if len(large) > slots:
            large = sorted(large, key=lambda ident: (-self._new[ident].memory.size, ident))[: max(slots, 0)]
        return sorted([*required, *large])

    def _allocation(
        self, rows: list[tuple[object, ...]], new: NewResource, size: int, *, own: bool, alone: bool = True
    ) -> int:
        ident = -1 - len(rows)  # provisional, until `_number`
        linear = new.kind is Kind.BUFFER
        dedicated = (
            own and alone and (new.memory.requires_dedicated or new.memory.prefers_dedicated or new.dedicated)
        )
        rows.append((ident, new.memory_type, size, own, dedicated, new.device_address, new.mapped, linear))
        return ident

    def _number(self, allocations: list[tuple[object, ...]], locations: dict[int, tuple[int, int]]) -> None:
        """Assign the final ids of new allocations, in the order of their first resources."""
        order: dict[int, int] = {}
        for ident in self._new:
            allocation, offset = locations[ident]
            if allocation < 0:
                allocation = order.setdefault(allocation, self.next_allocation + len(order))
                locations[ident] = (allocation, offset)
        made = {order[-1 - index]: row[1:] for index, row in enumerate(allocations)}
        allocations[:] = [(ident, *made[ident]) for ident in sorted(made)]
        self.next_allocation += len(order)

    def _place_small(
        self, ids: list[int], locations: dict[int, tuple[int, int]], allocations: list[tuple[object, ...]]
    ) -> None:
        pools: dict[Hashable, list[int]] = {}
        for ident in ids:
            new = self._new[ident]
            pool = block_pool(new.memory_type, new.kind is Kind.BUFFER, new.mapped, new.device_address)
            pools.setdefault(pool, []).append(ident)
        for pool, members in pools.items():
            members.sort(
                key=lambda ident: (-self._new[ident].memory.alignment, -self._new[ident].memory.size, ident)
            )
            rest = []
            for ident in members:
                memory = self._new[ident].memory
                found = self.packing.blocks.take(pool, memory.size, memory.alignment)
                if found is None:
                    rest.append(ident)
                else:
                    locations[ident] = found
            for block, size in self._blocks(rest, self.min_growth(self.packing.in_blocks[pool])):
                allocation = self._allocation(allocations, self._new[rest[0]], size, own=False)
                locations.update({ident: (allocation, offset) for ident, offset in block})

    def _blocks(self, ids: list[int], min_size: int) -> Iterator[tuple[list[tuple[int, int]], int]]:
        """Blocks as ([(resource id, offset), ...], size); the last is enlarged to `min_size` if that fits."""
        limit = min(self.policy.block, self.profile.limits.max_memory_allocation_size)
        block: list[tuple[int, int]] = []
        end = 0
        for ident in ids:
            memory = self._new[ident].memory
            offset = -(-end // memory.alignment) * memory.alignment
            if block and offset + memory.size > limit:
                yield block, end
                block, offset = [], 0
            block.append((ident, offset))
            end = offset + memory.size
        if block:
            memory_type, unit = self._new[ids[-1]].memory_type, self._new[ids[-1]].memory.size
            extra = max(0, min(min_size, limit) - end) // unit * unit
            if extra <= self.room(memory_type):
                self._pending[self.profile.memory_types[memory_type].heap] += extra
                end += extra
            yield block, end


def _bytes_of(candidates: list[AliasCandidate]) -> int:
    """Bytes of the allocations that images take together."""
    return sum(size for size, _ in place_aliases(candidates))


def _row(ident: int, new: NewResource, allocation: int, offset: int) -> tuple[object, ...]:
    shape = new.shape
    extent = (
        (int(shape.format), shape.width, shape.height, shape.mip_levels, shape.samples, shape.cube)
        if shape is not None
        else (0, 0, 0, 0, 0, False)
    )
    memory = new.memory
    place = (ident, allocation, offset, memory.size, new.bytes, memory.alignment, new.usage, int(new.kind))
    return (*place, *extent, new.layers, memory.estimated, False, int(new.sharing))
