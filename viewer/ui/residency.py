"""Where the UI's own buffers and textures are at this moment, as its renderer asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from engine.memory.streaming.manager import MemoryManager
from viewer.ui.needs import TEXTURE_FORMAT


@dataclass(frozen=True, slots=True)
class ResidentBuffer:
    """One copy of a ring: its VkBuffer, where it starts, how long it is, and its address when mapped."""

    handle: Any
    offset: int
    size: int
    address: int


@dataclass(frozen=True, slots=True)
class ResidentImage:
    """One layer of a VkImage that serves one texture."""

    handle: Any
    layer: int
    format: int


class Residency(Protocol):
    """Answers by key; None for what is not resident yet."""

    def buffer(self, key: int, copy: int) -> ResidentBuffer | None:
        """Where this copy of a ring is."""

    def image(self, key: int) -> ResidentImage | None:
        """Where this texture is."""


class PlannedResidency:
    """Residency as the memory manager publishes it."""

    def __init__(self, memory: MemoryManager) -> None:
        self._memory = memory

    def buffer(self, key: int, copy: int) -> ResidentBuffer | None:
        """Where this copy of a ring is; None while it is not resident and mapped."""
        place = self._memory.location(key)
        if place is None or place.mapped is None:
            return None
        start = copy * place.stride
        address = place.mapped.ctypes.data + start
        return ResidentBuffer(place.handle, place.offset + start, place.stride, address)

    def image(self, key: int) -> ResidentImage | None:
        """Where this texture is; None while it is not resident."""
        place = self._memory.location(key)
        return None if place is None else ResidentImage(place.handle, place.layer, int(TEXTURE_FORMAT))
