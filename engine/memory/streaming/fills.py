"""Copies from caches to where the device finds them, on a small pool of threads when they are large.

Fills are queued: threads go on with the next one while the copies of the one before are recorded.
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

from engine.memory.streaming.caches import SPREAD, Bytes, Cache, CacheUnreadable, Piece, caches_of
from engine.plan.resident.steps import Window
from engine.vk.errors import DioramaInternalError

NICENESS = 10
INLINE = 512 << 10  # bytes; below this, handing over costs more than copying

Part = tuple[NDArray[np.void], Bytes]  # reads, and what their staging_offset counts in


class Fill:
    """The copying for one transfer; `ready`, if any, is called when its pieces have been worked out."""

    def __init__(self, work_out: Callable[[], Iterable[Piece]], ready: Callable[[], None] | None) -> None:
        self._work_out: Callable[[], Iterable[Piece]] | None = work_out
        self._ready = ready
        self._pieces: deque[Piece] = deque()
        self._open = 1  # pieces that are not copied yet, and working them out
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._problem: BaseException | None = None
        self._unreadable: list[CacheUnreadable] = []

    @property
    def done(self) -> bool:
        """Whether all is copied, or could not be."""
        return self._over.is_set()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until it is done, or for `timeout_s` seconds; for loading and tests."""
        self._over.wait(timeout_s)

    def finish(self) -> list[CacheUnreadable]:
        """Return what could not be read, once it is done; raises anything else that went wrong."""
        if self._problem is not None:
            raise self._problem
        return self._unreadable

    def take(self) -> Piece | None:
        """Hand out what one thread may do now, working out or a piece; one thread at a time asks."""
        work_out, self._work_out = self._work_out, None
        if work_out is not None:
            return partial(self._do, partial(self._open_up, work_out))
        return partial(self._do, self._pieces.popleft()) if self._pieces else None

    def _open_up(self, work_out: Callable[[], Iterable[Piece]]) -> None:
        made = deque(work_out())
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
        except BaseException as problem:  # noqa: BLE001 (on its way to `finish`, which raises it)
            self._problem = problem
        with self._lock:
            self._open -= 1
            if not self._open:
                self._over.set()


class Fills:
    """Queues fills for `threads` threads; small ones are done at once."""

    def __init__(self, threads: int = 3) -> None:
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self._queue: deque[Fill] = deque()
        self._wanted = 0  # threads that shall take from the queue, and those that do
        self._copying = 0
        self._caches: dict[int, Cache] = {}

    def use(self, caches: Mapping[int, Any]) -> None:
        """Read from these caches from now on, see `caches.cache_of`; waits for what still reads others."""
        for fill in self._queue:
            fill.wait()
        self._let_go()
        self._caches = caches_of(caches)

    def expect(self, windows: Iterable[Window]) -> None:
        """Have the system read these ranges ahead."""
        for window in windows:
            cache = self._caches.get(window.db)
            if cache is not None and window.offset < cache.size:
                cache.expect(window.offset, min(window.size, cache.size - window.offset))

    def start(self, db: int, parts: Sequence[Part], *, gently: bool = False) -> Fill:
        """Begin to copy out of assetDb `db`: each part's reads (dtype READ) into its bytes.

        Returns at once where the bytes are many. `gently`: leave half of the processors to others.
        """
        cache = self._caches[db]
        for reads, target in parts:
            _check("cache", reads["cache_offset"], reads["size"], cache.size)
            _check("staging", reads["staging_offset"], reads["size"], len(target))
        together = _spread([reads for reads, _target in parts])
        targets = [target for _reads, target in parts]
        is_small = together["size"].sum() < INLINE
        fill = Fill(lambda: cache.pieces(together, targets), None if is_small else self._call_up)
        if is_small:
            while (work := fill.take()) is not None:
                work()
            return fill
        with self._lock:
            self._queue = deque(row for row in self._queue if not row.done)
            self._queue.append(fill)
            self._wanted = max(1, self._threads // 2) if gently else self._threads
        self._call_up()
        return fill

    def close(self) -> None:
        """Let the threads end and the caches go; what nobody has begun is not copied any more."""
        with self._lock:
            self._queue.clear()
            self._wanted = 0
        if self._pool is not None:
            self._pool.shutdown(wait=True)
            self._pool = None
        self._let_go()

    def _call_up(self) -> None:
        """Have as many threads as are wanted take from the queue."""
        with self._lock:
            missing = max(self._wanted - self._copying, 0)
            self._copying += missing
        if missing and self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, "diorama fill", _step_back)
        for _ in range(missing):
            assert self._pool is not None
            self._pool.submit(self._copy)

    def _copy(self) -> None:
        """Copy until there is nothing to take."""
        while (work := self._take()) is not None:
            work()

    def _take(self) -> Piece | None:
        """Take from the first fill that has something to do; None ends a thread's turn."""
        with self._lock:
            for fill in self._queue:
                work = fill.take()
                if work is not None:
                    return work
            self._copying -= 1
            return None

    def _let_go(self) -> None:
        caches, self._caches = self._caches, {}
        for cache in caches.values():
            cache.close()


def _step_back() -> None:
    """Let the threads that draw go first, a software driver's among them, where a thread has a niceness."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def _spread(parts: Sequence[NDArray[np.void]]) -> NDArray[np.void]:
    """Put the reads of several targets (dtype READ) together as rows of SPREAD."""
    made = np.zeros(sum(map(len, parts)), SPREAD)
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
