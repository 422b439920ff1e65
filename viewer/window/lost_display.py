"""Ends a run in order when its display server is gone: Xlib ends the process right after its handler.

Xlib calls the handler in whatever call of GLFW or ImGui meets the loss, and may crash in the next call if the
handler returns. So the run is ended within the handler, between two frames, and the process with it. Single
requests that the server refuses are reported, and end nothing.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from engine.cli.exits import ExitCode, end_process, guarded

LOST = """\
error[display.lost]: the display server ended or closed its connection, and the window with it
help: open the scene again once there is a display, or add --headless to render without one"""


class _ErrorEvent(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("resource", ctypes.c_ulong),
        ("serial", ctypes.c_ulong),
        ("error", ctypes.c_ubyte),
        ("major", ctypes.c_ubyte),
        ("minor", ctypes.c_ubyte),
    )


_OnLoss = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
_OnError = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(_ErrorEvent))


class DisplayWatch:
    """Waits for the loss of the X server. Once it `is_lost`, GLFW and ImGui's back end must not be called."""

    def __init__(self) -> None:
        self.is_lost = False
        self._end: Callable[[], None] = lambda: None
        self._handlers: tuple[Any, ...] = ()
        self._reported: set[tuple[int, int, int]] = set()

    def start(self) -> None:
        """Handle the loss and the errors of every X display of this process from now on."""
        if not self._handlers and sys.platform == "linux":
            self._handlers = (_OnLoss(self._on_loss), _OnError(self._on_error))  # Xlib keeps their addresses
            with suppress(OSError):  # there is no X11
                xlib = ctypes.CDLL("libX11.so.6")
                xlib.XSetIOErrorHandler(self._handlers[0])
                xlib.XSetErrorHandler(self._handlers[1])

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
        end_process(code)

    def _on_error(self, _display: int, event: Any) -> int:
        """Report a refused request, each kind once: Xlib would end the process, and frames can go on."""
        refused = event.contents.major, event.contents.minor, event.contents.error
        if refused not in self._reported:
            self._reported.add(refused)
            text = "the X server refused request {}.{} with error {}".format(*refused)
            print(f"warning[display.error]: {text}", file=sys.stderr)
        return 0

    def _finish(self) -> int:
        end, self._end = self._end, lambda: None
        end()
        print(LOST, file=sys.stderr)
        return ExitCode.NO_DEVICE


display_watch = DisplayWatch()
"""The only one: Xlib has one handler for the process."""
