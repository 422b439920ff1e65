"""Whether a window has to draw a frame: not while nothing in it moves or changes; what is done then."""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable

from viewer.arguments import Options
from viewer.session.session import Session
from viewer.ui.input_queue import InputQueue
from viewer.window.window import Window

SETTLE_S = 0.5
"""Frames go on for so long after an event: tool tips and menus of ImGui appear after a while."""
GIVEN_BACK_EVERY_S = 60.0
SETTLE_FRAMES = 3
"""Whole frames that are shown after the last change: ImGui lays out by what it drew in the frame before."""
LONGEST_S = 0.1
"""A rest ends after so many seconds, to look at what other threads have done."""


class Idle:
    """Counts events and asks the runtime. Runs that count or write frames never rest.

    Input that ImGui has not taken in yet keeps a window awake, however slow its frames are.
    """

    def __init__(self, window: Window, session: Session, options: Options, queue: InputQueue) -> None:
        self.is_allowed = not options.is_counted
        self._window = window
        self._session = session
        self._queue = queue
        self._events = -1
        self._owed = SETTLE_FRAMES

    def is_due(self) -> bool:
        """Whether nothing has to be drawn now; events of the window keep it awake for a while.

        The last frame before a rest stays on the screen, so that it says that the window rests.
        """
        if self._window.events != self._events:
            self._events = self._window.events
            self._session.wake(SETTLE_S)
        if self._session.is_awake or not self._queue.is_empty or not self._session.runtime.is_idle:
            self._owed = SETTLE_FRAMES
        self._session.rests = self.is_allowed and self._owed <= 1
        return self.is_allowed and not self._owed

    def note_shown(self) -> None:
        """Note that a frame was shown."""
        self._owed = max(0, self._owed - 1)


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

    def soon(self) -> None:
        """Give it back at the next rest, however short a time ago it was: much has been read meanwhile."""
        self._last = time.monotonic() - GIVEN_BACK_EVERY_S

    def give_back(self) -> None:
        """Give it back now, as where much was freed at once; takes some milliseconds."""
        self._last = time.monotonic()
        if self._trim is not None:
            self._trim(0)


def _found_trim() -> Callable[[int], int] | None:
    """Return `malloc_trim` of the C library of GNU; others have none."""
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform.startswith("linux") else None
