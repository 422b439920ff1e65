"""Headers of OpenEXR files: what their picture is, and whether it is one that is read.

Format: "OpenEXR File Layout", openexr.com. A picture is what the display window shows: pixels of the data
window that lie outside of it are cut off, and what the data window lacks is black.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from engine.assets.codes import AssetCode
from engine.assets.importers.environment.light import check_light_size, damaged, light_error
from engine.assets.limits import MAX_EXR_ATTRIBUTES

COMPRESSIONS = (
    *("none", "RLE", "ZIPS", "ZIP", "PIZ", "PXR24", "B44", "B44A", "DWAA", "DWAB"),
    *("HTJ2K256", "HTJ2K32", "LJ2K", "ZSTD"),
)
"""Names of compressions, by their numbers."""

_TILES, _DEEP, _PARTS = 0x200, 0x800, 0x1000
_SHOWN_PARTS = 5
_DTYPES = {0: "<u4", 1: "<f2", 2: "<f4"}
_COLORS = "save it with channels R, G and B"
_B44_ERROR = 2.0**-15
"""B44 drops up to 10 bits of halfs, and rounds: 512 of the smallest ones."""

_DWA_LEVEL, _DWA_ERROR, _DWA_POWER = 45.0, 0.0004, 2.2
"""DWA quantizes what is to the power of 1 / 2.2: the usual level, and the error of pixels for each of it.

Measured of points, edges and noise at levels from 45 to 1000: at most 0.00029 for each.
"""


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of pixels, its last column and row included; rows count downwards."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Columns of the window."""
        return self.right - self.left + 1

    @property
    def height(self) -> int:
        """Rows of the window."""
        return self.bottom - self.top + 1


@dataclass(frozen=True, slots=True)
class ExrHeader:
    """What pixels are stored, what part of them is shown, and how they are stored.

    `channels` have the order in which a row has them. `end` is the byte behind the header. `dwa_level` is how
    coarse the compressions DWAA and DWAB are.
    """

    data: Window
    shown: Window
    compression: int
    has_tiles: bool
    channels: tuple[tuple[str, np.dtype[np.generic]], ...]
    end: int
    dwa_level: float = _DWA_LEVEL

    @property
    def error_around_zero(self) -> float:
        """How far from 0 the compression may have moved a pixel that was 0."""
        compression = COMPRESSIONS[self.compression]
        if compression in ("B44", "B44A"):
            return _B44_ERROR
        if compression in ("DWAA", "DWAB"):
            return float(min(1.0, _DWA_ERROR * max(0.0, self.dwa_level)) ** _DWA_POWER)
        return 0.0

    @property
    def colors(self) -> str:
        """The channels that are red, green and blue: "RGB", or "YYY" of a grey picture."""
        return "RGB" if {channel for channel, _ in self.channels}.issuperset("RGB") else "YYY"

    @property
    def row_bytes(self) -> int:
        """Size of one row of all channels, in bytes."""
        return self.data.width * sum(dtype.itemsize for _, dtype in self.channels)

    @property
    def storage(self) -> str:
        """How the pixels are stored, in words."""
        compression = COMPRESSIONS[self.compression]
        packed = "not compressed" if self.compression == 0 else f"compressed with {compression}"
        return f"{packed}, in tiles" if self.has_tiles else packed

    def overlap(self) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """Return rows and columns of what is shown and stored: within the one window, within the other."""
        left, top = max(self.data.left, self.shown.left), max(self.data.top, self.shown.top)
        right, bottom = min(self.data.right, self.shown.right), min(self.data.bottom, self.shown.bottom)
        within = [
            (
                slice(top - window.top, bottom + 1 - window.top),
                slice(left - window.left, right + 1 - window.left),
            )
            for window in (self.shown, self.data)
        ]
        return within[0], within[1]


