"""Ends a run in order when its display server is gone: Xlib ends the process right after its handler.

Xlib calls the handler in whatever call of GLFW or ImGui meets the loss, and may crash in the next call if the
handler returns. So the run is ended within the handler, between two frames, and the process with it.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from engine.cli.exits import ExitCode, guarded

LOST = """\
error[display.lost]: the display server ended or closed its connection, and the window with it
help: open the scene again once there is a display, or add --headless to render without one"""

_Handler = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)


class DisplayWatch:
    """Waits for the loss of the X server. Once it `is_lost`, GLFW and ImGui's back end must not be called."""

    def __init__(self) -> None:
        self.is_lost = False
        self._end: Callable[[], None] = lambda: None
        self._handler: Any = None

    def start(self) -> None:
        """Handle the loss of every X display of this process from now on."""
        if self._handler is None and sys.platform == "linux":
            self._handler = _Handler(self._on_loss)  # Xlib keeps its address
            with suppress(OSError):  # there is no X11
                ctypes.CDLL("libX11.so.6").XSetIOErrorHandler(self._handler)

    @contextmanager
    def ending(self, end: Callable[[], None]) -> Iterator[None]:
        """Call `end` if the display is lost in the block; the process then ends with NO_DEVICE."""
        before, self._end = self._end, end
        try:
            yield
        finally:
            self._end = before

    def _on_loss(self, _display: int) -> int:
        self.is_lost = True
        code = 1
        try:
            code = guarded(self._finish)
        except BaseException:  # noqa: BLE001 - Xlib cannot pass it on, and must not get control back
            sys.excepthook(*sys.exc_info())
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)

    def _finish(self) -> int:
        end, self._end = self._end, lambda: None
        end()
        print(LOST, file=sys.stderr)
        return ExitCode.NO_DEVICE


display_watch = DisplayWatch()
"""The only one: Xlib has one handler for the process."""
