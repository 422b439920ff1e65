"""Pictures of light as files, written here so that readers are not tested with themselves."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Light = npt.NDArray[np.float32]
NONE, RLE, ZIPS, ZIP = range(4)
_ROWS = {NONE: 1, RLE: 1, ZIPS: 1, ZIP: 16}
_KINDS = {"u4": 0, "f2": 1, "f4": 2}


def hdr(resolution: str, data: bytes, *lines: str) -> bytes:
    """A Radiance file: its header with further lines, its resolution, and the bytes of its rows."""
    head = ["#?RADIANCE", "FORMAT=32-bit_rle_rgbe", *lines, "", resolution, ""]
    return "\n".join(head).encode() + data


def attribute(name: str, kind: str, content: bytes) -> bytes:
    return b"%s\0%s\0%s" % (name.encode(), kind.encode(), struct.pack("<I", len(content))) + content


def exr(
    channels: Mapping[str, npt.NDArray[np.generic]], compression: int = ZIP, top: int = 0, flags: int = 2
) -> bytes:
    """An OpenEXR file of channels [height, width] of one size."""
    height, width = next(iter(channels.values())).shape
    named = sorted(channels.items())
    listed = b"".join(
        b"%s\0%s" % (name.encode(), struct.pack("<IIII", _KINDS[pixels.dtype.str[1:]], 0, 1, 1))
        for name, pixels in named
    )
    window = struct.pack("<4i", 0, top, width - 1, top + height - 1)
    head = (
        struct.pack("<II", 20000630, flags)
        + attribute("channels", "chlist", listed + b"\0")
        + attribute("compression", "compression", bytes([compression]))
        + attribute("dataWindow", "box2i", window)
        + attribute("displayWindow", "box2i", window)
        + b"\0"
    )
    blocks = []
    for at in range(0, height, _ROWS[compression]):
        rows = range(at, min(at + _ROWS[compression], height))
        held = b"".join(pixels[row].tobytes() for row in rows for _, pixels in named)
        packed = _packed(held, compression)
        blocks.append(struct.pack("<iI", top + at, len(packed)) + packed)
    start = len(head) + 8 * len(blocks)
    offsets = np.cumsum([start, *(len(block) for block in blocks[:-1])])
    return head + struct.pack(f"<{len(blocks)}Q", *offsets.tolist()) + b"".join(blocks)


def _packed(held: bytes, compression: int) -> bytes:
    if compression == NONE:
        return held
    split = np.frombuffer(held[0::2] + held[1::2], np.uint8).astype(np.int64)
    steps = np.concatenate((split[:1], np.diff(split) + 128)).astype(np.uint8).tobytes()
    packed = zlib.compress(steps) if compression in (ZIPS, ZIP) else _runs(steps)
    return packed if len(packed) < len(held) else held


def _runs(steps: bytes) -> bytes:
    made, at = bytearray(), 0
    while at < len(steps):
        run = 1
        while run < 128 and steps[at : at + run + 1] == steps[at : at + 1] * (run + 1):
            run += 1
        if run > 2:
            made += bytes([run - 1, steps[at]])
        else:
            run = min(2, len(steps) - at)
            made += bytes([256 - run]) + steps[at : at + run]
        at += run
    return bytes(made)
