"""Writing a file as a whole or not at all: beside it first, flushed, then renamed over it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from engine.humon import InputError, Problem


def write_whole(path: Path, text: str) -> None:
    """Write `text` as UTF-8; on any failure the old file is as it was and no temporary one is left.

    A symbolic link stays one, and the file keeps its permissions. Raises InputError `output.write`.
    """
    target = Path(os.path.realpath(path))
    try:
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
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


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
