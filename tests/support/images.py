"""Compare two pictures: every channel within a few levels, but for a small share of the pixels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEVELS = 2
SHARE = 0.001

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference of two pictures: the largest step, and the number of pixels beyond the levels."""

    largest: int
    beyond: int
    pixels: int
    box: tuple[int, int, int, int] | None

    @property
    def share(self) -> float:
        return self.beyond / self.pixels

    def __str__(self) -> str:
        where = (
            ""
            if self.box is None
            else f", all inside x {self.box[0]}..{self.box[2]}, y {self.box[1]}..{self.box[3]}"
        )
        return (
            f"{self.beyond} of {self.pixels} pixels ({self.share:.3%}) differ, by up to {self.largest}{where}"
        )


def compare(a: Picture, b: Picture, levels: int = LEVELS) -> Difference:
    """Measure two uint8[height, width, channels] pictures; the steps are unsigned, whichever is brighter."""
    if a.shape != b.shape or a.ndim != 3:
        raise AssertionError(f"pictures of different shape: {a.shape} and {b.shape}")
    if a.dtype != np.uint8 or b.dtype != np.uint8:
        raise AssertionError(f"pictures are uint8, not {a.dtype} and {b.dtype}")
    steps = np.abs(a.astype(np.int16) - b.astype(np.int16)).max(axis=2)
    rows, columns = np.nonzero(steps > levels)
    box = None
    if rows.size:
        box = int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())
    return Difference(int(steps.max(initial=0)), int(rows.size), int(steps.size), box)


def assert_same(a: Picture, b: Picture, levels: int = LEVELS, share: float = SHARE) -> Difference:
    """Fail if more than `share` of the pixels differ by more than `levels` in any channel."""
    difference = compare(a, b, levels)
    if difference.share > share:
        raise AssertionError(f"the pictures differ: {difference}")
    return difference


def assert_different(a: Picture, b: Picture, share: float = SHARE) -> Difference:
    """Fail if two pictures would pass as the same."""
    difference = compare(a, b)
    if difference.share <= share:
        raise AssertionError(f"the pictures are the same: {difference}")
    return difference


def assert_colours(found: ArrayLike, expected: ArrayLike, levels: int = 1, why: object = "") -> None:
    """Fail if a colour of 8 bits is more than `levels` off: drivers round the half of a level either way."""
    np.testing.assert_allclose(
        np.asarray(found, int), np.asarray(expected, int), rtol=0, atol=levels, err_msg=str(why)
    )


def averaged(picture: Picture, cell: int) -> Picture:
    """Average squares of `cell` pixels: light, shadow and shape stay, differences in sharpness vanish."""
    height, width, channels = picture.shape
    if height % cell or width % cell:
        raise AssertionError(f"a picture of {width}x{height} has no whole cells of {cell}")
    cells = picture.reshape(height // cell, cell, width // cell, cell, channels)
    return np.round(cells.mean(axis=(1, 3))).astype(np.uint8)


def load(path: Path) -> Picture:
    """Read a PNG as uint8[height, width, 4]."""
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image.convert("RGBA"))
