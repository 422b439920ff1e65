"""Mip chains: each level is the box-filtered previous one, for colours in linear light.

Texels are converted to 16-bit linear light by a table, averaged as integers, and converted back by another
table, so that the result is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.assets.formats import ColorSpace

Texels = npt.NDArray[np.uint8]
Wide = npt.NDArray[np.uint16]
_WIDE = 65535
TEXEL_BYTES = 4
BAND_TEXELS = 1 << 15
"""Texels of some rows that are converted or averaged at once."""


def full_chain(width: int, height: int) -> int:
    """Return the number of levels down to one texel (Vulkan specification, 12.3)."""
    return max(width, height).bit_length()


def mip_sizes(width: int, height: int, levels: int) -> list[tuple[int, int]]:
    """Return width and height of each level, the finest first."""
    return [(max(1, width >> level), max(1, height >> level)) for level in range(levels)]


def mip_offsets(width: int, height: int, levels: int) -> list[int]:
    """Return the byte offset of each level, one behind the other, and the end of the last."""
    return list(accumulate((w * h * TEXEL_BYTES for w, h in mip_sizes(width, height, levels)), initial=0))


def fill_mips(levels: Sequence[Texels], color_space: ColorSpace) -> None:
    """Compute all levels after the first from it, uint8[height, width, 4] each; alpha is linear.

    A level is made of the one before it in 16 bits, some rows at a time.
    """
    if len(levels) == 1:
        return
    widen, narrow = _tables(color_space)
    finest = levels[0]
    before: Wide | None = None

    def rows_before(first: int, last: int) -> Wide:
        if before is not None:
            return before[first:last]
        texels = finest[first:last]
        wide: Wide = np.empty(texels.shape, np.uint16)
        wide[..., :3] = widen[texels[..., :3]]
        wide[..., 3] = texels[..., 3].astype(np.uint16) * 257
        return wide

    for level, finer in zip(levels[1:], levels, strict=False):
        kept: Wide = np.empty(level.shape, np.uint16)
        step = max(1, BAND_TEXELS // finer.shape[1])
        for first in range(0, len(level), step):
            last = min(first + step, len(level))
            wide = _halve(rows_before, finer.shape[0], finer.shape[1], first, last)
            kept[first:last] = wide
            level[first:last, :, :3] = narrow[wide[..., :3]]
            level[first:last, :, 3] = (wide[..., 3].astype(np.uint32) + 128) // 257
        before = kept


def _halve(rows: Callable[[int, int], Wide], height: int, width: int, first: int, last: int) -> Wide:
    """Return the rows from `first` to `last` of the level after one of `height` x `width` texels."""
    if not (height | width) & 1:
        return _halve_both(rows(2 * first, 2 * last))
    if height == 1:
        return _halve_axis(rows(0, 1), 1, width, 0, max(1, width // 2))
    halved = _halve_axis(rows(2 * first, 2 * last + height % 2), 0, height, first, last)
    return _halve_axis(halved, 1, width, 0, max(1, width // 2))


def _halve_both(texels: Wide) -> Wide:
    """Return the mean of each 2 x 2 texels, rounded once; both sides must be even."""
    rows = texels[0::2].astype(np.uint32)
    rows += texels[1::2]
    squares = rows[:, 0::2] + rows[:, 1::2]
    squares += np.uint32(2)
    squares >>= np.uint32(2)
    return squares.astype(np.uint16)


def _halve_axis(texels: Wide, axis: int, count: int, first: int, last: int) -> Wide:
    """Return the texels from `first` to `last` of half as many along `axis`, rounded down.

    `texels` are those they are made of, of `count` along that axis; for an odd count each is a mean of three.
    """
    if count == 1:
        return texels
    texels = np.moveaxis(texels, axis, 0)
    halved: npt.NDArray[Any]
    half = count // 2
    if count % 2 == 0:
        halved = (texels[0::2].astype(np.uint32) + texels[1::2] + 1) >> 1
    else:
        at = np.arange(first, last, dtype=np.uint32).reshape(-1, *(1 for _ in texels.shape[1:]))
        near, middle, far = (part.astype(np.uint32) for part in (texels[0:-1:2], texels[1::2], texels[2::2]))
        halved = near * (np.uint32(half) - at) + middle * np.uint32(half) + far * (at + np.uint32(1))
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
