"""Captures: write arrays that were read back to PNG (8 bit), Radiance HDR and OpenEXR (float) files.

Radiance files are written by this package itself. OpenEXR files need the package `OpenEXR` (the extra
`capture`); PNG files need Pillow, which is always installed.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.files import write_whole
from engine.memory.device.problems import WrongArray
from engine.storage.radiance import radiance_bytes

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_CHANNELS = {1: "Y", 2: "YA", 3: "RGB", 4: "RGBA"}


class CaptureError(Exception):
    """A file could not be written; `code` is stable."""

    def __init__(self, code: str, problem: str, help: str = "") -> None:
        super().__init__(f"error[{code}]: {problem}" + (f"\nhelp: {help}" if help else ""))
        self.code = code
        self.problem = problem
        self.help = help


def write_png(path: str | Path, picture: NDArray[np.uint8]) -> None:
    """Write uint8[height, width] or [height, width, 1 to 4], top row first, as it is (no colour conversion).

    Raises WrongArray, and CaptureError where the file cannot be written: the old one is as it was then.
    """
    from PIL import Image

    pixels = _checked(path, picture, (np.dtype(np.uint8),))
    mode = _MODES[pixels.shape[2]]
    flat = np.ascontiguousarray(pixels[..., 0] if mode == "L" else pixels)
    image = Image.fromarray(flat, mode) if mode == "LA" else Image.fromarray(flat)
    encoded = io.BytesIO()
    image.save(encoded, "PNG")
    _write(path, encoded.getvalue())


def write_float(path: str | Path, picture: NDArray[Any]) -> None:
    """Write a float picture in the format that the file name asks for: `.hdr` or `.exr`.

    Raises CaptureError `capture.format` for any other name, and what `write_hdr` and `write_exr` raise.
    """
    writers = {".hdr": write_hdr, ".exr": write_exr}
    writer = writers.get(Path(path).suffix.lower())
    if writer is None:
        raise CaptureError("capture.format", f"{path} is no name for a float picture", "use .hdr or .exr")
    writer(path, picture)


def write_hdr(path: str | Path, picture: NDArray[Any]) -> None:
    """Write float16 or float32 [height, width] or [height, width, 1 or 3], top row first, linear, as RGBE.

    One channel becomes grey. RGBE has one exponent per texel and no sign: values keep 8 bits relative to the
    largest channel of their texel. Raises WrongArray, for negative and not finite values too, and
    CaptureError where the file cannot be written.
    """
    pixels = _checked(path, picture, (np.dtype(np.float16), np.dtype(np.float32)))
    if pixels.shape[2] not in (1, 3):
        raise WrongArray(str(path), f"Radiance files hold 1 or 3 channels, not {pixels.shape[2]}")
    colors = np.broadcast_to(pixels, (*pixels.shape[:2], 3)).astype(np.float32)
    if not np.isfinite(colors).all() or colors.min() < 0:
        raise WrongArray(str(path), "Radiance files hold no negative values, infinities and NaNs")
    _write(path, radiance_bytes(colors))


def write_exr(path: str | Path, picture: NDArray[Any]) -> None:
    """Write float16 or float32 [height, width] or [height, width, 1 to 4], top row first, linear, lossless.

    Raises WrongArray, and CaptureError where the package is missing or the file cannot be written.
    """
    try:
        import OpenEXR
    except ImportError as problem:
        mend = "pip install OpenEXR, or diorama[capture]"
        raise CaptureError("capture.openexr", "the package OpenEXR is not installed", mend) from problem
    pixels = _checked(path, picture, (np.dtype(np.float16), np.dtype(np.float32)))
    names = _CHANNELS[pixels.shape[2]]
    channels = {name: np.ascontiguousarray(pixels[..., i]) for i, name in enumerate(names)}
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    encoded = io.BytesIO()  # on a full disk, a file that it writes itself is cut off without an error
    OpenEXR.File(header, channels).write(encoded)
    _write(path, encoded.getvalue())


def _checked(path: str | Path, picture: NDArray[Any], dtypes: tuple[np.dtype[Any], ...]) -> NDArray[Any]:
    pixels = picture[..., None] if getattr(picture, "ndim", 0) == 2 else picture
    if getattr(pixels, "dtype", None) not in dtypes or pixels.ndim != 3 or pixels.shape[2] not in _MODES:
        wanted = " or ".join(map(str, dtypes))
        given = f"{getattr(picture, 'dtype', type(picture).__name__)}{list(getattr(picture, 'shape', ()))}"
        raise WrongArray(str(path), f"it takes {wanted} [height, width, 1 to 4], not {given}")
    if 0 in pixels.shape:
        raise WrongArray(str(path), f"a picture of {pixels.shape[1]} x {pixels.shape[0]} texels")
    return pixels


def _write(path: str | Path, content: bytes) -> None:
    try:
        write_whole(path, content)
    except (OSError, ValueError) as problem:
        raise _cannot_write(path, problem) from problem


def _cannot_write(path: str | Path, problem: Exception) -> CaptureError:
    return CaptureError("capture.write", f"{path} cannot be written: {problem}")
