"""Light as floats: the type of pictures, what they may hold, and the errors of their files."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.assets.codes import AssetCode
from engine.assets.limits import MAX_LIGHT_PIXELS, MAX_TEXTURE_SIDE
from engine.humon import InputError, Position, Problem

Light = npt.NDArray[np.float32]
"""Red, green and blue in linear light, float32[height, width, 3], the top row first."""

LARGEST = 65504.0
"""The most light of a pixel: the largest 16-bit float."""

PIXEL_BYTES = 12
ROWS_AT_ONCE = 64


def check_light_size(width: int, height: int, name: str) -> None:
    """Refuse a picture without pixels, and one with more than the limits. Raises InputError."""
    if width < 1 or height < 1:
        raise light_error(AssetCode.TEXTURE_SIZE, f"the picture has {width} x {height} pixels", name)
    if max(width, height) > MAX_TEXTURE_SIDE or width * height > MAX_LIGHT_PIXELS:
        message = (
            f"{width} x {height} pixels are too many: at most {MAX_TEXTURE_SIDE} per side "
            f"and {MAX_LIGHT_PIXELS} in all"
        )
        raise light_error(AssetCode.TEXTURE_SIZE, message, name, "scale the picture down")


def light_error(code: str, message: str, name: str, help: str = "") -> InputError:
    """Return an InputError about the file `name`."""
    return InputError(Problem(code, message, Position(name), help=help))


def damaged(message: str, name: str) -> InputError:
    """Return the InputError `texture.decode`."""
    return light_error(AssetCode.TEXTURE_DECODE, message, name, "save the picture again, or fetch it again")
