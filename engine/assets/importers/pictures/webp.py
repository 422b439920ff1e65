"""WebP files before they are decoded: the size in the header, and that there is one picture.

(WebP Container Specification; RFC 6386, 9.1; WebP Lossless Bitstream Specification, 3.)
"""

from __future__ import annotations

import io
import struct

from engine.assets.importers.pictures.picture import PictureFile, decode_error

WEBP_SIGNATURE = b"RIFF"
_KIND = b"WEBP"
_PIXELS_PER_BYTE = 1 << 15
"""A copy of 4,096 pixels takes at least a bit of a lossless picture; lossy ones hold fewer."""
_ANIMATED = 0x02
_FRAME_START = b"\x9d\x01\x2a"
_LOSSLESS_START = 0x2F
_SIDE = (1 << 14) - 1


def is_webp(data: bytes) -> bool:
    """Whether a file is WebP by its first bytes."""
    return data[:4] == WEBP_SIGNATURE and data[8:12] == _KIND


def read_webp(data: bytes, name: str) -> PictureFile:
    """Check the header of a WebP file. Raises InputError `texture.decode`."""
    if len(data) < 30:
        raise decode_error(f"the WebP file ends after {len(data)} bytes, within its header", name)
    size = 8 + int.from_bytes(data[4:8], "little")
    if size > len(data):
        message = f"the WebP file is cut off: it ends after {len(data)} bytes, and has {size} by its header"
        raise decode_error(message, name)
    chunk, body = data[12:16], data[20:]
    if chunk == b"VP8X":
        if body[0] & _ANIMATED:
            raise decode_error("the WebP file is an animation; one picture is read", name)
        width = int.from_bytes(body[4:7], "little") + 1
        height = int.from_bytes(body[7:10], "little") + 1
    elif chunk == b"VP8L" and body[0] == _LOSSLESS_START:
        bits = int.from_bytes(body[1:5], "little")
        width, height = (bits & _SIDE) + 1, (bits >> 14 & _SIDE) + 1
    elif chunk == b"VP8 " and body[3:6] == _FRAME_START:
        sides = struct.unpack_from("<HH", body, 6)
        width, height = (side & _SIDE for side in sides)
    else:
        raise decode_error("the WebP file has no picture where one should begin, at byte 12", name)
    return PictureFile("WEBP", width, height, io.BytesIO(data), len(data) * _PIXELS_PER_BYTE)
