"""PNG files before they are decoded: the chunks are checked, and those that change no texel are left out.

A header may claim any size: it is believed if the compressed data can hold so much. Compressed texts and
colour profiles are never expanded; an animation is its default image. What a file must have is asked for
here, as the decoder does without it. (PNG specification, 5 and 11.)
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
_CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
_IHDR = struct.Struct(">IIBBBBB")
_IHDR_AT = len(PNG_SIGNATURE) + 8
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""First column, first row and the steps between columns and rows of each pass of an interlaced picture."""
_PIECE = 1 << 18
"""Bytes of pixels that are counted at once."""


def read_png(data: bytes, name: str) -> PictureFile:
    """Check the structure of a PNG file. Raises InputError `texture.decode`."""
    chunks = list(_chunks(data, name))
    if not chunks or chunks[0][0] != b"IHDR" or chunks[0][2] != 13:
        raise decode_error("the PNG file does not begin with its header", name)
    width, height, depth, kind, *methods = _IHDR.unpack_from(data, _IHDR_AT)
    if depth not in _DEPTHS.get(kind, ()) or methods[:2] != [0, 0] or methods[2] > 1:
        message = f"the PNG header has an unknown colour type {kind}, depth {depth} or method {methods}"
        raise decode_error(message, name)
    if chunks[-1][0] != b"IEND":
        raise decode_error(f"the PNG file ends after {len(data)} bytes, without its last chunk IEND", name)
    kept: list[bytes | memoryview] = [data[:8]]
    transparent, held = None, 0
    for number, (chunk, start, length) in enumerate(chunks):
        if chunk == b"IHDR" and number:
            raise decode_error(f"the PNG file has a second header at byte {start - 8}", name)
        _check_chunk(data, chunk, start, length, name)
        if chunk == b"tRNS" and kind in (_GREY, _COLOUR):
            transparent = _transparent(data, start, length, kind, depth, name)
        if chunk == b"IDAT":
            held += length
        if chunk[0] < 0x60 or (chunk == b"tRNS" and kind == _PALETTE):  # a capital letter: critical
            kept.append(memoryview(data)[start - 8 : start + length + 4])
    colours = _palette_size(chunks, depth, name) if kind == _PALETTE else 0
    most_pixels = held * _DEFLATE_RATIO * 8 // (depth * _CHANNELS[kind])
    left_out = len(kept) - 1 < len(chunks)
    stream = io.BytesIO(b"".join(kept) if left_out else data)
    channels = _CHANNELS[kind]
    return PictureFile("PNG", width, height, stream, most_pixels, depth, transparent, channels, colours)


def _check_chunk(data: bytes, chunk: bytes, start: int, length: int, name: str) -> None:
    """Check a chunk that must be known, or that changes texels. Raises InputError `texture.decode`."""
    is_critical = chunk[0] < 0x60  # a capital letter
    if is_critical and chunk not in _CRITICAL:
        message = f"the PNG file has a chunk {chunk.decode()} at byte {start - 8}, which is not known"
        raise decode_error(f"{message} and must be", name)
    if is_critical or chunk == b"tRNS":
        found = zlib.crc32(memoryview(data)[start - 4 : start + length])
        if found.to_bytes(4, "big") != data[start + length : start + length + 4]:
            message = f"the PNG chunk {chunk.decode()} at byte {start - 8} is damaged"
            raise decode_error(f"{message}: its checksum is wrong", name)


def _palette_size(chunks: list[tuple[bytes, int, int]], depth: int, name: str) -> int:
    """Return how many colours the palette has (11.2.2, 11.3.1.1). Raises InputError `texture.decode`."""
    order = [chunk for chunk, _, _ in chunks]
    before = order[: order.index(b"IDAT")] if b"IDAT" in order else order
    if b"PLTE" not in before:
        raise decode_error(
            "the PNG file has a palette by its header, and no chunk PLTE before its pixels", name
        )
    _, start, length = chunks[order.index(b"PLTE")]
    if length % 3 or not 0 < length // 3 <= 1 << depth:
        message = f"the PNG chunk PLTE at byte {start - 8} has {length} bytes: those of 1 to {1 << depth}"
        raise decode_error(f"{message} colours are three each", name)
    alphas = [(at, size) for chunk, at, size in chunks if chunk == b"tRNS"]
    if order.count(b"PLTE") > 1 or len(alphas) > 1:
        twice = b"PLTE" if order.count(b"PLTE") > 1 else b"tRNS"
        raise decode_error(f"the PNG file has several chunks {twice.decode()}", name)
    for at, size in alphas:
        if size > length // 3:
            message = f"the PNG chunk tRNS at byte {at - 8} has {size} alphas for {length // 3} colours"
            raise decode_error(message, name)
        if not order.index(b"PLTE") < order.index(b"tRNS") < len(before):
            message = f"the PNG chunk tRNS at byte {at - 8} is not between the palette and the pixels"
            raise decode_error(message, name)
    return length // 3


def check_pixels(data: bytes | memoryview, name: str) -> None:
    """Check that the compressed data of a PNG file has all pixels. Raises InputError `texture.decode`."""
    width, height, depth, kind, _, _, interlaced = _IHDR.unpack_from(data, _IHDR_AT)
    bits, needed, found = depth * _CHANNELS[kind], 0, 0
    for left, top, across, down in _PASSES if interlaced else ((0, 0, 1, 1),):
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        needed += rows * (1 + -(-columns * bits // 8)) if columns > 0 and rows > 0 else 0
    unpacking = zlib.decompressobj()
    try:
        for chunk, start, length in _chunks(data, name):
            piece: bytes | memoryview = memoryview(data)[start : start + length]
            while chunk == b"IDAT" and found < needed and len(piece):
                found += len(unpacking.decompress(piece, _PIECE))
                piece = unpacking.unconsumed_tail
        while found < needed and (rest := unpacking.decompress(unpacking.unconsumed_tail, _PIECE)):
            found += len(rest)
    except zlib.error as error:
        message = "the picture cannot be decoded: its compressed pixels are damaged"
        message = f"{message} after {found} of {needed} bytes"
        raise decode_error(message, name) from error
    if found < needed:
        message = f"the PNG file has {found} bytes of pixels once they are decompressed"
        raise decode_error(f"{message}; {width} x {height} pixels take {needed}", name)


def _chunks(data: bytes | memoryview, name: str) -> Iterator[tuple[bytes, int, int]]:
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
    if length != 2 * samples:
        raise decode_error(f"the PNG chunk tRNS at byte {start - 8} is damaged", name)
    return tuple(value & ((1 << depth) - 1) for value in struct.unpack_from(f">{samples}H", data, start))
