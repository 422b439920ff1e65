"""JPEG files before they are decoded: the segments are checked, and those that change no texel are left out.

What is left out may hold previews, colour profiles, orientation or further pictures. A frame header may claim
any size: it is believed if the compressed data can hold so many blocks. The decoder has tables of its own for
those that a file lacks, which makes noise of its pixels: so they are asked for. (ITU-T T.81, annex B.)
"""

from __future__ import annotations

import io
import struct

from engine.assets.importers.pictures.picture import PictureFile, decode_error
from engine.assets.limits import MAX_JPEG_SCANS

JPEG_SIGNATURE = b"\xff\xd8\xff"
_PIXELS_PER_BYTE = 512
"""Each block of 8 x 8 samples takes at least one bit."""
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_SCAN, _END, _ADOBE, _TABLES = 0xDA, 0xD9, 0xEE, 0xC4
_SEQUENTIAL = (0xC0, 0xC1)
"""Frames whose scans take a table for the first coefficient of each block, and one for the others."""
_METADATA = frozenset({*range(0xE0, 0xF0), 0xFE} - {_ADOBE})


def read_jpeg(data: bytes, name: str) -> PictureFile:
    """Check the structure of a JPEG file up to its first scan. Raises InputError `texture.decode`."""
    kept, left_out, size, at, frame = [data[:2]], False, None, 2, 0
    tables: set[int] = set()
    while True:
        if at + 4 > len(data) or data[at] != 0xFF:
            raise decode_error(f"the JPEG file has no segment at byte {at}", name)
        marker = data[at + 1]
        if marker == 0xFF or marker in _WITHOUT_LENGTH:
            at += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _END or length < 2 or at + 2 + length > len(data):
            raise decode_error(f"the JPEG file ends within its headers, at byte {at}", name)
        if marker in _FRAMES:
            if size or length < 8:
                raise decode_error(f"the JPEG file has a wrong or second frame header at byte {at}", name)
            height, width = size = struct.unpack_from(">HH", data, at + 5)
            frame = marker
        if marker == _TABLES:
            tables |= _table_numbers(data[at + 4 : at + 2 + length])
        if marker == _SCAN:
            if frame in _SEQUENTIAL:
                _check_tables(data[at + 4 : at + 2 + length], tables, at, name)
            break
        if marker in _METADATA:
            left_out = True
        else:
            kept.append(data[at : at + 2 + length])
        at += 2 + length
    if not size:
        raise decode_error("the JPEG file has no frame header", name)
    if data.find(b"\xff\xd9", at) < 0:
        raise decode_error(
            f"the JPEG file is cut off: it ends after {len(data)} bytes, within its pixels", name
        )
    if data.count(b"\xff\xda", at) > MAX_JPEG_SCANS:
        raise decode_error(f"the JPEG file has more than {MAX_JPEG_SCANS} scans", name)
    most_pixels = (len(data) - at) * _PIXELS_PER_BYTE
    stream = io.BytesIO(b"".join([*kept, memoryview(data)[at:]]) if left_out else data)
    return PictureFile("JPEG", width, height, stream, most_pixels)


def _table_numbers(segment: bytes) -> set[int]:
    """Return the tables that a segment defines: their numbers, and 16 more for those of AC coefficients."""
    found, at = set(), 0
    while at + 17 <= len(segment):
        found.add(segment[at])
        at += 17 + sum(segment[at + 1 : at + 17])
    return found


def _check_tables(scan: bytes, tables: set[int], at: int, name: str) -> None:
    """Check that the tables of a scan are there. Raises InputError `texture.decode`."""
    count = scan[0] if scan else 0
    needed = {number for pair in scan[2 : 1 + 2 * count : 2] for number in (pair >> 4, 0x10 | pair & 0xF)}
    for number in sorted(needed - tables):
        kind = "AC" if number & 0x10 else "DC"
        message = f"the JPEG file has no Huffman table {number & 0xF} of {kind} coefficients"
        raise decode_error(f"{message} for its scan at byte {at}", name)
