"""The tableau as an outline: objects, below each its features and then the objects under it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.tableau.table import FeatureTable
from engine.tableau.tableau import Tableau
from viewer.panels.expanded_nodes import ExpandedNodes
from viewer.panels.tree_rows import TreeRows, flatten

_OBJECT = -1
_AFTER_FEATURES = 1 << 20


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """One row in words: an object (`feature` is empty) or one of its features, and its four flags."""

    path: str
    feature: str
    name: str
    active: bool
    enabled: bool
    effective_active: bool
    effective_enabled: bool
    failed: bool


class ObjectModel:
    """A tableau flattened; made again when objects or features came or went or something was folded."""

    def __init__(self, tableau: Tableau, expanded: ExpandedNodes) -> None:
        self._tableau = tableau
        self._expanded = expanded
        self._seen: tuple[int, int] | None = None
        self._is_open = np.zeros(0, bool)

    @property
    def tree_rows(self) -> TreeRows:
        """The visible rows as of now."""
        seen = (self._tableau.structure_version, self._expanded.version)
        if self._seen != seen:
            self._rebuild()
            self._seen = seen
        return self._tree_rows

    def is_open(self, node: int) -> bool:
        """Whether the rows below a node are shown."""
        return bool(self._is_open[node])

    def set_expanded(self, node: int, is_open: bool) -> None:
        """Show the rows below an object, or not."""
        self._expanded.set(int(self._rows[node]), is_open)

    def row(self, node: int) -> ObjectRow:
        """Put one node into words."""
        row, table = int(self._rows[node]), self._table(node)
        if table is None:
            flags = {
                name: bool(self._tableau.flags(name)[row])
                for name in ("active", "enabled", "effective_active", "effective_enabled")
            }
            return ObjectRow(self._tableau.path(row), "", self._tableau.name_of(row), failed=False, **flags)
        flags = {
            name: bool(table.flags(name)[row])
            for name in ("active", "enabled", "effective_active", "effective_enabled", "failed")
        }
        return ObjectRow(table.path(row), table.type_name, table.type_name, **flags)

    def set_flag(self, node: int, flag: str, value: bool) -> None:
        """Set `active` or `enabled` of an object or feature; the next frame follows."""
        rows = np.array([self._rows[node]], np.int32)
        table = self._table(node)
        if table is None:
            self._tableau.set_flag(flag, rows, value)
        else:
            table.set_flag(flag, rows, value)

    def place(self, node: int) -> str:
        """Where a row stands in its `.hu` file; empty when a program made it."""
        row, table = int(self._rows[node]), self._table(node)
        position = self._tableau.position(row) if table is None else table.position(row)
        return "" if position is None else str(position)

    def _table(self, node: int) -> FeatureTable | None:
        number = int(self._kinds[node])
        return None if number == _OBJECT else self._tables[number]

    def _rebuild(self) -> None:
        tableau = self._tableau
        self._tables = list(tableau.tables.values())
        objects = tableau.rows()
        node_of = np.full(int(objects.max(initial=-1)) + 1, -1, np.int32)
        node_of[objects] = np.arange(len(objects), dtype=np.int32)
        above = tableau.parent[objects]
        rows, kinds = [objects], [np.full(len(objects), _OBJECT, np.int32)]
        parents = [np.where(above < 0, -1, node_of[above])]
        ranks = [objects.astype(np.int64) + _AFTER_FEATURES]
        for number, table in enumerate(self._tables):
            owners = table.object
            used = np.flatnonzero(owners >= 0).astype(np.int32)
            rows.append(used)
            kinds.append(np.full(len(used), number, np.int32))
            parents.append(node_of[owners[used]])
            ranks.append(np.full(len(used), number, np.int64))
        self._rows, self._kinds = np.concatenate(rows), np.concatenate(kinds)
        places = {
            row: int(node_of[row])
            for row in self._expanded.changed
            if isinstance(row, int) and row < len(node_of) and node_of[row] >= 0
        }
        self._is_open = self._expanded.column(len(self._rows), places)
        parent = np.concatenate(parents).astype(np.int32)
        self._tree_rows: TreeRows = flatten(parent, np.concatenate(ranks), self._is_open)
