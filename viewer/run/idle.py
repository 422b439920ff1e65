"""Whether a window has to draw a frame: not while nothing in it moves or changes; what is done then."""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable

from viewer.arguments import Options
from viewer.session.session import Session
from viewer.window.window import Window

SETTLE_S = 0.5
"""Frames go on for so long after an event: tool tips and menus of ImGui appear after a while."""
GIVEN_BACK_EVERY_S = 60.0
LONGEST_S = 0.1
"""A rest ends after so many seconds, to look at what other threads have done."""


class Idle:
    """Counts events and asks the runtime. Runs that count or write frames never rest."""

    def __init__(self, window: Window, session: Session, options: Options) -> None:
        self.is_allowed = not options.is_counted
        self._window = window
        self._session = session
        self._events = -1

    def is_due(self) -> bool:
        """Whether nothing has to be drawn now; events of the window keep it awake for a while."""
        if self._window.events != self._events:
            self._events = self._window.events
            self._session.wake(SETTLE_S)
        return self.is_allowed and not self._session.is_awake and self._session.runtime.is_idle


class FreeMemory:
    """Gives memory back to the system that was freed: the C library keeps it, in pieces, for the next use.

    Drivers and numpy free much of it on many threads: 190 MiB lay so after 2,000 inputs at a window.
    """

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._trim = _found_trim()

    def rest(self) -> None:
        """Nothing is drawn now: give it back, once in GIVEN_BACK_EVERY_S."""
        if time.monotonic() - self._last >= GIVEN_BACK_EVERY_S:
            self.give_back()

    def give_back(self) -> None:
        """Give it back now, as where much was freed at once; takes some milliseconds."""
        self._last = time.monotonic()
        if self._trim is not None:
            self._trim(0)


def _found_trim() -> Callable[[int], int] | None:
    """Return `malloc_trim` of the C library of GNU; others have none."""
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform.startswith("linux") else None