def read_exr_header(data: bytes, name: str) -> ExrHeader:
    """Return the header of an OpenEXR file whose picture is read.

    Raises InputError (`environment.format`, `texture.decode`, `texture.size`), and struct.error where the
    file ends within.
    """
    (flags,) = struct.unpack_from("<I", data, 4)
    version = flags & 255
    if version != 2 or flags & (_DEEP | _PARTS):
        kind = _several_parts(data, name) if flags & _PARTS else "deep pixels"
        message = f"the OpenEXR file has {kind if version == 2 else f'version {version}'}"
        raise light_error(AssetCode.ENVIRONMENT_FORMAT, message, name, "save it as one flat picture")
    attributes, end = _attributes(data, 8, name)
    missing = [key for key in ("channels", "compression", "dataWindow") if not attributes.get(key)]
    if missing:
        raise damaged(f"the OpenEXR file has no attribute '{missing[0]}'", name)
    compression = attributes["compression"][0]
    if compression >= len(COMPRESSIONS):
        message = f"the OpenEXR file is compressed with method {compression}, which is not known"
        raise light_error(AssetCode.ENVIRONMENT_FORMAT, message, name, "save it with the compression ZIP")
    channels = tuple(_channels(attributes["channels"], name))
    named = {channel for channel, _ in channels}
    if len(named) < len(channels):
        raise damaged("the OpenEXR file has two channels of one name", name)
    if not named.issuperset("RGB") and "Y" not in named:
        message = f"the OpenEXR file has the channels {', '.join(sorted(named))[:80]}"
        raise light_error(AssetCode.ENVIRONMENT_FORMAT, message, name, _COLORS)
    window = _window(attributes["dataWindow"], name)
    shown = _window(attributes.get("displayWindow") or attributes["dataWindow"], name)
    header = ExrHeader(
        window, shown, compression, bool(flags & _TILES), channels, end, _dwa_level(attributes)
    )
    (rows, columns), _ = header.overlap()
    if rows.start >= rows.stop or columns.start >= columns.stop:
        message = "no pixel of the OpenEXR file lies within its display window"
        raise light_error(
            AssetCode.ENVIRONMENT_FORMAT, message, name, "save it with a display window around it"
        )
    return header


def _several_parts(data: bytes, name: str) -> str:
    """Return what is said of a file with several parts, with the names of the first ones."""
    at = 8
    named: list[str] = []
    while data[at : at + 1] != b"\0" and len(named) < _SHOWN_PARTS:
        attributes, at = _attributes(data, at, name)
        named.append(attributes.get("name", b"").decode("utf-8", "replace")[:40])
    return f"several parts: {', '.join(repr(part) for part in named)}"


def _dwa_level(attributes: Mapping[str, bytes]) -> float:
    content = attributes.get("dwaCompressionLevel", b"")
    level: float = struct.unpack("<f", content)[0] if len(content) == 4 else _DWA_LEVEL
    return level if math.isfinite(level) else _DWA_LEVEL


def _attributes(data: bytes, at: int, name: str) -> tuple[dict[str, bytes], int]:
    """Return the attributes from a byte on by their names, and the byte behind them."""
    attributes: dict[str, bytes] = {}
    for _ in range(MAX_EXR_ATTRIBUTES):
        key, at = _text(data, at, name)
        if not key:
            return attributes, at
        _kind, at = _text(data, at, name)
        (size,) = struct.unpack_from("<I", data, at)
        if size > len(data) - at:
            raise damaged(f"the OpenEXR file ends within its attribute '{key}'", name)
        attributes[key] = data[at + 4 : at + 4 + size]
        at += 4 + size
    raise damaged(f"the OpenEXR file has more than {MAX_EXR_ATTRIBUTES} attributes", name)


def _window(content: bytes, name: str) -> Window:
    window = Window(*struct.unpack_from("<4i", content))
    check_light_size(window.width, window.height, name)
    return window


def _channels(data: bytes, name: str) -> Iterator[tuple[str, np.dtype[np.generic]]]:
    """Yield name and type of each channel, in the order in which a row has them."""
    at = 0
    for _ in range(MAX_EXR_ATTRIBUTES):
        channel, at = _text(data, at, name)
        if not channel:
            return
        kind, _linear, across, down = struct.unpack_from("<iIii", data, at)
        at += 16
        if kind not in _DTYPES:
            message = f"the channel '{channel}' of the OpenEXR file has type {kind}, which is no number"
            raise light_error(AssetCode.ENVIRONMENT_FORMAT, message, name, _COLORS)
        if (across, down) != (1, 1):
            message = f"the channel '{channel}' of the OpenEXR file is not stored for every pixel"
            raise light_error(AssetCode.ENVIRONMENT_FORMAT, message, name, _COLORS)
        yield channel, np.dtype(_DTYPES[kind])
    raise damaged(f"the OpenEXR file has more than {MAX_EXR_ATTRIBUTES} channels", name)


def _text(data: bytes, at: int, name: str) -> tuple[str, int]:
    """Return the text at a byte, which a NUL ends, and where it ends."""
    end = data.find(b"\0", at, at + 256)
    if end < 0:
        raise damaged(f"the OpenEXR file has no name at byte {at}", name)
    return data[at:end].decode("utf-8", "replace"), end + 1
