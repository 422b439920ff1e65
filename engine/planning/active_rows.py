"""Whether the active rows of a tableau's features, or the assets that they name, have changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from engine.tableau import FeatureTable, Tableau


class ActiveRows:
    """Compares the rows that are active, and their assets, with those of the last `take`.

    Costs time in proportion to the rows that changed.
    """

    def __init__(self, tableau: Tableau) -> None:
        self._tableau = tableau
        self._tables: dict[str, _Taken] = {}

    def changed(self) -> bool:
        """Whether any differ from those of the last `take`."""
        now = self._tableau.tables
        if now.keys() != self._tables.keys():
            return True
        return any(self._tables[name].differs(table) for name, table in now.items())

    def take(self) -> None:
        """Take the present ones."""
        for name, table in self._tableau.tables.items():
            if name not in self._tables:
                self._tables[name] = _Taken(table)
            self._tables[name].take(table)


class _Taken:
    """The active rows of one table, and their assets, as they were taken."""

    def __init__(self, table: FeatureTable) -> None:
        self._version: int | None = None
        self._columns: list[npt.NDArray[Any]] = [column[:0].copy() for column in _columns(table)]

    def differs(self, table: FeatureTable) -> bool:
        """Whether the table differs from what was taken."""
        version = table.version
        if version == self._version:
            return False
        rows = table.changes.since(self._version) if self._version is not None else None
        if rows is None:
            rows = np.arange(len(table.object), dtype=np.int32)
        active = table.flags("effective_active")[rows]
        known = rows < len(self._columns[0])
        if active[~known].any():
            return True
        rows, active = rows[known], active[known]
        was_active, *assets = self._columns
        if not np.array_equal(was_active[rows], active):
            return True
        rows = rows[active]
        now = _columns(table)[1:]
        if any(not np.array_equal(a[rows], b[rows]) for a, b in zip(assets, now, strict=True)):
            return True
        self._version = version
        return False

    def take(self, table: FeatureTable) -> None:
        """Take the present rows."""
        version = table.version
        if version == self._version:
            return
        rows = table.changes.since(self._version) if self._version is not None else None
        now = _columns(table)
        if rows is None or len(self._columns[0]) != len(now[0]):
            self._columns = [column.copy() for column in now]
        else:
            for column, values in zip(self._columns, now, strict=True):
                column[rows] = values[rows]
        self._version = version


def _columns(table: FeatureTable) -> list[npt.NDArray[Any]]:
    """The flag of active rows, and the assets of every asset field."""
    assets = [table.column(spec.name) for spec in table.schema.asset_fields]
    return [table.flags("effective_active"), *assets]
