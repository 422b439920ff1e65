"""Bytes of an image's mip chain, level after level, rows tight: so caches hold it and staging carries it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from engine.plan.requirements.requirements import ImageShape


@dataclass(frozen=True, slots=True)
class MipLevel:
    """One level: extent in texels, byte offset in the tight chain, size, and bytes of one row of blocks."""

    width: int
    height: int
    offset: int
    size: int
    row: int


@lru_cache(maxsize=4096)
def mip_levels(shape: ImageShape) -> tuple[MipLevel, ...]:
    """All levels of one layer of `shape`, largest first."""
    info = shape.format.info
    levels: list[MipLevel] = []
    offset = 0
    for mip in range(shape.mip_levels):
        width, height = max(shape.width >> mip, 1), max(shape.height >> mip, 1)
        row = -(-width // info.block_width) * info.block_bytes
        size = row * -(-height // info.block_height)
        levels.append(MipLevel(width, height, offset, size, row))
        offset += size
    return tuple(levels)


def tight_bytes(shape: ImageShape) -> int:
    """Bytes of one layer with all its levels."""
    last = mip_levels(shape)[-1]
    return last.offset + last.size
