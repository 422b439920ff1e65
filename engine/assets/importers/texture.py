"""Imports PNG and JPEG files as RGBA texels of four bytes with a mip chain."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.assets.codes import AssetCode
from engine.assets.facts import TextureFacts
from engine.assets.formats import ColorSpace, TextureFormat
from engine.assets.importers import Imported
from engine.assets.importers.mips import full_chain, mip_chain
from engine.assets.limits import MAX_TEXTURE_PIXELS, MAX_TEXTURE_SIDE
from engine.humon import InputError, Position, Problem

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_JPEG_SIGNATURE = b"\xff\xd8\xff"
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    MemoryError,
    AttributeError,
    struct.error,
    zlib.error,
    Warning,
)


@dataclass(frozen=True, slots=True)
class TextureSettings:
    """How to import a texture: its colour space and number of mip levels (None: the full chain)."""

    color_space: ColorSpace
    mip_levels: int | None = None


def import_texture(data: bytes, name: str, settings: TextureSettings) -> Imported:
    """Decode a PNG or JPEG file and compute its mip levels; the result has the finest first.

    The size in the file's header is checked before anything is decoded. Raises InputError:
    `texture.format`, `texture.size`, `texture.decode` or `texture.mips`.
    """
    width, height = picture_size(data, name)
    _check_size(width, height, name)
    texels = _decode(data, name)
    height, width = texels.shape[:2]
    most = full_chain(width, height)
    levels = settings.mip_levels or most
    if levels > most:
        message = f"{width} x {height} pixels have at most {most} mip levels, {levels} are requested"
        raise _error(AssetCode.TEXTURE_MIPS, message, name)
    chain = mip_chain(texels, levels, settings.color_space)
    offsets = np.cumsum([0, *(level.nbytes for level in chain)]).tolist()
    is_srgb = settings.color_space is ColorSpace.SRGB
    facts = TextureFacts(
        width=width,
        height=height,
        format=TextureFormat.R8G8B8A8_SRGB if is_srgb else TextureFormat.R8G8B8A8_UNORM,
        mip_levels=levels,
        mip_offsets=tuple(offsets[:-1]),
        size=offsets[-1],
    )
    return Imported(b"".join(level.tobytes() for level in chain), facts)


def picture_size(data: bytes, name: str) -> tuple[int, int]:
    """Return width and height from the header of a PNG or JPEG file, without decoding it.

    Raises InputError `texture.format` or `texture.decode`.
    """
    if data.startswith(_PNG_SIGNATURE):
        if len(data) < 24 or data[12:16] != b"IHDR":
            raise _error(AssetCode.TEXTURE_DECODE, "the PNG file ends within its header", name)
        return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if data.startswith(_JPEG_SIGNATURE):
        return _jpeg_size(data, name)
    raise _error(AssetCode.TEXTURE_FORMAT, "the file is neither PNG nor JPEG", name, "save it as PNG or JPEG")


def _jpeg_size(data: bytes, name: str) -> tuple[int, int]:
    """Find the first frame header among the markers (ITU-T T.81, B.2.2)."""
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            break
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _WITHOUT_LENGTH:
            at += 2
        elif marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        else:
            at += 2 + max(int.from_bytes(data[at + 2 : at + 4], "big"), 2)
    raise _error(AssetCode.TEXTURE_DECODE, "the JPEG file has no frame header", name)


def _check_size(width: int, height: int, name: str) -> None:
    if width == 0 or height == 0:
        raise _error(AssetCode.TEXTURE_SIZE, f"the picture has {width} x {height} pixels", name)
    if max(width, height) > MAX_TEXTURE_SIDE or width * height > MAX_TEXTURE_PIXELS:
        message = (
            f"{width} x {height} pixels are too many: at most {MAX_TEXTURE_SIDE} per side "
            f"and {MAX_TEXTURE_PIXELS} in all"
        )
        raise _error(AssetCode.TEXTURE_SIZE, message, name, "scale the picture down")


def _decode(data: bytes, name: str) -> npt.NDArray[np.uint8]:
    from PIL import Image  # takes 40 ms

    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as picture:
            _check_size(*picture.size, name)
            if picture.mode.startswith("I"):  # 16-bit grey, which Pillow would clip to 8 bits
                grey = (np.asarray(picture).astype(np.uint32) + 128) // 257
                return np.stack([grey, grey, grey, np.full_like(grey, 255)], axis=-1).astype(np.uint8)
            return np.ascontiguousarray(picture.convert("RGBA"))
    except _BROKEN as error:
        reason = str(error) or type(error).__name__
        raise _error(AssetCode.TEXTURE_DECODE, f"the picture cannot be decoded: {reason}", name) from error


def _error(code: str, message: str, name: str, help: str = "") -> InputError:
    return InputError(Problem(code, message, Position(name), help=help))
