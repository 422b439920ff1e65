"""Descriptor pools: a new one is created when all are full or fragmented."""

from __future__ import annotations

from typing import Any

from engine.vk.binding import constants, ffi
from engine.vk.device import Device
from engine.vk.errors import Result
from engine.vk.structs import array, new

SETS_PER_POOL = 64
DESCRIPTORS_PER_POOL = 256
_FULL = (Result.OUT_OF_POOL_MEMORY, Result.FRAGMENTED_POOL)


class DescriptorPools:
    """Owns descriptor pools for some VkDescriptorTypes, and the sets allocated from them."""

    def __init__(self, device: Device, kinds: tuple[int, ...], name: str, why: str = "") -> None:
        self._device = device
        self._kinds = kinds
        self._name = name
        self._why = why
        self._pools: list[Any] = []

    def allocate(self, layout: Any, descriptors: int) -> tuple[Any, Any]:
        """Allocate a set of a VkDescriptorSetLayout with so many descriptors; return it and its pool."""
        made = ffi.new("VkDescriptorSet *")
        info = new("VkDescriptorSetAllocateInfo", pSetLayouts=[layout])
        for pool in reversed(self._pools):
            info.descriptorPool = pool
            call = "vkAllocateDescriptorSets", self._device.handle, info, made
            if self._device.call(*call, allow=_FULL) is Result.SUCCESS:
                return made[0], pool
        info.descriptorPool = pool = self._add(max(DESCRIPTORS_PER_POOL, descriptors))
        self._device.call("vkAllocateDescriptorSets", self._device.handle, info, made)
        return made[0], pool

    def free(self, handle: Any, pool: Any) -> None:
        """Free a set of a pool; no frame in flight may use it."""
        sets = array("VkDescriptorSet", [handle])
        self._device.call("vkFreeDescriptorSets", self._device.handle, pool, 1, sets)

    def close(self) -> None:
        """Destroy the pools and with them all sets, once; none may be in use."""
        while self._pools:
            self._device.destroy("DescriptorPool", self._pools.pop())

    def _add(self, descriptors: int) -> Any:
        info = new(
            "VkDescriptorPoolCreateInfo",
            flags=constants.VK_DESCRIPTOR_POOL_CREATE_FREE_DESCRIPTOR_SET_BIT,
            maxSets=SETS_PER_POOL,
            pPoolSizes=[
                new("VkDescriptorPoolSize", type=kind, descriptorCount=descriptors) for kind in self._kinds
            ],
        )
        name = f"{self._name} {len(self._pools)}"
        self._pools.append(self._device.create("DescriptorPool", info, name=name, why=self._why))
        return self._pools[-1]
