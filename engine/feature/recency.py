"""Tracks when each feature row was last enabled: under memory pressure the least recent is left out first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.tableau import FeatureTable, Tableau

if TYPE_CHECKING:
    from engine.tableau.columns import Rows

ENABLED_NOW = np.iinfo(np.int64).max
"""The time of rows that are enabled now."""


class Recency:
    """For each feature row the time at which it was last enabled; times are `Tableau.structure_version`s."""

    def __init__(self, tableau: Tableau) -> None:
        self._tableau = tableau
        self._versions: dict[str, int] = {}
        self._seen: list[int] = []
        self._times: dict[str, NDArray[np.int64]] = {}

    def twin(self, tableau: Tableau) -> Recency:
        """The same times for a twin of the tableau."""
        self.update()
        made = Recency(tableau)
        made._versions = {name: table.version for name, table in tableau.tables.items()}
        made._times = {name: times.copy() for name, times in self._times.items()}
        return made

    def update(self) -> None:
        """Record the rows that were disabled since the last call; costs time in proportion to the changes."""
        self._tableau.flush()
        now = [table.changes.version for table in self._tableau.tables.values()]
        if now == self._seen:
            return
        self._seen = now
        for (name, table), version in zip(self._tableau.tables.items(), now, strict=True):
            if name not in self._versions or self._versions[name] != version:
                changed = table.changes.since(self._versions[name]) if name in self._versions else None
                self._update_rows(table, np.arange(len(table.object)) if changed is None else changed)
                self._versions[name] = version

    def last_enabled(self, table: FeatureTable, rows: Rows) -> NDArray[np.int64]:
        """When these rows were last enabled: ENABLED_NOW for those that are, 0 for those that never were."""
        self.update()
        return self._times[table.type_name][rows]

    def _update_rows(self, table: FeatureTable, rows: NDArray[np.integer]) -> None:
        times = self._times.get(table.type_name, np.zeros(0, np.int64))
        grown = len(table.object) - len(times)
        if grown > 0:
            times = np.concatenate((times, np.zeros(grown, np.int64)))
        enabled = table.flags("effective_enabled")[rows]
        disabled = ~enabled & (times[rows] == ENABLED_NOW)
        times[rows[disabled]] = self._tableau.structure_version
        times[rows[enabled]] = ENABLED_NOW
        self._times[table.type_name] = times
