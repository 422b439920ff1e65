"""OpenEXR files of one flat picture: scan lines are read here, other kinds by the package OpenEXR.

Read here are scan lines that are not compressed or have RLE, ZIPS or ZIP. What is decompressed is limited to
what the header says of it, and the header is believed if the data can hold so much.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from engine.assets.importers.environment.light import PIXEL_BYTES, Light, damaged
from engine.assets.importers.environment.openexr_header import ExrHeader, read_exr_header
from engine.assets.importers.environment.openexr_package import read_by_package

EXR_SIGNATURE = b"\x76\x2f\x31\x01"
_ROWS_OF = {0: 1, 1: 1, 2: 1, 3: 16}
"""Rows of a block, by compression: none, RLE, ZIPS, ZIP."""

_NONE, _RLE = 0, 1
_RATIO = 1032
"""Most bytes that a byte of deflated data can stand for (zlib, "Maximum Expansion Factor"); RLE has 64."""

Bytes = npt.NDArray[np.uint8]


def read_exr(data: bytes, name: str, take: Callable[[int], None]) -> Light:
    """Decode the channels R, G and B, or Y, of an OpenEXR file, as its display window shows them.

    Raises InputError: `environment.format`, `texture.decode`, `texture.size`, and for files that the package
    OpenEXR reads `texture.package` and `texture.memory`.
    """
    try:
        header = read_exr_header(data, name)
    except (struct.error, OverflowError) as error:
        raise damaged("the OpenEXR file ends within its headers", name) from error
    if header.has_tiles or header.compression not in _ROWS_OF:
        return read_by_package(data, header, name, take)
    try:
        return _read_lines(data, header, name, take)
    except (struct.error, OverflowError) as error:
        raise damaged("the OpenEXR file ends within its headers", name) from error


def _read_lines(data: bytes, header: ExrHeader, name: str, take: Callable[[int], None]) -> Light:
    stored, shown = header.data, header.shown
    step = _ROWS_OF[header.compression]
    count = -(-stored.height // step)
    if len(data) * _RATIO < stored.height * header.row_bytes or len(data) < header.end + 16 * count:
        message = f"the header claims {stored.width} x {stored.height} pixels, and the file ends after "
        raise damaged(f"{message}{len(data)} bytes", name)
    take(PIXEL_BYTES * shown.width * shown.height)
    pixels = np.zeros((shown.height, shown.width, 3), np.float32)
    (rows, columns), (stored_rows, stored_columns) = header.overlap()
    for number in range(count):
        (at,) = struct.unpack_from("<Q", data, header.end + 8 * number)
        first, size = struct.unpack_from("<iI", data, at)
        first -= stored.top
        if first % step or not 0 <= first < stored.height or at + 8 + size > len(data):
            raise damaged(f"the OpenEXR file has a damaged block at byte {at}", name)
        end = min(first + step, stored.height)
        packed = data[at + 8 : at + 8 + size]
        held = _unpacked(packed, header.compression, (end - first) * header.row_bytes, name)
        low, high = max(first, stored_rows.start), min(end, stored_rows.stop)
        if low < high:
            below = rows.start - stored_rows.start
            block = pixels[low + below : high + below, columns]
            _fill(block, held, header, slice(low - first, high - first), stored_columns)
    return pixels


def _unpacked(packed: bytes, compression: int, size: int, name: str) -> bytes:
    """Return the `size` bytes of a block. Blocks that would not become smaller are not compressed."""
    if compression == _NONE or len(packed) == size:
        held = packed
    else:
        try:
            held = _runs(packed, size) if compression == _RLE else _inflated(packed, size)
        except zlib.error as error:
            raise damaged("the OpenEXR file cannot be decompressed: its data is damaged", name) from error
        held = _reordered(np.frombuffer(held, np.uint8)).tobytes()
    if len(held) != size:
        raise damaged(f"a block of the OpenEXR file has {len(held)} bytes instead of {size}", name)
    return held


def _inflated(packed: bytes, size: int) -> bytes:
    return zlib.decompressobj().decompress(packed, size + 1)


def _runs(packed: bytes, size: int) -> bytes:
    """Expand runs: a count n < 0 is followed by -n bytes as they are, others by one byte for n + 1."""
    held, at = bytearray(), 0
    while at < len(packed) and len(held) <= size:
        count = packed[at] - 256 if packed[at] > 127 else packed[at]
        if count < 0:
            held += packed[at + 1 : at + 1 - count]
            at += 1 - count
        else:
            held += packed[at + 1 : at + 2] * (count + 1)
            at += 2
    return bytes(held)


def _reordered(held: Bytes) -> Bytes:
    """Undo the differences of neighbours, and the split into bytes of even and of odd place."""
    summed = np.cumsum(held, dtype=np.uint8)
    summed += (np.arange(len(held)) % 2 * 128).astype(np.uint8)  # each difference has 128 added
    half = (len(held) + 1) // 2
    found = np.empty_like(summed)
    found[0::2], found[1::2] = summed[:half], summed[half:]
    return found


def _fill(block: Light, held: bytes, header: ExrHeader, rows: slice, columns: slice) -> None:
    """Write the channels of some rows and columns; in each row one channel follows the other."""
    row = np.dtype([(channel, dtype, (header.data.width,)) for channel, dtype in header.channels])
    stored = np.frombuffer(held, row)[rows]
    for number, channel in enumerate(header.colors):
        block[..., number] = stored[channel][:, columns]
