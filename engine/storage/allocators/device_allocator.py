"""DeviceAllocator, the base class of both allocators without a scene: types, resources, binding."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engine.memory.device.live_profile import buffer_info, image_info
from engine.memory.device.problems import UseAfterClose
from engine.plan.model.groups import Group, candidate_types
from engine.plan.model.memory_plan import Sharing
from engine.plan.profile.device_profile import DeviceProfile, MemoryRequirements
from engine.plan.requirements.requirements import ImageShape
from engine.plan.terms.vocabulary import BufferUsage, ImageUsage, Kind
from engine.storage.allocators.block import Block, atom
from engine.storage.allocators.block_allocation import BlockAllocation, Place, Request
from engine.storage.allocators.budgets import Budgets
from engine.storage.allocators.guards import Guards
from engine.storage.allocators.interface import MemoryAllocator, MemoryMapping
from engine.storage.allocators.statistics import AllocatorStatistics, BlockFacts
from engine.vk.binding import NULL
from engine.vk.device import Device
from engine.vk.errors import OutOfDeviceMemory, Result
from engine.vk.structs import new


class DeviceAllocator(MemoryAllocator):
    """Allocates VkDeviceMemory at once, for code that runs without a scene; usable from any thread.

    `budgets` bounds heaps in bytes, as `DeviceProfile.budgets` does; where VK_EXT_memory_budget is there,
    the system's budget is read again before every VkDeviceMemory. Where a memory type has no room the
    next one that fits is tried.
    """

    def __init__(
        self,
        device: Device,
        profile: DeviceProfile,
        *,
        budgets: Mapping[int, int] | None = None,
        guards: Guards | None = None,
        name: str = "allocator",
    ) -> None:
        self.device = device
        self.profile = profile if budgets is None else replace(profile, budgets=dict(budgets))
        self.guards = guards or Guards()
        self.name = name
        self.budgets = Budgets(device, self.profile)
        self.lock = threading.RLock()
        self.live: dict[int, BlockAllocation] = {}  # by id(), to detect a freed one
        self.leaks: list[str] = []
        self.atoms = [atom(self.profile, index) for index in range(len(self.profile.memory_types))]
        self._ranked: dict[tuple[MemoryMapping, int], tuple[int, ...]] = {}
        self._is_closed = False

    @abstractmethod
    def place(self, request: Request, memory_type: int) -> Place:
        """Find room in memory of a type; raises OutOfDeviceMemory."""

    @abstractmethod
    def release(self, place: Place) -> None:
        """Free a place."""

    @abstractmethod
    def blocks(self) -> list[Block]:
        """List all VkDeviceMemory, oldest first."""

    @property
    def device_bytes(self) -> int:
        """Bytes of live VkDeviceMemory."""
        return sum(self.budgets.allocated)

    def allocate_memory(
        self,
        needs: MemoryRequirements,
        mapping: MemoryMapping = MemoryMapping.NONE,
        *,
        kind: Kind = Kind.BUFFER,
        name: str = "memory",
        why: str = "",
    ) -> BlockAllocation:
        """Allocate memory for a resource that the caller makes and binds. Raises OutOfDeviceMemory."""
        return self._allocate(Request(kind, needs, mapping, 0, None, NULL, name, why))

    def allocate_buffer(
        self,
        size: int,
        usage: int,
        mapping: MemoryMapping = MemoryMapping.NONE,
        *,
        name: str = "buffer",
        why: str = "",
        dedicated: bool = False,
    ) -> BlockAllocation:
        """Make a VkBuffer with its memory, see `MemoryAllocator`."""
        needs = self.profile.buffer_requirements(size, BufferUsage(usage))
        handle = self.device.create("Buffer", buffer_info(size, usage), name=name, why=why)
        made = self._allocate(Request(Kind.BUFFER, needs, mapping, usage, None, handle, name, why, dedicated))
        made.size = size
        return made

    def allocate_image(
        self,
        shape: ImageShape,
        layers: int,
        usage: int,
        *,
        name: str = "image",
        why: str = "",
        dedicated: bool = False,
    ) -> BlockAllocation:
        """Make an optimal 2D VkImage with its memory, see `MemoryAllocator`."""
        needs = self.profile.image_requirements(shape, layers, ImageUsage(usage))
        handle = self.device.create("Image", image_info(shape, layers, usage), name=name, why=why)
        mapping = MemoryMapping.NONE
        return self._allocate(Request(Kind.IMAGE, needs, mapping, usage, shape, handle, name, why, dedicated))

    def free(self, allocation: BlockAllocation) -> None:
        """Destroy what is bound and take the room back; called by `MemoryAllocation.free`."""
        with self.lock:
            del self.live[id(allocation)]
            kind = "Buffer" if allocation.kind is Kind.BUFFER else "Image"
            self.device.destroy(kind, allocation.bound)
            try:
                allocation.check(is_last=True)
            finally:
                self.release(allocation.place)

    def check(self) -> None:
        """Compare all guard margins; raises Overrun for the first that was written to."""
        with self.lock:
            for allocation in self.live.values():
                allocation.check()

    def statistics(self) -> AllocatorStatistics:
        """Account for every byte, as of now."""
        with self.lock:
            by_block: dict[int, list[BlockAllocation]] = {}
            for allocation in self.live.values():
                by_block.setdefault(id(allocation.place.block), []).append(allocation)
            blocks = tuple(
                BlockFacts(
                    block.memory_type,
                    block.heap,
                    block.size,
                    block.is_dedicated,
                    block.is_mapped,
                    tuple(row.facts() for row in sorted(by_block.get(id(block), []), key=_offset)),
                )
                for block in self.blocks()
            )
            return AllocatorStatistics(self.budgets.facts(), blocks)

    def close(self) -> None:
        """Free what was not freed (`leaks` names it) and all blocks, once; the device must be idle."""
        with self.lock:
            self._is_closed = True
            for allocation in list(self.live.values()):
                self.leaks.append(allocation.name)
                allocation.free()
            self.trim()

    def trim(self) -> int:
        """Free blocks in which nothing lies and return their bytes."""
        return 0

    def new_block(
        self, request: Request, memory_type: int, size: int, owner: tuple[str, Any] | None = None
    ) -> Block:
        """Allocate VkDeviceMemory within the budget, for `owner` alone if named. Raises OutOfDeviceMemory."""
        heap = self.profile.memory_types[memory_type].heap
        room = self.budgets.room(heap)
        if size > room:
            detail = f"{request.name}: {size} bytes, and the budget of heap {heap} leaves {max(room, 0)}"
            raise OutOfDeviceMemory("vkAllocateMemory", Result.OUT_OF_DEVICE_MEMORY, detail)
        block = Block(
            self.device,
            self.profile,
            memory_type,
            size,
            name=f"{self.name} block" if owner is None else f"memory of {request.name}",
            why=request.why or self.name,
            dedicated_to=owner,
            device_address=request.device_address,
        )
        self.budgets.allocated[heap] += size
        return block

    def free_block(self, block: Block) -> None:
        """Free VkDeviceMemory."""
        self.budgets.allocated[block.heap] -= block.size
        block.free()

    def _allocate(self, request: Request) -> BlockAllocation:
        try:
            with self.lock:
                if self._is_closed:
                    raise UseAfterClose(self.name, f"it is closed, and {request.name} asks for memory")
                made = BlockAllocation(self, self._place(request), request)
                try:
                    made.open()
                    self._bind(request, made.place)
                except BaseException:
                    self.release(made.place)
                    raise
                self.live[id(made)] = made
                return made
        except BaseException:
            self.device.destroy(request.type_name, request.handle)
            raise

    def _place(self, request: Request) -> Place:
        """Place in the best memory type that has room."""
        short = None
        for memory_type in self._types(request):
            try:
                return self.place(request, memory_type)
            except OutOfDeviceMemory as problem:
                short = short or problem
        if short is not None:
            raise short
        detail = f"{request.name}: no memory type has {request.mapping.required!r}"
        raise OutOfDeviceMemory("vkAllocateMemory", Result.OUT_OF_DEVICE_MEMORY, detail)

    def _types(self, request: Request) -> tuple[int, ...]:
        """Rank the memory types that fit; asked a thousand times, answered once."""
        key = (request.mapping, request.needs.type_bits)
        found = self._ranked.get(key)
        if found is None:
            wanted = (request.mapping.required, request.mapping.preferred)
            group = Group(Kind.BUFFER, Sharing.OWN, *wanted, False, False, None, 0)
            found = self._ranked[key] = candidate_types(group, request.needs.type_bits, self.profile)
        return found

    def _bind(self, request: Request, place: Place) -> None:
        if request.handle == NULL:
            return
        which = request.type_name
        where = {"memory": place.block.memory, "memoryOffset": place.offset}
        info = new(f"VkBind{which}MemoryInfo", **{which.lower(): request.handle}, **where)
        self.device.call(f"vkBind{which}Memory2", self.device.handle, 1, info)


def _offset(allocation: BlockAllocation) -> int:
    return allocation.place.offset
