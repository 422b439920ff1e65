"""Writes files whole or not at all: to a temporary file beside the target, which is renamed over it.

After a failure the old file is as it was and no temporary file is left. The temporary file is locked while it
is written, so that a later writer of the same file deletes what a killed process has left, and nothing else.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import select
import stat
import sys
from collections.abc import Iterator
from typing import BinaryIO

from engine.files.opening import NotRegularError, check_regular, open_regular

SUFFIX = ".saving"
_LONGEST_NAME = 200
_MOST_LINKS = 40
"""Symbolic links that the kernel follows for one path."""
_ATTEMPTS = 100
_FLAGS = (
    os.O_RDWR
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def write_whole(
    path: str | os.PathLike[str], content: bytes, *, follow: bool = True, durable: bool = True
) -> None:
    """Write `content` as the file at `path`; see `whole_file`."""
    with whole_file(path, follow=follow, durable=durable) as file:
        file.write(content)


@contextlib.contextmanager
def whole_file(
    path: str | os.PathLike[str], *, follow: bool = True, durable: bool = True
) -> Iterator[BinaryIO]:
    """Give a binary file that takes the place of `path` when the block ends without an exception.

    With `follow`, for files that a user names, a symbolic link stays, and what it points to is written; a
    device, a FIFO or the terminal (`/dev/null`, `/dev/stdout`) is written into and never replaced. Without
    `follow`, for files with names of our own, `path` must be a regular file or not exist.

    The mode of an existing file is kept. With `durable`, the content is on the disk before the old file goes.
    Raises OSError (NotRegularError for a folder, a socket or a disk), ValueError for a NUL in the path.
    """
    status = _status(path, follow)
    if follow and status is not None:
        own = own_stream(status)
        if own is not None or stat.S_ISFIFO(status.st_mode) or stat.S_ISCHR(status.st_mode):
            buffer = io.BytesIO()
            yield buffer
            _write_into(path, own, buffer.getbuffer())
            return
    if status is not None:
        check_regular(status, path)
        if follow and _is_running_program(path):
            raise OSError(errno.ETXTBSY, os.strerror(errno.ETXTBSY), os.fspath(path))
    target = os.path.realpath(path) if follow else os.fspath(path)
    folder, name = os.path.split(target)
    prefix = temporary_prefix(name)
    sweep(folder, prefix)
    descriptor, temporary = _create(os.path.join(folder, prefix))
    try:
        with os.fdopen(descriptor, "w+b") as file:
            if status is not None:
                _keep_owner_and_mode(descriptor, status)
            yield file
            file.flush()
            if durable:
                os.fsync(descriptor)
            if os.name == "nt":
                file.close()  # an open file cannot be renamed there
            os.replace(temporary, target)  # still locked, so that nobody sweeps it
            _unlock(descriptor)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    if durable:
        _sync_folder(folder)


def _is_running_program(path: str | os.PathLike[str]) -> bool:
    """Whether a link of the kernel leads there: /proc/PID/exe, or what a process has mapped."""
    at = os.path.abspath(path)
    for _ in range(_MOST_LINKS):
        try:
            target = os.readlink(at)
        except OSError:
            return False
        folder, name = os.path.split(at)
        is_of_process = name == "exe" or os.path.basename(folder) == "map_files"
        if is_of_process and os.lstat(at).st_dev == os.stat("/proc").st_dev:
            return True
        at = os.path.join(folder, target)
    return False


def temporary_prefix(name: str) -> str:
    """Return how the names of temporary files of a file `name` begin."""
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = hashlib.blake2b(os.fsencode(name), digest_size=16).hexdigest()
    return f".{name}."


def sweep(folder: str, prefix: str) -> None:
    """Delete the temporary files with this prefix whose writer has ended; those that are in use stay."""
    with contextlib.suppress(OSError), os.scandir(folder or ".") as entries:
        for entry in entries:
            if entry.name.startswith(prefix) and entry.name.endswith(SUFFIX):
                with contextlib.suppress(OSError):  # another process may delete it first
                    _delete_unlocked(entry.path)


def _delete_unlocked(path: str) -> None:
    descriptor = open_regular(path, follow=False)
    try:
        if _lock(descriptor):
            os.unlink(path)
    finally:
        os.close(descriptor)


def _create(prefix: str) -> tuple[int, str]:
    """Create and lock a temporary file; return its descriptor and its path."""
    for _ in range(_ATTEMPTS):
        path = f"{prefix}{os.urandom(6).hex()}{SUFFIX}"
        try:
            descriptor = os.open(path, _FLAGS, 0o666)
        except FileExistsError:
            continue
        try:
            if _lock(descriptor) is not False and os.fstat(descriptor).st_nlink:
                return descriptor, path
        except BaseException:
            os.close(descriptor)
            with contextlib.suppress(OSError):
                os.unlink(path)
            raise
        os.close(descriptor)  # another process swept it before it was locked
    raise FileExistsError(f"no name is free for a temporary file {prefix}")


def _lock(descriptor: int) -> bool | None:
    """Lock a file until it is closed; False if another process has it, None where files cannot be locked."""
    if sys.platform == "win32":
        return True  # a file that is open cannot be deleted there
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _unlock(descriptor: int) -> None:
    """End the lock, which a duplicate of the descriptor would keep."""
    if sys.platform != "win32":
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def _status(path: str | os.PathLike[str], follow: bool) -> os.stat_result | None:
    try:
        return os.stat(path, follow_symlinks=follow)
    except FileNotFoundError:
        return None


def own_stream(status: os.stat_result) -> int | None:
    """Return 1 or 2 if that descriptor of the process is the same file, which must not be replaced."""
    for descriptor in (1, 2):
        with contextlib.suppress(OSError):
            if os.path.samestat(os.fstat(descriptor), status):
                return descriptor
    return None


def _keep_owner_and_mode(descriptor: int, status: os.stat_result) -> None:
    """Give the new file the mode of the old one, and its owner where this process may."""
    if hasattr(os, "fchmod"):
        with contextlib.suppress(PermissionError):  # a file system without owners or modes
            if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(descriptor, status.st_uid, status.st_gid)
        with contextlib.suppress(PermissionError):
            os.fchmod(descriptor, stat.S_IMODE(status.st_mode) & 0o777)


def _write_into(path: str | os.PathLike[str], own: int | None, content: memoryview) -> None:
    """Write into a device, a FIFO, or one of the process's own streams."""
    if own is not None:
        stream = sys.stdout if own == 1 else sys.stderr
        if stream is not None:
            stream.flush()
        descriptor = os.dup(own)
    else:
        try:
            flags = os.O_WRONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
            descriptor = os.open(path, flags | getattr(os, "O_CLOEXEC", 0))
        except OSError as error:
            if stat.S_ISFIFO(os.stat(path).st_mode):
                raise OSError(error.errno, "nothing reads the FIFO", os.fspath(path)) from error
            raise
    try:
        if own is None:
            mode = os.fstat(descriptor).st_mode
            if not (stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)):
                raise NotRegularError(errno.EINVAL, "it was replaced", os.fspath(path))
            os.set_blocking(descriptor, True)
        while content:
            try:
                content = content[os.write(descriptor, content) :]
            except BlockingIOError:  # a terminal that somebody else has made non-blocking
                select.select([], [descriptor], [])
    finally:
        os.close(descriptor)


def _sync_folder(folder: str) -> None:
    """Flush the rename to disk, where folders can be flushed; the file is whole without it."""
    if os.name == "posix":
        with contextlib.suppress(OSError):
            descriptor = os.open(folder or ".", os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
