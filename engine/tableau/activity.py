"""Active and enabled: what each object says of itself, and what holds with all that it stands below."""

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
    """Keeps the effective flags: an object's own, and those of all above it, and the tableau's.

    They are brought up to date when somebody reads them, for what changed; `changed` is then called with
    the rows whose effective flags are different now.
    """

    def __init__(self, columns: Columns, tree: Tree, changed: Callable[[Rows], None]) -> None:
        self._columns = columns
        self._tree = tree
        self._changed = changed
        self._dirty: list[Rows] = []
        self._top = dict.fromkeys(FLAGS, True)

    def top(self, flag: str) -> bool:
        """The tableau's own flag."""
        return self._top[flag]

    def set_top(self, flag: str, value: bool) -> bool:
        """Set the tableau's own flag; says whether that changed it."""
        if self._top[flag] == value:
            return False
        self._top[flag] = value
        levels = self._tree.levels()
        if levels:
            self._dirty.append(levels[0])
        return True

    def set(self, rows: Rows, flag: str, value: bool | NDArray[np.bool_]) -> bool:
        """Set objects' own flag; says whether that changed any."""
        own = self._columns[flag]
        differs = own[rows] != value
        if not differs.any():
            return False
        own[rows] = value
        self._dirty.append(rows[differs])
        return True

    def mark(self, rows: Rows) -> None:
        """Say that the effective flags of these objects (new ones) must be found out."""
        if len(rows):
            self._dirty.append(rows)

    def flush(self) -> None:
        """Bring the effective flags up to date, level by level, following only what differs."""
        if not self._dirty:
            return
        seeds = distinct(*self._dirty)
        self._dirty.clear()
        different: list[Rows] = []

        def visit(rows: Rows) -> Rows:
            parents = self._columns["parent"][rows]
            differs = np.zeros(len(rows), np.bool_)
            for flag in FLAGS:
                effective = self._columns["effective_" + flag]
                above = np.where(parents < 0, self._top[flag], effective[parents])
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
