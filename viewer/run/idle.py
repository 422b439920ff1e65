"""Whether a window has to draw a frame: not while nothing in it moves or changes."""

from __future__ import annotations

from viewer.arguments import Options
from viewer.session.session import Session
from viewer.window.window import Window

SETTLE_S = 0.5
"""Frames go on for so long after an event: tool tips and menus of ImGui appear after a while."""
LONGEST_S = 0.1
"""A rest ends after so many seconds, to look at what other threads have done."""


class Idle:
    """Counts events and asks the runtime. Runs that count or write frames never rest."""

    def __init__(self, window: Window, session: Session, options: Options) -> None:
        counted = (options.frames, options.sequence, options.script, options.record)
        self.is_allowed = all(option is None for option in counted)
        self._window = window
        self._session = session
        self._events = -1

    def is_due(self) -> bool:
        """Whether nothing has to be drawn now; events of the window keep it awake for a while."""
        if self._window.events != self._events:
            self._events = self._window.events
            self._session.wake(SETTLE_S)
        return self.is_allowed and not self._session.is_awake and self._session.runtime.is_idle
