"""Writes a cache: its header last, and the file whole or not at all."""

from __future__ import annotations

import io
import json
import os
import time
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, TypeAlias

from engine.assets.cache.cache import (
    HEADER_BYTES,
    CacheImage,
    Entry,
    cache_of_file,
    pack_header,
    padded,
    stamp_of,
)
from engine.files import whole_file

Content: TypeAlias = tuple[Entry, Iterable[bytes | memoryview]]
"""An asset: its entry, and its bytes in pieces."""

_SET_BACK_NS = 1_000_000_000


class CacheWriter:
    """Appends assets to a file; `finish` writes table and header. `entries` and `size` are those so far."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._file.write(bytes(HEADER_BYTES))
        self.size = 0
        self.entries: list[Entry] = []

    def add(self, entry: Entry, pieces: Iterable[bytes | memoryview]) -> None:
        """Append an asset, and its entry with offset, size and checksum set."""
        size = checksum = 0
        for piece in pieces:
            self._file.write(piece)
            size, checksum = size + len(piece), zlib.crc32(piece, checksum)
        gap = bytes(padded(size) - size)
        self._file.write(gap)
        checksum = zlib.crc32(gap, checksum)
        self.entries.append(replace(entry, offset=self.size, size=size, checksum=checksum))
        self.size += padded(size)

    def finish(self) -> None:
        """Write the table of contents, then the header."""
        rows = [entry.to_json() for entry in self.entries]
        toc = json.dumps({"entries": rows}, separators=(",", ":"), sort_keys=True).encode()
        self._file.write(toc)
        toc_offset = HEADER_BYTES + self.size
        self._file.seek(0)
        self._file.write(pack_header(toc_offset + len(toc), toc_offset, toc))


def write_cache(path: Path, assets: Iterator[Content]) -> CacheImage:
    """Write a cache file and open it. The old file stays until the new one is complete.

    Raises OSError if it cannot be written (read-only or missing folder, disk full), without leaving a file.
    The caller holds the lock of `path`.
    """
    descriptor = -1
    try:
        with whole_file(path, follow=False) as file:
            writer = CacheWriter(file)
            for entry, pieces in assets:
                writer.add(entry, pieces)
            writer.finish()
            file.flush()
            descriptor = os.dup(file.fileno())
            stamp = _set_back(descriptor)
    except BaseException:
        if descriptor >= 0:
            os.close(descriptor)
        raise
    # what was written, whatever the path names by now
    return cache_of_file(descriptor, path, stamp, tuple(writer.entries), writer.size)


def _set_back(descriptor: int) -> tuple[int, int]:
    """Set the mtime of an open file back, so that every later write changes it, and return its stamp."""
    if os.utime in os.supports_fd:
        past = time.time_ns() - _SET_BACK_NS
        os.utime(descriptor, ns=(past, past))
    return stamp_of(descriptor)


def build_in_memory(assets: Iterator[Content]) -> CacheImage:
    """Build a cache in memory."""
    file = io.BytesIO()
    writer = CacheWriter(file)
    for entry, pieces in assets:
        writer.add(entry, pieces)
    return CacheImage(tuple(writer.entries), writer.size, memory=file.getbuffer())
