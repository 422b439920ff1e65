"""Copies from caches to where the device finds them, on a small pool of threads when they are large."""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.memory.caches import SPREAD, Cache, CacheUnreadable, Target, caches_of
from engine.plan.steps import Window
from engine.vk.errors import DioramaInternalError

PIECE = 4 << 20  # bytes copied by one thread at a time: smaller ones cost more turns of the interpreter lock
NICENESS = 10
INLINE = 512 << 10  # below this, handing over costs more than copying

Part = tuple[NDArray[np.void], Target]  # reads, and what their staging_offset counts in


class _Work:
    """The pieces of one transfer; the first thread that asks works out what is to be done for them all."""

    def __init__(self, cache: Cache, reads: NDArray[np.void], targets: Sequence[Target]) -> None:
        self._given = (cache, reads, targets)
        self._lock = threading.Lock()
        self._left: deque[Callable[[], None]] | None = None

    def take(self) -> Callable[[], None] | None:
        """Return what copies one more piece, or None where all are taken."""
        with self._lock:
            if self._left is None:
                cache, reads, targets = self._given
                self._left = deque(cache.prepared(piece, targets) for piece in pieces(reads))
            return self._left.popleft() if self._left else None


class Fills:
    """Copies for one transfer at a time; what is large goes to threads while frames go on."""

    def __init__(self, threads: int = 3) -> None:
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._running: list[Future[None]] = []
        self._caches: dict[int, Cache] = {}
        self._unreadable: list[CacheUnreadable] = []

    def use(self, caches: Mapping[int, Any]) -> None:
        """Read from these caches from now on: see `caches.cache_of`."""
        self._let_go()
        self._caches = caches_of(caches)

    def expect(self, windows: Iterable[Window]) -> None:
        """Have the system read these ranges ahead."""
        for window in windows:
            cache = self._caches.get(window.db)
            if cache is not None and window.offset < cache.size:
                cache.expect(window.offset, min(window.size, cache.size - window.offset))

    @property
    def busy(self) -> bool:
        """Whether threads are still copying."""
        return any(not future.done() for future in self._running)

    def start(self, db: int, parts: Sequence[Part], *, gently: bool = False) -> None:
        """Begin to copy out of assetDb `db`: each part's reads (dtype READ) into its bytes.

        Returns at once where the bytes are many; `finish` then tells of errors. `gently`: leave half of the
        processors to others.
        """
        cache = self._caches[db]
        for reads, target in parts:
            _check("cache", reads["cache_offset"], reads["size"], cache.size)
            _check("staging", reads["staging_offset"], reads["size"], len(target.bytes))
        targets = [target for _reads, target in parts]
        together = spread([reads for reads, _target in parts])
        if together["size"].sum() < INLINE:
            self._copy(_Work(cache, together, targets))
            return
        work = _Work(cache, together, targets)
        lanes = max(1, self._threads // 2) if gently else self._threads
        self._running = [self._executor().submit(self._copy, work) for _ in range(lanes)]

    def wait(self) -> None:
        """Wait for the threads; for loading and tests."""
        wait(self._running)

    def finish(self) -> list[CacheUnreadable]:
        """Wait for the threads (not at all where `busy` is False) and return what could not be read.

        Raises anything else that went wrong in one.
        """
        running, self._running = self._running, []
        problems = [problem for future in running if (problem := future.exception()) is not None]
        unreadable, self._unreadable = self._unreadable, []
        if problems:
            raise problems[0]
        return unreadable

    def _copy(self, work: _Work) -> None:
        """Copy piece after piece; several threads may take from the same work."""
        while (copy := work.take()) is not None:
            try:
                copy()
            except CacheUnreadable as problem:
                self._unreadable.append(problem)

    def forget(self) -> None:
        """Drop what the threads, now done, have to tell: nobody needs the bytes any more."""
        self._running, self._unreadable = [], []

    def close(self) -> None:
        """Let the threads end and the caches go."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
        self._running = []
        self._let_go()

    def _let_go(self) -> None:
        caches, self._caches = self._caches, {}
        for cache in caches.values():
            cache.close()

    def _executor(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, "diorama fill", _step_back)
        return self._pool


def _step_back() -> None:
    """Let the threads that draw go first, a software driver's among them, where a thread has a niceness."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def spread(parts: Sequence[NDArray[np.void]]) -> NDArray[np.void]:
    """Put the reads of several targets (dtype READ or SPREAD) together as rows of SPREAD."""
    made = np.zeros(sum(map(len, parts)), SPREAD)
    begin = 0
    for number, reads in enumerate(parts):
        mine = made[begin : begin + len(reads)]
        for name in reads.dtype.names or ():
            mine[name] = reads[name]
        mine["target"] = number
        begin += len(reads)
    made["room"] = np.maximum(made["room"], made["size"])
    return made


def pieces(reads: NDArray[np.void]) -> list[NDArray[np.void]]:
    """Split reads (dtype SPREAD) into runs of about PIECE bytes in the order of the cache."""
    if not len(reads):
        return []
    count = -(-reads["size"] // PIECE)
    cut = np.repeat(reads, count)
    within = (np.arange(len(cut)) - np.repeat(np.cumsum(count) - count, count)) * PIECE
    cut["cache_offset"] += within
    cut["staging_offset"] += within
    cut["size"] = np.minimum(cut["size"] - within, PIECE)
    cut["room"] -= within
    cut["room"] = np.where(cut["size"] == PIECE, np.minimum(cut["room"], PIECE), cut["room"])
    cut = cut[np.argsort(cut["cache_offset"], kind="stable")]
    turn = (np.cumsum(cut["size"]) - 1) // PIECE
    return np.split(cut, np.flatnonzero(np.diff(turn)) + 1)


def _check(what: str, offsets: NDArray[np.int64], sizes: NDArray[np.int64], length: int) -> None:
    if len(offsets) and (offsets.min() < 0 or int((offsets + sizes).max()) > length):
        raise DioramaInternalError(f"a transfer reads beyond the {length} bytes of its {what}")
