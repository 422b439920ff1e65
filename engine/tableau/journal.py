"""A short memory of which rows changed, so that each reader catches up with what changed and no more."""

from __future__ import annotations

from collections import deque

import numpy as np

from engine.tableau.columns import Rows, distinct

MAX_ENTRIES = 1024
MAX_ROWS = 1 << 18


class Journal:
    """Numbered notes of changed rows. A reader keeps the version it has seen and asks what came since.

    Old notes are forgotten when there are too many; a reader that is too late looks at all rows again.
    """

    def __init__(self) -> None:
        self.version = 0
        self._notes: deque[Rows] = deque()
        self._rows = 0

    def note(self, rows: Rows) -> None:
        """Write down that these rows changed."""
        if not len(rows):
            return
        self.version += 1
        self._notes.append(rows)
        self._rows += len(rows)
        while len(self._notes) > MAX_ENTRIES or (self._rows > MAX_ROWS and len(self._notes) > 1):
            self._rows -= len(self._notes.popleft())

    def since(self, version: int) -> Rows | None:
        """Rows changed after `version`, each once, sorted; None when that has been forgotten."""
        missed = self.version - version
        if missed == 0:
            return np.empty(0, np.int32)
        if missed > len(self._notes):
            return None
        recent = [self._notes[index] for index in range(len(self._notes) - missed, len(self._notes))]
        return distinct(*recent)
