"""The flags active and enabled: an object's own, and the effective ones that include all its ancestors'."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.tableau.columns import Columns, Rows, distinct
from engine.tableau.tree import Tree

FLAGS = ("active", "enabled")

COLUMNS: dict[str, tuple[Any, tuple[int, ...], Any]] = {
    "active": (np.bool_, (), True),
    "enabled": (np.bool_, (), True),
    "effective_active": (np.bool_, (), False),
    "effective_enabled": (np.bool_, (), False),
}


class Activity:
    """Computes the effective flags: an object's own flag and those of all its ancestors and the tableau.

    `flush` updates them after changes and calls `changed` with the rows whose effective flags have changed.
    `pending` has the changed objects until then: the same list at all times.
    """

    def __init__(self, columns: Columns, tree: Tree, changed: Callable[[Rows], None]) -> None:
        self._columns = columns
        self._tree = tree
        self._changed = changed
        self.pending: list[Rows] = []
        self._tableau_flags = dict.fromkeys(FLAGS, True)

    def tableau_flag(self, flag: str) -> bool:
        """Return the tableau's own flag."""
        return self._tableau_flags[flag]

    def set_tableau_flag(self, flag: str, value: bool) -> bool:
        """Set the tableau's own flag; return whether it changed."""
        if self._tableau_flags[flag] == value:
            return False
        self._tableau_flags[flag] = value
        levels = self._tree.levels()
        if levels:
            self.pending.append(levels[0])
        return True

    def set(self, rows: Rows, flag: str, value: bool | NDArray[np.bool_]) -> bool:
        """Set the own flag of objects; return whether any changed."""
        own = self._columns[flag]
        differs = own[rows] != value
        if not differs.any():
            return False
        own[rows] = value
        self.pending.append(rows[differs])
        return True

    def mark(self, rows: Rows) -> None:
        """Mark the effective flags of these objects (new ones) as out of date."""
        if len(rows):
            self.pending.append(rows)

    def flush(self) -> None:
        """Update the effective flags level by level, below changed objects only."""
        if not self.pending:
            return
        seeds = distinct(*self.pending)
        self.pending.clear()
        different: list[Rows] = []

        def visit(rows: Rows) -> Rows:
            parents = self._columns["parent"][rows]
            differs = np.zeros(len(rows), np.bool_)
            for flag in FLAGS:
                effective = self._columns["effective_" + flag]
                above = np.where(parents < 0, self._tableau_flags[flag], effective[parents])
                now = self._columns[flag][rows] & above
                differs |= effective[rows] != now
                effective[rows] = now
            changed = rows[differs]
            different.append(changed)
            return changed

        self._tree.walk(seeds, visit)
        if different:
            changed = np.concatenate(different)
            if len(changed):
                self._changed(changed)
