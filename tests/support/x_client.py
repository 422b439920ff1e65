"""A small X client: it drops files on a window as file managers do (XDND 5), and sets a display's density."""

from __future__ import annotations

import ctypes
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.display import Display
from support.limits import limit

Event = ctypes.c_long * 24
"""An XEvent of a 64-bit machine, as longs: 0 is its type, 4 its window; from 5 on what its type says."""
CLIENT_MESSAGE, SELECTION_NOTIFY, SELECTION_REQUEST = 33, 31, 30
XA_ATOM, XA_RESOURCE_MANAGER, XA_STRING = 4, 23, 31
SUBSTRUCTURE_REDIRECT = 1 << 20
_EVENT_MASKS = 12  # where XWindowAttributes has `all_event_masks`, in longs
_LISTENED = 32
_TWM = "\n".join(
    (
        *(f'{font}Font "fixed"' for font in ("Title", "Resize", "Menu", "Icon", "IconManager")),
        *("RandomPlacement", "NoTitle", "BorderWidth 0", 'UsePPosition "on"', "NoGrabServer"),
        "",
    )
)
"""No decoration, no question where a window goes, and the one font that every X server has."""


class XClient:
    """A connection to a display, with a window of its own that nobody sees. Close it."""

    def __init__(self, display: Display) -> None:
        self._x = library = ctypes.CDLL("libX11.so.6")
        for name in ("XOpenDisplay", "XDefaultRootWindow", "XCreateSimpleWindow", "XInternAtom"):
            getattr(library, name).restype = ctypes.c_ulong
        self._display = ctypes.c_void_p(library.XOpenDisplay(display.name.encode()))
        assert self._display.value, f"there is no display {display.name}"
        self._root = ctypes.c_ulong(library.XDefaultRootWindow(self._display))
        size = (ctypes.c_int(0), ctypes.c_int(0), 1, 1, 0, ctypes.c_ulong(0), ctypes.c_ulong(0))
        self._own = ctypes.c_ulong(library.XCreateSimpleWindow(self._display, self._root, *size))

    def close(self) -> None:
        """End the connection."""
        self._x.XCloseDisplay(self._display)

    @property
    def is_managed(self) -> bool:
        """Whether a window manager runs."""
        attributes = (ctypes.c_long * 32)()
        self._x.XGetWindowAttributes(self._display, self._root, attributes)
        return bool(attributes[_EVENT_MASKS] & SUBSTRUCTURE_REDIRECT)

    def set_density(self, dots_per_inch: int) -> None:
        """Set the density that programs find which start from now on, as settings of desktops do."""
        text = f"Xft.dpi:\t{dots_per_inch}\n".encode()
        self._change(self._root, ctypes.c_ulong(XA_RESOURCE_MANAGER), ctypes.c_ulong(XA_STRING), text)
        self._x.XSync(self._display, 0)

    def drop(self, window: int, paths: list[Path], draw: Callable[[], object]) -> bool:
        """Drop files on a window, which handles its events in `draw`; returns whether it took them."""
        uris = "".join(f"{path.resolve().as_uri()}\r\n" for path in paths).encode()
        listed, selection = self._atom("text/uri-list"), self._atom("XdndSelection")
        copy, own = self._atom("XdndActionCopy"), self._own.value
        self._x.XSetSelectionOwner(self._display, selection, self._own, ctypes.c_ulong(0))
        self._send(window, "XdndEnter", own, 5 << 24, listed.value, 0, 0)
        self._send(window, "XdndPosition", own, 0, 100 << 16 | 100, 0, copy.value)
        status = self._wait(CLIENT_MESSAGE, draw)
        assert status[5] == self._atom("XdndStatus").value
        if not status[8] & 1:
            self._send(window, "XdndLeave", own, 0, 0, 0, 0)
            return False
        self._send(window, "XdndDrop", own, 0, 0, 0, 0)
        asked = self._wait(SELECTION_REQUEST, draw)
        requestor, property_ = ctypes.c_ulong(asked[5]), ctypes.c_ulong(asked[8])
        assert asked[7] == listed.value
        self._change(requestor, property_, listed, uris)
        answer = Event(SELECTION_NOTIFY, 0, 0, 0, asked[5], asked[6], asked[7], asked[8], asked[9])
        self._x.XSendEvent(self._display, requestor, 0, ctypes.c_long(0), answer)
        self._x.XFlush(self._display)
        finished = self._wait(CLIENT_MESSAGE, draw)
        return bool(finished[5] == self._atom("XdndFinished").value)

    def _atom(self, name: str) -> ctypes.c_ulong:
        return ctypes.c_ulong(self._x.XInternAtom(self._display, name.encode(), 0))

    def _change(
        self, window: ctypes.c_ulong, name: ctypes.c_ulong, kind: ctypes.c_ulong, text: bytes
    ) -> None:
        self._x.XChangeProperty(self._display, window, name, kind, 8, 0, text, len(text))

    def _send(self, window: int, name: str, *data: int) -> None:
        event = Event(CLIENT_MESSAGE, 0, 0, 0, window, self._atom(name).value, _LISTENED, *data)
        self._x.XSendEvent(self._display, ctypes.c_ulong(window), 0, ctypes.c_long(0), event)
        self._x.XFlush(self._display)

    def _wait(self, kind: int, draw: Callable[[], object]) -> Any:
        """Return the next event of a kind."""
        end, event = time.monotonic() + limit(20), Event()
        while time.monotonic() < end:
            draw()
            while self._x.XPending(self._display):
                self._x.XNextEvent(self._display, event)
                if event[0] == kind:
                    return event
        raise AssertionError(f"the window sent no event of type {kind}")


@contextmanager
def window_manager(display: Display, folder: Path) -> Iterator[XClient]:
    """Run twm on a display, without any decoration."""
    (folder / "twmrc").write_text(_TWM)
    command = ["twm", "-display", display.name, "-f", str(folder / "twmrc")]
    manager = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client = XClient(display)
    try:
        end = time.monotonic() + limit(10)
        while not client.is_managed:
            assert manager.poll() is None, "twm has ended"
            assert time.monotonic() < end, "twm does not start"
            time.sleep(0.02)
        yield client
    finally:
        client.close()
        manager.terminate()
        manager.wait(timeout=limit(10))
