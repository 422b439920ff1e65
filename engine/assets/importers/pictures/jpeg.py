"""JPEG files before they are decoded: the segments are checked, and those that change no texel are left out.

What is left out may hold previews, colour profiles, orientation or further pictures. A frame header may claim
any size: it is believed if the compressed data can hold so many blocks. (ITU-T T.81, annex B.)
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
_SCAN, _END, _ADOBE = 0xDA, 0xD9, 0xEE
_METADATA = frozenset({*range(0xE0, 0xF0), 0xFE} - {_ADOBE})


def read_jpeg(data: bytes, name: str) -> PictureFile:
    """Check the structure of a JPEG file up to its first scan. Raises InputError `texture.decode`."""
    kept, left_out, size, at = [data[:2]], False, None, 2
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
        if marker == _SCAN:
            break
        if marker in _METADATA:
            left_out = True
        else:
            kept.append(data[at : at + 2 + length])
        at += 2 + length
    if not size:
        raise decode_error("the JPEG file has no frame header", name)
    if data.count(b"\xff\xda", at) > MAX_JPEG_SCANS:
        raise decode_error(f"the JPEG file has more than {MAX_JPEG_SCANS} scans", name)
    most_pixels = (len(data) - at) * _PIXELS_PER_BYTE
    stream = io.BytesIO(b"".join([*kept, memoryview(data)[at:]]) if left_out else data)
    return PictureFile("JPEG", width, height, stream, most_pixels)
