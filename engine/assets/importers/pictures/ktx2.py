"""KTX 2 files of a picture or of faces of a cube: texels and blocks as devices take them, Basis Universal.

Supercompression is zstd or zlib; zstd and Basis Universal take packages that are extras of ours. What is
decompressed is limited to what the header says of it. (Khronos, "KTX File Format Specification", version 2.)
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np

from engine.assets.codes import AssetCode
from engine.assets.formats import TextureFormat
from engine.assets.importers.blocks.bc6h import BLOCK_BYTES, decode_bc6h
from engine.assets.importers.blocks.levels import decode_level
from engine.assets.importers.mips import full_chain
from engine.assets.importers.pictures.format_names import format_name
from engine.assets.importers.pictures.ktx2_metadata import Arrangement, Metadata, read_metadata
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

Level: TypeAlias = Callable[[int], bytes | memoryview]
"""Returns the bytes of a level, the finest for 0."""

KTX2_SIGNATURE = b"\xabKTX 20\xbb\r\n\x1a\n"
_HEADER = struct.Struct("<9I")
_LEVEL = struct.Struct("<QQQ")
_FIRST_LEVEL = 80
_BASIS = 0
"""VkFormat undefined, which Basis Universal has."""
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
    135: TextureFormat.BC2_UNORM_BLOCK,
    136: TextureFormat.BC2_SRGB_BLOCK,
    137: TextureFormat.BC3_UNORM_BLOCK,
    138: TextureFormat.BC3_SRGB_BLOCK,
    139: TextureFormat.BC4_UNORM_BLOCK,
    141: TextureFormat.BC5_UNORM_BLOCK,
    145: TextureFormat.BC7_UNORM_BLOCK,
    146: TextureFormat.BC7_SRGB_BLOCK,
}
_UNORM, _SRGB = TextureFormat.R8G8B8A8_UNORM, TextureFormat.R8G8B8A8_SRGB
_HALF = TextureFormat.R16G16B16A16_SFLOAT
_RGB, _BGR, _BGRA = (0, 1, 2), (2, 1, 0), (2, 1, 0, 3)
_ORDERED: Mapping[int, tuple[tuple[int, ...], TextureFormat]] = {
    15: ((0,), _SRGB),
    22: ((0, 1), _SRGB),
    23: (_RGB, _UNORM),
    29: (_RGB, _SRGB),
    30: (_BGR, _UNORM),
    36: (_BGR, _SRGB),
    44: (_BGRA, _UNORM),
    50: (_BGRA, _SRGB),
    84: (_RGB, TextureFormat.R16G16B16A16_UNORM),
    90: (_RGB, _HALF),
    106: (_RGB, TextureFormat.R32G32B32A32_SFLOAT),
}
"""Formats that become another with four channels: where red, green, blue and alpha are, and the other."""

_BC6H = {143: False, 144: True}
"""Whether blocks of half floats have signs; they become 16-bit floats."""

_NONE, _ZSTD, _ZLIB = 0, 2, 3
_SCHEMES = {1: "BasisLZ"}


def read_ktx2(data: bytes, name: str) -> Picture:
    """Return the picture of a KTX 2 file.

    Raises InputError: `texture.format` for what is not read, `texture.package` for a package that is not
    installed, `texture.decode` for a damaged file. So do its `rows` and `levels`.
    """
    (picture,) = _read(data, name, faces=(1,))
    return picture


def read_ktx2_faces(data: bytes, name: str) -> list[Picture]:
    """Return the picture of a file, or the six faces of a cube: px nx py ny pz nz. Raises as `read_ktx2`."""
    return _read(data, name, faces=(1, 6))


def _read(data: bytes, name: str, faces: tuple[int, ...]) -> list[Picture]:
    if len(data) < _FIRST_LEVEL + _LEVEL.size:
        raise decode_error(f"the KTX 2 file ends after {len(data)} bytes, within its header", name)
    number, _, width, height, depth, layers, count, levels, scheme = _HEADER.unpack_from(
        data, len(KTX2_SIGNATURE)
    )
    if depth or layers > 1 or count not in faces or not height:
        raise decode_error("the KTX 2 file is no single picture: it has depth, layers or faces", name)
    if number != _BASIS and number not in _FORMATS and number not in _ORDERED and number not in _BC6H:
        message = f"the KTX 2 file has texels of {format_name(number)}"
        hint = f"save it as Basis Universal or as one of these, `ktx create` does: {read_formats()}"
        raise format_error(message, name, hint)
    metadata = read_metadata(data, name)
    if number == _BASIS:
        if count > 1:
            message = "the KTX 2 file has the faces of a cube as Basis Universal"
            raise format_error(message, name, f"save them as one of these: {read_formats()}")
        arrangement = metadata.arrangement((0, 1, 2, 3), is_native=True)
        rows = partial(_transcoded, data, name, width, height, arrangement)
        return [Picture(width, height, rows, warnings=metadata.warnings)]
    if scheme not in (_NONE, _ZSTD, _ZLIB):
        known = f" ({_SCHEMES[scheme]})" if scheme in _SCHEMES else ""
        message = f"the KTX 2 file has {format_name(number)}, supercompressed by scheme {scheme}{known}"
        raise format_error(message, name, "save it with zstd or zlib, or not supercompressed: `ktx deflate`")
    if levels > full_chain(width, height) or _FIRST_LEVEL + levels * _LEVEL.size > len(data):
        raise decode_error(f"the KTX 2 file says that it has {levels} levels", name)
    files = [_File(data, name, width, height, scheme, face, count) for face in range(count)]
    return [_picture(file, number, max(1, levels), metadata) for file in files]


def _picture(file: _File, number: int, levels: int, metadata: Metadata) -> Picture:
    """Return a picture of so many levels, whose header was checked."""
    form, level, arrangement = _stored(file, number, metadata)
    is_of_blocks = bool(form.block)
    if is_of_blocks and not arrangement.is_as_stored:
        level, form, is_of_blocks = partial(_texels_of_blocks, file, level, form), form.plain, False
    if not arrangement.is_as_stored:
        stored = form.dtype, arrangement
        if len(arrangement.channels) > form.channels:
            form = _with_four_channels(form)
        level = partial(_arranged, file, level, *stored)
    return Picture(
        file.width,
        file.height,
        partial(_from_blocks if is_of_blocks else _plain, file, level, form),
        bits=32 if form.is_float else 8 * form.dtype.itemsize,
        has_grey_alpha=arrangement.has_grey_alpha,
        format=form,
        levels=level,
        level_count=levels,
        texel_bytes=max(4, form.channels * form.dtype.itemsize),
        warnings=metadata.warnings,
    )


def read_formats() -> str:
    """Return the formats that are read, those of the same kinds of numbers together."""
    heads: dict[str, list[str]] = {}
    for number in sorted((*_FORMATS, *_ORDERED, *_BC6H)):
        name = format_name(number).removeprefix("VK_FORMAT_").split(" ")[0].removesuffix("_BLOCK")
        head, _, kind = name.rpartition("_")
        heads.setdefault(head, []).append(kind)
    groups: dict[str, list[str]] = {}
    for head, kinds in heads.items():
        groups.setdefault(" or ".join(kinds), []).append(head)
    return "; ".join(f"{', '.join(heads)} ({kinds})" for kinds, heads in groups.items())


@dataclass(frozen=True, slots=True)
class _File:
    """A file whose header was read, its supercompression, and which of its faces is meant."""

    data: bytes
    name: str
    width: int
    height: int
    scheme: int
    face: int = 0
    faces: int = 1

    def sides(self, number: int) -> tuple[int, int]:
        """Return width and height of a level."""
        return max(1, self.width >> number), max(1, self.height >> number)


def _stored(file: _File, number: int, metadata: Metadata) -> tuple[TextureFormat, Level, Arrangement]:
    """Return the format of the texels or blocks of a file, its levels, and how their texels are arranged."""
    if number in _BC6H:
        blocks: Level = partial(_level, file, _bc6h_bytes)
        texels = partial(_texels_of_bc6h, file, blocks, _BC6H[number])
        return _HALF, texels, metadata.arrangement((0, 1, 2, 3), is_native=True)
    if number in _ORDERED:
        order, form = _ORDERED[number]
        level = partial(_level, file, partial(_texel_bytes, len(order) * form.dtype.itemsize))
        return form, level, metadata.arrangement(order, is_native=False)
    form = _FORMATS[number]
    arrangement = metadata.arrangement(tuple(range(form.channels)), is_native=True)
    return form, partial(_level, file, form.level_bytes), arrangement


def _level(file: _File, size_of: Callable[[int, int], int], number: int) -> memoryview:
    """Return the bytes of a level of the face; those of so many texels are given. Raises InputError."""
    offset, length, _ = _LEVEL.unpack_from(file.data, _FIRST_LEVEL + number * _LEVEL.size)
    face = size_of(*file.sides(number))
    size = face * file.faces
    if offset + length > len(file.data) or (file.scheme == _NONE and length != size):
        message = f"level {number} has {length} bytes at byte {offset}"
        raise decode_error(f"{message}, which do not fit", file.name)
    part = memoryview(file.data)[offset : offset + length]
    own = slice(file.face * face, (file.face + 1) * face)
    if file.scheme == _NONE:
        return part[own]
    try:
        found = _decompressed(part, size, file.scheme, file.name)
    except (zlib.error, EOFError, ValueError) as error:
        message = f"level {number}, at byte {offset}, cannot be decompressed: its {length} bytes are damaged"
        raise decode_error(message, file.name) from error
    if len(found) != size:
        message = f"level {number}, at byte {offset}, has {len(found)} bytes or more, not {size}"
        raise decode_error(message, file.name)
    return memoryview(found)[own]


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


def _arranged(
    file: _File, level: Level, dtype: np.dtype[Any], arrangement: Arrangement, number: int
) -> memoryview:
    """Return a level whose texels are those of the picture."""
    width, height = file.sides(number)
    texels = np.frombuffer(level(number), dtype).reshape(height, width, arrangement.stored)
    return arrangement.applied(texels).reshape(-1).view(np.uint8).data


def _texels_of_blocks(file: _File, level: Level, form: TextureFormat, number: int) -> memoryview:
    """Return a level of blocks as the texels that they stand for."""
    width, height = file.sides(number)
    texels = np.empty((height, width, form.channels), np.uint8)
    decode_level(level(number), form, width, height, texels, file.name)
    return texels.reshape(-1).data


def _texels_of_bc6h(file: _File, level: Level, is_signed: bool, number: int) -> memoryview:
    """Return a level of BC6H as RGBA texels of 16-bit floats."""
    width, height = file.sides(number)
    texels = np.ones((height, width, 4), _HALF.dtype)
    for rows, found in decode_bc6h(level(number), width, height, is_signed=is_signed):
        texels[rows, :, :3] = found
    return texels.reshape(-1).view(np.uint8).data


def _with_four_channels(form: TextureFormat) -> TextureFormat:
    head, _, kind = form.name.partition("_")
    bits = head[1:].split("G")[0]
    return TextureFormat[f"R{bits}G{bits}B{bits}A{bits}_{kind}"]


def _plain(file: _File, level: Level, form: TextureFormat, deep: bool) -> Rows:
    texels = np.frombuffer(level(0), form.dtype).reshape(file.height, file.width, form.channels)
    for rows in bands(file.width, file.height):
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


def _from_blocks(file: _File, level: Level, form: TextureFormat, deep: bool) -> Rows:
    yield from _plain(file, partial(_texels_of_blocks, file, level, form), form.plain, deep)


def _texel_bytes(texel_size: int, width: int, height: int) -> int:
    return texel_size * width * height


def _bc6h_bytes(width: int, height: int) -> int:
    return -(-width // 4) * -(-height // 4) * BLOCK_BYTES


def _transcoded(
    data: bytes, name: str, width: int, height: int, arrangement: Arrangement, deep: bool
) -> Rows:
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
    if not arrangement.is_as_stored:
        texels = arrangement.applied(texels)
    for rows in bands(width, height):
        yield rows, texels[rows]
