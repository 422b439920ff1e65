"""Memory of the host that a device is given to read, in place of memory that the device gives to the host.

A driver that gives out host-visible memory takes it from the system and pins it while every submit waits: 32
MiB take 8 ms on an NVIDIA H100, three frames. Pages that are there already are pinned in a quarter of that
(VK_EXT_external_memory_host), and the thread that has the system fetch them holds nobody up.
"""

from __future__ import annotations

import ctypes
import mmap
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.vk.binding import constants, ffi
from engine.vk.device import Device
from engine.vk.structs import new

EXTENSION = "VK_EXT_external_memory_host"
LEAST = 4 << 20
"""Smaller memory is made as fast either way."""
_HANDLE = constants.VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT


class HostMemory:
    """Pages of this process, all of them there; they go with the last view of `bytes`."""

    def __init__(self, size: int) -> None:
        self._pages = mmap.mmap(-1, size)
        if hasattr(mmap, "MADV_HUGEPAGE"):  # a fault for each 2 MiB, not for each 4 KiB
            with suppress(OSError):
                self._pages.madvise(mmap.MADV_HUGEPAGE)
        self.bytes: NDArray[np.uint8] = np.frombuffer(self._pages, np.uint8)
        self.address = self.bytes.ctypes.data
        ctypes.memset(self.address, 0, size)  # without the interpreter lock


def external(device: Device, size: int) -> Any:
    """What a buffer of `size` bytes must say when it is made (pNext), so that it can lie in host memory."""
    if EXTENSION not in device.extensions or size < LEAST:
        return None
    return new("VkExternalMemoryBufferCreateInfo", handleTypes=_HANDLE)


def host_memory(device: Device, size: int, memory_type: int) -> HostMemory | None:
    """Pages that can be imported as memory of this type; None where device or system have no such.

    Raises VulkanError where the device refuses to say, which is no reason not to take its own.
    """
    if EXTENSION not in device.extensions or size < LEAST:
        return None
    alignment = _alignment(device)
    if size % alignment:
        return None
    try:
        pages = HostMemory(size)
    except OSError:  # the system has no such range left; the driver may have some of its own
        return None
    if pages.address % alignment:
        return None
    reported = new("VkMemoryHostPointerPropertiesEXT")
    pointer = ffi.cast("void *", pages.address)
    device.call("vkGetMemoryHostPointerPropertiesEXT", device.handle, _HANDLE, pointer, reported)
    return pages if reported.memoryTypeBits >> memory_type & 1 else None


def imported(pages: HostMemory) -> Any:
    """What an allocation must say (pNext) to be of these pages."""
    pointer = ffi.cast("void *", pages.address)
    return new("VkImportMemoryHostPointerInfoEXT", handleType=_HANDLE, pHostPointer=pointer)


def _alignment(device: Device) -> int:
    limits = new("VkPhysicalDeviceExternalMemoryHostPropertiesEXT")
    reported = new("VkPhysicalDeviceProperties2", pNext=limits)
    device.instance.vk.vkGetPhysicalDeviceProperties2(device.adapter.handle, reported)
    return int(limits.minImportedHostPointerAlignment)
