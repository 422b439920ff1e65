"""What a tableau held at one moment, to be compared with what it holds later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.tableau import FeatureTable, Tableau
from engine.tableau.activity import FLAGS

Rows = NDArray[np.int32]


@dataclass(frozen=True)
class TableSnapshot:
    """One feature table: its flags and fields by name, and which row each object had (-1: none)."""

    columns: dict[str, NDArray[Any]]
    row_of: Rows

    @classmethod
    def of(cls, table: FeatureTable, objects: int) -> TableSnapshot:
        """Copy a table."""
        columns = {name: table.column(name).copy() for name in table.schema.by_name}
        columns |= {flag: table.flags(flag).copy() for flag in FLAGS}
        row_of = np.full(objects, -1, np.int32)
        used = np.flatnonzero(table.object >= 0)
        row_of[table.object[used]] = used
        return cls(columns, row_of)

    def owned_by(self, objects: Rows) -> NDArray[np.bool_]:
        """Which of these objects had the feature."""
        return np.asarray(self.row_of[objects] >= 0)

    def rows_of(self, objects: Rows) -> Rows:
        """The rows that these objects, which all had the feature, had in the table."""
        return np.asarray(self.row_of[objects], np.int32)


@dataclass(frozen=True)
class Snapshot:
    """Objects by row: their names, parents, generations, transforms and flags; and all feature tables."""

    names: list[str]
    rows: Rows
    parent: Rows
    generation: Rows
    columns: dict[str, NDArray[Any]]
    top: dict[str, bool]
    tables: dict[str, TableSnapshot]

    @classmethod
    def of(cls, tableau: Tableau) -> Snapshot:
        """Copy everything that a file may say."""
        count = len(tableau.parent)
        columns = {name: getattr(tableau, name).copy() for name in ("translation", "rotation", "scale")}
        columns |= {flag: tableau.flags(flag).copy() for flag in FLAGS}
        return cls(
            [tableau.name_of(row) for row in range(count)],
            tableau.rows(),
            tableau.parent.copy(),
            tableau.generation.copy(),
            columns,
            {flag: bool(getattr(tableau, flag)) for flag in FLAGS},
            {name: TableSnapshot.of(table, count) for name, table in tableau.tables.items()},
        )

    def _is_kept(self, tableau: Tableau) -> NDArray[np.bool_]:
        now = tableau.generation[self.rows] == self.generation[self.rows]
        return np.asarray(now & (tableau.level[self.rows] >= 0))

    def kept(self, tableau: Tableau) -> Rows:
        """Rows of the objects that are still there."""
        return np.asarray(self.rows[self._is_kept(tableau)], np.int32)

    def gone(self, tableau: Tableau) -> list[int]:
        """Rows, as they were, of the objects that have been removed."""
        return [int(row) for row in self.rows[~self._is_kept(tableau)]]

    def added(self, tableau: Tableau) -> Rows:
        """Rows of the objects that have been added, rising."""
        known = np.zeros(len(tableau.parent), np.bool_)
        known[self.kept(tableau)] = True
        rows = tableau.rows()
        return np.asarray(rows[~known[rows]], np.int32)

    def changed(self, tableau: Tableau, name: str, rows: Rows) -> Rows:
        """Those of these rows whose transform or flag is another now."""
        now = tableau.flags(name) if name in FLAGS else getattr(tableau, name)
        differs = now[rows] != self.columns[name][rows]
        return np.asarray(rows[differs.any(axis=1) if differs.ndim > 1 else differs], np.int32)
