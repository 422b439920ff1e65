"""Buffer: one VkBuffer with its memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from engine.memory.device.problems import OutOfBounds, WrongArray
from engine.storage.allocators.interface import MemoryAllocation
from engine.storage.downloads import Download
from engine.storage.resources.resource import Owner, Resource
from engine.storage.updators import BufferUpdator
from engine.storage.uploads import BufferDownload
from engine.vk.structs import new


class Buffer(Resource):
    """A VkBuffer of `size` bytes; `memory` maps it where it was asked for with host access."""

    def __init__(self, owner: Owner, memory: MemoryAllocation, usage: int, name: str, why: str) -> None:
        super().__init__(owner, name, why, [memory.free])
        self.memory = memory
        self.usage = usage

    @property
    def size(self) -> int:
        """Bytes."""
        return self.memory.size

    @property
    def handle(self) -> Any:
        """The VkBuffer. Raises UseAfterClose, and NotReady where a plan is still to bring it."""
        self.check_open("its handle is asked for")
        return self.memory.handle

    @property
    def device_address(self) -> int:
        """Its address in shaders (usage SHADER_DEVICE_ADDRESS)."""
        device = self.owner.device
        info = new("VkBufferDeviceAddressInfo", buffer=self.handle)
        return int(device.vk.vkGetBufferDeviceAddress(device.handle, info))

    def updator(
        self,
        offset: int = 0,
        size: int | None = None,
        *,
        dtype: DTypeLike = np.uint8,
        timeout_s: float = 10.0,
    ) -> BufferUpdator:
        """Open a scoped writer on bytes [offset, offset + size). Raises OutOfBounds."""
        length = self._range(offset, size, "an updator is opened")
        if length % np.dtype(dtype).itemsize:
            raise WrongArray(self.name, f"{length} bytes are no whole number of {np.dtype(dtype)}")
        return BufferUpdator(self, self.owner.staging, offset, length, dtype, timeout_s)

    def update(self, data: NDArray[Any], offset: int = 0, *, timeout_s: float = 10.0) -> None:
        """Write an array's bytes at `offset`, through as much staging as there is: one more copy.

        Raises WrongArray for objects, OutOfBounds for more than fits; nothing is scheduled then.
        """
        flat = plain_bytes(data, self.name)
        self._range(offset, len(flat), "it is updated")
        piece = self.owner.staging.uploads.capacity // 2
        for begin in range(0, len(flat), piece):
            part = flat[begin : begin + piece]
            with self.updator(offset + begin, len(part), timeout_s=timeout_s) as view:
                view[:] = part

    def download(
        self,
        offset: int = 0,
        size: int | None = None,
        *,
        dtype: DTypeLike = np.uint8,
        timeout_s: float = 10.0,
    ) -> Download:
        """Schedule reading bytes [offset, offset + size) back, as an array of `dtype`."""
        length = self._range(offset, size, "it is read")
        staging = self.owner.staging
        span = staging.take(staging.downloads, length, 16, self.name, timeout_s)
        return Download(staging, BufferDownload(self, span, offset), lambda data: data.view(dtype))

    def read(self, offset: int = 0, size: int | None = None, *, dtype: DTypeLike = np.uint8) -> NDArray[Any]:
        """Read bytes back, waiting for all that is scheduled; for tools and tests."""
        with self.download(offset, size, dtype=dtype) as download:
            return download.wait()

    def _range(self, offset: int, size: int | None, doing: str) -> int:
        self.check_open(doing)
        length = self.size - offset if size is None else size
        if offset < 0 or length < 1 or offset + length > self.size:
            raise OutOfBounds(self.name, f"{doing} on {length} bytes at {offset}, and it has {self.size}")
        return length


def plain_bytes(data: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """View an array as bytes (a copy where it is not contiguous). Raises WrongArray."""
    if not isinstance(data, np.ndarray) or data.dtype.hasobject:
        kind = data.dtype if isinstance(data, np.ndarray) else type(data).__name__
        raise WrongArray(name, f"it takes a numpy array of plain numbers, not {kind}")
    return np.ascontiguousarray(data).reshape(-1).view(np.uint8)
