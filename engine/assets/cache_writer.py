"""Writes a cache to a temporary file and renames it, so that a cache is complete or absent."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from engine.assets.cache import (
    HEADER_BYTES,
    CacheImage,
    Entry,
    cache_in_memory,
    open_cache,
    pack_header,
    padded,
)

_TEMPORARY = ".tmp"


class CacheWriter:
    """Appends assets to a file; `finish` writes table and header."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._file.write(bytes(HEADER_BYTES))
        self._end = 0
        self._entries: list[Entry] = []

    def add(self, entry: Entry, data: bytes | memoryview) -> None:
        """Append an asset, and its entry with offset, size and checksum set."""
        gap = bytes(padded(len(data)) - len(data))
        self._file.write(data)
        self._file.write(gap)
        checksum = zlib.crc32(gap, zlib.crc32(data))
        self._entries.append(replace(entry, offset=self._end, size=len(data), checksum=checksum))
        self._end += padded(len(data))

    def finish(self) -> None:
        """Write the table of contents, then the header."""
        rows = [entry.to_json() for entry in self._entries]
        toc = json.dumps({"entries": rows}, separators=(",", ":"), sort_keys=True).encode()
        self._file.write(toc)
        toc_offset = HEADER_BYTES + self._end
        self._file.seek(0)
        self._file.write(pack_header(toc_offset + len(toc), toc_offset, toc))


def write_cache(path: Path, assets: Iterator[tuple[Entry, bytes | memoryview]]) -> CacheImage:
    """Write a cache file and map it. The old file stays until the new one is complete.

    Raises OSError if it cannot be written (read-only or missing folder, disk full), without leaving a file.
    The caller holds the lock of `path`.
    """
    delete_temporary_files(path)
    descriptor, name = tempfile.mkstemp(_TEMPORARY, _temporary_prefix(path), path.parent)
    try:
        with open(descriptor, "w+b") as file:
            writer = CacheWriter(file)
            for entry, data in assets:
                writer.add(entry, data)
            writer.finish()
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise
    _sync_folder(path.parent)
    return open_cache(path)


def build_in_memory(assets: Iterator[tuple[Entry, bytes | memoryview]]) -> CacheImage:
    """Build a cache in memory."""
    file = io.BytesIO()
    writer = CacheWriter(file)
    for entry, data in assets:
        writer.add(entry, data)
    writer.finish()
    return cache_in_memory(file.getvalue())


def delete_temporary_files(path: Path) -> Sequence[Path]:
    """Delete and return the temporary files of killed writers of `path`; the caller holds its lock."""
    left = [
        found
        for found in path.parent.iterdir()
        if found.name.startswith(_temporary_prefix(path)) and found.name.endswith(_TEMPORARY)
    ]
    for found in left:
        found.unlink(missing_ok=True)
    return left


def _temporary_prefix(path: Path) -> str:
    return f".{path.name}."


def _sync_folder(folder: Path) -> None:
    """Flush the rename to disk (POSIX only: elsewhere a folder cannot be opened)."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
