"""KTX 2 files made byte by byte, with levels as they are, or with zstd or zlib."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from engine.assets.importers.pictures.ktx2 import KTX2_SIGNATURE


def ktx(
    form: int, levels: Sequence[bytes], width: int, height: int, scheme: int = 0, count: int | None = None
) -> bytes:
    """Return a file with levels of a VkFormat; its header says that there are `count`."""
    count = len(levels) if count is None else count
    head = struct.pack("<9I", form, 1, width, height, 0, 0, 1, count, scheme)
    packed = [_packed(level, scheme) for level in levels]
    start = 80 + 24 * len(levels)
    index, content = b"", b""
    for level, part in zip(levels, packed, strict=True):
        index += struct.pack("<QQQ", start + len(content), len(part), len(level))
        content += part
    return KTX2_SIGNATURE + head + bytes(32) + index + content


def _packed(level: bytes, scheme: int) -> bytes:
    if scheme == 2:
        return bytes(_zstd().compress(level))
    return zlib.compress(level) if scheme == 3 else level


def _zstd() -> Any:
    try:
        return import_module("compression.zstd")
    except ImportError:
        return import_module("backports.zstd")
