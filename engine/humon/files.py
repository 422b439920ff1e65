"""Reads files: only regular ones, and none over the size limit."""

import os

from engine.files import NotRegularError, open_below, open_regular, reason_of
from engine.humon.codes import Code
from engine.humon.document import Document, parse
from engine.humon.problem import InputError, Position, Problem
from engine.humon.reader import check_size


def read(
    path: str | os.PathLike[str],
    name: str | None = None,
    root: str | os.PathLike[str] | None = None,
    *,
    keep_first: bool = False,
) -> Document:
    """Read the Humon file at `path`; `name` is the file name in positions, by default the path.

    With `root` the path is resolved and below it, and no symbolic link on the way is followed. Raises
    InputError: `file.missing`, `file.kind`, `file.unreadable`, `humon.size`, and all of `parse`; `keep_first`
    as there.
    """
    shown = os.fspath(path) if name is None else name
    content = read_bytes(path, shown, root=root)
    return parse(content, shown, keep_first=keep_first)


def read_bytes(
    path: str | os.PathLike[str],
    shown: str,
    limit: int | None = None,
    root: str | os.PathLike[str] | None = None,
) -> bytes:
    """Read a regular file of at most `limit` bytes (None: that of Humon texts); problems name it `shown`.

    `root` as in `read`. Raises InputError: `file.missing`, `file.kind`, `file.unreadable`, `humon.size`.
    """
    try:
        descriptor = open_regular(path) if root is None else open_below(root, path)
        with open(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            check_size(status.st_size, shown, limit)
            return file.read(status.st_size + 1)
    except NotRegularError as error:
        kind = "a folder, not a file" if error.is_folder else "not a regular file"
        raise _rejected(Code.FILE_KIND, kind, shown) from None
    except (FileNotFoundError, NotADirectoryError):
        raise _rejected(Code.FILE_MISSING, "no such file", shown) from None
    except (OSError, ValueError) as error:
        raise _rejected(Code.FILE_UNREADABLE, f"cannot be read: {reason_of(error)}", shown) from None


_HINTS = {
    Code.FILE_KIND: "name a regular file",
    Code.FILE_MISSING: "correct the path, or write the file",
    Code.FILE_UNREADABLE: "let it be read, or name another file",
}


def _rejected(code: Code, message: str, name: str) -> InputError:
    return InputError(Problem(code, message, Position(name), help=_HINTS[code]))
