"""Pictures as numpy arrays: reading and writing PNG, the difference of two, and a picture of it."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.assets.importers.pictures.picture import PICTURE_ERRORS

MAX_PIXELS = 1 << 26
"""Most pixels of a picture that is read: 8192 squared."""

LEVELS = 2
SHARE = 0.001

Picture = NDArray[np.uint8]
Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The allowed difference: `levels` per channel, and more in a `share` (0 to 1) of the pixels."""

    levels: int = LEVELS
    share: float = SHARE


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference of two pictures: the largest step in any channel, and the pixels beyond the tolerance.

    `box` is x, y, width and height of the smallest rectangle around those pixels, None if there is none.
    """

    largest: int
    beyond: int
    pixels: int
    box: Box | None

    @property
    def share(self) -> float:
        """The share of the pixels beyond the tolerance, 0 to 1."""
        return self.beyond / self.pixels if self.pixels else 0.0

    def __str__(self) -> str:
        where = "" if self.box is None else ", all of them in x {} y {} width {} height {}".format(*self.box)
        count = f"{self.beyond} of {self.pixels} pixels ({self.share:.3%}) differ"
        return f"{count}, by up to {self.largest} of 255{where}"


def difference(
    a: Picture, b: Picture, levels: int = LEVELS, where: NDArray[np.bool_] | None = None
) -> Difference:
    """Compare uint8[height, width, channels] pictures of one shape; `where` [height, width] selects pixels.

    Steps are unsigned: which picture is brighter does not matter. Raises ValueError for other arrays.
    """
    if a.shape != b.shape or a.ndim != 3 or a.dtype != np.uint8 or b.dtype != np.uint8:
        raise ValueError(
            f"not two pictures of one size: {a.dtype}{list(a.shape)} and {b.dtype}{list(b.shape)}"
        )
    steps = np.abs(a.astype(np.int16) - b.astype(np.int16)).max(axis=2, initial=0)
    if where is not None:
        steps = np.where(where, steps, 0)
    rows, columns = np.nonzero(steps > levels)
    box = None
    if rows.size:
        x, y = int(columns.min()), int(rows.min())
        box = x, y, int(columns.max()) - x + 1, int(rows.max()) - y + 1
    counted = steps.size if where is None else int(np.count_nonzero(where))
    return Difference(int(steps.max(initial=0)), int(rows.size), counted, box)


def difference_picture(a: Picture, b: Picture) -> Picture:
    """Draw the difference of two pictures: black where they are equal, from red to white with distance."""
    steps = np.abs(a[..., :3].astype(np.int16) - b[..., :3].astype(np.int16)).max(axis=2)
    strength = np.sqrt(steps / 255.0)
    red = np.where(steps > 0, 96 + 159 * strength, 0)
    rest = np.clip(strength * 2 - 1, 0, 1) * 255
    return np.stack([red, rest, rest], axis=2).astype(np.uint8)


def box_mask(shape: tuple[int, int], box: Box) -> NDArray[np.bool_]:
    """Return bool[height, width] that is true inside x, y, width, height."""
    x, y, width, height = box
    mask = np.zeros(shape, np.bool_)
    mask[max(0, y) : max(0, y + height), max(0, x) : max(0, x + width)] = True
    return mask


def to_png(pixels: Picture, texts: Mapping[str, str] | None = None) -> bytes:
    """Encode the colours of uint8[height, width, 3 or 4] as an opaque PNG with text chunks."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    for key, text in (texts or {}).items():
        info.add_text(key, text)
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels[..., :3])).save(out, "PNG", pnginfo=info)
    return out.getvalue()


def from_png(data: bytes) -> tuple[Picture, dict[str, str]]:
    """Decode a PNG to uint8[height, width, 3] and its text chunks.

    Raises ValueError if it is not a PNG, damaged, or larger than MAX_PIXELS.
    """
    from PIL import Image

    try:
        with _quiet(), Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            pixels = image.width * image.height
            if pixels <= MAX_PIXELS:
                image.load()
                return np.asarray(image.convert("RGB")), {str(k): str(v) for k, v in image.info.items()}
    except (*PICTURE_ERRORS, Image.DecompressionBombError) as error:
        raise ValueError("not a readable PNG: it is damaged, cut off, or another file") from error
    raise ValueError(f"not a readable PNG: {pixels} pixels are more than {MAX_PIXELS}")


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out Pillow's warnings about damage that it gets over."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
