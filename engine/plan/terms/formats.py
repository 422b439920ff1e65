"""Image and vertex formats: VkFormat values, with block size, aspects and colour space of each.

The block table follows the Vulkan 1.3 specification, "Compatible Formats" (texel block size and extent).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from functools import cache


class Aspect(IntFlag):
    """VkImageAspectFlagBits."""

    COLOR = 0x1
    DEPTH = 0x2
    STENCIL = 0x4


class Format(IntEnum):
    """VkFormat."""

    UNDEFINED = 0
    R8_UNORM = 9
    R8_SNORM = 10
    R8_UINT = 13
    R8_SINT = 14
    R8G8_UNORM = 16
    R8G8_SNORM = 17
    R8G8_UINT = 20
    R8G8_SINT = 21
    R8G8B8A8_UNORM = 37
    R8G8B8A8_SNORM = 38
    R8G8B8A8_UINT = 41
    R8G8B8A8_SINT = 42
    R8G8B8A8_SRGB = 43
    B8G8R8A8_UNORM = 44
    B8G8R8A8_SRGB = 50
    A2B10G10R10_UNORM_PACK32 = 64
    R16_UNORM = 70
    R16_SNORM = 71
    R16_UINT = 74
    R16_SINT = 75
    R16_SFLOAT = 76
    R16G16_UNORM = 77
    R16G16_SNORM = 78
    R16G16_UINT = 81
    R16G16_SINT = 82
    R16G16_SFLOAT = 83
    R16G16B16A16_UNORM = 91
    R16G16B16A16_SNORM = 92
    R16G16B16A16_UINT = 95
    R16G16B16A16_SINT = 96
    R16G16B16A16_SFLOAT = 97
    R32_UINT = 98
    R32_SINT = 99
    R32_SFLOAT = 100
    R32G32_UINT = 101
    R32G32_SINT = 102
    R32G32_SFLOAT = 103
    R32G32B32_UINT = 104
    R32G32B32_SINT = 105
    R32G32B32_SFLOAT = 106
    R32G32B32A32_UINT = 107
    R32G32B32A32_SINT = 108
    R32G32B32A32_SFLOAT = 109
    B10G11R11_UFLOAT_PACK32 = 122
    E5B9G9R9_UFLOAT_PACK32 = 123
    D16_UNORM = 124
    X8_D24_UNORM_PACK32 = 125
    D32_SFLOAT = 126
    S8_UINT = 127
    D24_UNORM_S8_UINT = 129
    D32_SFLOAT_S8_UINT = 130
    BC1_RGB_UNORM_BLOCK = 131
    BC1_RGB_SRGB_BLOCK = 132
    BC1_RGBA_UNORM_BLOCK = 133
    BC1_RGBA_SRGB_BLOCK = 134
    BC3_UNORM_BLOCK = 137
    BC3_SRGB_BLOCK = 138
    BC4_UNORM_BLOCK = 139
    BC5_UNORM_BLOCK = 141
    BC7_UNORM_BLOCK = 145
    BC7_SRGB_BLOCK = 146

    @property
    def info(self) -> FormatInfo:
        """Block size and extent, aspects and colour space of this format."""
        return _info(self)


@dataclass(frozen=True, slots=True)
class FormatInfo:
    """One texel block: bytes, extent in texels, aspects, and whether sampling decodes sRGB."""

    block_bytes: int
    block_width: int = 1
    block_height: int = 1
    aspect: Aspect = Aspect.COLOR
    srgb: bool = False


_DEPTH = {
    Format.D16_UNORM: FormatInfo(2, aspect=Aspect.DEPTH),
    Format.X8_D24_UNORM_PACK32: FormatInfo(4, aspect=Aspect.DEPTH),
    Format.D32_SFLOAT: FormatInfo(4, aspect=Aspect.DEPTH),
    Format.S8_UINT: FormatInfo(1, aspect=Aspect.STENCIL),
    Format.D24_UNORM_S8_UINT: FormatInfo(4, aspect=Aspect.DEPTH | Aspect.STENCIL),
    Format.D32_SFLOAT_S8_UINT: FormatInfo(8, aspect=Aspect.DEPTH | Aspect.STENCIL),
}
_BLOCK_BYTES = {"BC1": 8, "BC3": 16, "BC4": 8, "BC5": 16, "BC7": 16}


@cache
def _info(format: Format) -> FormatInfo:
    if format in _DEPTH:
        return _DEPTH[format]
    head = format.name.split("_")[0]
    srgb = "SRGB" in format.name
    if head in _BLOCK_BYTES:
        return FormatInfo(_BLOCK_BYTES[head], 4, 4, srgb=srgb)
    bits = "".join(c if c.isdigit() else " " for c in head).split()
    return FormatInfo(sum(map(int, bits)) // 8, srgb=srgb)
