"""New resources and the allocations they go to: own ones for large, shared blocks for small.

A builder collects what is new in one planning round, while heaps have room for it, and at the end gives
every resource its place in an allocation.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass

import numpy as np

from engine.plan.model.memory_plan import ALLOCATION, RESOURCE, MemoryPlan, Sharing
from engine.plan.model.packing import Packing, block_pool
from engine.plan.placement.aliasing import Aliasing, overlay
from engine.plan.profile.device_profile import DeviceProfile, Needs
from engine.plan.requirements.requirements import ImageShape
from engine.plan.terms.policy import Policy
from engine.plan.terms.table import Rows
from engine.plan.terms.vocabulary import Kind


class NoRoom(Exception):
    """Nothing that may hold a resource has room for it; `heap` is the one asked last, or -1."""

    def __init__(self, heap: int, size: int) -> None:
        super().__init__(f"no room for {size} bytes in heap {heap}")
        self.heap = heap
        self.size = size


@dataclass(frozen=True, slots=True)
class NewResource:
    """One VkBuffer (`bytes`) or VkImage (`shape`, `layers`) to be made, and what it takes in memory."""

    kind: Kind
    sharing: Sharing
    usage: int
    needs: Needs
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

    `grow`: new pages and blocks may be larger than what goes into them now (Policy.growth).
    """

    def __init__(
        self,
        memory: MemoryPlan,
        packing: Packing,
        profile: DeviceProfile,
        policy: Policy,
        *,
        grow: bool = False,
    ) -> None:
        self.profile = profile
        self.policy = policy
        self.packing = packing
        self._grow = grow
        self.next_allocation = memory.next_allocation
        self.next_resource = memory.next_resource
        self._new: dict[int, NewResource] = {}
        self._pending = [0] * len(profile.heaps)
        self._allocations = len(packing.resources_in)

    def room(self, memory_type: int) -> int:
        """Bytes that one more allocation of this type may have."""
        heap = self.profile.memory_types[memory_type].heap
        left = self.profile.budget(heap) - self.packing.heap_used[heap] - self._pending[heap]
        return max(0, min(left, self.profile.limits.max_memory_allocation_size))

    def share(self, others: int) -> int:
        """How large a page or block should be at least that joins others of this size altogether."""
        return others // self.policy.growth if self._grow else 0

    def add(self, resource: NewResource) -> int:
        """Take up one resource; its id."""
        ident, self.next_resource = self.next_resource, self.next_resource + 1
        self._new[ident] = resource
        self._pending[self.profile.memory_types[resource.memory_type].heap] += resource.needs.size
        return ident

    def finish(self) -> tuple[Rows, Rows]:
        """Rows of the new allocations and resources, sorted by id; NoRoom where they exceed a budget."""
        allocations: list[tuple[object, ...]] = []
        homes: dict[int, tuple[int, int]] = {}
        aliased = self._place_aliased(homes, allocations)
        for ident in self._own_ids(aliased):
            new = self._new[ident]
            homes[ident] = (self._allocation(allocations, new, new.needs.size, own=True), 0)
        self._place_small([ident for ident in self._new if ident not in homes], homes, allocations)
        self._number(allocations, homes)
        rows = np.array([_row(ident, new, *homes[ident]) for ident, new in self._new.items()], RESOURCE)
        rows["aliased"] = [ident in aliased for ident in self._new]
        made = np.array(allocations, ALLOCATION)
        for heap in range(len(self._pending)):
            types = [i for i, t in enumerate(self.profile.memory_types) if t.heap == heap]
            size = int(made["size"][np.isin(made["memory_type"], types)].sum())
            if self.packing.heap_used[heap] + size > self.profile.budget(heap):
                raise NoRoom(heap, size)
        return made, rows

    def _place_aliased(
        self, homes: dict[int, tuple[int, int]], allocations: list[tuple[object, ...]]
    ) -> set[int]:
        """Let images that are never live in the same pass share an allocation; those that do share."""
        if not self.policy.alias:
            return set()
        may: dict[int, list[tuple[int, Aliasing]]] = {}
        for ident, new in self._new.items():
            single = new.needs.requires_dedicated or new.dedicated or new.needs.size < self.policy.own
            if new.kind is Kind.IMAGE and new.lifetime is not None and not single:
                life = Aliasing(new.needs.size, new.needs.alignment, *new.lifetime)
                may.setdefault(new.memory_type, []).append((ident, life))
        shared: set[int] = set()
        for members in may.values():
            for size, together in overlay([life for _, life in members]):
                if len(together) > 1:
                    first = self._new[members[together[0][0]][0]]
                    home = self._allocation(allocations, first, size, own=True, alone=False)
                    homes.update({members[index][0]: (home, offset) for index, offset in together})
                    shared.update(members[index][0] for index, _ in together)
        return shared

    def _own_ids(self, aliased: set[int]) -> list[int]:
        """Which others get their own allocation: all that must, then the largest while there are slots."""
        rest = {ident: new for ident, new in self._new.items() if ident not in aliased}
        must = {ident for ident, new in rest.items() if new.needs.requires_dedicated or new.dedicated}
        like = [i for i, new in rest.items() if i not in must and new.needs.size >= self.policy.own]
        slots = self.profile.limits.max_memory_allocation_count // 2 - self._allocations - len(must)
        if len(like) > slots:
            like = sorted(like, key=lambda ident: (-self._new[ident].needs.size, ident))[: max(slots, 0)]
        return sorted([*must, *like])

    def _allocation(
        self, rows: list[tuple[object, ...]], new: NewResource, size: int, *, own: bool, alone: bool = True
    ) -> int:
        ident = -1 - len(rows)  # until all are known and can be numbered
        linear = new.kind is Kind.BUFFER
        dedicated = (
            own and alone and (new.needs.requires_dedicated or new.needs.prefers_dedicated or new.dedicated)
        )
        rows.append((ident, new.memory_type, size, own, dedicated, new.device_address, new.mapped, linear))
        return ident

    def _number(self, allocations: list[tuple[object, ...]], homes: dict[int, tuple[int, int]]) -> None:
        """Give new allocations their ids, in the order of their first resources."""
        order: dict[int, int] = {}
        for ident in self._new:
            home, offset = homes[ident]
            if home < 0:
                home = order.setdefault(home, self.next_allocation + len(order))
                homes[ident] = (home, offset)
        made = {order[-1 - index]: row[1:] for index, row in enumerate(allocations)}
        allocations[:] = [(ident, *made[ident]) for ident in sorted(made)]
        self.next_allocation += len(order)

    def _place_small(
        self, ids: list[int], homes: dict[int, tuple[int, int]], allocations: list[tuple[object, ...]]
    ) -> None:
        pools: dict[Hashable, list[int]] = {}
        for ident in ids:
            new = self._new[ident]
            pool = block_pool(new.memory_type, new.kind is Kind.BUFFER, new.mapped, new.device_address)
            pools.setdefault(pool, []).append(ident)
        for pool, members in pools.items():
            members.sort(
                key=lambda ident: (-self._new[ident].needs.alignment, -self._new[ident].needs.size, ident)
            )
            rest = []
            for ident in members:
                needs = self._new[ident].needs
                found = self.packing.blocks.take(pool, needs.size, needs.alignment)
                if found is None:
                    rest.append(ident)
                else:
                    homes[ident] = found
            for block, size in self._blocks(rest, self.share(self.packing.in_blocks[pool])):
                home = self._allocation(allocations, self._new[rest[0]], size, own=False)
                homes.update({ident: (home, offset) for ident, offset in block})

    def _blocks(self, ids: list[int], share: int) -> Iterator[tuple[list[tuple[int, int]], int]]:
        limit = min(self.policy.block, self.profile.limits.max_memory_allocation_size)
        block: list[tuple[int, int]] = []
        end = 0
        for ident in ids:
            needs = self._new[ident].needs
            offset = -(-end // needs.alignment) * needs.alignment
            if block and offset + needs.size > limit:
                yield block, end
                block, offset = [], 0
            block.append((ident, offset))
            end = offset + needs.size
        if block:
            memory_type, like = self._new[ids[-1]].memory_type, self._new[ids[-1]].needs.size
            candidates = max(0, min(share, limit) - end) // like * like
            if candidates <= self.room(memory_type):
                self._pending[self.profile.memory_types[memory_type].heap] += candidates
                end += candidates
            yield block, end


def _row(ident: int, new: NewResource, allocation: int, offset: int) -> tuple[object, ...]:
    shape = new.shape
    extent = (
        (int(shape.format), shape.width, shape.height, shape.mip_levels, shape.samples)
        if shape is not None
        else (0, 0, 0, 0, 0)
    )
    needs = new.needs
    place = (ident, allocation, offset, needs.size, new.bytes, needs.alignment, new.usage, int(new.kind))
    return (*place, *extent, new.layers, needs.estimated, False, int(new.sharing))
