"""The process that tries pipelines, seen from its parent: started when needed, asked, ended.

It ends with its parent, however that ends: its pipe is closed then.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from engine.runtime.trials.limits import SECONDS
from engine.runtime.trials.messages import NotAMessage, read_message, write_message

_ROOT = Path(__file__).resolve().parents[3]
_LAST_SECONDS = 5.0
WORKER = (sys.executable, "-P", "-m", "engine.runtime.trials.worker")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a trial returned: why the driver refuses, empty where it does not; its compiled pipelines.

    `passing` marks a refusal that another moment may not have.
    """

    refused: str
    passing: bool
    blobs: tuple[bytes, ...]


class WorkerEnded(Exception):
    """The process crashed, was stopped by a limit, or answered nothing usable; the text says which.

    `passing` marks an end that another moment may not have.
    """

    def __init__(self, text: str, *, passing: bool = False) -> None:
        super().__init__(text)
        self.passing = passing


class CannotOpen(Exception):
    """No process could be started, or none that opens the device; the text says why."""


class WorkerProcess:
    """At most one process at a time; one thread asks, and any thread may close. `started` counts them."""

    def __init__(self, device: dict[str, Any]) -> None:
        """`device` is the first request."""
        self._device = device
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._is_closed = False
        self.started = 0

    def ask(self, values: dict[str, Any], blobs: Sequence[bytes]) -> Reply:
        """Send a request and wait for its reply, within the limits.

        Raises CannotOpen; WorkerEnded, after which the next request starts another process.
        """
        child = self._child
        if child is None:
            child = self._start()
            try:
                opened = self._exchange(child, self._device, ())
            except WorkerEnded as error:
                if self._is_closed:
                    raise
                raise CannotOpen(f"it {error}") from error
            if opened.refused:
                self.end()
                raise CannotOpen(opened.refused)
        return self._exchange(child, values, blobs)

    def end(self) -> None:
        """End the process, if there is one, and wait for it; a later request starts another."""
        with self._lock:
            child, self._child = self._child, None
        if child is not None:
            _kill(child)
            _release(child)

    def close(self) -> None:
        """End the process and start no more; what waits for a reply gets WorkerEnded."""
        with self._lock:
            self._is_closed = True
            if self._child is not None:
                _kill(self._child)

    def _start(self) -> subprocess.Popen[bytes]:
        others = os.environ.get("PYTHONPATH")
        path = os.pathsep.join([str(_ROOT), *([others] if others else [])])
        with self._lock:
            if self._is_closed:
                raise WorkerEnded("was closed", passing=True)
            try:
                self._child = subprocess.Popen(
                    WORKER,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env={**os.environ, "PYTHONPATH": path},
                    start_new_session=True,
                )
            except OSError as error:
                raise CannotOpen(f"it cannot be started: {error.strerror or error}") from error
            self.started += 1
            return self._child

    def _exchange(
        self, child: subprocess.Popen[bytes], values: dict[str, Any], blobs: Sequence[bytes]
    ) -> Reply:
        late = threading.Event()
        timer = threading.Timer(SECONDS, _kill_late, (child, late))
        timer.daemon = True
        timer.start()
        is_garbage = False
        try:
            write_message(_pipe(child.stdin), values, blobs)
            answer, parts = read_message(_pipe(child.stdout))
            refused = answer.get("refused", "")
            if isinstance(refused, str):
                return Reply(refused, answer.get("passing") is True, tuple(parts))
            is_garbage = True
        except NotAMessage:
            is_garbage = True
        except (EOFError, OSError):  # it has ended, or is about to
            with suppress(subprocess.TimeoutExpired):
                child.wait(_LAST_SECONDS)
        except BaseException:
            self.end()
            raise
        finally:
            timer.cancel()
        self.end()
        if late.is_set():
            raise WorkerEnded(f"ran for more than {SECONDS:g} s and was stopped", passing=True)
        text = "answered nothing usable" if is_garbage else _end_of(child.returncode)
        raise WorkerEnded(text, passing=self._is_closed)


def _end_of(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    if name == "SIGXCPU":
        return "took too much processor time"
    return f"crashed with {name}"


def _kill_late(child: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    _kill(child)


def _kill(child: subprocess.Popen[bytes]) -> None:
    child.kill()  # nothing where it has ended


def _release(child: subprocess.Popen[bytes]) -> None:
    """Wait for a process that was killed, and close its pipes."""
    child.wait()
    for stream in (child.stdin, child.stdout):
        with suppress(OSError):  # what was not sent is lost with the process
            _pipe(stream).close()


def _pipe(stream: IO[bytes] | None) -> Any:
    assert stream is not None
    return stream
