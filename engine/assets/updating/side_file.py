"""The bytes of assets that were saved while a scene is drawn, until their cache has been written whole."""

from __future__ import annotations

import os
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from engine.assets.cache.cache import CacheImage, Entry, padded
from engine.assets.cache.cache_writer import build_in_memory
from engine.assets.cache.kept_results import Bytes
from engine.assets.cache.results import Result


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes of one result in a side file: where they begin, how many they are, and their checksum."""

    begin: int
    size: int
    checksum: int


class SideFile:
    """A file without a name beside a cache, which no other process can open.

    Ranges that are released are used again. The file is there from the first write on, and until its owner
    has closed it and every range is released. Any thread may call it.
    """

    def __init__(self, folder: Path | None) -> None:
        """`folder` is on the disk of the file; without one, all is in memory."""
        self._folder = folder
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None
        self._free: list[tuple[int, int]] = []  # begin and end, ascending, never adjacent
        self._end = 0
        self._used = 0
        self._is_closed = False

    @property
    def size(self) -> int:
        """How long the file is in bytes."""
        return self._end

    def keep(self, data: Bytes) -> Iterable[Bytes]:
        """Take over the bytes of a result and return them in pieces; in memory where none can be written."""
        from engine.files.scratch import scratch_file

        size = padded(len(data))
        if not size or self._folder is None or not hasattr(os, "preadv"):
            return (data,)
        with self._lock:
            try:
                if self._file is None:
                    self._file = scratch_file(self._folder)
                descriptor = self._file.fileno()
            except OSError:
                return (data,)
            begin = self._take(size)
        gap = bytes(size - len(data))
        try:
            _write(descriptor, data, begin)
            _write(descriptor, gap, begin + len(data))
        except OSError:  # the disk is full
            self.release([Part(begin, len(data), 0)])
            return (data,)
        return _Kept(self, Part(begin, len(data), zlib.crc32(gap, zlib.crc32(data))))

    def image(self, results: Mapping[str, Result]) -> CacheImage:
        """Return the results as a cache of their own, by the identities of their recipes."""
        kept = {key: one.pieces for key, one in results.items() if isinstance(one.pieces, _Kept)}
        parts = {key: pieces.part for key, pieces in kept.items()}
        in_memory = any(one.entry.facts and key not in parts for key, one in results.items())
        if in_memory or self._file is None:
            image = build_in_memory((one.entry, one.pieces) for one in results.values())
            self.release(list(parts.values()))
            return image
        entries = tuple(_placed(one.entry, parts.get(key)) for key, one in results.items())
        end = max((part.begin + padded(part.size) for part in parts.values()), default=0)
        released = partial(self.release, list(parts.values()))
        return CacheImage(entries, end, None, self._file.fileno(), None, 0, None, released)

    def read(self, part: Part) -> bytes:
        """Return the bytes of a range. Raises OSError."""
        assert self._file is not None
        return os.pread(self._file.fileno(), part.size, part.begin)

    def release(self, parts: Sequence[Part]) -> None:
        """Let ranges be written over, once each."""
        with self._lock:
            for part in parts:
                self._give_back(part.begin, part.begin + padded(part.size))
            self._close_unused()

    def close(self) -> None:
        """Write nothing more; the file is closed with its last range."""
        with self._lock:
            self._is_closed = True
            self._close_unused()

    def _close_unused(self) -> None:
        if self._is_closed and not self._used and self._file is not None:
            self._file.close()
            self._file = None

    def _take(self, size: int) -> int:
        """Return where a range of so many bytes begins: the first that is free, or the end."""
        self._used += size
        for place, (begin, end) in enumerate(self._free):
            if end - begin >= size:
                self._free[place : place + 1] = [(begin + size, end)] if end - begin > size else []
                return begin
        begin, self._end = self._end, self._end + size
        return begin

    def _give_back(self, begin: int, end: int) -> None:
        self._used -= end - begin
        ranges = sorted([*self._free, (begin, end)])
        joined = [ranges[0]]
        for first, last in ranges[1:]:
            if first == joined[-1][1]:
                joined[-1] = (joined[-1][0], last)
            else:
                joined.append((first, last))
        if joined[-1][1] == self._end:
            self._end = joined.pop()[0]
            if self._file is not None:
                os.ftruncate(self._file.fileno(), self._end)
        self._free = joined


def _placed(entry: Entry, part: Part | None) -> Entry:
    """Return an entry with the place of its bytes; a failure has none."""
    if part is None:
        return entry
    return replace(entry, offset=part.begin, size=part.size, checksum=part.checksum)


@dataclass(frozen=True, slots=True)
class _Kept:
    """The bytes of one result that are in a side file."""

    file: SideFile
    part: Part

    def __iter__(self) -> Iterator[Bytes]:
        yield self.file.read(self.part)


def _write(descriptor: int, data: Bytes, at: int) -> None:
    """Write all of some bytes at a place of a file. Raises OSError."""
    left = memoryview(data)
    while len(left):
        done = os.pwrite(descriptor, left, at)
        left, at = left[done:], at + done
