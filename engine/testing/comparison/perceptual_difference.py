"""The perceptual difference of two pictures: colour distance in OKLab after a blur for the viewing distance.

Both pictures are converted to OKLab (Ottosson, 2020), blurred over five pixels like the eye at a distance
where one pixel is about a minute of arc, and compared pixel by pixel. A shifted dither or a driver's
filtering noise then counts little, and a missing shadow counts as much as it is visible.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

JUST_SEEN = 2.0
"""The default limit: twice the difference of 1 that is just noticeable side by side."""

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
    """Return the difference of sRGB uint8[height, width, 3] per pixel, float32: 1 is just noticeable."""
    apart: NDArray[np.float32] = (np.linalg.norm(_blurred(a) - _blurred(b), axis=2) / _STEP).astype(
        np.float32
    )
    return apart


def oklab(colors: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Convert sRGB colours uint8[..., 3] to OKLab, float32[..., 3]."""
    encoded = colors.astype(np.float32) / 255.0
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    lms: NDArray[np.float32] = np.cbrt(linear @ _TO_LMS.T).astype(np.float32)
    lab: NDArray[np.float32] = lms @ _TO_LAB.T
    return lab


def _blurred(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    weights = np.array(_BLUR, np.float32) / sum(_BLUR)
    lab = oklab(picture)
    for axis in (0, 1):
        half = len(weights) // 2
        padded = np.pad(lab, [(half, half) if i == axis else (0, 0) for i in range(3)], mode="edge")
        length = lab.shape[axis]
        parts = [padded.take(range(i, i + length), axis=axis) * weight for i, weight in enumerate(weights)]
        lab = np.sum(parts, axis=0, dtype=np.float32)
    return lab
