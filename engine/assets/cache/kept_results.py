"""The bytes of imported assets until they are in the cache: a few in memory, others in a file."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeAlias

Bytes: TypeAlias = bytes | memoryview
Keep: TypeAlias = Callable[[Bytes], Iterable[Bytes]]
"""Takes over the bytes of a result; returns them in pieces, which may be gone through again."""

_PIECE_BYTES = 1 << 20


class KeptResults:
    """Owns the bytes of the results of one cook, at most `limit` of them in memory. Any thread may keep some.

    The others are in a file that only this process sees, in the folder of the cache. Where it cannot be
    written all are in memory, as the cache itself will be. Close it once the cache has been written.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._left = limit
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None
        self._size = 0
        self._is_full = False

    def keep(self, data: Bytes) -> Iterable[Bytes]:
        """Take over the bytes of a result; return them in pieces."""
        with self._lock:
            if len(data) <= self._left or self._is_full:
                self._left -= len(data)
                return (data,)
            try:
                return self._write(data)
            except OSError:  # the disk is full, or nothing may be written there
                self._is_full = True
                return (data,)

    def close(self) -> None:
        """Drop what is in the file."""
        if self._file is not None:
            self._file.close()

    def _write(self, data: Bytes) -> Iterable[Bytes]:
        if self._file is None:
            from engine.files.scratch import scratch_file  # most cooks need none

            self._file = scratch_file(self._folder)
        self._file.seek(self._size)
        self._file.write(data)
        self._file.flush()
        begin, self._size = self._size, self._size + len(data)
        return _Part(self, begin, self._size)

    def read(self, begin: int, end: int) -> bytes:
        """Return a range of the file. Raises OSError."""
        assert self._file is not None
        with self._lock:
            self._file.seek(begin)
            return self._file.read(end - begin)


class _Part:
    """The bytes of one result in the file."""

    def __init__(self, results: KeptResults, begin: int, end: int) -> None:
        self._results = results
        self._begin = begin
        self._end = end

    def __iter__(self) -> Iterator[Bytes]:
        for at in range(self._begin, self._end, _PIECE_BYTES):
            yield self._results.read(at, min(at + _PIECE_BYTES, self._end))
