"""Copies from cache files into mapped staging, on a small pool of threads when they are large."""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.plan.steps import Window
from engine.vk.errors import DioramaInternalError

PIECE = 4 << 20  # bytes copied by one thread at a time: the GIL is free meanwhile
INLINE = 512 << 10  # below this, handing over costs more than copying


class Fills:
    """Fills staging for one transfer at a time; what is large goes to threads while frames go on."""

    def __init__(self, threads: int = 3) -> None:
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._running: list[Future[None]] = []
        self._views: dict[int, NDArray[np.uint8]] = {}
        self._files: dict[int, mmap.mmap] = {}

    def use(self, caches: Mapping[int, Any]) -> None:
        """Read from these caches from now on: a buffer per assetDb."""
        self._views = {db: np.frombuffer(view, np.uint8) for db, view in caches.items()}
        owners = {db: getattr(view, "obj", view) for db, view in caches.items()}
        self._files = {db: owner for db, owner in owners.items() if isinstance(owner, mmap.mmap)}

    def expect(self, windows: Iterable[Window]) -> None:
        """Have the system read these ranges ahead, where the caches are mapped files."""
        if not hasattr(mmap, "MADV_WILLNEED"):
            return
        for window in windows:
            file = self._files.get(window.db)
            begin = window.offset // mmap.PAGESIZE * mmap.PAGESIZE
            if file is not None and begin < len(file):
                end = min(window.offset + window.size, len(file))
                file.madvise(mmap.MADV_WILLNEED, begin, end - begin)

    @property
    def busy(self) -> bool:
        """Whether threads are still copying."""
        return any(not future.done() for future in self._running)

    def start(self, db: int, reads: NDArray[np.void], staging: NDArray[np.uint8]) -> None:
        """Begin to copy `reads` (dtype READ) of assetDb `db` into `staging`.

        Returns at once where the bytes are many; `finish` then tells of errors.
        """
        cache = self._views[db]
        _check("cache", reads["cache_offset"], reads["size"], len(cache))
        _check("staging", reads["staging_offset"], reads["size"], len(staging))
        columns = ("cache_offset", "staging_offset", "size")
        offsets, places, sizes = (reads[name].tolist() for name in columns)
        if sum(sizes) < INLINE:
            _copy(cache, staging, offsets, places, sizes)
            return
        for piece in _pieces(offsets, places, sizes):
            self._running.append(self._executor().submit(_copy, cache, staging, *piece))

    def wait(self) -> None:
        """Wait for the threads; for loading and tests."""
        wait(self._running)

    def finish(self) -> None:
        """Wait for the threads (not at all where `busy` is False); raises what went wrong in one."""
        running, self._running = self._running, []
        problems = [problem for future in running if (problem := future.exception()) is not None]
        if problems:
            raise problems[0]

    def forget(self) -> None:
        """Drop what the threads, now done, have to tell: nobody needs the bytes any more."""
        self._running = []

    def close(self) -> None:
        """Let the threads end and the caches go."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
        self._running = []
        self._views, self._files = {}, {}

    def _executor(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="diorama fill")
        return self._pool


def _copy(
    cache: NDArray[np.uint8],
    staging: NDArray[np.uint8],
    offsets: list[int],
    places: list[int],
    sizes: list[int],
) -> None:
    for offset, place, size in zip(offsets, places, sizes, strict=True):
        staging[place : place + size] = cache[offset : offset + size]


def _check(what: str, offsets: NDArray[np.int64], sizes: NDArray[np.int64], length: int) -> None:
    if len(offsets) and (offsets.min() < 0 or int((offsets + sizes).max()) > length):
        raise DioramaInternalError(f"a transfer reads beyond the {length} bytes of its {what}")


def _pieces(
    offsets: list[int], places: list[int], sizes: list[int]
) -> list[tuple[list[int], list[int], list[int]]]:
    """Split into runs of about PIECE bytes; a larger read is cut."""
    pieces: list[tuple[list[int], list[int], list[int]]] = []
    gathered = PIECE
    for offset, place, size in zip(offsets, places, sizes, strict=True):
        for start in range(0, size, PIECE):
            length = min(PIECE, size - start)
            if gathered + length > PIECE:
                pieces.append(([], [], []))
                gathered = 0
            gathered += length
            for column, value in zip(pieces[-1], (offset + start, place + start, length), strict=True):
                column.append(value)
    return pieces
