"""KTX 2 files of one picture: texels and blocks as devices take them, or Basis Universal.

Supercompression is zstd or zlib; zstd and Basis Universal take packages that are extras of ours. What is
decompressed is limited to what the header says of it. (Khronos, "KTX File Format Specification", version 2.)
"""

from __future__ import annotations

import struct
import zlib
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from engine.assets.codes import AssetCode
from engine.assets.formats import TextureFormat
from engine.assets.importers.blocks.levels import decode_level
from engine.assets.importers.mips import full_chain
from engine.assets.importers.pictures.picture import (
    Picture,
    Rows,
    Texels,
    as_rgba,
    bands,
    decode_error,
    format_error,
)
from engine.humon import InputError, Position, Problem

KTX2_SIGNATURE = b"\xabKTX 20\xbb\r\n\x1a\n"
_HEADER = struct.Struct("<9I")
_LEVEL = struct.Struct("<QQQ")
_FIRST_LEVEL = 80
_BASIS, _RGB = 0, (23, 29)
"""VkFormat undefined, which Basis Universal has; r8g8b8 as unorm and sRGB, which devices do not take."""
_FORMATS = {
    9: TextureFormat.R8_UNORM,
    16: TextureFormat.R8G8_UNORM,
    37: TextureFormat.R8G8B8A8_UNORM,
    43: TextureFormat.R8G8B8A8_SRGB,
    70: TextureFormat.R16_UNORM,
    76: TextureFormat.R16_SFLOAT,
    77: TextureFormat.R16G16_UNORM,
    83: TextureFormat.R16G16_SFLOAT,
    91: TextureFormat.R16G16B16A16_UNORM,
    97: TextureFormat.R16G16B16A16_SFLOAT,
    100: TextureFormat.R32_SFLOAT,
    103: TextureFormat.R32G32_SFLOAT,
    109: TextureFormat.R32G32B32A32_SFLOAT,
    131: TextureFormat.BC1_RGB_UNORM_BLOCK,
    132: TextureFormat.BC1_RGB_SRGB_BLOCK,
    133: TextureFormat.BC1_RGBA_UNORM_BLOCK,
    134: TextureFormat.BC1_RGBA_SRGB_BLOCK,
    137: TextureFormat.BC3_UNORM_BLOCK,
    138: TextureFormat.BC3_SRGB_BLOCK,
    139: TextureFormat.BC4_UNORM_BLOCK,
    141: TextureFormat.BC5_UNORM_BLOCK,
    145: TextureFormat.BC7_UNORM_BLOCK,
    146: TextureFormat.BC7_SRGB_BLOCK,
}
_NONE, _ZSTD, _ZLIB = 0, 2, 3


def read_ktx2(data: bytes, name: str) -> Picture:
    """Return the picture of a KTX 2 file.

    Raises InputError: `texture.format` for what is not read, `texture.package` for a package that is not
    installed, `texture.decode` for a damaged file. So do its `rows` and `levels`.
    """
    if len(data) < _FIRST_LEVEL + _LEVEL.size:
        raise decode_error(f"the KTX 2 file ends after {len(data)} bytes, within its header", name)
    number, _, width, height, depth, layers, faces, levels, scheme = _HEADER.unpack_from(
        data, len(KTX2_SIGNATURE)
    )
    if depth or layers > 1 or faces != 1 or not height:
        raise decode_error("the KTX 2 file is no single picture: it has depth, layers or faces", name)
    if number == _BASIS:
        return Picture(width, height, partial(_transcoded, data, name, width, height))
    form = _FORMATS.get(number)
    if (form is None and number not in _RGB) or scheme not in (_NONE, _ZSTD, _ZLIB):
        message = f"the KTX 2 file has VkFormat {number}, supercompressed by scheme {scheme}"
        hint = "8-bit, 16-bit and float texels, BC1, BC3, BC4, BC5, BC7 and Basis Universal are read"
        raise format_error(message, name, f"{hint}: convert it with `ktx`")
    if levels > full_chain(width, height) or _FIRST_LEVEL + levels * _LEVEL.size > len(data):
        raise decode_error(f"the KTX 2 file says that it has {levels} levels", name)
    level = partial(_level, data, name, form, width, height, scheme)
    if form is None:
        return Picture(width, height, partial(_plain, level, np.dtype("u1"), 3, width, height))
    rows = partial(_plain, level, form.dtype, form.channels, width, height)
    if form.block:
        rows = partial(_from_blocks, level, form, width, height, name)
    return Picture(
        width,
        height,
        rows,
        bits=32 if form.is_float else 8 * form.dtype.itemsize,
        format=form,
        levels=level,
        level_count=max(1, levels),
        texel_bytes=max(4, form.channels * form.dtype.itemsize),
    )


