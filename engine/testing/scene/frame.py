"""The picture of a frame, a numpy array that notebooks display, and boxes of pixels in it."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Box(NamedTuple):
    """A rectangle of pixels: left, top, width, height; row 0 is at the top."""

    x: int
    y: int
    width: int
    height: int

    def __str__(self) -> str:
        return f"x {self.x}..{self.x + self.width - 1}, y {self.y}..{self.y + self.height - 1}"

    def of(self, picture: NDArray[Any]) -> NDArray[Any]:
        """Return the part of array[height, width, ...] inside. Raises ValueError if the box exceeds it."""
        height, width = picture.shape[:2]
        right, below = self.x + self.width, self.y + self.height
        inside = self.x >= 0 and self.y >= 0 and right <= width and below <= height
        if not inside or self.width < 1 or self.height < 1:
            raise ValueError(f"the box {self} is not inside a picture of {width}x{height}")
        return picture[self.y : self.y + self.height, self.x : self.x + self.width]

    @staticmethod
    def around(mask: NDArray[np.bool_]) -> Box | None:
        """Return the smallest box around the true pixels of bool[height, width]; None if there are none."""
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if not len(rows):
            return None
        x, y = int(columns[0]), int(rows[0])
        return Box(x, y, int(columns[-1]) - x + 1, int(rows[-1]) - y + 1)


class Frame(np.ndarray[Any, np.dtype[np.uint8]]):
    """The picture of one frame: uint8[height, width, 4], sRGB-encoded, top row first.

    It is a numpy array, and a notebook displays it as a picture.
    """

    @staticmethod
    def of(pixels: NDArray[np.uint8]) -> Frame:
        """View uint8[height, width, 3 or 4] as a frame."""
        return pixels.view(Frame)

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """Its colours without alpha, uint8[height, width, 3]."""
        return np.asarray(self)[..., :3]

    def png(self) -> bytes:
        """Encode the picture as an opaque PNG file."""
        from PIL import Image

        with io.BytesIO() as file:
            Image.fromarray(np.ascontiguousarray(self.rgb)).save(file, "PNG")
            return file.getvalue()

    def _repr_png_(self) -> bytes | None:
        """Let notebooks display a picture; a slice of another shape is displayed as numbers."""
        is_picture = self.ndim == 3 and self.shape[2] in (3, 4) and self.dtype == np.uint8 and self.size
        return self.png() if is_picture else None
