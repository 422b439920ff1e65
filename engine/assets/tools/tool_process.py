"""Runs a program with limits on its time, its memory and its output."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from engine.assets.limits import COMPILE_BYTES, COMPILE_SECONDS
from engine.assets.tools.tools import Tool

_OUTPUT_KEPT = 1 << 16
_FILE_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The result of a program: exit status (negative: the signal), its output, whether it timed out."""

    status: int
    output: str
    timed_out: bool = False

    @property
    def was_stopped(self) -> bool:
        """Whether the time was over, or the system killed the program for want of memory or time."""
        return self.timed_out or (hasattr(signal, "SIGKILL") and self.status == -signal.SIGKILL)

    @property
    def crash(self) -> str:
        """How the program was stopped or crashed; empty if it ended by itself."""
        if self.timed_out:
            return f"ran for more than {COMPILE_SECONDS:g} s and was stopped"
        if self.status < 0:
            try:
                name = signal.Signals(-self.status).name
            except ValueError:
                name = f"signal {-self.status}"
            return f"crashed with {name}"
        return ""


class ToolsStopped(Exception):
    """A program was stopped, or not started, because its caller is ending."""


class RunningTools:
    """The programs that the threads of one caller run, which it can stop from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folders = 0
        self._no_folder = threading.Condition(self._lock)
        self._running: set[subprocess.Popen[bytes]] = set()
        self._is_stopped = False

    def use(self) -> None:
        """Count the programs that this thread starts from now on."""
        _running_tools.set(self)

    def stop(self) -> None:
        """Kill all programs and start no more; `run_tool` raises ToolsStopped in their threads."""
        with self._lock:
            self._is_stopped = True
            for child in self._running:
                _kill(child)

    def wait(self) -> None:
        """Wait, after `stop`, until the folders of the programs are removed."""
        with self._no_folder:
            self._no_folder.wait_for(lambda: not self._folders)

    @contextmanager
    def with_folder(self) -> Iterator[None]:
        """Count the folder that the block makes and removes. Raises ToolsStopped."""
        with self._lock:
            if self._is_stopped:
                raise ToolsStopped
            self._folders += 1
        try:
            yield
        finally:
            with self._no_folder:
                self._folders -= 1
                self._no_folder.notify_all()

    @contextmanager
    def counted(self, child: subprocess.Popen[bytes]) -> Iterator[None]:
        """Count `child` in the block, after which it has ended. Raises ToolsStopped."""
        with self._lock:
            self._running.add(child)
            if self._is_stopped:
                _kill(child)
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(child)
        if self._is_stopped:
            raise ToolsStopped


_running_tools: ContextVar[RunningTools] = ContextVar("running_tools")


@contextmanager
def tool_folder() -> Iterator[Path]:
    """Make a temporary folder and remove it after the block, unless this is a forked child."""
    owner = os.getpid()
    running = _running_tools.get(None) or RunningTools()
    with running.with_folder():
        folder = Path(tempfile.mkdtemp(prefix="diorama-"))
        try:
            yield folder
        finally:
            if os.getpid() == owner:
                shutil.rmtree(folder)


def run_tool(
    tool: Tool,
    arguments: list[str],
    folder: Path,
    *,
    seconds: float = COMPILE_SECONDS,
    memory: int = COMPILE_BYTES,
    file_bytes: int = _FILE_BYTES,
) -> ToolResult:
    """Run `tool` in `folder` and wait; its own child processes are stopped with it.

    `memory` is its address space in bytes, `file_bytes` the size of the largest file it may write. Raises
    OSError if the program cannot be started, ToolsStopped if the RunningTools of this thread are stopped.
    """
    running = _running_tools.get(None) or RunningTools()
    with open(folder / "output", "w+b") as output:
        child = subprocess.Popen(
            [tool.path, *arguments],
            cwd=folder,
            env=tool.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        timed_out = False
        with running.counted(child):
            try:
                _limit(child.pid, memory, seconds, file_bytes)
                child.wait(seconds)
            except subprocess.TimeoutExpired:
                timed_out = True
            finally:
                _kill(child)
                child.wait()
        output.seek(0)
        text = output.read(_OUTPUT_KEPT).decode("utf-8", errors="replace")
    return ToolResult(child.returncode, text, timed_out)


def _limit(process: int, memory: int, seconds: float, file_bytes: int) -> None:
    """Set the limits from this process: code between fork and exec is not safe with threads."""
    if sys.platform == "linux":
        import resource

        limits = (
            (resource.RLIMIT_AS, memory),
            (resource.RLIMIT_CPU, int(seconds) + 1),
            (resource.RLIMIT_FSIZE, file_bytes),
            (resource.RLIMIT_CORE, 0),
        )
        for kind, value in limits:
            try:
                resource.prlimit(process, kind, (value, value))
            except ProcessLookupError:
                return  # it has ended already
            except (PermissionError, ValueError):
                continue  # a tighter limit is already set


def _kill(child: subprocess.Popen[bytes]) -> None:
    """Kill a program with its own child processes, unless it has ended."""
    if child.poll() is None:
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError):  # it has ended since
                os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
