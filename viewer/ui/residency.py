"""What the UI's renderer asks of memory: where its own buffers and textures are at this moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


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
