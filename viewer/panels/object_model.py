"""The tableau as a tree: objects, below each its features and then its child objects."""

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
    """The texts and flags of one row: an object (`feature` is empty) or one of its features."""

    path: str
    feature: str
    name: str
    active: bool
    enabled: bool
    effective_active: bool
    effective_enabled: bool
    failed: bool


class ObjectModel:
    """The tree of a tableau; built again after objects or features change or a node is expanded."""

    def __init__(self, tableau: Tableau, expanded: ExpandedNodes) -> None:
        self._tableau = tableau
        self._expanded = expanded
        self._seen: tuple[int, int] | None = None
        self._is_open = np.zeros(0, bool)

    @property
    def tree_rows(self) -> TreeRows:
        """The current visible rows."""
        seen = (self._tableau.structure_version, self._expanded.version)
        if self._seen != seen:
            self._rebuild()
            self._seen = seen
        return self._tree_rows

    def is_open(self, node: int) -> bool:
        """Whether a node is expanded."""
        return bool(self._is_open[node])

    def set_expanded(self, node: int, is_open: bool) -> None:
        """Expand or collapse an object."""
        self._expanded.set(int(self._rows[node]), is_open)

    def row(self, node: int) -> ObjectRow:
        """Return the texts and flags of one node."""
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
        """Set `active` or `enabled` of an object or feature; it takes effect in the next frame."""
        rows = np.array([self._rows[node]], np.int32)
        table = self._table(node)
        if table is None:
            self._tableau.set_flag(flag, rows, value)
        else:
            table.set_flag(flag, rows, value)

    def place(self, node: int) -> str:
        """The place of a row in its `.hu` file; empty if it does not come from a file."""
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
