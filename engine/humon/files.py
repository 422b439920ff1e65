"""Reads files: only regular ones, and none over the size limit."""

import os
import stat

from engine.humon.codes import Code
from engine.humon.document import Document, parse
from engine.humon.problem import InputError, Position, Problem
from engine.humon.reader import check_size


def read(path: str | os.PathLike[str], name: str | None = None) -> Document:
    """Read the Humon file at `path`; `name` is the file name in positions, by default the path.

    Raises InputError: `file.missing`, `file.kind`, `file.unreadable`, `humon.size`, and all of `parse`.
    """
    shown = os.fspath(path) if name is None else name
    content = read_bytes(path, shown)
    return parse(content, shown)


def read_bytes(path: str | os.PathLike[str], shown: str, limit: int | None = None) -> bytes:
    """Read a regular file of at most `limit` bytes (None: that of Humon texts); problems name it `shown`.

    Raises InputError: `file.missing`, `file.kind`, `file.unreadable`, `humon.size`.
    """
    try:
        # Without O_NONBLOCK, opening a FIFO blocks until it has a writer.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise _rejected(Code.FILE_KIND, "not a regular file", shown)
            check_size(status.st_size, shown, limit)
            return file.read(status.st_size + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise _rejected(Code.FILE_MISSING, "no such file", shown) from None
    except IsADirectoryError:
        raise _rejected(Code.FILE_KIND, "a folder, not a file", shown) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise _rejected(Code.FILE_UNREADABLE, f"cannot be read: {reason}", shown) from None


def _rejected(code: Code, message: str, name: str) -> InputError:
    return InputError(Problem(code, message, Position(name)))
