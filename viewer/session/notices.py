"""Short notices of what was done, shown for a while."""

from __future__ import annotations

import time

SHOWN_S = 6.0


class Notices:
    """The last notice, until it has been shown for SHOWN_S."""

    def __init__(self) -> None:
        self._text = ""
        self._until = 0.0

    def say(self, text: str) -> None:
        """Show a text from now on, in place of an earlier one."""
        self._text, self._until = text, time.monotonic() + SHOWN_S

    @property
    def text(self) -> str:
        """What is to be shown now; empty for nothing."""
        return self._text if time.monotonic() < self._until else ""
