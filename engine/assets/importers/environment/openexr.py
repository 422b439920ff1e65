"""OpenEXR files of one part in scan lines, not compressed or with RLE, ZIPS or ZIP.

Format: "OpenEXR File Layout", openexr.com. What is decompressed is limited to what the header says of it, and
the header is believed if the data can hold so much.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.assets.codes import AssetCode
from engine.assets.importers.environment.light import (
    PIXEL_BYTES,
    Light,
    check_light_size,
    damaged,
    light_error,
)
from engine.assets.limits import MAX_EXR_ATTRIBUTES

EXR_SIGNATURE = b"\x76\x2f\x31\x01"
_UNREAD_KINDS = {0x200: "tiles", 0x800: "deep pixels", 0x1000: "several parts"}
_ROWS_OF = {0: 1, 1: 1, 2: 1, 3: 16}
"""Rows of a block, by compression: none, RLE, ZIPS, ZIP."""

_COMPRESSIONS = ("none", "RLE", "ZIPS", "ZIP", "PIZ", "PXR24", "B44", "B44A", "DWAA", "DWAB")
_NONE, _RLE = 0, 1
_RATIO = 1032
"""Most bytes that a byte of deflated data can stand for (zlib, "Maximum Expansion Factor"); RLE has 64."""

_DTYPES = {0: "<u4", 1: "<f2", 2: "<f4"}

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Header:
    """Size in pixels, first row, compression, names and types of the channels, where the header ends."""

    width: int
    height: int
    top: int
    compression: int
    channels: tuple[tuple[str, np.dtype[np.generic]], ...]
    end: int


def read_exr(data: bytes, name: str, take: Callable[[int], None]) -> Light:
    """Decode the channels R, G and B, or Y, of an OpenEXR file.

    Raises InputError: `environment.format`, `texture.decode`, `texture.size`.
    """
    try:
        header = _read_header(data, name)
        rows = _ROWS_OF[header.compression]
        row_bytes = header.width * sum(dtype.itemsize for _, dtype in header.channels)
        count = -(-header.height // rows)
        if len(data) * _RATIO < header.height * row_bytes or len(data) < header.end + 16 * count:
            message = f"the header claims {header.width} x {header.height} pixels, and the file ends after "
            raise damaged(f"{message}{len(data)} bytes", name)
        take(PIXEL_BYTES * header.width * header.height)
        pixels = np.zeros((header.height, header.width, 3), np.float32)
        for number in range(count):
            (at,) = struct.unpack_from("<Q", data, header.end + 8 * number)
            first, size = struct.unpack_from("<iI", data, at)
            first -= header.top
            if first % rows or not 0 <= first < header.height or at + 8 + size > len(data):
                raise damaged(f"the OpenEXR file has a damaged block at byte {at}", name)
            block = pixels[first : first + rows]
            packed = data[at + 8 : at + 8 + size]
            held = _unpacked(packed, header.compression, len(block) * row_bytes, name)
            _fill(block, held, header)
    except (struct.error, OverflowError) as error:
        raise damaged("the OpenEXR file ends within its headers", name) from error
    return pixels


def _read_header(data: bytes, name: str) -> _Header:
    (flags,) = struct.unpack_from("<I", data, 4)
    version = flags & 255
    unread = [kind for flag, kind in _UNREAD_KINDS.items() if flags & flag]
    if version != 2 or unread:
        message = f"the OpenEXR file has {unread[0] if unread else f'version {version}'}"
        hint = "save it as one flat picture in scan lines"
        raise light_error(AssetCode.ENVIRONMENT_FORMAT, message, name, hint)
    attributes: dict[str, bytes] = {}
    at = 8
    for _ in range(MAX_EXR_ATTRIBUTES):
        key, at = _text(data, at, name)
        if not key:
            break
        _kind, at = _text(data, at, name)
        (size,) = struct.unpack_from("<I", data, at)
        if size > len(data) - at:
            raise damaged(f"the OpenEXR file ends within its attribute '{key}'", name)
        attributes[key] = data[at + 4 : at + 4 + size]
        at += 4 + size
    else:
        raise damaged(f"the OpenEXR file has more than {MAX_EXR_ATTRIBUTES} attributes", name)
    missing = [key for key in ("channels", "compression", "dataWindow") if not attributes.get(key)]
    if missing:
        raise damaged(f"the OpenEXR file has no attribute '{missing[0]}'", name)
    left, top, right, bottom = struct.unpack_from("<4i", attributes["dataWindow"])
    check_light_size(right - left + 1, bottom - top + 1, name)
    compression = attributes["compression"][0]
    if compression not in _ROWS_OF:
        known = _COMPRESSIONS[compression] if compression < len(_COMPRESSIONS) else str(compression)
        message = f"the OpenEXR file is compressed with {known}"
        raise light_error(AssetCode.ENVIRONMENT_FORMAT, message, name, "save it with the compression ZIP")
    channels = tuple(_channels(attributes["channels"], name))
    named = {channel for channel, _ in channels}
    if len(named) < len(channels):
        raise damaged("the OpenEXR file has two channels of one name", name)
    if not named.issuperset("RGB") and "Y" not in named:
        message = f"the OpenEXR file has the channels {', '.join(sorted(named))[:80]}"
        raise light_error(AssetCode.ENVIRONMENT_FORMAT, message, name, "save it with channels R, G and B")
    return _Header(right - left + 1, bottom - top + 1, top, compression, channels, at)


def _channels(data: bytes, name: str) -> Iterator[tuple[str, np.dtype[np.generic]]]:
    """Yield name and type of each channel, in the order in which a row has them."""
    at = 0
    for _ in range(MAX_EXR_ATTRIBUTES):
        channel, at = _text(data, at, name)
        if not channel:
            return
        kind, _linear, across, down = struct.unpack_from("<iIii", data, at)
        at += 16
        if kind not in _DTYPES or (across, down) != (1, 1):
            message = f"the channel '{channel}' of the OpenEXR file is not stored for every pixel as a number"
            raise light_error(AssetCode.ENVIRONMENT_FORMAT, message, name, "save it with channels R, G and B")
        yield channel, np.dtype(_DTYPES[kind])
    raise damaged(f"the OpenEXR file has more than {MAX_EXR_ATTRIBUTES} channels", name)


def _text(data: bytes, at: int, name: str) -> tuple[str, int]:
    """Return the text at a byte, which a NUL ends, and where it ends."""
    end = data.find(b"\0", at, at + 256)
    if end < 0:
        raise damaged(f"the OpenEXR file has no name at byte {at}", name)
    return data[at:end].decode("utf-8", "replace"), end + 1


def _unpacked(packed: bytes, compression: int, size: int, name: str) -> bytes:
    """Return the `size` bytes of a block. Blocks that would not become smaller are not compressed."""
    if compression == _NONE or len(packed) == size:
        held = packed
    else:
        try:
            held = _runs(packed, size) if compression == _RLE else _inflated(packed, size)
        except zlib.error as error:
            raise damaged("the OpenEXR file cannot be decompressed: its data is damaged", name) from error
        held = _reordered(np.frombuffer(held, np.uint8)).tobytes()
    if len(held) != size:
        raise damaged(f"a block of the OpenEXR file has {len(held)} bytes instead of {size}", name)
    return held


def _inflated(packed: bytes, size: int) -> bytes:
    return zlib.decompressobj().decompress(packed, size + 1)


def _runs(packed: bytes, size: int) -> bytes:
    """Expand runs: a count n < 0 is followed by -n bytes as they are, others by one byte for n + 1."""
    held, at = bytearray(), 0
    while at < len(packed) and len(held) <= size:
        count = packed[at] - 256 if packed[at] > 127 else packed[at]
        if count < 0:
            held += packed[at + 1 : at + 1 - count]
            at += 1 - count
        else:
            held += packed[at + 1 : at + 2] * (count + 1)
            at += 2
    return bytes(held)


def _reordered(held: Bytes) -> Bytes:
    """Undo the differences of neighbours, and the split into bytes of even and of odd place."""
    summed = np.cumsum(held, dtype=np.uint8)
    summed += (np.arange(len(held)) % 2 * 128).astype(np.uint8)  # each difference has 128 added
    half = (len(held) + 1) // 2
    found = np.empty_like(summed)
    found[0::2], found[1::2] = summed[:half], summed[half:]
    return found


def _fill(block: Light, held: bytes, header: _Header) -> None:
    """Write the channels of some rows, in each of which one channel follows the other."""
    row = np.dtype([(channel, dtype, (header.width,)) for channel, dtype in header.channels])
    rows = np.frombuffer(held, row)
    named = {channel for channel, _ in header.channels}
    for number, channel in enumerate("RGB" if named.issuperset("RGB") else "YYY"):
        block[..., number] = rows[channel]
