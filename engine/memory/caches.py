"""Where the bytes of transfers come from: cache files read by position, or memory.

A mapped file that another process truncates kills whoever touches the lost pages (SIGBUS), between any check
and the copy. Reading by position ends short instead, costs the same as copying out of a warm mapping, and
scatters many assets in one call that does not hold the interpreter lock.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

HAS_SCATTER = hasattr(os, "preadv")
MOST_AT_ONCE = 1024  # IOV_MAX of every system that has preadv
END = (1 << 63) - 1  # beyond any file
GAP = 1 << 12  # a shorter gap between two reads is read, and dropped, in the same call


class CacheUnreadable(Exception):
    """Bytes from `begin` to `end` of the cache of assetDb `db` could not be had; cooking makes it whole."""

    def __init__(self, db: int, begin: int, end: int, why: str) -> None:
        super().__init__(f"the cache of assetDb {db} cannot be read: {why}; cook it again")
        self.db = db
        self.begin = begin
        self.end = end


class Cache(Protocol):
    """Bytes of one assetDb."""

    @property
    def size(self) -> int:
        """How many there are."""

    def copy(self, reads: NDArray[np.void], target: NDArray[np.uint8]) -> None:
        """Copy `reads` (dtype READ, sorted by where they begin here) into `target`; any thread.

        Raises CacheUnreadable.
        """

    def expect(self, offset: int, size: int) -> None:
        """Have the system read this range ahead."""

    def close(self) -> None:
        """Let go of the source, once."""


class MemoryCache:
    """Bytes that are in memory already."""

    def __init__(self, view: Any) -> None:
        self._bytes = np.frombuffer(view, np.uint8)

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return len(self._bytes)

    def copy(self, reads: NDArray[np.void], target: NDArray[np.uint8]) -> None:
        """Copy reads into `target`."""
        source = self._bytes
        for offset, place, size in reads.tolist():
            target[place : place + size] = source[offset : offset + size]

    def expect(self, offset: int, size: int) -> None:
        """Nothing to do: it is there."""

    def close(self) -> None:
        """Let go of the memory."""
        self._bytes = np.zeros(0, np.uint8)


class FileCache:
    """A part of an open file; `descriptor` stays its owner's, this has one of its own."""

    def __init__(self, db: int, descriptor: int, begin: int, size: int) -> None:
        self.size = size
        self._db = db
        self._descriptor = os.dup(descriptor)
        self._begin = begin

    def copy(self, reads: NDArray[np.void], target: NDArray[np.uint8]) -> None:
        """Copy reads into `target`, neighbours in one call."""
        end = reads["cache_offset"] + reads["size"]
        gap = np.zeros(len(reads), np.int64)
        gap[1:] = reads["cache_offset"][1:] - end[:-1]
        far = np.flatnonzero((gap < 0) | (gap > GAP)).tolist()
        into, drop = memoryview(target.data), memoryview(bytearray(GAP))
        gaps, rows = gap.tolist(), reads.tolist()
        for first, stop in zip([0, *far], [*far, len(rows)], strict=True):
            for at in range(first, stop, MOST_AT_ONCE // 2):
                several: list[memoryview] = []
                for index in range(at, min(at + MOST_AT_ONCE // 2, stop)):
                    if index > at and gaps[index]:
                        several.append(drop[: gaps[index]])
                    _offset, place, size = rows[index]
                    several.append(into[place : place + size])
                if several:
                    self._read(several, rows[at][0])

    def _read(self, several: list[memoryview], offset: int) -> None:
        missing = sum(map(len, several))
        while missing:
            try:
                count = os.preadv(self._descriptor, several, self._begin + offset)
            except OSError as error:
                raise CacheUnreadable(self._db, offset, offset + missing, str(error)) from error
            if not count:
                raise CacheUnreadable(self._db, offset, END, "it ends too early")
            offset, missing = offset + count, missing - count
            while several and count >= len(several[0]):
                count -= len(several.pop(0))
            if count:
                several[0] = several[0][count:]

    def expect(self, offset: int, size: int) -> None:
        """Have the system read this range ahead."""
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._descriptor, self._begin + offset, size, os.POSIX_FADV_WILLNEED)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def cache_of(db: int, source: Any) -> Cache:
    """Make a cache of a buffer, or of what has `descriptor` (or None), `begin`, `size` and `data`, a buffer.

    The data is copied out of memory where there is no file, and on systems without preadv.
    """
    descriptor = getattr(source, "descriptor", None)
    if descriptor is not None and HAS_SCATTER:
        return FileCache(db, descriptor, source.begin, source.size)
    return MemoryCache(source.data if hasattr(source, "descriptor") else source)


def caches_of(sources: Mapping[int, Any]) -> dict[int, Cache]:
    """Make the cache of each assetDb."""
    return {db: cache_of(db, source) for db, source in sources.items()}
