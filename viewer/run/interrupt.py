"""Ctrl-C while frames are drawn: the current frame is finished, then everything is released in order."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any


class Interrupt:
    """In its `with` block the first Ctrl-C only sets `raised`; the second raises KeyboardInterrupt."""

    def __init__(self) -> None:
        self.raised = False
        self._before: Any = None

    def __enter__(self) -> Interrupt:
        self._before = signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self.raised:
            raise KeyboardInterrupt
        self.raised = True
