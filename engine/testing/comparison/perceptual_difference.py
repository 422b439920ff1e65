"""How far apart two pictures are to the eye: differences of colour after the blur of a viewing distance.

Both pictures are brought to OKLab (Ottosson, 2020), blurred over a few pixels as the eye does at the distance
where one pixel is about a minute of arc, and compared colour by colour. So a shifted dither or the noise of
one driver's filtering weighs little, and a missing shadow weighs what one sees of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

JUST_SEEN = 2.0
"""A difference of 1 is just noticeable side by side; twice that is let pass."""

_STEP = 0.02  # one just noticeable difference in OKLab
_BLUR = (1.0, 4.0, 6.0, 4.0, 1.0)  # binomial, over five pixels
_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    np.float32,
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ],
    np.float32,
)


def differing(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return how far apart uint8[height, width, 3], sRGB, are at every pixel: 1 is just noticeable."""
    apart: NDArray[np.float32] = (np.linalg.norm(_seen(a) - _seen(b), axis=2) / _STEP).astype(np.float32)
    return apart


def oklab(colors: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return sRGB colours uint8[..., 3] in OKLab, float32[..., 3]."""
    encoded = colors.astype(np.float32) / 255.0
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    lms: NDArray[np.float32] = np.cbrt(linear @ _TO_LMS.T).astype(np.float32)
    lab: NDArray[np.float32] = lms @ _TO_LAB.T
    return lab


def _seen(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    weights = np.array(_BLUR, np.float32) / sum(_BLUR)
    seen = oklab(picture)
    for axis in (0, 1):
        half = len(weights) // 2
        padded = np.pad(seen, [(half, half) if i == axis else (0, 0) for i in range(3)], mode="edge")
        length = seen.shape[axis]
        parts = [padded.take(range(i, i + length), axis=axis) * weight for i, weight in enumerate(weights)]
        seen = np.sum(parts, axis=0, dtype=np.float32)
    return seen
