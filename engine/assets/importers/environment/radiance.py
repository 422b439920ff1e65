"""Radiance HDR files: three mantissas and one exponent for each pixel, in runs.

Format: G. Ward, "Real Pixels", Graphics Gems II, 1991, and the Radiance file formats reference. A file may
claim any size: it is believed if its data can hold so many pixels.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from engine.assets.codes import AssetCode
from engine.assets.importers.environment.light import (
    PIXEL_BYTES,
    ROWS_AT_ONCE,
    Light,
    check_light_size,
    damaged,
    light_error,
)

RADIANCE_SIGNATURES = (b"#?RADIANCE", b"#?RGBE")
_LONGEST_HEADER = 1 << 16
_RESOLUTION = re.compile(rb"([-+])Y +(\d{1,9}) +([-+])X +(\d{1,9})")
_SHORTEST_RUNS, _LONGEST_RUNS = 8, 0x7FFF
"""Widths of pictures whose channels are stored in runs of their own."""

_LONGEST_RUN = 127
_BIAS = 128 + 8
"""Mantissas are parts of 256, and exponents have 128 added."""

Rgbe = npt.NDArray[np.uint8]


def read_radiance(data: bytes, name: str, take: Callable[[int], None]) -> Light:
    """Decode a Radiance file. Raises InputError: `environment.format`, `texture.decode`, `texture.size`."""
    at, exposure = _read_header(data, name)
    end = data.find(b"\n", at, at + 256)
    found = _RESOLUTION.fullmatch(data[at:end].strip()) if end >= 0 else None
    if found is None:
        raise damaged("the Radiance file has no resolution in rows, such as -Y 512 +X 1024", name)
    height, width = int(found[2]), int(found[4])
    check_light_size(width, height, name)
    at, has_runs = end + 1, _has_runs(data, end + 1, width)
    if has_runs and len(data) - at < height * (4 + 8 * -(-width // _LONGEST_RUN)):
        message = f"the header claims {width} x {height} pixels, and the file ends after {len(data)} bytes"
        raise damaged(message, name)
    take(PIXEL_BYTES * width * height)
    pixels = np.empty((height, width, 3), np.float32)
    scale = (2.0 ** (np.arange(256) - float(_BIAS)) / exposure).astype(np.float32)
    scale[0] = 0.0
    if has_runs:
        rows = bytearray()
        for row in range(height):
            at = _read_runs(data, at, width, rows, name)
            if len(rows) == 4 * width * ROWS_AT_ONCE or row == height - 1:
                planes = np.frombuffer(rows, np.uint8).reshape(-1, 4, width).transpose(0, 2, 1)
                pixels[row + 1 - len(planes) : row + 1] = _to_light(planes, scale)
                rows = bytearray()
    else:
        take(3 * PIXEL_BYTES * width * height)
        texels = _repeated(np.frombuffer(data, np.uint8, offset=at), width * height, name)
        texels = texels.reshape(height, width, 4)
        for row in range(0, height, ROWS_AT_ONCE):
            pixels[row : row + ROWS_AT_ONCE] = _to_light(texels[row : row + ROWS_AT_ONCE], scale)
    turned = pixels[:: 1 if found[1] == b"-" else -1, :: 1 if found[3] == b"+" else -1]
    return np.ascontiguousarray(turned)


def _read_header(data: bytes, name: str) -> tuple[int, float]:
    """Return where the resolution is, and by what all pixels were multiplied."""
    exposure, at = 1.0, 0
    while True:
        end = data.find(b"\n", at, _LONGEST_HEADER)
        if end < 0:
            raise damaged("the Radiance file ends within its header", name)
        line, at = data[at:end].strip(), end + 1
        if not line:
            return at, exposure
        key, _, value = line.partition(b"=")
        if key.strip() == b"FORMAT" and value.strip() != b"32-bit_rle_rgbe":
            message = f"the Radiance file has pixels as {value.strip().decode('ascii', 'replace')}"
            raise light_error(AssetCode.ENVIRONMENT_FORMAT, message, name, "save it as 32-bit_rle_rgbe")
        if key.strip() == b"EXPOSURE":
            try:
                exposure *= float(value)
            except ValueError:
                exposure = 0.0
            if not 1e-30 < exposure < 1e30:
                raise damaged("the Radiance file has an EXPOSURE that is no positive number", name)


def _has_runs(data: bytes, at: int, width: int) -> bool:
    """Whether the first row is stored in runs of each channel."""
    return _SHORTEST_RUNS <= width <= _LONGEST_RUNS and data[at : at + 2] == b"\2\2"


def _read_runs(data: bytes, at: int, width: int, rows: bytearray, name: str) -> int:
    """Append one row to `rows`, channel after channel; return where the next one is."""
    if data[at : at + 4] != bytes((2, 2, width >> 8, width & 255)):
        raise damaged(f"the Radiance file has no row of {width} pixels at byte {at}", name)
    at += 4
    try:
        for _ in range(4):
            end = len(rows) + width
            while len(rows) < end:
                count = data[at]
                if count > 128:
                    rows += data[at + 1 : at + 2] * (count - 128)
                    at += 2
                else:
                    rows += data[at + 1 : at + 1 + count]
                    at += 1 + count
                    if not count or at > len(data):
                        raise IndexError
            if len(rows) != end:
                raise damaged(f"a row of the Radiance file is too long at byte {at}", name)
    except IndexError:
        raise damaged(
            f"the Radiance file ends within a row, or has an empty run, at byte {at}", name
        ) from None
    return at


def _repeated(held: Rgbe, count: int, name: str) -> Rgbe:
    """Return uint8[count, 4] of pixels one after another, where 1 1 1 n repeats the one before.

    Each such pixel that follows another one counts 256 times as much.
    """
    texels = held[: len(held) // 4 * 4].reshape(-1, 4)[:count]
    repeats = (texels[:, :3] == 1).all(axis=1)
    if not repeats.any():
        if len(texels) < count:
            raise damaged(f"the Radiance file ends after {len(texels)} of {count} pixels", name)
        return texels
    number = np.arange(len(texels), dtype=np.int32)
    real = np.maximum.accumulate(np.where(repeats, np.int32(-1), number))
    if real[0] < 0:
        raise damaged("the Radiance file repeats a pixel before its first one", name)
    shift = np.minimum(number - real - 1, 3)  # more are longer than any picture
    counts = np.where(repeats, texels[:, 3].astype(np.int64) << (8 * shift), 1)
    ends = np.cumsum(counts)
    last = int(np.searchsorted(ends, count))
    if last == len(ends):
        raise damaged(f"the Radiance file ends after {int(ends[-1])} of {count} pixels", name)
    counts[last] -= ends[last] - count
    whole: Rgbe = texels[np.repeat(real[: last + 1], counts[: last + 1])]
    return whole


def _to_light(texels: Rgbe, scale: npt.NDArray[np.float32]) -> Light:
    """Return float32[..., 3] of texels with a common exponent, uint8[..., 4]."""
    found: Light = texels[..., :3] * scale[texels[..., 3]][..., None]
    return found
