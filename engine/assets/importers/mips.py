"""Mip chains: each level is the box-filtered previous one, for colours in linear light.

Texels of 8 bits are converted to 16-bit linear light by a table, averaged as integers, and converted back by
another table, so that the result is the same on every machine. Those of 16 bits and floats are linear.
Directions of which two numbers are stored are averaged as all three, and are as long as before in each level.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from engine.assets.formats import ColorSpace, TextureFormat, level_offsets, level_sizes
from engine.assets.limits import CACHE_ALIGNMENT

Texels = npt.NDArray[Any]
_WIDE = 65535
BAND_TEXELS = 1 << 15
"""Texels of some rows that are converted or averaged at once."""


def full_chain(width: int, height: int) -> int:
    """Return the number of levels down to one texel (Vulkan specification, 12.3)."""
    return max(width, height).bit_length()


def texel_parts(form: TextureFormat, width: int, height: int, levels: int) -> tuple[int, int, int]:
    """Return where the texels of a texture end, where those of its stand-in begin, and where these end.

    The format of the stand-in is `form.stand_in`; without one all three are the same.
    """
    end = level_offsets(form, width, height, levels)[-1]
    if form.stand_in is None:
        return end, end, end
    begin = -(-end // CACHE_ALIGNMENT) * CACHE_ALIGNMENT
    return end, begin, begin + level_offsets(form.stand_in, width, height, levels)[-1]


def level_views(
    texels: npt.NDArray[np.uint8], form: TextureFormat, width: int, height: int, levels: int
) -> list[Texels]:
    """Return each level of `texels`, whose format has no blocks, as an array [height, width, channels]."""
    sizes, offsets = level_sizes(width, height, levels), level_offsets(form, width, height, levels)
    return [
        texels[start:end].view(form.dtype).reshape(rows, columns, form.channels)
        for (start, end), (columns, rows) in zip(pairwise(offsets), sizes, strict=True)
    ]


def fill_mips(levels: Sequence[Texels], color_space: ColorSpace, *, directions: bool = False) -> None:
    """Compute all levels after the first from it, [height, width, channels] each; a fourth channel is linear.

    They are of 8 or 16 bits, or floats. A level is made of the one before it, some rows at a time: integers
    in 16 bits, floats in 32. Of `directions` there are two channels: x and y from 0 to 1 in place of -1 to 1,
    from which z follows.
    """
    if len(levels) == 1:
        return
    widen, narrow, kept_type = (
        _directions(levels[0].dtype) if directions else _conversions(levels[0].dtype, color_space)
    )
    channels = 3 if directions else levels[0].shape[2]
    finest = levels[0]
    before: Texels | None = None

    def rows_before(first: int, last: int) -> Texels:
        rows: Texels = widen(finest[first:last]) if before is None else before[first:last]
        return rows

    for level, finer in zip(levels[1:], levels, strict=False):
        kept = np.empty((*level.shape[:2], channels), kept_type)
        step = max(1, BAND_TEXELS // finer.shape[1])
        for first in range(0, len(level), step):
            last = min(first + step, len(level))
            wide = _halve(rows_before, finer.shape[0], finer.shape[1], first, last)
            kept[first:last] = wide
            narrow(wide, level[first:last])
        before = kept


Conversions: TypeAlias = tuple[Callable[[Texels], Texels], Callable[[Texels, Texels], None], type[np.generic]]
"""How texels become wider to be averaged, how they are written back, and the wider type."""


def _directions(dtype: np.dtype[Any]) -> Conversions:
    """Return the conversions of two stored numbers to the three of a direction, and back."""
    scale = np.float32(1 if dtype.kind == "f" else np.iinfo(dtype).max)

    def widen(texels: Texels) -> Texels:
        wide = np.empty((*texels.shape[:2], 3), np.float32)
        np.multiply(texels, 2 / scale, out=wide[..., :2], casting="unsafe")
        wide[..., :2] -= 1
        square = wide[..., 0] ** 2 + wide[..., 1] ** 2
        wide[..., 2] = np.sqrt(np.maximum(1 - square, 0))
        return wide

    def narrow(wide: Texels, out: Texels) -> None:
        length = np.sqrt((wide**2).sum(axis=2, keepdims=True))
        stored = (wide[..., :2] / np.maximum(length, np.float32(1e-6)) + 1) * (scale / 2)
        np.copyto(out, stored if dtype.kind == "f" else np.rint(stored), casting="unsafe")

    return widen, narrow, np.float32


def _conversions(dtype: np.dtype[Any], color_space: ColorSpace) -> Conversions:
    """Return the conversions of colours and numbers."""
    if dtype.kind == "f":
        return (
            lambda texels: texels.astype(np.float32),
            lambda wide, out: np.copyto(out, wide, casting="same_kind"),
            np.float32,
        )
    if dtype.itemsize == 2:
        return lambda texels: texels, lambda wide, out: np.copyto(out, wide), np.uint16
    table, back = _tables(color_space)

    def widen(texels: Texels) -> Texels:
        wide = table.take(texels)
        if texels.shape[-1] > 3:
            np.multiply(texels[..., 3], np.uint16(257), out=wide[..., 3])
        return wide

    def narrow(wide: Texels, out: Texels) -> None:
        out[...] = back.take(wide)
        if wide.shape[-1] > 3:
            out[..., 3] = (wide[..., 3].astype(np.uint32) + 128) // 257

    return widen, narrow, np.uint16


def _halve(rows: Callable[[int, int], Texels], height: int, width: int, first: int, last: int) -> Texels:
    """Return the rows from `first` to `last` of the level after one of `height` x `width` texels."""
    if not (height | width) & 1:
        return _halve_both(rows(2 * first, 2 * last))
    if height == 1:
        return _halve_axis(rows(0, 1), 1, width, 0, max(1, width // 2))
    halved = _halve_axis(rows(2 * first, 2 * last + height % 2), 0, height, first, last)
    return _halve_axis(halved, 1, width, 0, max(1, width // 2))


def _halve_both(texels: Texels) -> Texels:
    """Return the mean of each 2 x 2 texels, rounded once; both sides must be even."""
    if texels.dtype.kind == "f":
        pairs = texels[0::2] + texels[1::2]
        mean: Texels = (pairs[:, 0::2] + pairs[:, 1::2]) * np.float32(0.25)
        return mean
    rows = texels[0::2].astype(np.uint32)
    rows += texels[1::2]
    squares = rows[:, 0::2] + rows[:, 1::2]
    squares += np.uint32(2)
    squares >>= np.uint32(2)
    return squares.astype(np.uint16)


def _halve_axis(texels: Texels, axis: int, count: int, first: int, last: int) -> Texels:
    """Return the texels from `first` to `last` of half as many along `axis`, rounded down.

    `texels` are those they are made of, of `count` along that axis; for an odd count each is a mean of three.
    """
    if count == 1:
        return texels
    texels = np.moveaxis(texels, axis, 0)
    is_float = texels.dtype.kind == "f"
    work: type[np.float32 | np.uint32] = np.float32 if is_float else np.uint32
    halved: Texels
    half = count // 2
    if count % 2 == 0:
        halved = texels[0::2].astype(work) + texels[1::2]
        divisor = 2
    else:
        at = np.arange(first, last, dtype=np.uint32).reshape(-1, *(1 for _ in texels.shape[1:]))
        near, middle, far = (part.astype(work) for part in (texels[0:-1:2], texels[1::2], texels[2::2]))
        halved = near * (np.uint32(half) - at).astype(work) + middle * work(half)
        halved = halved + far * (at + np.uint32(1)).astype(work)
        divisor = count
    if is_float:
        halved = (halved / np.float32(divisor)).astype(np.float32)
    else:
        halved = np.floor_divide(halved + np.uint32(divisor // 2), np.uint32(divisor)).astype(np.uint16)
    return np.moveaxis(halved, 0, axis)


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
