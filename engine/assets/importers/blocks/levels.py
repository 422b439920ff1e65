"""Levels of texels to blocks and back, some rows at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.assets.formats import TextureFormat
from engine.assets.importers.blocks.coder import block_coder
from engine.assets.importers.blocks.s3tc import packaged, packaged_kind, set_alpha, with_alpha
from engine.assets.importers.pictures.picture import decode_error

Bytes = npt.NDArray[np.uint8]
_BAND_TEXELS = 1 << 16
"""Texels that another process gets at once."""
_SIDE = 4


def compress_levels(
    levels: Sequence[npt.NDArray[Any]], form: TextureFormat, blocks: Sequence[Bytes], name: str
) -> None:
    """Write the blocks of each level, uint8[height, width, channels of `form`], into those of `blocks`.

    What a block has beyond an edge repeats the texels there. Raises InputError `texture.package`,
    `texture.blocks`.
    """
    with block_coder("make", name) as coder:
        for level, out in zip(levels, blocks, strict=True):
            height, width = level.shape[:2]
            at = 0
            for first, rows in _bands(width, height):
                texels = _whole_blocks(level[first : first + rows])
                size = form.level_bytes(width, rows)
                kind = packaged_kind(form)
                made = coder.run("make", kind, texels.reshape(-1).data, texels.shape[1], len(texels), size)
                if form.block == "bc2":
                    made = with_alpha(made, texels)
                out[at : at + size] = np.frombuffer(made, np.uint8)
                at += size


def decode_level(
    blocks: bytes | memoryview, form: TextureFormat, width: int, height: int, out: npt.NDArray[Any], name: str
) -> None:
    """Decode the blocks of a level into uint8[height, width, channels of `form`].

    Raises InputError `texture.decode` where they are too few, `texture.package`, `texture.blocks`.
    """
    if len(blocks) != form.level_bytes(width, height):
        message = f"{width} x {height} texels as {form.block} have {form.level_bytes(width, height)} bytes"
        raise decode_error(f"{message}, and the file has {len(blocks)}", name)
    wide, at = -(-width // _SIDE) * _SIDE, 0
    with block_coder("read", name) as coder:
        for first, rows in _bands(width, height):
            size, high = form.level_bytes(width, rows), -(-rows // _SIDE) * _SIDE
            part = memoryview(blocks)[at : at + size]
            kind, coded = packaged_kind(form), packaged(part, form)
            made = coder.run("read", kind, coded, wide, high, wide * high * 4)
            texels = np.frombuffer(made, np.uint8).reshape(high, wide, 4)[..., [2, 1, 0, 3]]
            set_alpha(texels, part, form)
            texels = texels[:rows, :width]
            out[first : first + rows] = texels[..., : form.channels]
            at += size


def _bands(width: int, height: int) -> list[tuple[int, int]]:
    """Return first row and number of rows of each part of a level, in whole blocks but for the last."""
    step = max(_SIDE, _BAND_TEXELS // width // _SIDE * _SIDE)
    return [(first, min(step, height - first)) for first in range(0, height, step)]


def _whole_blocks(texels: npt.NDArray[Any]) -> Bytes:
    """Return texels as RGBA with sides that are multiples of 4."""
    height, width, channels = texels.shape
    padding = ((0, -height % _SIDE), (0, -width % _SIDE), (0, 0))
    if height % _SIDE or width % _SIDE:
        texels = np.pad(texels, padding, "edge")
    if channels == 4:
        return np.ascontiguousarray(texels)
    wide = np.zeros((*texels.shape[:2], 4), np.uint8)
    wide[..., :channels] = texels
    wide[..., 3] = 255
    return wide
