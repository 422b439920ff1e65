"""A virtual display server for tests that open windows: its picture, and a mouse on it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from support.limits import limit

SCREEN = (1600, 1000)
"""Width and height in pixels."""
_HEADER_WORDS = 25


@dataclass(frozen=True, slots=True)
class Display:
    """A running X server: its name (`:5`) and the file that holds its picture."""

    name: str
    framebuffer: Path

    def picture(self) -> np.ndarray:
        """Read the screen, uint8[height, width, 3]. The file is an X window dump (XWDFile.h)."""
        data = self.framebuffer.read_bytes()
        header = np.frombuffer(data, ">u4", _HEADER_WORDS)
        size, width, height, bits, line, colors = (int(header[i]) for i in (0, 4, 5, 11, 12, 19))
        assert bits == 32, f"the screen has {bits} bits per pixel"
        pixels = np.frombuffer(data, np.uint8, line * height, size + colors * 12)
        return pixels.reshape(height, line // 4, 4)[:, :width, 2::-1]

    def window(self, title: str) -> tuple[int, tuple[int, int, int, int]]:
        """Find a window by a part of its title: (id, (x, y, width, height))."""
        number = int(_xdotool("search", "--onlyvisible", "--name", title).split()[0])
        lines = _xdotool("getwindowgeometry", "--shell", str(number)).split()
        found = dict(line.split("=") for line in lines)
        return number, tuple(int(found[name]) for name in ("X", "Y", "WIDTH", "HEIGHT"))  # type: ignore[return-value]

    def move_mouse(self, window: int, x: float, y: float) -> None:
        """Put the mouse at a place of a window, in pixels from its corner."""
        _xdotool("mousemove", "--window", str(window), "--", str(round(x)), str(round(y)))

    def press(self, button: int = 1) -> None:
        """Press a mouse button down."""
        _xdotool("mousedown", str(button))

    def key(self, keys: str) -> None:
        """Press and release keys together, by their X names: `ctrl+shift+z`, `Return`."""
        _xdotool("key", keys)

    def hold(self, key: str) -> None:
        """Press a key down, by its X name."""
        _xdotool("keydown", key)

    def let_go(self, key: str) -> None:
        """Release a key."""
        _xdotool("keyup", key)

    def release(self, button: int = 1) -> None:
        """Release a mouse button."""
        _xdotool("mouseup", str(button))

    def minimise(self, window: int) -> None:
        """Ask the window manager to minimise a window."""
        _xdotool("windowminimize", str(window))

    def restore(self, window: int) -> None:
        """Show a minimised window again."""
        _xdotool("windowmap", str(window))

    def resize(self, window: int, width: int, height: int) -> None:
        """Ask the window manager for another size of a window."""
        _xdotool("windowsize", str(window), str(width), str(height))

    def type(self, text: str) -> None:
        """Type a text with the keyboard."""
        _xdotool("type", "--delay", "30", text)


def _xdotool(*arguments: str) -> str:
    if shutil.which("xdotool") is None:
        pytest.fail("xdotool is not installed: make setup installs it")
    command = ["xdotool", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit(20), check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


@contextmanager
def display_server(
    folder: Path, size: tuple[int, int] = SCREEN
) -> Iterator[tuple[subprocess.Popen[bytes], Display]]:
    """Start Xvfb on a free display; the file of its picture is in `folder`."""
    screen = f"{size[0]}x{size[1]}x24"
    if shutil.which("Xvfb") is None:
        pytest.fail("Xvfb is not installed: make setup installs it")
    read_end, write_end = os.pipe()
    command = ["Xvfb", "-displayfd", str(write_end), "-screen", "0", screen, "-fbdir", str(folder)]
    with open(read_end) as reported:
        server = subprocess.Popen(
            [*command, "-nolisten", "tcp", "-noreset"],
            pass_fds=[write_end],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(write_end)
        number = reported.readline().strip()
    if not number:
        server.wait(timeout=limit(10))
        pytest.fail(f"Xvfb gave no display and left with {server.returncode}")
    try:
        yield server, Display(f":{number}", folder / "Xvfb_screen0")
    finally:
        server.terminate()
        server.wait(timeout=limit(10))


@pytest.fixture(scope="session")
def xvfb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Display]:
    """Start Xvfb for the session."""
    with display_server(tmp_path_factory.mktemp("xvfb")) as (_, display):
        yield display


@contextmanager
def environment_of(display: Display, folders: pytest.TempPathFactory) -> Iterator[pytest.MonkeyPatch]:
    """Set DISPLAY to a display server, for this process and its children.

    They find no preferences of the user, and nothing to recover. Plans are made at once, also in fast frames.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.runtime.spread_plan.QUICK_S", 0.0)
        patch.setenv("XDG_CONFIG_HOME", str(folders.mktemp("config")))
        patch.setenv("XDG_STATE_HOME", str(folders.mktemp("state")))
        patch.setenv("DISPLAY", display.name)
        patch.delenv("WAYLAND_DISPLAY", raising=False)
        yield patch


@pytest.fixture
def display(xvfb: Display, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Display]:
    """Give the display server of the tests, to which this process and its children are set."""
    with environment_of(xvfb, tmp_path_factory):
        yield xvfb


@pytest.fixture
def no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove every display server from the environment."""
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
