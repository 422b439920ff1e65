"""Runs a program with limits on its time, its memory and its output."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from engine.assets.limits import COMPILE_BYTES, COMPILE_SECONDS
from engine.assets.tools import Tool

_OUTPUT_KEPT = 1 << 16
_FILE_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The result of a program: exit status (negative: the signal), its output, whether it timed out."""

    status: int
    output: str
    timed_out: bool = False

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


def run_tool(
    tool: Tool,
    arguments: list[str],
    folder: Path,
    *,
    seconds: float = COMPILE_SECONDS,
    memory: int = COMPILE_BYTES,
) -> ToolResult:
    """Run `tool` in `folder` and wait; its own child processes are stopped with it.

    `memory` is its address space in bytes. Raises OSError if the program cannot be started.
    """
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
        _limit(child.pid, memory, seconds)
        timed_out = False
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            timed_out = True
        finally:
            _stop(child)
        output.seek(0)
        text = output.read(_OUTPUT_KEPT).decode("utf-8", errors="replace")
    return ToolResult(child.returncode, text, timed_out)


def _limit(process: int, memory: int, seconds: float) -> None:
    """Set the limits from this process: code between fork and exec is not safe with threads."""
    if sys.platform == "linux":
        import resource

        limits = (
            (resource.RLIMIT_AS, memory),
            (resource.RLIMIT_CPU, int(seconds) + 1),
            (resource.RLIMIT_FSIZE, _FILE_BYTES),
            (resource.RLIMIT_CORE, 0),
        )
        for kind, value in limits:
            try:
                resource.prlimit(process, kind, (value, value))
            except ProcessLookupError:
                return  # it has ended already
            except (PermissionError, ValueError):
                continue  # a tighter limit is already set


def _stop(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        if hasattr(os, "killpg"):
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
        child.wait()
