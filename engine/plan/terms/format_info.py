"""Texel blocks of formats: size, aspects and colour space.

The block table follows the Vulkan 1.3 specification, "Compatible Formats" (texel block size and extent).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cache

from engine.plan.terms.vulkan_enums import Aspect


@dataclass(frozen=True, slots=True)
class FormatInfo:
    """One texel block: bytes, extent in texels, aspects, whether sampling decodes sRGB.

    `is_grey` says that it has one channel that a filter can mix.
    """

    block_bytes: int
    block_width: int = 1
    block_height: int = 1
    aspect: Aspect = Aspect.COLOR
    srgb: bool = False
    is_grey: bool = False


class TexelFormat(IntEnum):
    """Base of `Format`, whose member names determine the texel block."""

    @property
    def info(self) -> FormatInfo:
        """Block size and extent, aspects and colour space of this format."""
        return _info(self)


_DEPTH = {
    "D16_UNORM": FormatInfo(2, aspect=Aspect.DEPTH),
    "X8_D24_UNORM_PACK32": FormatInfo(4, aspect=Aspect.DEPTH),
    "D32_SFLOAT": FormatInfo(4, aspect=Aspect.DEPTH),
    "S8_UINT": FormatInfo(1, aspect=Aspect.STENCIL),
    "D24_UNORM_S8_UINT": FormatInfo(4, aspect=Aspect.DEPTH | Aspect.STENCIL),
    "D32_SFLOAT_S8_UINT": FormatInfo(8, aspect=Aspect.DEPTH | Aspect.STENCIL),
}
_BLOCK_BYTES = {"BC1": 8, "BC2": 16, "BC3": 16, "BC4": 8, "BC5": 16, "BC7": 16}


@cache
def _info(format: TexelFormat) -> FormatInfo:
    if format.name in _DEPTH:
        return _DEPTH[format.name]
    head = format.name.split("_")[0]
    srgb = "SRGB" in format.name
    if head in _BLOCK_BYTES:
        return FormatInfo(_BLOCK_BYTES[head], 4, 4, srgb=srgb, is_grey=head == "BC4")
    bits = "".join(c if c.isdigit() else " " for c in head).split()
    is_grey = len(bits) == 1 and head[0] == "R" and not format.name.endswith("INT")
    return FormatInfo(sum(map(int, bits)) // 8, srgb=srgb, is_grey=is_grey)
