"""Imports PNG and JPEG files as RGBA texels of four bytes with a mip chain.

The peak of memory beside the file is at most _PEAK times the finest level: the decoder holds one picture, and
all else is done in place, a few rows at a time. Texels are as stored in the file: its colour profile, gamma
and orientation are not applied.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from engine.assets.cache.facts import TextureFacts
from engine.assets.codes import AssetCode
from engine.assets.formats import ColorSpace, TextureFormat
from engine.assets.importers import Imported
from engine.assets.importers.mips import (
    BAND_TEXELS,
    TEXEL_BYTES,
    fill_mips,
    full_chain,
    mip_offsets,
    mip_sizes,
)
from engine.assets.importers.pictures.jpeg import JPEG_SIGNATURE, read_jpeg
from engine.assets.importers.pictures.ktx2 import KTX2_SIGNATURE, ktx2_size, ktx2_texels
from engine.assets.importers.pictures.picture import PICTURE_ERRORS, PictureFile, decode_error
from engine.assets.importers.pictures.png import PNG_SIGNATURE, read_png
from engine.assets.importers.pictures.webp import is_webp, read_webp
from engine.assets.limits import MAX_TEXTURE_PIXELS, MAX_TEXTURE_SIDE
from engine.humon import InputError, Position, Problem

if TYPE_CHECKING:
    from PIL.Image import Image

_PEAK = 4
"""Bytes of memory at most for each byte of the finest level."""


@dataclass(frozen=True, slots=True)
class TextureSettings:
    """How to import a texture: its colour space and number of mip levels (None: the full chain)."""

    color_space: ColorSpace
    mip_levels: int | None = None


def import_texture(
    data: bytes, name: str, settings: TextureSettings, take: Callable[[int], None] = lambda size: None
) -> Imported:
    """Decode a PNG, JPEG, WebP or KTX 2 file and compute its mip levels; the result has the finest first.

    The structure of the file and the size in its header are checked before anything is decoded, and `take` is
    called with the most bytes of memory that it needs. Raises InputError: `texture.format`, `texture.size`,
    `texture.decode`, `texture.memory` or `texture.mips`.
    """
    is_ktx2 = data.startswith(KTX2_SIGNATURE)
    file = None if is_ktx2 else _read_file(data, name)
    width, height = ktx2_size(data, name) if file is None else (file.width, file.height)
    if is_ktx2:
        _check_size(width, height, name)
    most = full_chain(width, height)
    levels = settings.mip_levels or most
    if levels > most:
        message = f"{width} x {height} pixels have at most {most} mip levels, {levels} are requested"
        raise _error(AssetCode.TEXTURE_MIPS, message, name)
    sizes, offsets = mip_sizes(width, height, levels), mip_offsets(width, height, levels)
    take(_PEAK * width * height * TEXEL_BYTES)
    try:
        texels = _from_ktx2(data, offsets[-1], name) if file is None else _decode(file, offsets[-1], name)
        fill_mips(
            [
                texels[start:end].reshape(rows, columns, TEXEL_BYTES)
                for (start, end), (columns, rows) in zip(pairwise(offsets), sizes, strict=True)
            ],
            settings.color_space,
        )
    except MemoryError as error:
        message = f"there is no memory left for {width} x {height} pixels"
        hint = "scale the picture down, or cook with fewer workers: `cook SCENE --jobs 1`"
        raise _error(AssetCode.TEXTURE_MEMORY, message, name, hint) from error
    is_srgb = settings.color_space is ColorSpace.SRGB
    facts = TextureFacts(
        width=width,
        height=height,
        format=TextureFormat.R8G8B8A8_SRGB if is_srgb else TextureFormat.R8G8B8A8_UNORM,
        mip_levels=levels,
        mip_offsets=tuple(offsets[:-1]),
        size=offsets[-1],
    )
    texels.flags.writeable = False
    return Imported(texels.data, facts)


def _read_file(data: bytes, name: str) -> PictureFile:
    if data.startswith(PNG_SIGNATURE):
        file = read_png(data, name)
    elif data.startswith(JPEG_SIGNATURE):
        file = read_jpeg(data, name)
    elif is_webp(data):
        file = read_webp(data, name)
    else:
        message, hint = "the file is neither PNG, JPEG, WebP nor KTX 2", "save it as PNG or JPEG"
        raise _error(AssetCode.TEXTURE_FORMAT, message, name, hint)
    _check_size(file.width, file.height, name)
    if file.width * file.height > file.most_pixels:
        message = (
            f"the header claims {file.width} x {file.height} pixels, and the file can hold {file.most_pixels}"
        )
        raise decode_error(message, name)
    return file


def _from_ktx2(data: bytes, size: int, name: str) -> npt.NDArray[np.uint8]:
    """Return uint8[size] that begins with the texels of the finest level."""
    finest = ktx2_texels(data, name).reshape(-1)
    texels = np.empty(size, np.uint8)
    texels[: len(finest)] = finest
    return texels


def _check_size(width: int, height: int, name: str) -> None:
    if width == 0 or height == 0:
        message, hint = f"the picture has {width} x {height} pixels", "save the picture again"
        raise _error(AssetCode.TEXTURE_SIZE, message, name, hint)
    if max(width, height) > MAX_TEXTURE_SIDE or width * height > MAX_TEXTURE_PIXELS:
        message = (
            f"{width} x {height} pixels are too many: at most {MAX_TEXTURE_SIDE} per side "
            f"and {MAX_TEXTURE_PIXELS} in all"
        )
        raise _error(AssetCode.TEXTURE_SIZE, message, name, "scale the picture down")


def _decode(file: PictureFile, size: int, name: str) -> npt.NDArray[np.uint8]:
    """Return uint8[size] that begins with the texels of the picture; its memory is its caller's alone."""
    low = _low_bytes_match(file, name)
    picture = _load(file, name)
    file.stream.close()  # frees the copy without metadata
    texels = np.empty(size, np.uint8)
    finest = texels[: file.width * file.height * TEXEL_BYTES].reshape(file.height, file.width, TEXEL_BYTES)
    for rows in _bands(file):
        band = picture.crop((0, rows.start, file.width, rows.stop))
        finest[rows] = _rgba(band, file, None if low is None else low[rows], name)
    picture.close()
    return texels


