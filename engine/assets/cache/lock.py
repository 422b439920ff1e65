"""A lock between processes on one cache: one process cooks, the others wait and read the result."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.assets.limits import LOCK_SECONDS
from engine.files import open_lock_file

_POLL_SECONDS = 0.02
_open: set[int] = set()


def _close_in_child() -> None:
    """Close the descriptors that a forked child has inherited: they would hold the locks for longer."""
    while _open:
        os.close(_open.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)


@contextmanager
def cache_lock(
    cache: Path, seconds: float = LOCK_SECONDS, waiting: Callable[[], None] | None = None
) -> Iterator[None]:
    """Hold the lock of `cache` (a file beside it) inside the block; it is released if the process ends.

    `waiting` is called once if another process holds it. Raises TimeoutError after `seconds`, OSError if the
    lock file cannot be created or is no regular file.
    """
    descriptor = open_lock_file(cache.with_name(cache.name + ".lock"))
    _open.add(descriptor)
    try:
        deadline = time.monotonic() + seconds
        reported = False
        while not _try_lock(descriptor):
            if not reported and waiting is not None:
                waiting()
            reported = True
            if time.monotonic() > deadline:
                raise TimeoutError(f"another process has held the lock of {cache.name} for {seconds:g} s")
            time.sleep(_POLL_SECONDS)
        yield
    finally:
        if descriptor in _open:  # not in a forked child
            _open.remove(descriptor)
            _unlock(descriptor)
            os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _unlock(descriptor: int) -> None:
    """Release the lock, if it is held: a child that was forked just now may still have the descriptor."""
    if sys.platform != "win32":  # there, nothing is inherited, and closing releases it
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_UN)
