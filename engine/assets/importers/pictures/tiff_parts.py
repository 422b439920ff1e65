"""Strips and tiles of TIFF files to rows of texels."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.assets.importers.pictures.picture import (
    Rows,
    Texels,
    as_rgba,
    bands,
    decode_error,
)
from engine.assets.importers.pictures.runs import unpack_bits, unpack_lzw

WHITE_IS_ZERO, GREY, RGB, PALETTE = range(4)
_PLAIN, _LZW, _DEFLATE, _OLD_DEFLATE, _PACK_BITS = 1, 5, 8, 32946, 32773
COMPRESSIONS = {_PLAIN: 1, _LZW: 2800, _DEFLATE: 1032, _OLD_DEFLATE: 1032, _PACK_BITS: 64}
"""The compressions that are read, and the most bytes that one byte of them can stand for.

A code of LZW has 12 bits where it stands for the longest text, of 4,096 - 258 bytes; PackBits repeats a byte
up to 128 times in two.
"""
_PREMULTIPLIED = 1
_REVERSED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))
"""Each byte with its bits in the other order."""


@dataclass(frozen=True, slots=True)
class TiffLayout:
    """How the samples of a TIFF file lie: in parts of `part` pixels, row after row, of one sample if planar.

    `alpha` says what the first sample after the colours is: 0 nothing that is shown, 1 alpha that the colours
    are multiplied by, 2 alpha. `is_reversed` is whether the first bit of a byte is its lowest. `offsets` and
    `sizes` are those of the parts in the file, in bytes.
    """

    width: int
    height: int
    samples: int
    bits: int
    dtype: np.dtype[Any]
    photometric: int
    colour_samples: int
    alpha: int
    compression: int
    is_reversed: bool
    predictor: int
    is_planar: bool
    part: tuple[int, int]
    is_tiled: bool
    colours: tuple[int, ...]
    offsets: tuple[int, ...]
    sizes: tuple[int, ...]

    @property
    def across(self) -> int:
        """How many parts lie beside each other."""
        return -(-self.width // self.part[0])

    @property
    def down(self) -> int:
        """How many parts lie below each other."""
        return -(-self.height // self.part[1])

    @property
    def row_bytes(self) -> int:
        """Bytes of a row of a part."""
        return -(-self.part[0] * self.bits * (1 if self.is_planar else self.samples) // 8)

    def part_rows(self, number: int) -> int:
        """Rows of a part: the last strip may be shorter, tiles are whole."""
        row = number // self.across % self.down
        return self.part[1] if self.is_tiled else min(self.part[1], self.height - row * self.part[1])

    def part_bytes(self, number: int) -> int:
        """Bytes of a part once it is decoded."""
        return self.row_bytes * self.part_rows(number)


def tiff_rows(data: bytes, layout: TiffLayout, name: str, deep: bool) -> Rows:
    """Yield the texels of some rows at a time. Raises InputError `texture.decode`."""
    for first, samples in _part_rows(data, layout, name):
        for rows in bands(layout.width, len(samples)):
            yield slice(first + rows.start, first + rows.stop), _texels(samples[rows], layout, deep)


def _part_rows(data: bytes, layout: TiffLayout, name: str) -> Iterator[tuple[int, Texels]]:
    """Yield the first row of each line of parts, and its samples [rows, width, samples]."""
    planes = layout.samples if layout.is_planar else 1
    wide = layout.part[0]
    for line in range(layout.down):
        high = layout.part_rows(line * layout.across)
        if layout.across == planes == 1:
            yield line * layout.part[1], _samples(_decoded(data, line, layout, name), layout)
            continue
        shape = high, layout.across * wide, layout.samples
        whole = np.empty(shape, layout.dtype.newbyteorder("="))
        for plane in range(planes):
            for column in range(layout.across):
                number = (plane * layout.down + line) * layout.across + column
                part = _samples(_decoded(data, number, layout, name), layout)
                there = slice(plane, plane + 1) if layout.is_planar else slice(None)
                whole[:, column * wide : (column + 1) * wide, there] = part
        rows = min(high, layout.height - line * layout.part[1])
        yield line * layout.part[1], whole[:rows, : layout.width]


def _decoded(data: bytes, number: int, layout: TiffLayout, name: str) -> memoryview | bytearray | bytes:
    """Return the bytes of a part as they were before they were compressed."""
    part = memoryview(data)[layout.offsets[number] : layout.offsets[number] + layout.sizes[number]]
    if layout.is_reversed:
        part = memoryview(bytes(part).translate(_REVERSED))
    size = layout.part_bytes(number)
    if layout.compression == _PLAIN:
        return part[:size]
    try:
        if layout.compression == _LZW:
            return unpack_lzw(part, size)
        if layout.compression == _PACK_BITS:
            return unpack_bits(part, size)
        found = zlib.decompressobj().decompress(part, size)
    except ValueError as error:
        raise decode_error(f"part {number} of the TIFF file is damaged: {error}", name) from error
    except zlib.error as error:
        message = f"part {number} of the TIFF file is damaged: its {len(part)} bytes are no deflated data"
        raise decode_error(message, name) from error
    if len(found) != size:
        message = f"part {number} of the TIFF file has {len(found)} bytes, not {size}"
        raise decode_error(message, name)
    return found


def _samples(part: memoryview | bytearray | bytes, layout: TiffLayout) -> Texels:
    """Return the samples of a part [rows, width, samples], in the byte order of this machine."""
    wide, each = layout.part[0], 1 if layout.is_planar else layout.samples
    rows = np.frombuffer(part, np.uint8).reshape(-1, layout.row_bytes)
    if layout.bits < 8:
        bits = np.unpackbits(rows, axis=1).reshape(len(rows), -1, layout.bits)
        weights = 1 << np.arange(layout.bits - 1, -1, -1, dtype=np.uint8)
        few: Texels = (bits * weights).sum(axis=2, dtype=np.uint8)[:, :wide, None]
        return few
    if layout.predictor == 3:
        return _floats(rows, layout, each)
    samples = rows.view(layout.dtype).reshape(len(rows), wide, each)
    native: Texels = samples.astype(layout.dtype.newbyteorder("="), copy=False)
    if layout.predictor == 2:
        native = np.add.accumulate(native, axis=1, dtype=native.dtype)
    return native


def _floats(rows: Texels, layout: TiffLayout, each: int) -> Texels:
    """Return floats of differences of bytes; of each row first the highest byte of all samples."""
    size, wide = layout.dtype.itemsize, layout.part[0]
    floats = np.empty((len(rows), wide, each), f"=f{size}")
    for some in bands(wide, len(rows)):
        differences = rows[some].reshape(some.stop - some.start, -1, each)
        sums = np.add.accumulate(differences, axis=1, dtype=np.uint8)
        ordered = np.ascontiguousarray(sums.reshape(len(sums), size, -1).transpose(0, 2, 1))
        floats[some] = ordered.view(f">f{size}").reshape(-1, wide, each)
    return floats


def _texels(samples: Texels, layout: TiffLayout, deep: bool) -> Texels:
    """Return samples as texels: uint8, uint16 where they are `deep`, or float32."""
    has_alpha = layout.alpha in (1, 2) and layout.samples > layout.colour_samples
    samples = samples[..., : layout.colour_samples + has_alpha]
    if layout.photometric == PALETTE:
        table = np.array(layout.colours, np.uint16).reshape(3, -1).T
        return as_rgba((table >> 8).astype(np.uint8)[samples[..., 0]])
    if layout.dtype.kind == "f":
        full = as_rgba(samples.astype(np.float32))
        if layout.alpha == _PREMULTIPLIED and has_alpha:
            np.divide(full[..., :3], full[..., 3:], out=full[..., :3], where=full[..., 3:] > 0)
        return full
    if layout.bits < 8:
        samples = samples * np.uint8(255 // ((1 << layout.bits) - 1))
    most = np.iinfo(samples.dtype).max
    if layout.photometric == WHITE_IS_ZERO:
        samples = np.concatenate((most - samples[..., :1], samples[..., 1:]), axis=-1)
    full = as_rgba(samples)
    if layout.alpha == _PREMULTIPLIED and has_alpha:
        alpha = full[..., 3:].astype(np.uint64)
        colours = (full[..., :3].astype(np.uint64) * most + alpha // 2) // np.maximum(alpha, 1)
        full = full.copy()
        full[..., :3] = np.minimum(colours, most)
    if full.dtype == np.uint16 and not deep:
        return ((full.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return full