def _load(file: PictureFile, name: str, rawmode: str = "") -> Image:
    """Return the decoded picture; in `rawmode`, if given, instead of that of its header."""
    from PIL import Image  # takes 40 ms

    try:
        with io.BytesIO(file.stream.getvalue()) as stream:  # no copy
            picture = Image.open(stream, formats=(file.kind,))
            if picture.size != (file.width, file.height):
                raise ValueError(f"its size is also given as {picture.size}")
            if rawmode:
                picture.tile = [tile._replace(args=rawmode) for tile in picture.tile]
            picture.load()
            return picture
    except PICTURE_ERRORS as error:
        reason = str(error) or type(error).__name__
        if "BytesIO" in reason:
            reason = "its headers are damaged"
        raise decode_error(f"the picture cannot be decoded: {reason}", name) from error


def _bands(file: PictureFile) -> list[slice]:
    """Return the rows of the picture as slices, some at a time."""
    step = max(1, BAND_TEXELS // file.width)
    return [slice(at, min(at + step, file.height)) for at in range(0, file.height, step)]


def _rgba(
    band: Image, file: PictureFile, low: npt.NDArray[np.bool_] | None, name: str
) -> npt.NDArray[np.uint8]:
    """Return the texels of some rows; of 16-bit colours Pillow has the high bytes, and `low` the rest."""
    key = file.transparent
    if band.mode.startswith("I"):  # 16-bit grey, which Pillow would clip to 8 bits
        wide = np.asarray(band)
        grey = ((wide.astype(np.uint32) + 128) // 257).astype(np.uint8)
        texels = np.stack([grey, grey, grey, np.full_like(grey, 255)], axis=-1)
        if key is not None:
            texels[wide == key[0], 3] = 0
        return texels
    try:
        converted = band.convert("RGBA")
    except PICTURE_ERRORS as error:  # a palette that is shorter than its transparency
        raise decode_error(f"the picture cannot be decoded: {error}", name) from error
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
    picture = _load(file, name, "RGB;16L")
    found = np.empty((file.height, file.width), np.bool_)
    for rows in _bands(file):
        band = np.asarray(picture.crop((0, rows.start, file.width, rows.stop)))
        found[rows] = (band == wanted).all(axis=-1)
    picture.close()
    return found


def _error(code: str, message: str, name: str, help: str = "") -> InputError:
    return InputError(Problem(code, message, Position(name), help=help))
