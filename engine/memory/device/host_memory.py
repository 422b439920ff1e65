"""Host pages imported as device memory (VK_EXT_external_memory_host), for staging.

A driver that allocates host-visible memory pins it while every submit waits: 32 MiB take 8 ms on an NVIDIA
H100, three frames. Importing pages that are already committed takes a quarter of that, and the thread that
commits them blocks no submit.
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
MIN_BYTES = 4 << 20
"""Bytes; smaller memory is allocated as fast by the driver."""
_HANDLE = constants.VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT


class HostPages:
    """Committed pages of this process, `size` bytes, zeroed; freed with the last view of `bytes`."""

    def __init__(self, size: int) -> None:
        self._pages = mmap.mmap(-1, size)
        if hasattr(mmap, "MADV_HUGEPAGE"):  # one page fault per 2 MiB instead of 4 KiB
            with suppress(OSError):
                self._pages.madvise(mmap.MADV_HUGEPAGE)
        self.bytes: NDArray[np.uint8] = np.frombuffer(self._pages, np.uint8)
        self.address = self.bytes.ctypes.data
        ctypes.memset(self.address, 0, size)  # touches every page, without the interpreter lock


def external_buffer_info(device: Device, size: int) -> Any:
    """Return the pNext struct for a buffer of `size` bytes in imported host memory, or None."""
    if EXTENSION not in device.extensions or size < MIN_BYTES:
        return None
    return new("VkExternalMemoryBufferCreateInfo", handleTypes=_HANDLE)


def allocate_host_pages(device: Device, size: int, memory_type: int) -> HostPages | None:
    """Return pages that can be imported as this memory type; None if device or system do not allow it.

    Raises VulkanError where the query fails; the caller then uses the driver's own memory.
    """
    if EXTENSION not in device.extensions or size < MIN_BYTES:
        return None
    alignment = _alignment(device)
    if size % alignment:
        return None
    try:
        pages = HostPages(size)
    except OSError:  # no such range of addresses is left; the driver may have memory of its own
        return None
    if pages.address % alignment:
        return None
    reported = new("VkMemoryHostPointerPropertiesEXT")
    pointer = ffi.cast("void *", pages.address)
    device.call("vkGetMemoryHostPointerPropertiesEXT", device.handle, _HANDLE, pointer, reported)
    return pages if reported.memoryTypeBits >> memory_type & 1 else None


def import_info(pages: HostPages) -> Any:
    """Return the pNext struct of a VkMemoryAllocateInfo that imports these pages."""
    pointer = ffi.cast("void *", pages.address)
    return new("VkImportMemoryHostPointerInfoEXT", handleType=_HANDLE, pHostPointer=pointer)


def _alignment(device: Device) -> int:
    limits = new("VkPhysicalDeviceExternalMemoryHostPropertiesEXT")
    reported = new("VkPhysicalDeviceProperties2", pNext=limits)
    device.instance.vk.vkGetPhysicalDeviceProperties2(device.adapter.handle, reported)
    return int(limits.minImportedHostPointerAlignment)
