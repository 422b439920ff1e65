"""Shows whether two paths are one file: what they have in common."""

from __future__ import annotations

import os
import stat

from engine.files.writing import own_stream


def identity_of(path: str | os.PathLike[str]) -> tuple[int, int] | str | None:
    """Return what all paths of a regular file share, also through links, and also before it is there.

    None for folders, and what is written into, not replaced: a device, a FIFO, a stream of this process.
    """
    try:
        status = os.stat(path)
    except (OSError, ValueError):  # it is not there, or is reported as it is opened
        return _resolved(path)
    if not stat.S_ISREG(status.st_mode) or own_stream(status) is not None:
        return None
    return status.st_dev, status.st_ino


def _resolved(path: str | os.PathLike[str]) -> str:
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return os.path.abspath(path)
