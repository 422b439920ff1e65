"""Why a key is in memory: all of its requesters, with their objects and lines, searchable and never cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.plan.model.plan import Plan
from engine.plan.placement.staging_plan import STAGING_REQUESTER
from engine.plan.requirements.requesters import Requester
from engine.tableau.tableau import Tableau
from viewer.panels.memory.table.text_index import TextIndex

_IN_TABLE = -1
"""In place of a requester's id: it is a row of a feature table, of a group that the plan only counts."""


@dataclass(frozen=True, slots=True)
class WhyRow:
    """One requester: a feature on an object, and where it is written.

    `object_row` and `feature_row` are None for what is no longer, or never was, in the tableau.
    """

    feature: str
    object_path: str
    file: str
    line: int
    column: int
    object_row: int | None
    feature_row: int | None

    @property
    def position(self) -> str:
        """`file:line:column`, empty where it is in no file."""
        return f"{self.file}:{self.line}:{self.column}" if self.file else ""


class WhyModel:
    """The requesters of one key in one plan; rows are described when they are read.

    A pass that very many objects take part in names a few of them in its plan, and counts the others: here
    these are the rows of their table, so that none is missing.
    """

    def __init__(self, plan: Plan, tableau: Tableau, key: int) -> None:
        self.key = key
        self._plan = plan
        self._tableau = tableau
        self._table = plan.requirements.requesters
        ids = np.zeros(0, np.int64)
        self._is_staging = key not in plan.memory
        if not self._is_staging:
            ids = plan.requirements.requested.requesters_of(key)
        columns = self._table.columns
        is_group = columns.group[ids]
        named = ids[~is_group]
        parts: list[tuple[NDArray[np.integer], ...]] = [
            (named, columns.feature[named], np.full(len(named), -1, np.int64))
        ]
        for group in ids[is_group].tolist():
            parts.append(self._group(group, int(columns.feature[group]), named))
        self._ids, self._features, self._rows = (
            np.concatenate([part[column].astype(np.int64) for part in parts]) for column in range(3)
        )
        self.count = 1 if self._is_staging else len(self._ids)
        self.texts = TextIndex(self.count, self._text)

    def _group(self, ident: int, feature: int, named: NDArray[np.int64]) -> tuple[NDArray[np.integer], ...]:
        """The objects of a group; of one from long ago active rows of the feature that are not named."""
        columns = self._table.columns
        table, group = self._tableau.tables.get(columns.features[feature]), self._table.group(ident)
        if table is None:
            return (np.zeros(0, np.int64),) * 3
        if group is not None:
            rows = table.rows_of(group.objects).astype(np.int64)
        else:
            rows = table.rows_active().astype(np.int64)
            mine = named[columns.feature[named] == feature]
            rows = rows[~np.isin(table.object[rows], columns.object[mine])]
        return np.full(len(rows), _IN_TABLE), np.full(len(rows), feature), rows

    def row(self, index: int) -> WhyRow:
        """Describe one requester."""
        if self._is_staging:
            return WhyRow(STAGING_REQUESTER, "", "", 0, 0, None, None)
        ident = int(self._ids[index])
        if ident == _IN_TABLE:
            return self._table_row(int(self._features[index]), int(self._rows[index]))
        requester = self._table[ident]
        on = self._object_row(ident, requester)
        table = self._tableau.tables.get(requester.feature)
        of_feature = table.row_of(on) if table is not None and on is not None else None
        path, file = requester.object_path, requester.file
        return WhyRow(requester.feature, path, file, requester.line, requester.column, on, of_feature)

    def search(self, words: tuple[str, ...]) -> NDArray[np.int64]:
        """The indices of requesters whose feature, object or place holds all of these words."""
        return np.flatnonzero(self.texts.matches(words)) if words else np.arange(self.count)

    def _table_row(self, feature: int, row: int) -> WhyRow:
        name = self._table.columns.features[feature]
        table = self._tableau.tables[name]
        on = int(table.object[row])
        if on < 0:
            return WhyRow(name, "(removed)", "", 0, 0, None, None)
        place = table.position(row)
        where = (place.file, place.line, place.column) if place is not None else ("", 0, 0)
        return WhyRow(name, table.path(row), *where, on, row)

    def _object_row(self, ident: int, requester: Requester) -> int | None:
        """The row of a requester's object, None where it has none in the tableau now."""
        tableau, path = self._tableau, requester.object_path
        known = int(self._table.columns.object[ident])
        if known >= 0:
            is_there = known < len(tableau.level) and tableau.level[known] >= 0
            return known if is_there and tableau.path(known) == path else None
        return tableau[path].row if path and path in tableau else None

    def _text(self, index: int) -> str:
        row = self.row(index)
        return f"{row.feature} {row.object_path} {row.position}"
