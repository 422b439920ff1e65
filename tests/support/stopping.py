"""Commands that a signal ends at a moment, and what must be left of them: nothing but an exit code."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from support.limits import limit

DRIVER = Path(__file__).with_name("signal_moments.py")
CODES = {"SIGHUP": 129, "SIGINT": 130, "SIGTERM": 143}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit code, and what it printed."""

    code: int
    out: str
    err: str


@contextmanager
def started(
    root: Path, *command: object, moments: tuple[str, ...] = (), **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """Start a command with temporary files in a folder of its own, in which none may be left at the end."""
    with tempfile.TemporaryDirectory() as folder:
        child = subprocess.Popen(
            [sys.executable, str(DRIVER), *moments, "--", *map(str, command)],
            cwd=root,
            env={**os.environ, "TMPDIR": folder, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield child
        finally:
            child.kill()
            child.wait()
        assert os.listdir(folder) == []


def end(child: subprocess.Popen[str], number: int | None = None) -> Ended:
    """Wait for the end: if a signal is given, send it first, and allow no child that is left."""
    below = psutil.Process(child.pid).children(recursive=True) if number else []
    if number:
        child.send_signal(number)
    try:
        out, err = child.communicate(timeout=limit(60))
    except subprocess.TimeoutExpired:
        child.kill()
        raise AssertionError(f"it did not end: {child.communicate()}") from None
    assert "Traceback" not in err, err
    deadline = time.monotonic() + limit(10)
    while any(process.is_running() and process.status() != "zombie" for process in below):  # killed just now
        assert time.monotonic() < deadline, below
        time.sleep(0.01)
    return Ended(child.returncode, out, err)


def run(root: Path, *command: object, moments: tuple[str, ...] = (), **environment: str) -> Ended:
    """Run a command that signals itself at these moments, and wait for its end."""
    with started(root, *command, moments=moments, **environment) as child:
        return end(child)
