"""The time that Python's garbage collector takes, which may fall into any frame."""

from __future__ import annotations

import gc
import time
from typing import Any


class CollectorTimer:
    """Counts milliseconds of collections since it was last asked. Close it."""

    def __init__(self) -> None:
        self._began = 0.0
        self._ms = 0.0
        gc.callbacks.append(self._note)

    def take(self) -> float:
        """Milliseconds since the last call."""
        taken, self._ms = self._ms, 0.0
        return taken

    def close(self) -> None:
        """Count no more."""
        gc.callbacks.remove(self._note)

    def _note(self, phase: str, _facts: dict[str, Any]) -> None:
        now = time.perf_counter()
        if phase == "start":
            self._began = now
        else:
            self._ms += (now - self._began) * 1e3
