"""PNG files before they are decoded: the chunks are checked, and those that change no texel are left out.

A header may claim any size: it is believed if the compressed data can hold so much. Compressed texts and
colour profiles are never expanded; an animation is its default image. (PNG specification, 5 and 11.)
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

from engine.assets.importers.pictures.picture import PictureFile, decode_error
from engine.assets.limits import MAX_PNG_CHUNKS

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_DEFLATE_RATIO = 1032
"""Most bytes that a byte of deflated data can stand for (zlib, "Maximum Expansion Factor")."""
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_GREY, _COLOUR, _PALETTE = 0, 2, 3


def read_png(data: bytes, name: str) -> PictureFile:
    """Check the structure of a PNG file. Raises InputError `texture.decode`."""
    chunks = list(_chunks(data, name))
    if not chunks or chunks[0][0] != b"IHDR" or chunks[0][2] != 13:
        raise decode_error("the PNG file does not begin with its header", name)
    width, height, depth, kind, *methods = struct.unpack_from(">IIBBBBB", data, chunks[0][1])
    if depth not in _DEPTHS.get(kind, ()) or methods[:2] != [0, 0] or methods[2] > 1:
        message = f"the PNG header has an unknown colour type {kind}, depth {depth} or method {methods}"
        raise decode_error(message, name)
    kept: list[bytes | memoryview] = [data[:8]]
    transparent, held = None, 0
    for number, (chunk, start, length) in enumerate(chunks):
        if chunk == b"IHDR" and number:
            raise decode_error(f"the PNG file has a second header at byte {start - 8}", name)
        if chunk == b"tRNS" and kind in (_GREY, _COLOUR):
            transparent = _transparent(data, start, length, kind, depth, name)
        if chunk == b"IDAT":
            held += length
        if chunk[0] < 0x60 or (chunk == b"tRNS" and kind == _PALETTE):  # a capital letter: critical
            kept.append(memoryview(data)[start - 8 : start + length + 4])
    most_pixels = held * _DEFLATE_RATIO * 8 // (depth * _CHANNELS[kind])
    left_out = len(kept) - 1 < len(chunks)
    stream = io.BytesIO(b"".join(kept) if left_out else data)
    channels = _CHANNELS[kind]
    return PictureFile("PNG", width, height, stream, most_pixels, depth, transparent, channels)


def _chunks(data: bytes, name: str) -> Iterator[tuple[bytes, int, int]]:
    """Yield type, offset of the content and its length of each chunk up to IEND."""
    at = len(PNG_SIGNATURE)
    for _ in range(MAX_PNG_CHUNKS):
        if at == len(data):
            return
        if len(data) - at < 12:
            raise decode_error(f"the PNG file ends within a chunk at byte {at}", name)
        length, kind = struct.unpack_from(">I4s", data, at)
        if not kind.isalpha():
            raise decode_error(f"the PNG file has a chunk without a name at byte {at}", name)
        if length > len(data) - at - 12:
            raise decode_error(f"the PNG file ends within its chunk {kind.decode()} at byte {at}", name)
        yield kind, at + 8, length
        if kind == b"IEND":
            return
        at += 12 + length
    raise decode_error(f"the PNG file has more than {MAX_PNG_CHUNKS} chunks", name)


def _transparent(data: bytes, start: int, length: int, kind: int, depth: int, name: str) -> tuple[int, ...]:
    """Return the samples of the colour that tRNS makes transparent; only `depth` bits of each count."""
    samples = _CHANNELS[kind]
    if (
        length != 2 * samples
        or zlib.crc32(data[start - 4 : start + length]).to_bytes(4, "big")
        != (data[start + length : start + length + 4])
    ):
        raise decode_error(f"the PNG chunk tRNS at byte {start - 8} is damaged", name)
    return tuple(value & ((1 << depth) - 1) for value in struct.unpack_from(f">{samples}H", data, start))
