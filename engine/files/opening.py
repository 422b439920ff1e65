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
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_HAS_DIR_FD = os.open in os.supports_dir_fd and bool(_NO_FOLLOW)
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


class OutsideError(OSError):
    """A path leads out of the folder that it has to stay below."""


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


def open_below(root: str | os.PathLike[str], path: str | os.PathLike[str]) -> int:
    """Return the descriptor of a regular file below the folder `root`, open for reading.

    Both are resolved paths. No symbolic link below `root` is followed, so that nobody leads out of it who
    puts one there after the path was resolved. Raises OutsideError; else as `open_regular`.
    """
    below, text = os.path.join(os.fspath(root), ""), os.fspath(path)
    if not text.startswith(below):
        raise _outside(text)
    if not _HAS_DIR_FD:
        return _resolved(text)
    *folders, name = text[len(below) :].split(os.sep)
    folder = os.open(root, _FOLDER)
    try:
        for part in folders:
            inner = _open_folder(part, folder, text)
            os.close(folder)
            folder = inner
        check_regular(os.stat(name, dir_fd=folder, follow_symlinks=False), text)
        return _checked(os.open(name, os.O_RDONLY | _COMMON | _NO_FOLLOW, dir_fd=folder), text)
    finally:
        os.close(folder)


def _open_folder(name: str, folder: int, path: str) -> int:
    """Return the descriptor of a folder in a folder. Raises OutsideError for a symbolic link."""
    try:
        return os.open(name, _FOLDER | _NO_FOLLOW, dir_fd=folder)
    except OSError:
        if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise _outside(path) from None
        raise


def _resolved(path: str) -> int:
    """Open a file where folders cannot be opened one by one, and check that its path is still resolved."""
    descriptor = open_regular(path, follow=False)
    if os.path.realpath(path) == path and os.path.samestat(os.stat(path), os.fstat(descriptor)):
        return descriptor
    os.close(descriptor)
    raise _outside(path)


def _outside(path: str) -> OutsideError:
    return OutsideError(errno.EXDEV, "a symbolic link leads out of the project root", path)


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
