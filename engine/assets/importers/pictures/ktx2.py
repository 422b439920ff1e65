"""KTX 2 files: the finest level as texels; Basis Universal payloads take a package that is an extra of ours.

(Khronos, "KTX File Format Specification", version 2.)
"""

from __future__ import annotations

import struct
from importlib import import_module

import numpy as np
import numpy.typing as npt

from engine.assets.codes import AssetCode
from engine.assets.importers.pictures.picture import decode_error
from engine.humon import InputError, Position, Problem

KTX2_SIGNATURE = b"\xabKTX 20\xbb\r\n\x1a\n"
_HEADER = struct.Struct("<9I")
_LEVEL = struct.Struct("<QQQ")
_FIRST_LEVEL = 80
_BASIS, _PLAIN = 0, (37, 43)
"""VkFormat undefined, which Basis Universal has, and r8g8b8a8 as unorm and sRGB."""


def ktx2_size(data: bytes, name: str) -> tuple[int, int]:
    """Return width and height of a KTX 2 file with one picture. Raises InputError `texture.decode`."""
    if len(data) < _FIRST_LEVEL + _LEVEL.size:
        raise decode_error(f"the KTX 2 file ends after {len(data)} bytes, within its header", name)
    _, _, width, height, depth, layers, faces, _, _ = _HEADER.unpack_from(data, len(KTX2_SIGNATURE))
    if depth or layers > 1 or faces != 1 or not height:
        raise decode_error("the KTX 2 file is no single picture: it has depth, layers or faces", name)
    return width, height


def ktx2_texels(data: bytes, name: str) -> npt.NDArray[np.uint8]:
    """Return the finest level, uint8[height, width, 4].

    Raises InputError: `texture.format` for a format that is not read or a package that is not installed,
    `texture.decode` for a damaged file.
    """
    width, height = ktx2_size(data, name)
    form, compression = _HEADER.unpack_from(data, len(KTX2_SIGNATURE))[0], data[44]
    if form == _BASIS:
        return _transcoded(data, name, (height, width, 4))
    if form not in _PLAIN or compression:
        message = f"the KTX 2 file has VkFormat {form}, supercompressed by scheme {compression}"
        hint = "r8g8b8a8 without supercompression and Basis Universal are read: convert it with `ktx`"
        raise InputError(Problem(AssetCode.TEXTURE_FORMAT, message, Position(name), help=hint))
    offset, length, _ = _LEVEL.unpack_from(data, _FIRST_LEVEL)
    if length != width * height * 4 or offset + length > len(data):
        raise decode_error(f"the finest level has {length} bytes at byte {offset}, which do not fit", name)
    return np.frombuffer(data, np.uint8, length, offset).reshape(height, width, 4)


def _transcoded(data: bytes, name: str, shape: tuple[int, int, int]) -> npt.NDArray[np.uint8]:
    try:
        basisu = import_module("opengl_basisu")
    except ImportError as error:
        message = "the picture is Basis Universal, and the package 'opengl_basisu' is not installed"
        hint = "install it: pip install 'diorama[import]', or pip install opengl_basisu"
        raise InputError(Problem(AssetCode.TEXTURE_FORMAT, message, Position(name), help=hint)) from error
    try:
        texels = np.asarray(basisu.open(data).transcode("rgba8").data, np.uint8)
    except (basisu.BasisuError, basisu.UnsupportedError, ValueError, LookupError) as error:
        raise decode_error(f"the picture cannot be transcoded: {error}", name) from error
    if texels.shape != shape:
        raise decode_error("the picture is of another size than its header says", name)
    return texels
