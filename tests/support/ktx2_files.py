"""KTX 2 files made byte by byte, with levels as they are, or with zstd or zlib."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from engine.assets.importers.pictures.ktx2 import KTX2_SIGNATURE


def ktx(
    form: int,
    levels: Sequence[bytes],
    width: int,
    height: int,
    scheme: int = 0,
    count: int | None = None,
    metadata: Mapping[str, str] | bytes = b"",
    faces: int = 1,
) -> bytes:
    """Return a file with levels of a VkFormat; its header says that there are `count`.

    `metadata` are its keys and values, or the bytes in their place. Of several `faces` each level has all.
    """
    count = len(levels) if count is None else count
    head = struct.pack("<9I", form, 1, width, height, 0, 0, faces, count, scheme)
    packed = [_packed(level, scheme) for level in levels]
    start = 80 + 24 * len(levels)
    values = metadata if isinstance(metadata, bytes) else b"".join(map(_entry, metadata.items()))
    places = struct.pack("<4I2Q", 0, 0, start if values else 0, len(values), 0, 0)
    start += len(values)
    index, content = b"", b""
    for level, part in zip(levels, packed, strict=True):
        index += struct.pack("<QQQ", start + len(content), len(part), len(level))
        content += part
    return KTX2_SIGNATURE + head + places + index + values + content


def _entry(pair: tuple[str, str]) -> bytes:
    text = "\0".join(pair).encode() + b"\0"
    return struct.pack("<I", len(text)) + text + bytes(-len(text) % 4)


def _packed(level: bytes, scheme: int) -> bytes:
    if scheme == 2:
        return bytes(_zstd().compress(level))
    return zlib.compress(level) if scheme == 3 else level


def _zstd() -> Any:
    try:
        return import_module("compression.zstd")
    except ImportError:
        return import_module("backports.zstd")
