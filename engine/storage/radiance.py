"""Radiance HDR files: RGBE texels, run-length encoded row by row (Ward, "Real Pixels", Graphics Gems II).

Rows of 8 to 32,767 texels use the new encoding: four planes (red, green, blue, exponent), each as packets.
A packet is a count of up to 128 and that many bytes, or 128 + the length of a run and its one byte. Other
widths are written flat, as the format demands.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_LEAST, _MOST = 8, 0x7FFF  # widths that the new encoding can express
_SHORTEST_RUN = 4
_LONGEST_RUN = 127
_MOST_LITERALS = 128


def radiance_bytes(colors: NDArray[np.float32]) -> bytes:
    """Encode float32[height, width, 3], linear, finite, not negative, top row first, as a whole file."""
    height, width = colors.shape[:2]
    header = f"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y {height} +X {width}\n".encode("ascii")
    texels = rgbe(colors)
    if not _LEAST <= width <= _MOST:
        return header + texels.tobytes()
    start = bytes((2, 2, width >> 8, width & 0xFF))
    parts = [header]
    for row in texels:
        parts.append(start)
        parts.extend(_encoded(np.ascontiguousarray(row[:, plane])) for plane in range(4))
    return b"".join(parts)


def rgbe(colors: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Convert float32[..., 3] to uint8[..., 4]: mantissas of 8 bits and the exponent that they share.

    What is too small for an exponent of 8 bits is black; what is too large is the largest value.
    """
    mantissa, exponent = np.frexp(colors.max(axis=-1))
    exponent = exponent.astype(np.int32)
    scaled = np.ldexp(colors, (8 - exponent)[..., None])
    made = np.empty((*colors.shape[:-1], 4), np.uint8)
    made[..., :3] = np.minimum(scaled, 255.0)
    made[..., 3] = np.clip(exponent + 128, 0, 255)
    made[exponent + 128 > 255] = 255
    made[(exponent + 128 < 1) | (mantissa == 0)] = 0
    return made


def _encoded(plane: NDArray[np.uint8]) -> bytes:
    """Encode one row of one plane as packets."""
    edges = np.flatnonzero(np.diff(plane)) + 1
    starts = np.concatenate(([0], edges))
    lengths = np.diff(np.concatenate((starts, [len(plane)])))
    is_run = lengths >= _SHORTEST_RUN
    data = plane.tobytes()
    made = bytearray()
    at = 0  # everything before is encoded
    for start, length in zip(starts[is_run].tolist(), lengths[is_run].tolist(), strict=True):
        _literals(made, data[at:start])
        at = start + length
        while length:
            count = min(length, _LONGEST_RUN)
            made += bytes((128 + count, data[start]))
            length -= count
    _literals(made, data[at:])
    return bytes(made)


def _literals(made: bytearray, data: bytes) -> None:
    for begin in range(0, len(data), _MOST_LITERALS):
        part = data[begin : begin + _MOST_LITERALS]
        made.append(len(part))
        made += part
