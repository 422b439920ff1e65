"""Compresses and decodes blocks in another process; those of one cook are kept until it ends.

The packages that do so are extras of ours. See `worker` for why they are not called here.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.util import find_spec
from pathlib import Path

from engine.assets.codes import AssetCode
from engine.assets.importers.blocks import worker
from engine.assets.limits import BLOCK_SECONDS
from engine.humon import InputError, Position, Problem

PACKAGES = {"make": "etcpak", "read": "texture2ddecoder"}
_WORKER = Path(worker.__file__)


class BlocksTooLongError(ChildProcessError):
    """A process took longer than BLOCK_SECONDS, and was ended."""


class BlockCoder:
    """One process that compresses and decodes blocks."""

    def __init__(self) -> None:
        folders = {str(folder) for name in (*PACKAGES.values(), "archspec") for folder in _folders(name)}
        self._child = subprocess.Popen(
            [sys.executable, "-I", str(_WORKER), *sorted(folders)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def run(
        self, task: str, kind: str, data: bytes | memoryview, width: int, height: int, size: int
    ) -> bytes:
        """Return the `size` bytes that a task makes of others; sides are in texels, multiples of 4.

        Raises BlocksTooLongError, and ChildProcessError if the process ends or answers otherwise.
        """
        child = self._child
        assert child.stdin is not None
        assert child.stdout is not None
        is_late = threading.Event()

        def end() -> None:
            is_late.set()
            child.kill()

        watch = threading.Timer(BLOCK_SECONDS, end)
        watch.daemon = True
        watch.start()
        try:
            child.stdin.write(worker.REQUEST.pack(task.encode(), kind.encode(), width, height, len(data)))
            child.stdin.write(data)
            child.stdin.flush()
            head = child.stdout.read(worker.ANSWER.size)
            if head != worker.ANSWER.pack(size):
                raise ChildProcessError(f"the process for {kind} blocks ended")
            return child.stdout.read(size)
        except (OSError, ValueError) as error:
            self.kill()
            if is_late.is_set():
                message = f"the process for {kind} blocks took longer than {BLOCK_SECONDS:g} s"
                raise BlocksTooLongError(message) from error
            raise ChildProcessError(str(error)) from error
        finally:
            watch.cancel()

    def kill(self) -> None:
        """End the process, from any thread. May be called again."""
        self._child.kill()

    def close(self) -> None:
        """End the process and wait until it has ended."""
        self.kill()
        for stream in (self._child.stdin, self._child.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:  # what was not flushed has nowhere to go
                    continue
        self._child.wait()


class BlockCoders:
    """The processes of one cook: each thread takes one and gives it back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[BlockCoder] = []
        self._all: list[BlockCoder] = []
        self._is_stopped = False

    def use(self) -> None:
        """Let this thread take processes from here."""
        _coders.set(self)

    @contextmanager
    def coder(self) -> Iterator[BlockCoder]:
        """Give a process to the block; one that has failed is not used again."""
        with self._lock:
            if self._is_stopped:
                raise ChildProcessError("the cook is ending")
            coder = self._idle.pop() if self._idle else None
        if coder is None:
            coder = BlockCoder()
            with self._lock:
                self._all.append(coder)
                if self._is_stopped:
                    coder.kill()
        yield coder
        with self._lock:
            self._idle.append(coder)

    def stop(self) -> None:
        """Kill all processes and start no more."""
        with self._lock:
            self._is_stopped = True
            for coder in self._all:
                coder.kill()

    def close(self) -> None:
        """End all processes, once no thread uses one."""
        self.stop()
        for coder in self._all:
            coder.close()


_coders: ContextVar[BlockCoders] = ContextVar("block_coders")


@contextmanager
def block_coder(task: str, name: str) -> Iterator[BlockCoder]:
    """Give a process for a task, `make` or `read`, for the file `name`.

    Raises InputError `texture.package` where the package for it is not installed, `texture.time` where the
    process takes too long, `texture.blocks` where it fails.
    """
    package = PACKAGES[task]
    if not _folders(package):
        what = "compress a texture" if task == "make" else "decode compressed texels"
        message = f"to {what} takes the package '{package}', which is not installed"
        hint = f"install it: pip install 'diorama[import]', or pip install {package}"
        raise InputError(Problem(AssetCode.TEXTURE_PACKAGE, message, Position(name), help=hint))
    kept = _coders.get(None)
    coders = kept or BlockCoders()
    try:
        with coders.coder() as coder:
            yield coder
    except BlocksTooLongError as error:
        message, hint = (
            f"the package '{package}' was stopped: {error}",
            "try again while the machine does less",
        )
        raise InputError(Problem(AssetCode.TEXTURE_TIME, message, Position(name), help=hint)) from error
    except ChildProcessError as error:
        message = f"the package '{package}' has failed: {error}"
        hint = "try another format, or leave out 'compress' of this texture"
        raise InputError(Problem(AssetCode.TEXTURE_BLOCKS, message, Position(name), help=hint)) from error
    finally:
        if kept is None:
            coders.close()


def _folders(package: str) -> tuple[str, ...]:
    """Return where a package is installed, nothing if it is not."""
    spec = find_spec(package)
    if spec is None:
        return ()
    return tuple(str(Path(place).parent) for place in spec.submodule_search_locations or ())
