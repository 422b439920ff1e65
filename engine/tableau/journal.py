"""A bounded log of changed rows, so that each reader processes only what changed since it last read."""

from __future__ import annotations

from collections import deque

import numpy as np

from engine.tableau.columns import Rows, distinct

MAX_ENTRIES = 1024
MAX_ROWS = 1 << 18


class Journal:
    """Numbered entries of changed rows. A reader keeps the last version it has read and calls `since`.

    Old entries are dropped when there are too many; a reader that is further behind reads all rows.
    """

    def __init__(self) -> None:
        self.version = 0
        self._notes: deque[Rows] = deque()
        self._rows = 0

    def note(self, rows: Rows) -> None:
        """Append an entry with these rows."""
        if not len(rows):
            return
        self.version += 1
        self._notes.append(rows)
        self._rows += len(rows)
        while len(self._notes) > MAX_ENTRIES or (self._rows > MAX_ROWS and len(self._notes) > 1):
            self._rows -= len(self._notes.popleft())

    def since(self, version: int) -> Rows | None:
        """Return the rows changed after `version`, each once, ascending; None if entries were dropped."""
        missed = self.version - version
        if missed == 0:
            return np.empty(0, np.int32)
        if missed > len(self._notes):
            return None
        recent = [self._notes[index] for index in range(len(self._notes) - missed, len(self._notes))]
        return distinct(*recent)
