"""One VkDeviceMemory: allocated, mapped at most once, flushed in whole atoms, freed."""

from __future__ import annotations

from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.memory.device.problems import NotMappable
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.terms.vocabulary import MemoryProperty
from engine.vk.binding import NULL, constants
from engine.vk.device import Device
from engine.vk.structs import chain, new


class Block:
    """Owns one VkDeviceMemory of `size` bytes.

    `dedicated_to` is ("buffer" or "image", handle) for a dedicated allocation. Raises OutOfDeviceMemory.
    """

    def __init__(
        self,
        device: Device,
        profile: DeviceProfile,
        memory_type: int,
        size: int,
        *,
        name: str,
        why: str = "",
        dedicated_to: tuple[str, Any] | None = None,
        device_address: bool = False,
    ) -> None:
        self._device = device
        self.memory_type = memory_type
        self.heap = profile.memory_types[memory_type].heap
        self.size = size
        self.is_dedicated = dedicated_to is not None
        properties = profile.memory_types[memory_type].properties
        self.is_visible = bool(properties & MemoryProperty.HOST_VISIBLE)
        self.is_coherent = bool(properties & MemoryProperty.HOST_COHERENT)
        self.atom = atom(profile, memory_type)
        self._mapped: NDArray[np.uint8] | None = None
        self._users = 0
        links = []
        if dedicated_to is not None:
            links.append(new("VkMemoryDedicatedAllocateInfo", **dict([dedicated_to])))
        if device_address:
            bit = constants.VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT
            links.append(new("VkMemoryAllocateFlagsInfo", flags=bit))
        info = new(
            "VkMemoryAllocateInfo",
            pNext=chain(*links),
            allocationSize=size,
            memoryTypeIndex=memory_type,
        )
        self.memory = device.create("DeviceMemory", info, name=name, why=why)

    @property
    def is_mapped(self) -> bool:
        """Whether somebody has it mapped."""
        return self._users > 0

    def map(self, name: str) -> NDArray[np.uint8]:
        """View the whole block; mapped by the first user (vkMapMemory-00678), for `name`."""
        if not self.is_visible:
            raise NotMappable(name, f"memory type {self.memory_type} is not host visible")
        if self._mapped is None:
            self._mapped = np.frombuffer(self._device.map(self.memory, self.size), np.uint8)
        self._users += 1
        return self._mapped

    def unmap(self) -> None:
        """End one user's `map`; the last one unmaps."""
        self._users -= 1
        if not self._users:
            self._mapped = None
            self._device.vk.vkUnmapMemory(self._device.handle, self.memory)

    def flush(self, begin: int, end: int) -> None:
        """Flush host writes to [begin, end), widened to whole atoms; nothing where it is coherent."""
        self._synchronise("vkFlushMappedMemoryRanges", begin, end)

    def invalidate(self, begin: int, end: int) -> None:
        """Make device writes to [begin, end) visible to the host, likewise."""
        self._synchronise("vkInvalidateMappedMemoryRanges", begin, end)

    def free(self) -> None:
        """Free the memory, once; freeing unmaps."""
        memory, self.memory, self._mapped, self._users = self.memory, NULL, None, 0
        self._device.destroy("DeviceMemory", memory)

    def _synchronise(self, function: str, begin: int, end: int) -> None:
        if self.is_coherent or begin >= end:
            return
        begin, end = whole_atoms(begin, end, self.atom, self.size)
        span = new("VkMappedMemoryRange", memory=self.memory, offset=begin, size=end - begin)
        self._device.call(function, self._device.handle, 1, span)


def atom(profile: DeviceProfile, memory_type: int) -> int:
    """Return what flushes of this type are made in: nonCoherentAtomSize, or 1 where it is coherent."""
    properties = profile.memory_types[memory_type].properties
    host = properties & (MemoryProperty.HOST_VISIBLE | MemoryProperty.HOST_COHERENT)
    return profile.limits.non_coherent_atom_size if host == MemoryProperty.HOST_VISIBLE else 1


def whole_atoms(begin: int, end: int, atom: int, size: int) -> tuple[int, int]:
    """Widen [begin, end) to whole atoms, or to the end of the memory (VkMappedMemoryRange-01389/01390)."""
    return begin // atom * atom, min(-(-end // atom) * atom, size)


def padded(size: int, alignment: int, atom: int) -> tuple[int, int]:
    """(size, alignment) with which neighbours never share an atom."""
    return -(-size // atom) * atom, lcm(alignment, atom)
