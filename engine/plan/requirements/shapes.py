"""Layout of an image's mip chains in caches and staging: level after level, tightly packed rows.

Of a cube the chains of its six faces follow each other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from engine.plan.requirements.requirements import ImageShape


@dataclass(frozen=True, slots=True)
class MipLevel:
    """One level of one layer: extent in texels; offset, size, and size of a row of blocks, in bytes."""

    width: int
    height: int
    offset: int
    size: int
    row: int
    mip: int = 0
    layer: int = 0


@lru_cache(maxsize=4096)
def mip_levels(shape: ImageShape) -> tuple[MipLevel, ...]:
    """All levels of an image of this shape, layer after layer, of each the largest first."""
    info = shape.format.info
    levels: list[MipLevel] = []
    offset = 0
    for mip in range(shape.mip_levels):
        width, height = max(shape.width >> mip, 1), max(shape.height >> mip, 1)
        row = -(-width // info.block_width) * info.block_bytes
        size = row * -(-height // info.block_height)
        levels.append(MipLevel(width, height, offset, size, row, mip))
        offset += size
    return tuple(
        replace(level, offset=layer * offset + level.offset, layer=layer) if layer else level
        for layer in range(shape.layers)
        for level in levels
    )


def layer_bytes(shape: ImageShape) -> int:
    """Bytes of one layer with all its levels, tightly packed."""
    return tight_bytes(shape) // shape.layers


def tight_bytes(shape: ImageShape) -> int:
    """Bytes of all layers of an image with all their levels, tightly packed."""
    last = mip_levels(shape)[-1]
    return last.offset + last.size
