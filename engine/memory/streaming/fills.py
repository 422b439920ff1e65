"""Copies from caches into mapped memory, on a few threads if they are large.

Fills are queued: threads continue with the next fill while the copies of the previous one are recorded.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.memory.streaming.caches import TARGETED_READ, Bytes, Cache, CacheUnreadable, Piece, open_caches
from engine.plan.resident.steps import Window
from engine.vk.errors import DioramaInternalError

NICENESS = 10
INLINE = 512 << 10  # bytes; below that, waking a thread costs more than copying

Part = tuple[NDArray[np.void], Bytes]  # reads, and the bytes that their staging_offset is an offset in


class Fill:
    """The copies of one transfer, as pieces for threads to take.

    The first piece calls `plan_pieces`, which returns the others, and then `ready`, if any.
    """

    def __init__(self, plan_pieces: Callable[[], Iterable[Piece]], ready: Callable[[], None] | None) -> None:
        self._plan_pieces: Callable[[], Iterable[Piece]] | None = plan_pieces
        self._ready = ready
        self._pieces: deque[Piece] = deque()
        self._open = 1  # pieces that are not done yet, the planning included
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._problem: BaseException | None = None
        self._unreadable: list[CacheUnreadable] = []

    @property
    def done(self) -> bool:
        """Whether every piece is copied or has failed."""
        return self._over.is_set()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until it is done, at most `timeout_s` seconds; for loading and tests."""
        self._over.wait(timeout_s)

    def finish(self) -> list[CacheUnreadable]:
        """Return what could not be read; call it once `done`. Raises any other error of a thread."""
        if self._problem is not None:
            raise self._problem
        return self._unreadable

    def take(self) -> Piece | None:
        """Return the next piece for a thread, or None; only one thread may call this at a time."""
        plan_pieces, self._plan_pieces = self._plan_pieces, None
        if plan_pieces is not None:
            return partial(self._do, partial(self._enqueue_pieces, plan_pieces))
        return partial(self._do, self._pieces.popleft()) if self._pieces else None

    def _enqueue_pieces(self, plan_pieces: Callable[[], Iterable[Piece]]) -> None:
        made = deque(plan_pieces())
        with self._lock:
            self._open += len(made)
        self._pieces = made
        if self._ready is not None:
            self._ready()

    def _do(self, work: Piece) -> None:
        try:
            work()
        except CacheUnreadable as problem:
            self._unreadable.append(problem)
        except BaseException as problem:  # noqa: BLE001 (`finish` raises it)
            self._problem = problem
        with self._lock:
            self._open -= 1
            if not self._open:
                self._over.set()


class Fills:
    """Runs fills on `threads` threads, in order; small ones run at once in the caller."""

    def __init__(self, threads: int = 3) -> None:
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self._queue: deque[Fill] = deque()
        self._target_threads = 0  # how many threads should take from the queue
        self._running_threads = 0
        self._caches: dict[int, Cache] = {}

    def set_caches(self, caches: Mapping[int, Any]) -> None:
        """Replace the caches, see `caches.open_cache`; waits for fills that read the old ones."""
        for fill in self._queue:
            fill.wait()
        self._close_caches()
        self._caches = open_caches(caches)

    def add_caches(self, caches: Mapping[int, Any]) -> None:
        """Add caches beside those that are there."""
        self._caches |= open_caches(caches)

    def drop_caches(self, dbs: Iterable[int]) -> None:
        """Close caches that nothing is read from any more, by the numbers of their databases."""
        for fill in self._queue:
            fill.wait()
        for db in dbs:
            self._caches.pop(db).close()

    def prefetch(self, windows: Iterable[Window]) -> None:
        """Have the system read these ranges ahead."""
        for window in windows:
            cache = self._caches.get(window.db)
            if cache is not None and window.offset < cache.size:
                cache.prefetch(window.offset, min(window.size, cache.size - window.offset))

    def start(self, db: int, parts: Sequence[Part], *, while_drawing: bool = False) -> Fill:
        """Start to copy from assetDb `db`: each part's reads (dtype READ) into its bytes.

        Returns at once if it is INLINE bytes or more. `while_drawing`: use half of the threads.
        """
        cache = self._caches[db]
        for reads, target in parts:
            _check("cache", reads["cache_offset"], reads["size"], cache.size)
            _check("staging", reads["staging_offset"], reads["size"], len(target))
        together = _with_targets([reads for reads, _target in parts])
        targets = [target for _reads, target in parts]
        is_small = together["size"].sum() < INLINE
        fill = Fill(lambda: cache.pieces(together, targets), None if is_small else self._start_threads)
        if is_small:
            while (work := fill.take()) is not None:
                work()
            return fill
        with self._lock:
            self._queue = deque(row for row in self._queue if not row.done)
            self._queue.append(fill)
            self._target_threads = max(1, self._threads // 2) if while_drawing else self._threads
        self._start_threads()
        return fill

    def close(self) -> None:
        """End the threads and close the caches; pieces that no thread has started are dropped."""
        with self._lock:
            self._queue.clear()
            self._target_threads = 0
        if self._pool is not None:
            self._pool.shutdown(wait=True)
            self._pool = None
        self._close_caches()

    def _start_threads(self) -> None:
        """Have `_target_threads` threads take from the queue."""
        with self._lock:
            missing = max(self._target_threads - self._running_threads, 0)
            self._running_threads += missing
        if missing and self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, "diorama fill", _lower_priority)
        for _ in range(missing):
            assert self._pool is not None
            self._pool.submit(self._copy)

    def _copy(self) -> None:
        """Copy pieces until the queue has none."""
        while (work := self._take()) is not None:
            work()

    def _take(self) -> Piece | None:
        """Take a piece from the first fill that has one; None ends the thread's task."""
        with self._lock:
            for fill in self._queue:
                work = fill.take()
                if work is not None:
                    return work
            self._running_threads -= 1
            return None

    def _close_caches(self) -> None:
        caches, self._caches = self._caches, {}
        for cache in caches.values():
            cache.close()


def _lower_priority() -> None:
    """Lower the priority of this thread below those that draw, a software driver's included (Linux only)."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def _with_targets(parts: Sequence[NDArray[np.void]]) -> NDArray[np.void]:
    """Concatenate reads (dtype READ) of several targets as rows of TARGETED_READ."""
    made = np.zeros(sum(map(len, parts)), TARGETED_READ)
    begin = 0
    for number, reads in enumerate(parts):
        mine = made[begin : begin + len(reads)]
        for name in reads.dtype.names or ():
            mine[name] = reads[name]
        mine["target"] = number
        begin += len(reads)
    return made


def _check(what: str, offsets: NDArray[np.int64], sizes: NDArray[np.int64], length: int) -> None:
    if len(offsets) and (offsets.min() < 0 or int((offsets + sizes).max()) > length):
        raise DioramaInternalError(f"a transfer reads beyond the {length} bytes of its {what}")
