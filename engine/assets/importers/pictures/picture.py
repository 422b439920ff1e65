"""A picture file whose structure was checked, without anything that its texels do not depend on."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass

from engine.assets.codes import AssetCode
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


@dataclass(frozen=True, slots=True)
class PictureFile:
    """What is decoded: `stream` is the file without metadata, closed once it is decoded; the header's size.

    `most_pixels` is how many its compressed data can hold. `transparent` is the one grey, or the red,
    green and blue, of a PNG file that has alpha 0, of `depth` bits each.
    """

    kind: str
    width: int
    height: int
    stream: io.BytesIO
    most_pixels: int
    depth: int = 8
    transparent: tuple[int, ...] | None = None


def decode_error(message: str, name: str) -> InputError:
    """Return the InputError `texture.decode`."""
    hint = "open the picture in an editor and save it again as PNG or JPEG"
    return InputError(Problem(AssetCode.TEXTURE_DECODE, message, Position(name), help=hint))