def _level(
    data: bytes, name: str, form: TextureFormat | None, width: int, height: int, scheme: int, number: int
) -> bytes | memoryview:
    """Return the bytes of a level of the file. Raises InputError."""
    offset, length, _ = _LEVEL.unpack_from(data, _FIRST_LEVEL + number * _LEVEL.size)
    sides = max(1, width >> number), max(1, height >> number)
    size = form.level_bytes(*sides) if form is not None else sides[0] * sides[1] * 3
    if offset + length > len(data) or (scheme == _NONE and length != size):
        message = f"level {number} has {length} bytes at byte {offset}"
        raise decode_error(f"{message}, which do not fit", name)
    part = memoryview(data)[offset : offset + length]
    if scheme == _NONE:
        return part
    try:
        found = _decompressed(part, size, scheme, name)
    except (zlib.error, EOFError, ValueError) as error:
        message = f"level {number}, at byte {offset}, cannot be decompressed: its {length} bytes are damaged"
        raise decode_error(message, name) from error
    if len(found) != size:
        message = f"level {number}, at byte {offset}, has {len(found)} bytes or more, not {size}"
        raise decode_error(message, name)
    return found


def _decompressed(part: memoryview, size: int, scheme: int, name: str) -> bytes:
    """Return what a level was before it was compressed, at most one byte more than `size`."""
    if scheme == _ZLIB:
        return zlib.decompressobj().decompress(part, size + 1)
    zstd = _zstd(name)
    try:
        found: bytes = zstd.ZstdDecompressor().decompress(part, max_length=size + 1)
    except zstd.ZstdError as error:
        raise ValueError(str(error)) from error
    return found


def _zstd(name: str) -> Any:
    """Return the module for zstd: that of Python 3.14 or later, or the same as a package."""
    for package in ("compression", "backports"):
        try:
            return import_module(f"{package}.zstd")
        except ImportError:
            continue
    message = "the picture is compressed with zstd, and the package 'backports.zstd' is not installed"
    hint = "install it: pip install 'diorama[import]', or pip install backports.zstd"
    raise InputError(Problem(AssetCode.TEXTURE_PACKAGE, message, Position(name), help=hint))


def _plain(level: Any, dtype: np.dtype[Any], channels: int, width: int, height: int, deep: bool) -> Rows:
    texels = np.frombuffer(level(0), dtype).reshape(height, width, channels)
    for rows in bands(width, height):
        yield rows, _shown(_grey_as_red(texels[rows]), deep)


def _grey_as_red(texels: Texels) -> Texels:
    """Return texels of one or two channels as red and green, so that two are not taken for grey and alpha."""
    if texels.shape[-1] != 2:
        return texels
    return np.concatenate((texels, np.zeros_like(texels[..., :1])), axis=-1)


def _shown(texels: Texels, deep: bool) -> Texels:
    full = as_rgba(texels.astype(np.float32) if texels.dtype.kind == "f" else texels)
    if full.dtype.itemsize == 2 and not deep:
        return ((full.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return full


def _from_blocks(level: Any, form: TextureFormat, width: int, height: int, name: str, deep: bool) -> Rows:
    texels = np.empty((height, width, form.channels), np.uint8)
    decode_level(level(0), form, width, height, texels, name)
    for rows in bands(width, height):
        yield rows, as_rgba(_grey_as_red(texels[rows]))


def _transcoded(data: bytes, name: str, width: int, height: int, deep: bool) -> Rows:
    try:
        basisu = import_module("opengl_basisu")
    except ImportError as error:
        message = "the picture is Basis Universal, and the package 'opengl_basisu' is not installed"
        hint = "install it: pip install 'diorama[import]', or pip install opengl_basisu"
        raise InputError(Problem(AssetCode.TEXTURE_PACKAGE, message, Position(name), help=hint)) from error
    try:
        texels = np.asarray(basisu.open(data).transcode("rgba8").data, np.uint8)
    except (basisu.BasisuError, basisu.UnsupportedError, ValueError, LookupError) as error:
        message = "the picture cannot be transcoded: its data is damaged, or of a kind that is not read"
        raise decode_error(message, name) from error
    if texels.shape != (height, width, 4):
        raise decode_error("the picture is of another size than its header says", name)
    for rows in bands(width, height):
        yield rows, texels[rows]
