"""Writes a file atomically: to a temporary file beside it, flushed, then renamed over it."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from pathlib import Path

from engine.humon.problem import InputError, Problem

SUFFIX = ".saving"
STALE_SECONDS = 60.0
"""Age of a temporary file at which the process that wrote it counts as killed."""


def write_atomically(path: Path, text: str) -> None:
    """Write `text` as UTF-8; after a failure the old file is unchanged and no temporary file is left.

    Symbolic links and permissions are kept. Temporary files of killed processes are deleted. Raises
    InputError `output.write`.
    """
    target = Path(os.path.realpath(path))
    try:
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
        _sweep(target)
        descriptor, name = tempfile.mkstemp(SUFFIX, f".{target.name}.", target.parent)
        try:
            with open(descriptor, "wb") as file:
                file.write(text.encode("utf-8"))
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, mode)
            os.replace(name, target)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise InputError(Problem("output.write", f"cannot write {path}: {error.strerror}")) from error


def _sweep(target: Path) -> None:
    """Delete old temporary files of the same target."""
    with os.scandir(target.parent) as entries:
        for entry in entries:
            if entry.name.startswith(f".{target.name}.") and entry.name.endswith(SUFFIX):
                with contextlib.suppress(OSError):  # another process may delete it first
                    if time.time() - entry.stat().st_mtime > STALE_SECONDS:
                        os.unlink(entry.path)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
