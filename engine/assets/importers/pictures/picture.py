"""A picture as the importer of textures sees it, and a picture file whose structure was checked."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from engine.assets.codes import AssetCode
from engine.assets.formats import TextureFormat
from engine.assets.importers.mips import BAND_TEXELS
from engine.humon import InputError, Position, Problem

PICTURE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    AttributeError,
    struct.error,
    zlib.error,
    Warning,
)
"""What Pillow raises for damaged files, besides DecompressionBombError."""

Texels: TypeAlias = npt.NDArray[Any]
Rows: TypeAlias = Iterator[tuple[slice, Texels]]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that is decoded once `rows` is called.

    `rows` yields some rows at a time as [rows, width, 4]: uint8, uint16 where its argument is true and `bits`
    are 16, or float32 where they are 32, which are linear light. Of a grey picture red, green and blue are
    alike; `has_grey_alpha` says that grey and alpha are all that it has. `format` is that of its texels in
    the file, and `levels` are they, the finest first, where the file has them as a device takes them.
    `texel_bytes` are the bytes of memory that decoding takes for each pixel, at most. `warnings` are about
    what of the file is left out.
    """

    width: int
    height: int
    rows: Callable[[bool], Rows]
    bits: int = 8
    has_grey_alpha: bool = False
    format: TextureFormat | None = None
    levels: Callable[[int], bytes | memoryview] | None = None
    level_count: int = 1
    texel_bytes: int = 4
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class PictureFile:
    """What is decoded: `stream` is the file without metadata, closed once it is decoded; the header's size.

    `most_pixels` is how many its compressed data can hold. `transparent` is the one grey, or the red,
    green and blue, of a PNG file that has alpha 0, of `depth` bits each; `channels` are those of its samples,
    `colours` those of its palette, 0 without one.
    """

    kind: str
    width: int
    height: int
    stream: io.BytesIO
    most_pixels: int
    depth: int = 8
    transparent: tuple[int, ...] | None = None
    channels: int = 0
    colours: int = 0


def bands(width: int, height: int) -> list[slice]:
    """Return the rows of a picture as slices, some at a time."""
    step = max(1, BAND_TEXELS // width)
    return [slice(at, min(at + step, height)) for at in range(0, height, step)]


def as_rgba(texels: Texels) -> Texels:
    """Return texels [rows, width, 1 to 4] with four channels: grey, grey and alpha, RGB or RGBA."""
    channels = texels.shape[-1]
    if channels == 4:
        return texels
    opaque = 1 if texels.dtype.kind == "f" else np.iinfo(texels.dtype).max
    full = np.empty((*texels.shape[:-1], 4), texels.dtype)
    full[..., :3] = texels[..., :3] if channels == 3 else texels[..., :1]
    full[..., 3] = texels[..., 1] if channels == 2 else opaque
    return full


def decode_error(message: str, name: str) -> InputError:
    """Return the InputError `texture.decode`."""
    hint = "open the picture in an editor and save it again as PNG or JPEG"
    return InputError(Problem(AssetCode.TEXTURE_DECODE, message, Position(name), help=hint))


def format_error(message: str, name: str, help: str) -> InputError:
    """Return the InputError `texture.format`."""
    return InputError(Problem(AssetCode.TEXTURE_FORMAT, message, Position(name), help=help))
