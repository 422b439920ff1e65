"""Mip chains: each level is the box-filtered previous one, for colours in linear light.

Texels are converted to 16-bit linear light by a table, averaged as integers, and converted back by another
table, so that the result is the same on every machine.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.assets.formats import ColorSpace

_WIDE = 65535


def full_chain(width: int, height: int) -> int:
    """Return the number of levels down to one texel (Vulkan specification, 12.3)."""
    return max(width, height).bit_length()


def mip_chain(
    texels: npt.NDArray[np.uint8], levels: int, color_space: ColorSpace
) -> list[npt.NDArray[np.uint8]]:
    """Return `levels` levels of a uint8[height, width, 4] picture, itself first; alpha is linear."""
    chain = [texels]
    if levels == 1:
        return chain
    widen, narrow = _tables(color_space)
    wide: npt.NDArray[np.uint16] = np.empty(texels.shape, np.uint16)
    wide[..., :3] = widen[texels[..., :3]]
    wide[..., 3] = texels[..., 3].astype(np.uint16) * 257
    for _ in range(levels - 1):
        wide = _halve_both(wide) if not (wide.shape[0] | wide.shape[1]) & 1 else _halve(_halve(wide, 0), 1)
        level = np.empty(wide.shape, np.uint8)
        level[..., :3] = narrow[wide[..., :3]]
        level[..., 3] = (wide[..., 3].astype(np.uint32) + 128) // 257
        chain.append(level)
    return chain


def _halve_both(texels: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
    """Return the mean of each 2 x 2 texels, rounded once; both sides must be even."""
    rows = texels[0::2].astype(np.uint32)
    rows += texels[1::2]
    squares = rows[:, 0::2] + rows[:, 1::2]
    squares += np.uint32(2)
    squares >>= np.uint32(2)
    return squares.astype(np.uint16)


def _halve(texels: npt.NDArray[np.uint16], axis: int) -> npt.NDArray[np.uint16]:
    """Return half as many texels along `axis`, rounded down; for an odd count each is a mean of three."""
    count = texels.shape[axis]
    if count == 1:
        return texels
    texels = np.moveaxis(texels, axis, 0)
    halved: npt.NDArray[Any]
    half = count // 2
    if count % 2 == 0:
        halved = (texels[0::2].astype(np.uint32) + texels[1::2] + 1) >> 1
    else:
        at = np.arange(half, dtype=np.uint32).reshape(-1, *(1 for _ in texels.shape[1:]))
        first, middle, last = (
            part.astype(np.uint32) for part in (texels[0:-1:2], texels[1::2], texels[2::2])
        )
        halved = first * (np.uint32(half) - at) + middle * np.uint32(half) + last * (at + np.uint32(1))
        halved = (halved + np.uint32(count // 2)) // np.uint32(count)
    return np.moveaxis(halved.astype(np.uint16), 0, axis)


@cache
def _tables(color_space: ColorSpace) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint8]]:
    """Return tables from 8 bits to 16-bit linear light, and back (IEC 61966-2-1 for sRGB)."""
    narrow_steps = np.arange(256) / 255
    wide_steps = np.arange(_WIDE + 1) / _WIDE
    if color_space is ColorSpace.SRGB:
        narrow_steps = np.where(
            narrow_steps <= 0.04045, narrow_steps / 12.92, ((narrow_steps + 0.055) / 1.055) ** 2.4
        )
        wide_steps = np.where(
            wide_steps <= 0.0031308, wide_steps * 12.92, 1.055 * wide_steps ** (1 / 2.4) - 0.055
        )
    return np.rint(narrow_steps * _WIDE).astype(np.uint16), np.rint(wide_steps * 255).astype(np.uint8)
