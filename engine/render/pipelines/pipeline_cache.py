"""The pipeline cache on disk, in the user's cache folder, keyed by vendor, device and driver version.

A file that is missing, damaged, or rejected by the driver counts as an empty cache, and if the folder
cannot be written, only the next start takes longer.
"""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

from engine.files import read_regular, write_whole
from engine.vk.binding import NULL, ffi
from engine.vk.device import Device
from engine.vk.errors import VulkanError
from engine.vk.structs import array, new

_MAGIC = b"DIOPIPE1"
_MAX_BYTES = 256 << 20
_HEADER_BYTES = 32


class PipelineCache:
    """Owns a VkPipelineCache that is loaded from a file in `folder` and saved when it has grown.

    Without a folder (None) it begins with `data`, and lives as long as the device.
    """

    def __init__(self, device: Device, folder: Path | None, data: bytes = b"") -> None:
        self._device = device
        facts = device.adapter
        name = f"pipelines-{facts.vendor_id:08x}-{facts.device_id:08x}-{facts.driver_version:08x}.bin"
        self.path = folder / name if folder is not None else None
        self._loaded = _read(self.path, _header(device)) if self.path is not None else data
        self.handle = self._create(self._loaded)

    @property
    def loaded(self) -> bytes:
        """What the cache was created with, or has saved since."""
        return self._loaded

    def _create(self, data: bytes) -> Any:
        """Create the cache from `data`, or an empty one if the driver rejects it."""
        if data:
            info = new("VkPipelineCacheCreateInfo", initialDataSize=len(data), pInitialData=data)
            try:
                return self._device.create("PipelineCache", info, name="pipelines")
            except VulkanError:
                self._loaded = b""
        return self._device.create("PipelineCache", new("VkPipelineCacheCreateInfo"), name="pipelines")

    def save(self) -> bool:
        """Write the cache if it has more data than the file; False if the driver or the folder fails."""
        if self.path is None:
            return False
        try:
            data = self.data()
        except VulkanError:
            return False
        if len(data) <= len(self._loaded) or len(data) > _MAX_BYTES:
            return True
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            content = _MAGIC + zlib.crc32(data).to_bytes(4, "little") + data
            # not durable: a file that a power failure damages counts as empty
            write_whole(self.path, content, follow=False, durable=False)
        except OSError:
            return False
        self._loaded = data
        return True

    def merge(self, data: bytes) -> None:
        """Add what another process has compiled on this device; data of another driver is left out."""
        if not data.startswith(_header(self._device)):
            return
        try:
            info = new("VkPipelineCacheCreateInfo", initialDataSize=len(data), pInitialData=data)
            other = self._device.create("PipelineCache", info, name="merged pipelines")
        except VulkanError:
            return  # only the first frame with these pipelines takes longer
        try:
            self._merge(other)
        finally:
            self._device.destroy("PipelineCache", other)

    def merge_cache(self, other: PipelineCache) -> None:
        """Add what another cache of this device has, as far as the driver can."""
        with suppress(VulkanError):  # only the next start takes longer
            self._merge(other.handle)

    def _merge(self, other: Any) -> None:
        sources = array("VkPipelineCache", [other])
        self._device.call("vkMergePipelineCaches", self._device.handle, self.handle, 1, sources)

    @property
    def size(self) -> int:
        """Bytes of the driver's cache data. Raises VulkanError."""
        size = ffi.new("size_t *")
        self._device.call("vkGetPipelineCacheData", self._device.handle, self.handle, size, NULL)
        return int(size[0])

    def data(self) -> bytes:
        """Return the driver's cache data. Raises VulkanError."""
        size = ffi.new("size_t *", self.size)
        data = ffi.new("char[]", max(1, size[0]))
        self._device.call("vkGetPipelineCacheData", self._device.handle, self.handle, size, data)
        return bytes(ffi.buffer(data, size[0]))

    def close(self) -> None:
        """Save and destroy the cache, once."""
        handle = self.handle
        if handle != NULL:
            if not self._device.lost:
                self.save()
            self.handle = NULL
            self._device.destroy("PipelineCache", handle)


def _header(device: Device) -> bytes:
    """Return the header that this driver's data begins with (VkPipelineCacheHeaderVersionOne)."""
    properties = new("VkPhysicalDeviceProperties2")
    device.instance.vk.vkGetPhysicalDeviceProperties2(device.adapter.handle, properties)
    facts = properties.properties
    numbers = struct.pack("<4I", _HEADER_BYTES, 1, facts.vendorID, facts.deviceID)
    return numbers + bytes(facts.pipelineCacheUUID)


def _read(path: Path, header: bytes) -> bytes:
    """Return the driver's data from the file; b"" if it is missing, damaged, or of another driver.

    Drivers are to check the header, too, and not all do.
    """
    try:
        data = read_regular(path, _MAX_BYTES, follow=False)
    except OSError:
        return b""
    head = len(_MAGIC) + 4
    body = data[head:]
    whole = data.startswith(_MAGIC) and zlib.crc32(body).to_bytes(4, "little") == data[head - 4 : head]
    return body if whole and body.startswith(header) else b""
