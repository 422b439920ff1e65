"""Whether the active rows of a tableau's features, their objects or their assets have changed."""

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
        self._same: tuple[int, int] | None = None  # the version of the tableau in which none differs

    def changed(self) -> bool:
        """Whether any differ from those of the last `take`."""
        tables, version = self._tableau.tables, self._tableau.features_version
        if version == self._same:
            return False
        if tables.keys() != self._tables.keys():
            return True
        self._tableau.flush()
        for name, table in tables.items():
            taken = self._tables[name]
            if taken.version != table.changes.version and taken.differs(table):
                return True
        self._same = version
        return False

    def take(self) -> None:
        """Take the present ones."""
        version = self._tableau.features_version
        self._tableau.flush()
        for name, table in self._tableau.tables.items():
            if name not in self._tables:
                self._tables[name] = _Taken(table, self._tableau)
            taken = self._tables[name]
            if taken.version != table.changes.version:
                taken.take(table)
        self._same = version


class _Taken:
    """The active rows of one table, their objects and their assets, as they were taken."""

    def __init__(self, table: FeatureTable, tableau: Tableau) -> None:
        self.version: int | None = None
        self._tableau = tableau
        self._owners = np.zeros((0, 2), np.int64)
        """The object of each row and its generation: a row that is free serves another object."""
        self._columns: list[npt.NDArray[Any]] = [column[:0].copy() for column in _columns(table)]

    def differs(self, table: FeatureTable) -> bool:
        """Whether the table differs from what was taken."""
        version = table.version
        rows = table.changes.since(self.version) if self.version is not None else None
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
        if not np.array_equal(self._owners[rows], self._owners_of(table, rows)):
            return True
        self.version = version
        return False

    def take(self, table: FeatureTable) -> None:
        """Take the present rows."""
        version = table.version
        rows = table.changes.since(self.version) if self.version is not None else None
        now = _columns(table)
        if rows is None or len(self._columns[0]) != len(now[0]):
            self._columns = [column.copy() for column in now]
            self._owners = self._owners_of(table, np.arange(len(table.object), dtype=np.int32))
        else:
            for column, values in zip(self._columns, now, strict=True):
                column[rows] = values[rows]
            self._owners[rows] = self._owners_of(table, rows)
        self.version = version

    def _owners_of(self, table: FeatureTable, rows: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
        objects = table.object[rows]
        return np.stack((objects, self._tableau.generation[objects]), axis=1, dtype=np.int64)


def _columns(table: FeatureTable) -> list[npt.NDArray[Any]]:
    """The flag of active rows, and the assets of every asset field."""
    assets = [table.column(spec.name) for spec in table.schema.asset_fields]
    return [table.flags("effective_active"), *assets]
