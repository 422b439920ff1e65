"""A copy of a tableau's state, to compare it with a later state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.tableau import ROOT, FeatureTable, Tableau
from engine.tableau.activity import FLAGS

Rows = NDArray[np.int32]


@dataclass(frozen=True)
class TableSnapshot:
    """One feature table: its flags and fields by name, and the row of each object (-1: none)."""

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

    def renew(self, moves: Mapping[int, int]) -> None:
        """Replace the keys of assets that have changed."""
        for column in self.columns.values():
            if column.dtype == np.int64 and column.ndim == 1:
                for place in np.flatnonzero(is_among(column, moves)).tolist():
                    column[place] = moves[int(column[place])]

    def owned_by(self, objects: Rows) -> NDArray[np.bool_]:
        """Return a mask of these objects that had the feature."""
        return np.asarray(self.row_of[objects] >= 0)

    def rows_of(self, objects: Rows) -> Rows:
        """Return the rows of these objects in the table; all must have had the feature."""
        return np.asarray(self.row_of[objects], np.int32)


def is_among(column: NDArray[np.int64], moves: Mapping[int, int]) -> NDArray[np.bool_]:
    """Return where a column has one of the keys of `moves`."""
    keys = np.sort(np.fromiter(moves, np.int64, len(moves)))
    if not len(keys):
        return np.zeros(len(column), np.bool_)
    at = np.minimum(np.searchsorted(keys, column), len(keys) - 1)
    return np.asarray(keys[at] == column)


def move_assets(tableau: Tableau, moves: Mapping[int, int]) -> None:
    """Give rows the keys that assets have now, in place of those of `moves`, in all fields that name any."""
    for table in tableau.tables.values():
        for spec in table.schema.asset_fields:
            column = table.column(spec.name)
            rows = np.flatnonzero((table.object >= 0) & is_among(column, moves)).astype(np.int32)
            if len(rows):
                keys = np.array([moves[key] for key in column[rows].tolist()], np.int64)
                table.set(spec.name, rows, keys)


def _below(tableau: Tableau, root: int) -> Rows:
    """Return the rows of all objects below one, ascending; ROOT: of all objects."""
    rows = tableau.rows()
    if root == ROOT:
        return rows
    parent, inside = tableau.parent, np.zeros(len(tableau.parent), np.bool_)
    inside[root] = True
    for level in range(int(tableau.level[root]) + 1, int(tableau.level.max()) + 1):
        here = rows[tableau.level[rows] == level]
        inside[here] = inside[parent[here]]
    inside[root] = False
    return np.asarray(rows[inside[rows]], np.int32)


def changed_rows(before: Snapshot, tableau: Tableau, rows: Rows) -> NDArray[np.bool_]:
    """Return a mask of those of these objects, which were there before, that differ in anything now."""
    found: NDArray[np.bool_] = tableau.parent[rows] != before.parent[rows]
    names, old = tableau.names, before.names
    found |= np.fromiter((names[row] != old[row] for row in rows.tolist()), np.bool_, len(rows))
    for name in ("translation", "rotation", "scale", *FLAGS):
        found |= np.isin(rows, before.changed(tableau, name, rows))
    for type_name, table in tableau.tables.items():
        then = before.tables[type_name]
        has, had = table.owned_by(rows), then.owned_by(rows)
        found |= has != had
        both = np.flatnonzero(has & had)
        now_at, then_at = table.rows_of(rows[both]), then.rows_of(rows[both])
        for name, column in then.columns.items():
            now = table.flags(name) if name in FLAGS else table.column(name)
            found[both] |= differing(now[now_at], column[then_at])
    return found


def differing(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.bool_]:
    """Return a mask of the rows in which two columns differ."""
    differs = np.asarray(one != other)
    return np.asarray(differs.any(axis=1)) if differs.ndim > 1 else differs


@dataclass(frozen=True)
class Snapshot:
    """All objects by row (names, parents, generations, ranks, transforms, flags) and all feature tables."""

    names: list[str]
    rows: Rows
    parent: Rows
    generation: Rows
    columns: dict[str, NDArray[Any]]
    root: int
    root_flags: dict[str, bool]
    tables: dict[str, TableSnapshot]

    @classmethod
    def of(cls, tableau: Tableau, root: int = ROOT) -> Snapshot:
        """Copy everything that a file can contain: all objects below `root`, without itself."""
        count = len(tableau.parent)
        columns = {name: getattr(tableau, name).copy() for name in ("translation", "rotation", "scale")}
        columns |= {flag: tableau.flags(flag).copy() for flag in FLAGS}
        columns["rank"] = tableau.rank.copy()
        return cls(
            list(tableau.names),
            _below(tableau, root),
            tableau.parent.copy(),
            tableau.generation.copy(),
            columns,
            root,
            {flag: cls.root_flag(tableau, root, flag) for flag in FLAGS},
            {name: TableSnapshot.of(table, count) for name, table in tableau.tables.items()},
        )

    @cached_property
    def paths(self) -> dict[int, str]:
        """The path of each object from the root of its file, as it was."""
        found: dict[int, str] = {}
        for row in self.rows.tolist():
            names, at = [self.names[row]], int(self.parent[row])
            while at not in (ROOT, self.root) and at not in found:
                names.append(self.names[at])
                at = int(self.parent[at])
            above = [found[at]] if at in found else []
            found[row] = "/".join([*above, *reversed(names)])
        return found

    def renew(self, moves: Mapping[int, int]) -> None:
        """Replace the keys of assets that have changed."""
        for table in self.tables.values():
            table.renew(moves)

    @staticmethod
    def root_flag(tableau: Tableau, root: int, flag: str) -> bool:
        """Return a flag of the root object; of the tableau itself where there is none."""
        return bool(getattr(tableau, flag) if root == ROOT else tableau.flags(flag)[root])

    def _is_kept(self, tableau: Tableau) -> NDArray[np.bool_]:
        now = tableau.generation[self.rows] == self.generation[self.rows]
        now &= tableau.level[self.rows] >= 0
        if self.root != ROOT:  # it may be below the objects of another file now
            inside = np.zeros(len(tableau.parent), np.bool_)
            inside[_below(tableau, self.root)] = True
            now &= inside[self.rows]
        return np.asarray(now)

    def kept(self, tableau: Tableau) -> Rows:
        """Return the rows of the objects that still exist."""
        return np.asarray(self.rows[self._is_kept(tableau)], np.int32)

    def gone(self, tableau: Tableau) -> list[int]:
        """Return the former rows of the objects that have been removed."""
        return [int(row) for row in self.rows[~self._is_kept(tableau)]]

    def added(self, tableau: Tableau) -> Rows:
        """Return the rows of the objects that have been added, ascending."""
        known = np.zeros(len(tableau.parent), np.bool_)
        known[self.kept(tableau)] = True
        rows = _below(tableau, self.root)
        return np.asarray(rows[~known[rows]], np.int32)

    def changed(self, tableau: Tableau, name: str, rows: Rows) -> Rows:
        """Return those of these rows whose transform or flag has changed."""
        now = tableau.flags(name) if name in FLAGS else getattr(tableau, name)
        return np.asarray(rows[differing(now[rows], self.columns[name][rows])], np.int32)
