"""Until when each row of a tableau took part in frames: what was used last is the last to be given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.tableau import FeatureTable, Tableau

if TYPE_CHECKING:
    from engine.tableau.columns import Rows

STILL = np.iinfo(np.int64).max
"""In place of a time: it takes part now."""


class Recency:
    """For each feature row the last time at which it was enabled, by `Tableau.structure_version`."""

    def __init__(self, tableau: Tableau) -> None:
        self._tableau = tableau
        self._seen: dict[str, int] = {}
        self._until: dict[str, NDArray[np.int64]] = {}

    def note(self) -> None:
        """Take down who has ceased to take part since the last time; costs what has changed."""
        for name, table in self._tableau.tables.items():
            version = table.version
            if self._seen.get(name) != version:
                changed = table.changes.since(self._seen[name]) if name in self._seen else None
                self._catch_up(table, np.arange(len(table.object)) if changed is None else changed)
                self._seen[name] = version

    def until(self, table: FeatureTable, rows: Rows) -> NDArray[np.int64]:
        """Until when these rows were enabled: STILL for those that are, 0 for those that never were."""
        self.note()
        return self._until[table.type_name][rows]

    def _catch_up(self, table: FeatureTable, rows: NDArray[np.integer]) -> None:
        until = self._until.get(table.type_name, np.zeros(0, np.int64))
        grown = len(table.object) - len(until)
        if grown > 0:
            until = np.concatenate((until, np.zeros(grown, np.int64)))
        enabled = table.flags("effective_enabled")[rows]
        ceased = ~enabled & (until[rows] == STILL)
        until[rows[ceased]] = self._tableau.structure_version
        until[rows[enabled]] = STILL
        self._until[table.type_name] = until
