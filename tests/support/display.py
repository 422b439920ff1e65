"""A display server of our own for tests that open real windows: fixtures that every folder may use."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

SCREEN = "1600x1000x24"


@pytest.fixture(scope="session")
def xvfb() -> Iterator[str]:
    """Start Xvfb on a free display for the session; yields its name, for example `:5`."""
    if shutil.which("Xvfb") is None:
        pytest.fail("Xvfb is not installed: make setup installs it")
    read_end, write_end = os.pipe()
    with open(read_end) as told:
        server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write_end), "-screen", "0", SCREEN, "-nolisten", "tcp", "-noreset"],
            pass_fds=[write_end],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(write_end)
        number = told.readline().strip()
    if not number:
        server.wait(timeout=10)
        pytest.fail(f"Xvfb gave no display and left with {server.returncode}")
    try:
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(timeout=10)


@pytest.fixture
def display(xvfb: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Point this process, and what it starts, at the display server of the tests."""
    monkeypatch.setenv("DISPLAY", xvfb)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    return xvfb


@pytest.fixture
def no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every display server away."""
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
