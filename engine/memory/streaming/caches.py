"""Where the bytes of transfers come from: cache files read by position, or memory.

A mapped file that another process truncates kills whoever touches the lost pages (SIGBUS), between any check
and the copy. Reading by position ends short instead, costs the same as copying out of a warm mapping, and
scatters many assets in one call that does not hold the interpreter lock.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.plan.resident.steps import READ

HAS_SCATTER = hasattr(os, "preadv") and ctypes.sizeof(ctypes.c_long) == 8
MOST_AT_ONCE = 1024  # IOV_MAX of every system that has preadv
END = (1 << 63) - 1  # beyond any file
PIECE = 8 << 20  # bytes copied by one thread at a time: smaller ones cost more turns of the interpreter lock
SPREAD = np.dtype([*READ.descr, ("target", np.int32)])  # which of several targets staging_offset counts in
IOVEC = np.dtype([("base", np.uint64), ("length", np.uint64)])
GAP = 1 << 12  # a shorter gap between two reads is read, and dropped, in the same call

Bytes = NDArray[np.uint8]
Piece = Callable[[], None]
_Call = tuple[int, int, int, int]  # the first of its rows of IOVEC, how many, from which byte on, how many

_drop = np.zeros(GAP, np.uint8)  # what is read into it is never looked at

if HAS_SCATTER:
    # os.preadv takes a list of buffers, which costs more to make than to read.
    _preadv = ctypes.CDLL(None, use_errno=True).preadv
    _preadv.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_long)
    _preadv.restype = ctypes.c_ssize_t


class CacheUnreadable(Exception):
    """Bytes from `begin` to `end` of the cache of assetDb `db` could not be had; cooking makes it whole."""

    def __init__(self, db: int, begin: int, end: int, why: str) -> None:
        super().__init__(f"the cache of assetDb {db} cannot be read: {why}; cook it again")
        self.db = db
        self.why = why
        self.begin = begin
        self.end = end


class Cache(Protocol):
    """Bytes of one assetDb."""

    @property
    def size(self) -> int:
        """How many there are."""

    def pieces(self, reads: NDArray[np.void], targets: Sequence[Bytes]) -> Iterable[Piece]:
        """Work out what copies `reads` (dtype SPREAD) into their targets: parts for any threads to take.

        Each is called once and may raise CacheUnreadable.
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

    def pieces(self, reads: NDArray[np.void], targets: Sequence[Bytes]) -> Iterable[Piece]:
        """Return what copies the reads, piece by piece."""
        reads, piece = cut(reads)
        parts = np.split(reads, np.flatnonzero(np.diff(piece)) + 1)
        return [partial(self._copy, part, targets) for part in parts if len(part)]

    def _copy(self, reads: NDArray[np.void], targets: Sequence[Bytes]) -> None:
        source = self._bytes
        for offset, place, size, number in reads.tolist():
            targets[number][place : place + size] = source[offset : offset + size]

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

    def pieces(self, reads: NDArray[np.void], targets: Sequence[Bytes]) -> Iterable[Piece]:
        """Work out all calls at once, so that copying hardly needs the interpreter lock."""
        if not len(reads):
            return []
        reads, piece = cut(reads)
        begin, size = reads["cache_offset"], reads["size"]
        gap = np.zeros(len(reads), np.int64)
        gap[1:] = begin[1:] - (begin + size)[:-1]
        apart = (gap < 0) | (gap > GAP)
        apart[1:] |= piece[1:] != piece[:-1]
        apart[0] = True
        run = np.flatnonzero(apart)
        turn = np.arange(len(reads)) - np.repeat(run, np.diff(np.append(run, len(reads))))
        first = np.flatnonzero(turn % (MOST_AT_ONCE // 2) == 0)
        gap[first] = 0
        base = np.array([target.ctypes.data for target in targets], np.int64)
        both = np.zeros((len(reads), 2), IOVEC)  # what lies before each read, and the read
        both["base"][:, 0], both["length"][:, 0] = _drop.ctypes.data, gap
        both["base"][:, 1] = base[reads["target"]] + reads["staging_offset"]
        both["length"][:, 1] = size
        count = np.diff(np.append(first, len(reads)))
        length = (begin + size)[first + count - 1] - begin[first]
        columns = (2 * first, 2 * count, begin[first], length)
        calls: list[_Call] = list(zip(*(column.tolist() for column in columns), strict=True))
        edges = [0, *(np.flatnonzero(np.diff(piece[first])) + 1).tolist(), len(calls)]
        vectors = both.reshape(-1)
        return [partial(self._copy, vectors, calls[a:b], targets) for a, b in pairwise(edges)]

    def _copy(self, vectors: NDArray[np.void], calls: Sequence[_Call], _targets: Sequence[Bytes]) -> None:
        """Make these calls; the targets are there to stay alive meanwhile."""
        address = vectors.ctypes.data
        for first, count, offset, length in calls:
            where = (address + first * IOVEC.itemsize, count, self._begin + offset)
            done = _preadv(self._descriptor, *where)
            if done != length:
                self._go_on(vectors[first : first + count].copy(), offset, length, done)

    def _go_on(self, several: NDArray[np.void], offset: int, left: int, done: int) -> None:
        """Read what is left after a call that read `done` bytes, or failed."""
        while done != left:
            if done < 0:
                problem = os.strerror(ctypes.get_errno())
                raise CacheUnreadable(self._db, offset, offset + left, problem)
            if done == 0:
                raise CacheUnreadable(self._db, offset, END, "it ends too early")
            offset, left = offset + done, left - done
            ends = np.cumsum(several["length"])
            whole = int(np.searchsorted(ends, done, side="right"))
            into = done - (int(ends[whole - 1]) if whole else 0)
            several = several[whole:].copy()
            several["base"][0] += np.uint64(into)
            several["length"][0] -= np.uint64(into)
            where = (several.ctypes.data, len(several), self._begin + offset)
            done = _preadv(self._descriptor, *where)

    def expect(self, offset: int, size: int) -> None:
        """Have the system read this range ahead."""
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._descriptor, self._begin + offset, size, os.POSIX_FADV_WILLNEED)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def cut(reads: NDArray[np.void]) -> tuple[NDArray[np.void], NDArray[np.int64]]:
    """Reads (dtype SPREAD) of at most PIECE bytes in the order of the cache, and each one's piece."""
    count = -(-reads["size"] // PIECE)
    parts = np.repeat(reads, count)
    if len(parts) > len(reads):
        within = (np.arange(len(parts)) - np.repeat(np.cumsum(count) - count, count)) * PIECE
        parts["cache_offset"] += within
        parts["staging_offset"] += within
        parts["size"] = np.minimum(parts["size"] - within, PIECE)
    parts = parts[np.argsort(parts["cache_offset"], kind="stable")]
    return parts, (np.cumsum(parts["size"]) - 1) // PIECE


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
