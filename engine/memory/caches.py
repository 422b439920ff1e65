"""Where the bytes of transfers come from: cache files read by position, or memory.

A mapped file that another process truncates kills whoever touches the lost pages (SIGBUS), between any check
and the copy. Reading by position ends short instead, costs the same as copying out of a warm mapping, and
scatters many assets in one call that does not hold the interpreter lock.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.plan.steps import READ

HAS_SCATTER = hasattr(os, "preadv") and ctypes.sizeof(ctypes.c_long) == 8
MOST_AT_ONCE = 1024  # IOV_MAX of every system that has preadv
END = (1 << 63) - 1  # beyond any file
SPREAD = np.dtype(
    [
        *READ.descr,
        ("room", np.int64),  # bytes from where a read goes that are its own
        ("target", np.int32),  # which of several targets staging_offset counts in
    ]
)
IOVEC = np.dtype([("base", np.uint64), ("length", np.uint64)])
GAP = 1 << 12  # a shorter gap between two reads is read, and dropped, in the same call

_own = threading.local()
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
        self.begin = begin
        self.end = end


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """Bytes that are copied into; `far`: a device's own, which the system's copying is slow to reach."""

    bytes: NDArray[np.uint8]
    far: bool = False


class Cache(Protocol):
    """Bytes of one assetDb."""

    @property
    def size(self) -> int:
        """How many there are."""

    def copy(self, reads: NDArray[np.void], targets: Sequence[Target]) -> None:
        """Copy `reads` (dtype SPREAD, sorted by where they begin here) into their targets; any thread.

        Raises CacheUnreadable.
        """

    def prepared(self, reads: NDArray[np.void], targets: Sequence[Target]) -> Callable[[], None]:
        """Return what does the same as `copy`, once, on any thread."""

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

    def copy(self, reads: NDArray[np.void], targets: Sequence[Target]) -> None:
        """Copy reads into their targets."""
        source = self._bytes
        for offset, place, size, _room, number in reads.tolist():
            targets[number].bytes[place : place + size] = source[offset : offset + size]

    def prepared(self, reads: NDArray[np.void], targets: Sequence[Target]) -> Callable[[], None]:
        """Return what copies the reads; there is nothing to work out."""
        return partial(self.copy, reads, targets)

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

    def copy(self, reads: NDArray[np.void], targets: Sequence[Target]) -> None:
        """Copy reads into their targets."""
        self.prepared(reads, targets)()

    def prepared(self, reads: NDArray[np.void], targets: Sequence[Target]) -> Callable[[], None]:
        """Work out what `copy` has to do, so that doing it hardly needs the interpreter lock."""
        base = np.array([target.bytes.ctypes.data for target in targets], np.int64)
        address = base[reads["target"]] + reads["staging_offset"]
        far = np.array([target.far for target in targets], bool)[reads["target"]]
        if not far.any():
            return partial(self._do, self._calls(reads, address, far), (), 0)
        # The system copies into a device's memory range by range and slowly; a plain copy is fast.
        mine = np.flatnonzero(far)
        mine = mine[np.argsort(address[mine])]
        place, room, size = address[mine], reads["room"][mine], reads["size"][mine]
        spot = np.cumsum(room) - room
        address[mine] = spot
        whose = reads["target"][mine]
        new = np.append(True, (place[1:] != (place + room)[:-1]) | (whose[1:] != whose[:-1]))
        first = np.flatnonzero(new)
        last = np.append(first[1:], len(mine)) - 1
        lengths = place[last] + size[last] - place[first]
        columns = (whose[first], place[first] - base[whose[first]], spot[first], lengths)
        runs = tuple(
            (targets[number].bytes[begin : begin + length], at)
            for number, begin, at, length in zip(*(c.tolist() for c in columns), strict=True)
        )
        return partial(self._do, self._calls(reads, address, far), runs, int(room.sum()))

    def _do(
        self,
        calls: Sequence[tuple[NDArray[np.void], NDArray[np.bool_], int]],
        runs: Sequence[tuple[NDArray[np.uint8], int]],
        through: int,
    ) -> None:
        """Make the calls, those of far targets into `through` bytes of a bounce buffer, and copy on."""
        bounce = _bounce_of(through)
        for several, far, offset in calls:
            if through:
                several["base"][far] += np.uint64(bounce.ctypes.data)
            self._read(several, offset)
        for into, at in runs:
            into[:] = bounce[at : at + len(into)]

    def _calls(
        self, reads: NDArray[np.void], address: NDArray[np.int64], far: NDArray[np.bool_]
    ) -> list[tuple[NDArray[np.void], NDArray[np.bool_], int]]:
        """What to read where, which of it is far, and from which byte on, for each call."""
        gap = np.zeros(len(reads), np.int64)
        gap[1:] = (reads["cache_offset"][1:] - reads["cache_offset"][:-1]) - reads["size"][:-1]
        edges = [0, *np.flatnonzero((gap < 0) | (gap > GAP)).tolist(), len(reads)]
        both = np.zeros((len(reads), 2), IOVEC)  # what lies before each read, and the read
        both["base"][:, 0], both["length"][:, 0] = _drop.ctypes.data, np.maximum(gap, 0)
        both["base"][:, 1], both["length"][:, 1] = address, reads["size"]
        away = np.stack([np.zeros(len(reads), bool), far], axis=1)
        found = []
        for first, stop in pairwise(edges):
            for at in range(first, stop, MOST_AT_ONCE // 2):
                end = min(at + MOST_AT_ONCE // 2, stop)
                several = both[at:end].reshape(-1).copy()
                several["length"][0] = 0
                there = several["length"] > 0
                found.append(
                    (several[there], away[at:end].reshape(-1)[there], int(reads["cache_offset"][at]))
                )
        return found

    def _read(self, several: NDArray[np.void], offset: int) -> None:
        while len(several):
            arguments = (several.ctypes.data, len(several), self._begin + offset)
            count = _preadv(self._descriptor, *arguments)
            if count < 0:
                problem = os.strerror(ctypes.get_errno())
                raise CacheUnreadable(self._db, offset, offset + int(several["length"].sum()), problem)
            if count == 0:
                raise CacheUnreadable(self._db, offset, END, "it ends too early")
            if count == int(several["length"].sum()):
                return
            offset += count
            ends = np.cumsum(several["length"])
            whole = int(np.searchsorted(ends, count, side="right"))
            into = count - (int(ends[whole - 1]) if whole else 0)
            several = several[whole:]
            if into:
                several["base"][0] += into
                several["length"][0] -= into

    def expect(self, offset: int, size: int) -> None:
        """Have the system read this range ahead."""
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._descriptor, self._begin + offset, size, os.POSIX_FADV_WILLNEED)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def _bounce_of(size: int) -> NDArray[np.uint8]:
    """Memory of the calling thread to copy through, of at least `size` bytes."""
    held: NDArray[np.uint8] | None = getattr(_own, "bounce", None)
    if held is None or len(held) < size:
        held = _own.bounce = np.zeros(size, np.uint8)
    return held


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
