"""Texels as copies and shaders give them, as numpy arrays: packed ones are unpacked."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.plan.terms.formats import Format
from engine.plan.terms.vulkan_enums import Aspect
from engine.vk.errors import FormatNotSupported, Result

_KINDS = {"UNORM": "u", "SRGB": "u", "UINT": "u", "SNORM": "i", "SINT": "i", "SFLOAT": "f"}
_DEPTH_24 = (Format.X8_D24_UNORM_PACK32, Format.D24_UNORM_S8_UINT)
_MOST_24 = (1 << 24) - 1
_PACKED_CHANNELS = {
    Format.A2B10G10R10_UNORM_PACK32: 4,
    Format.B10G11R11_UFLOAT_PACK32: 3,
    Format.X8_D24_UNORM_PACK32: 1,
    Format.D24_UNORM_S8_UINT: 1,
    Format.D32_SFLOAT_S8_UINT: 1,
}


def texel_dtype(format: Format) -> tuple[np.dtype[Any], int]:
    """Return (numpy dtype of a channel, number of channels) of a format with equal channels.

    Raises FormatNotSupported for packed and compressed formats.
    """
    layout, kind, *rest = format.name.split("_")
    bits = re.findall(r"\d+", layout)
    if rest or kind not in _KINDS or len(set(bits)) != 1 or layout.startswith("BC"):
        raise FormatNotSupported("readback", Result.FORMAT_NOT_SUPPORTED, f"{format.name} to numpy")
    return np.dtype(f"{_KINDS[kind]}{int(bits[0]) // 8}"), len(bits)


def copied_bytes(format: Format) -> int:
    """Return the bytes of a texel in a copy of an image; of depth and stencil, depth alone is copied."""
    info = format.info
    if info.aspect == Aspect.DEPTH | Aspect.STENCIL:
        return 4
    return info.block_bytes


def unpacked(data: NDArray[np.uint8], format: Format, height: int, width: int) -> NDArray[Any]:
    """Return the texels of a copy: [height, width, channels], or [height, width] of one channel.

    Channels are red, green, blue, alpha. Those of equal size keep their numbers, all others are float32.
    Raises FormatNotSupported for compressed formats.
    """
    words = data.view(np.uint32).reshape(height, width) if copied_bytes(format) == 4 else None
    if words is not None and format in _DEPTH_24:
        return ((words & _MOST_24) / _MOST_24).astype(np.float32)
    if words is not None and format is Format.D32_SFLOAT_S8_UINT:
        return words.view(np.float32)
    if words is not None and format is Format.A2B10G10R10_UNORM_PACK32:
        channels = [(words >> shift & 1023) / 1023 for shift in (0, 10, 20)]
        return np.stack([*channels, (words >> 30) / 3], axis=2).astype(np.float32)
    if words is not None and format is Format.B10G11R11_UFLOAT_PACK32:
        halves = [words << 4 & 0x7FF0, words >> 7 & 0x7FF0, words >> 17 & 0x7FE0]
        return np.stack(halves, axis=2).astype(np.uint16).view(np.float16).astype(np.float32)
    dtype, count = texel_dtype(format)
    tail = (count,) if count > 1 else ()
    texels = data.view(dtype).reshape(height, width, *tail)
    return texels[..., [2, 1, 0, 3]] if format.name.startswith("B8G8R8A8") else texels


def as_copied(values: NDArray[Any], format: Format) -> NDArray[Any]:
    """Return what a shader has read of texels, [height, width, 4], as `unpacked` returns a copy of them."""
    kind = format.name.split("_")[1]
    try:
        dtype, channels = texel_dtype(format)
    except FormatNotSupported:
        dtype, channels = np.dtype(np.float32), _PACKED_CHANNELS[format]
    if kind == "SRGB":
        light = np.maximum(values[..., :3], 0.0)
        encoded = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
        values = np.concatenate([encoded, values[..., 3:]], axis=2)
    if kind in ("SRGB", "UNORM", "SNORM") and dtype.kind != "f":
        values = np.round(values * float(np.iinfo(dtype).max))
    texels = values[..., :channels].astype(dtype)
    return texels[..., 0] if channels == 1 else texels
