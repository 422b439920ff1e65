"""Opens files for reading: only regular ones, and never blocking on a FIFO or a device."""

from __future__ import annotations

import contextlib
import errno
import os
import stat

_COMMON = (
    getattr(os, "O_NONBLOCK", 0)  # without it, opening a FIFO waits for a writer
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFLNK: "a symbolic link",
}


class NotRegularError(OSError):
    """A path names something else than a regular file; `strerror` says what, `is_folder` whether a folder."""

    is_folder = False


def reason_of(error: Exception) -> str:
    """Return why a file could not be opened or written, without its name: the words of the system, if any."""
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def open_regular(path: str | os.PathLike[str], *, follow: bool = True) -> int:
    """Return the descriptor of a regular file, open for reading.

    Without `follow`, `path` must not be a symbolic link itself; folders on the way may be. Raises
    NotRegularError for anything else than a regular file, other OSErrors, ValueError for a NUL in the path.
    """
    check_regular(os.stat(path, follow_symlinks=follow), path)  # opening a device may have effects
    return _checked(os.open(path, os.O_RDONLY | _COMMON | (0 if follow else _NO_FOLLOW)), path)


def read_regular(path: str | os.PathLike[str], limit: int, *, follow: bool = True) -> bytes:
    """Return the bytes of a regular file. Raises as `open_regular`, and OSError beyond `limit` bytes."""
    with open(open_regular(path, follow=follow), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(limit + 1) if size <= limit else b""
    if size > limit or len(content) > limit:
        raise OSError(errno.EFBIG, f"more than {limit} bytes", os.fspath(path))
    return content


def open_lock_file(path: str | os.PathLike[str]) -> int:
    """Return the descriptor of the regular file at `path`, created empty if there is none, to lock it.

    The file is neither read nor truncated, and a symbolic link is not followed. Raises as `open_regular`.
    """
    with contextlib.suppress(FileNotFoundError):
        check_regular(os.lstat(path), path)
    return _checked(os.open(path, os.O_RDWR | os.O_CREAT | _COMMON | _NO_FOLLOW, 0o644), path)


def check_regular(status: os.stat_result, path: str | os.PathLike[str]) -> None:
    """Raise NotRegularError unless `status` is that of a regular file."""
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "something else")
        error = NotRegularError(errno.EINVAL, f"it is {kind}, not a regular file", os.fspath(path))
        error.is_folder = stat.S_ISDIR(status.st_mode)
        raise error


def _checked(descriptor: int, path: str | os.PathLike[str]) -> int:
    """Return an open descriptor after checking what was opened: the path may have changed meanwhile."""
    try:
        check_regular(os.fstat(descriptor), path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
