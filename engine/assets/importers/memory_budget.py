"""The memory that the workers of a cook may use at once, known before they use it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

Take: TypeAlias = Callable[[int], None]
"""Called with bytes that will be used; returns once they may be."""


class CookStopped(Exception):
    """A worker waited for memory, and the cook is ending."""


class MemoryBudget:
    """Bytes that the workers of one cook use at once.

    A worker waits for more than is left until another one ends. Where all of them wait, one goes on, so that
    what is larger than the limit is imported alone.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._changed = threading.Condition()
        self._used = 0
        self._running = 0  # workers that use memory and do not wait
        self._is_stopped = False

    @contextmanager
    def worker(self) -> Iterator[Take]:
        """Give the function by which a worker takes bytes; they are given back after the block.

        It raises CookStopped after `stop`.
        """
        taken = 0

        def take(size: int) -> None:
            nonlocal taken
            with self._changed:
                if taken:
                    self._running -= 1
                    self._changed.notify_all()
                self._changed.wait_for(lambda: self._is_stopped or self._has_room(size))
                self._running += 1
                self._used += size
                taken += size
                if self._is_stopped:
                    raise CookStopped

        try:
            yield take
        finally:
            if taken:
                with self._changed:
                    self._running -= 1
                    self._used -= taken
                    self._changed.notify_all()

    def stop(self) -> None:
        """Let all workers that wait raise CookStopped."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    def _has_room(self, size: int) -> bool:
        return not self._running or self._used + size <= self._limit
