"""PNG, JPEG and WebP pictures decoded by Pillow, 16-bit samples in full."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from engine.assets.importers.pictures.picture import (
    PICTURE_ERRORS,
    Picture,
    PictureFile,
    Rows,
    Texels,
    bands,
    decode_error,
)
from engine.assets.importers.pictures.png import check_pixels
from engine.humon import InputError

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

_GREY_ALPHA = 2
_PARTS = {
    ("PNG", False): "headers",
    ("PNG", True): "pixels",
    ("JPEG", False): "headers",
    ("JPEG", True): "tables or pixels",
    ("WEBP", False): "headers or pixels",
    ("WEBP", True): "pixels",
}
"""What of a file is damaged where its decoder fails, by kind and whether it has read the headers."""
_IHDR_DEPTH = 24
"""Where a PNG file has the depth of its samples, and behind it the colour type."""


def pillow_picture(file: PictureFile, name: str) -> Picture:
    """Return a checked file as a picture. Its `rows` raise InputError `texture.decode`."""
    return Picture(
        file.width,
        file.height,
        partial(_rows, file, name),
        bits=file.depth if file.depth == 16 else 8,
        has_grey_alpha=file.channels == _GREY_ALPHA,
    )


def _rows(file: PictureFile, name: str, deep: bool) -> Rows:
    if deep and file.depth == 16:
        yield from _deep_rows(file, name)
        return
    if file.kind == "WEBP":
        yield from _webp_rows(file, name)
        return
    low = _low_bytes_match(file, name)
    picture = load(file, name)
    file.stream.close()  # frees the copy without metadata
    for rows in bands(file.width, file.height):
        band = picture.crop((0, rows.start, file.width, rows.stop))
        yield rows, _rgba(band, file, None if low is None else low[rows], name)
    picture.close()


def _webp_rows(file: PictureFile, name: str) -> Rows:
    """Yield the texels that the decoder gives, without a picture of Pillow's made of them.

    The decoder holds two canvases and a copy of the file, so that it goes before anything else is made.
    """
    with _opened(file, name) as picture:
        decoder = vars(picture).pop("_decoder")
        frame = decoder.get_next()
        del decoder
        if frame is None:
            raise _undecodable("its pixels are damaged", name)
        is_opaque = picture.mode == "RGB"
    file.stream.close()
    texels = np.frombuffer(frame[0], np.uint8).reshape(file.height, file.width, 4)
    for rows in bands(file.width, file.height):
        band = texels[rows].copy()
        if is_opaque:
            band[..., 3] = 0xFF
        yield rows, band


def _deep_rows(file: PictureFile, name: str) -> Rows:
    """Yield 16-bit texels: Pillow has them of grey alone, and the high or the low bytes of others."""
    key = file.transparent
    if file.channels == _GREY_ALPHA:
        parts = [load(_as_bytes(file), name)]
    elif file.channels == 1:
        parts = [load(file, name)]
    else:
        mode = "RGB" if file.channels == 3 else "RGBA"
        parts = [load(file, name), load(file, name, f"{mode};16L")]
    file.stream.close()
    for rows in bands(file.width, file.height):
        arrays = [np.asarray(part.crop((0, rows.start, file.width, rows.stop))) for part in parts]
        texels = np.full((rows.stop - rows.start, file.width, 4), 0xFFFF, np.uint16)
        if file.channels == 1:
            texels[..., :3] = arrays[0][..., None]
        elif file.channels == _GREY_ALPHA:  # the bytes of grey and alpha, the high one first
            pairs = arrays[0].view(">u2")
            texels[..., :3], texels[..., 3] = pairs[..., :1], pairs[..., 1]
        else:
            high, low = arrays
            texels[..., : high.shape[-1]] = high.astype(np.uint16) << 8 | low
        if key is not None:
            texels[(texels[..., :3] == key).all(axis=-1), 3] = 0
        yield rows, texels
    for part in parts:
        part.close()


def _as_bytes(file: PictureFile) -> PictureFile:
    """Return a PNG file of 16-bit grey and alpha as 8-bit RGBA, whose rows have the same bytes."""
    data = bytearray(file.stream.getvalue())
    data[_IHDR_DEPTH : _IHDR_DEPTH + 2] = bytes([8, 6])
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return PictureFile("PNG", file.width, file.height, io.BytesIO(data), file.most_pixels)


def load(file: PictureFile, name: str, rawmode: str = "") -> Image:
    """Return the decoded picture; in `rawmode`, if given, instead of that of its header.

    Raises InputError `texture.decode`.
    """
    with _opened(file, name) as picture:
        if rawmode:
            picture.tile = [tile._replace(args=rawmode) for tile in picture.tile]
        picture.load()
    if file.kind == "PNG" and not _ends_in_pixels(picture):
        check_pixels(file.stream.getvalue(), name)
    return picture


def _ends_in_pixels(picture: Image) -> bool:
    """Whether the last row shows that the data had all of them: rows that it lacks are zeros, unreported."""
    width, height = picture.size
    is_interlaced = bool(picture.info.get("interlace"))
    return not is_interlaced and bool(np.asarray(picture.crop((0, height - 1, width, height))).any())


@contextmanager
def _opened(file: PictureFile, name: str) -> Iterator[ImageFile]:
    """Open a picture; what Pillow raises in the block is an InputError `texture.decode`, in our words."""
    from PIL import Image  # takes 40 ms

    has_headers = False
    try:
        with io.BytesIO(file.stream.getvalue()) as stream:  # no copy
            picture = Image.open(stream, formats=(file.kind,))
            if picture.size != (file.width, file.height):
                size = f"{picture.width} x {picture.height}"
                raise _undecodable(f"its size is also given as {size} pixels", name)
            has_headers = True
            yield picture
    except PICTURE_ERRORS as error:
        if file.kind == "PNG":
            check_pixels(file.stream.getvalue(), name)  # says what of them is missing
        raise _undecodable(f"its {_PARTS[file.kind, has_headers]} are damaged", name) from error


def _undecodable(reason: str, name: str) -> InputError:
    return decode_error(f"the picture cannot be decoded: {reason}", name)


def _rgba(band: Image, file: PictureFile, low: npt.NDArray[np.bool_] | None, name: str) -> Texels:
    """Return the texels of some rows; of 16-bit colours Pillow has the high bytes, and `low` the rest."""
    key = file.transparent
    if band.mode.startswith("I"):  # 16-bit grey, which Pillow would clip to 8 bits
        wide = np.asarray(band)
        grey = ((wide.astype(np.uint32) + 128) // 257).astype(np.uint8)
        texels = np.stack([grey, grey, grey, np.full_like(grey, 255)], axis=-1)
        if key is not None:
            texels[wide == key[0], 3] = 0
        return texels
    if file.colours and (highest := int(np.asarray(band).max())) >= file.colours:
        message = f"a pixel has the colour {highest} of a palette of {file.colours}, counted from 0"
        raise decode_error(message, name)
    try:
        converted = band.convert("RGBA")
    except PICTURE_ERRORS as error:
        raise _undecodable("its colours are damaged", name) from error
    texels = np.array(converted)
    if key is not None:
        most = (1 << file.depth) - 1
        wanted = [value >> 8 if file.depth == 16 else value * 255 // most for value in key]
        matches = (texels[..., :3] == wanted).all(axis=-1)
        texels[matches if low is None else matches & low, 3] = 0
    return texels


def _low_bytes_match(file: PictureFile, name: str) -> npt.NDArray[np.bool_] | None:
    """Return where the low bytes of a 16-bit RGB file are those of its transparent colour.

    Pillow drops them, so that they are decoded alone. None if there is no such colour.
    """
    if file.depth != 16 or file.transparent is None or len(file.transparent) != 3:
        return None
    wanted = [value & 255 for value in file.transparent]
    picture = load(file, name, "RGB;16L")
    found = np.empty((file.height, file.width), np.bool_)
    for rows in bands(file.width, file.height):
        band = np.asarray(picture.crop((0, rows.start, file.width, rows.stop)))
        found[rows] = (band == wanted).all(axis=-1)
    picture.close()
    return found
