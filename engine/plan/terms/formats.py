"""Image and vertex formats, with VkFormat's numbers; `info` describes the texel block of each.

Written by tools/make_vulkan_enums.py from the constants of the `vulkan` binding; change its lists.
"""

from __future__ import annotations

from engine.plan.terms.format_info import TexelFormat


class Format(TexelFormat):
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
