"""Sources of the bytes of transfers: cache files read with preadv, or buffers in memory.

Reading a mapped file that another process truncates raises SIGBUS, even between a check and the copy. preadv
returns a short count instead, costs the same as copying from a warm mapping, and scatters many assets in one
call without the interpreter lock.
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
MAX_IOVECS = 1024  # IOV_MAX of every system that has preadv
END = (1 << 63) - 1  # beyond any file
PIECE = 8 << 20  # bytes per task of a thread: smaller tasks take the interpreter lock more often
TARGETED_READ = np.dtype([*READ.descr, ("target", np.int32)])  # index of the target of staging_offset
IOVEC = np.dtype([("base", np.uint64), ("length", np.uint64)])
MAX_GAP = 1 << 12  # bytes; a gap of up to that between two reads is read too, and dropped

Bytes = NDArray[np.uint8]
Piece = Callable[[], None]
_Call = tuple[int, int, int, int]  # first row of IOVEC, number of rows, offset in the cache, bytes

_scratch = np.zeros(MAX_GAP, np.uint8)  # receives the gaps

if HAS_SCATTER:
    # os.preadv takes a list of buffers, and building that list costs more than the read.
    _preadv = ctypes.CDLL(None, use_errno=True).preadv
    _preadv.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_long)
    _preadv.restype = ctypes.c_ssize_t


class CacheUnreadable(Exception):
    """Bytes `begin` to `end` of the cache of assetDb `db` could not be read; cooking writes it again."""

    def __init__(self, db: int, begin: int, end: int, reason: str) -> None:
        super().__init__(f"the cache of assetDb {db} cannot be read: {reason}; cook it again")
        self.db = db
        self.reason = reason
        self.begin = begin
        self.end = end


class Cache(Protocol):
    """The cache of one assetDb."""

    @property
    def size(self) -> int:
        """Size in bytes."""

    def pieces(self, reads: NDArray[np.void], targets: Sequence[Bytes]) -> Iterable[Piece]:
        """Return tasks that together copy `reads` (dtype TARGETED_READ) into their targets, for any thread.

        Call each once; it may raise CacheUnreadable.
        """

    def prefetch(self, offset: int, size: int) -> None:
        """Have the system read this range ahead."""

    def close(self) -> None:
        """Release the source, once."""


class MemoryCache:
    """A cache in memory."""

    def __init__(self, view: Any) -> None:
        self._bytes = np.frombuffer(view, np.uint8)

    @property
    def size(self) -> int:
        """Size in bytes."""
        return len(self._bytes)

    def pieces(self, reads: NDArray[np.void], targets: Sequence[Bytes]) -> Iterable[Piece]:
        """Return one task per piece of the cache."""
        reads, piece = split_reads(reads)
        parts = np.split(reads, np.flatnonzero(np.diff(piece)) + 1)
        return [partial(self._copy, part, targets) for part in parts if len(part)]

    def _copy(self, reads: NDArray[np.void], targets: Sequence[Bytes]) -> None:
        source = self._bytes
        for offset, place, size, number in reads.tolist():
            targets[number][place : place + size] = source[offset : offset + size]

    def prefetch(self, offset: int, size: int) -> None:
        """Nothing to do: it is in memory."""

    def close(self) -> None:
        """Release the memory."""
        self._bytes = np.zeros(0, np.uint8)


class FileCache:
    """A range of an open file. Duplicates `descriptor`, which stays the caller's.

    `stamp` is the size of the file and its mtime in ns when it was checked. What is read after somebody has
    written to it counts as unreadable: a device does not survive every index that may be in it. None: no
    other process can open the file, and the caller closes it after all that read it, so it is not duplicated.
    """

    def __init__(
        self, db: int, descriptor: int, begin: int, size: int, stamp: tuple[int, int] | None
    ) -> None:
        self.size = size
        self._stamp = stamp
        self._db = db
        self._descriptor = descriptor if stamp is None else os.dup(descriptor)
        self._begin = begin

    def pieces(self, reads: NDArray[np.void], targets: Sequence[Bytes]) -> Iterable[Piece]:
        """Return tasks of prepared preadv calls, so that copying hardly needs the interpreter lock."""
        if not len(reads):
            return []
        reads, piece = split_reads(reads)
        begin, size = reads["cache_offset"], reads["size"]
        gap = np.zeros(len(reads), np.int64)
        gap[1:] = begin[1:] - (begin + size)[:-1]
        apart = (gap < 0) | (gap > MAX_GAP)
        apart[1:] |= piece[1:] != piece[:-1]
        apart[0] = True
        run = np.flatnonzero(apart)
        turn = np.arange(len(reads)) - np.repeat(run, np.diff(np.append(run, len(reads))))
        first = np.flatnonzero(turn % (MAX_IOVECS // 2) == 0)
        gap[first] = 0
        base = np.array([target.ctypes.data for target in targets], np.int64)
        both = np.zeros((len(reads), 2), IOVEC)  # the gap before each read, and the read
        both["base"][:, 0], both["length"][:, 0] = _scratch.ctypes.data, gap
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
        """Make these calls; the argument keeps the targets alive meanwhile."""
        address = vectors.ctypes.data
        for first, count, offset, length in calls:
            where = (address + first * IOVEC.itemsize, count, self._begin + offset)
            done = _preadv(self._descriptor, *where)
            if done != length:
                self._check(calls[0][2])
                self._read_rest(vectors[first : first + count].copy(), offset, length, done)
        self._check(calls[0][2])

    def _check(self, begin: int) -> None:
        """Raise CacheUnreadable, from `begin` on, if the file is not as it was when it was checked."""
        if self._stamp is None:
            return
        status = os.fstat(self._descriptor)
        if (status.st_size, status.st_mtime_ns) != self._stamp:
            raise CacheUnreadable(self._db, begin, END, "another process has written to it")

    def _read_rest(self, several: NDArray[np.void], offset: int, left: int, done: int) -> None:
        """Read the rest after a call that read `done` bytes, or failed (-1)."""
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

    def prefetch(self, offset: int, size: int) -> None:
        """Have the system read this range ahead."""
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._descriptor, self._begin + offset, size, os.POSIX_FADV_WILLNEED)

    def close(self) -> None:
        """Close the file, if it is its own."""
        if self._stamp is not None:
            os.close(self._descriptor)


def split_reads(reads: NDArray[np.void]) -> tuple[NDArray[np.void], NDArray[np.int64]]:
    """Split reads (dtype TARGETED_READ) at PIECE bytes; return them by cache offset, and each one's piece."""
    count = -(-reads["size"] // PIECE)
    parts = np.repeat(reads, count)
    if len(parts) > len(reads):
        within = (np.arange(len(parts)) - np.repeat(np.cumsum(count) - count, count)) * PIECE
        parts["cache_offset"] += within
        parts["staging_offset"] += within
        parts["size"] = np.minimum(parts["size"] - within, PIECE)
    parts = parts[np.argsort(parts["cache_offset"], kind="stable")]
    return parts, (np.cumsum(parts["size"]) - 1) // PIECE


def open_cache(db: int, source: Any) -> Cache:
    """Open a cache from a buffer, or from an object with `descriptor`, `begin`, `size`, `stamp` and `data`.

    `data` is used if `descriptor` is None, and on systems without preadv.
    """
    descriptor = getattr(source, "descriptor", None)
    if descriptor is not None and HAS_SCATTER:
        return FileCache(db, descriptor, source.begin, source.size, source.stamp)
    return MemoryCache(source.data if hasattr(source, "descriptor") else source)


def open_caches(sources: Mapping[int, Any]) -> dict[int, Cache]:
    """Open the cache of each assetDb."""
    return {db: open_cache(db, source) for db, source in sources.items()}
