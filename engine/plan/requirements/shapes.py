"""Layout of an image's mip chain in caches and staging: level after level, tightly packed rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from engine.plan.requirements.requirements import ImageShape


@dataclass(frozen=True, slots=True)
class MipLevel:
    """One level: extent in texels; offset in the chain, size, and size of a row of blocks, in bytes."""

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
    """Bytes of one layer with all its levels, tightly packed."""
    last = mip_levels(shape)[-1]
    return last.offset + last.size
