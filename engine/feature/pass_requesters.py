"""The requesters of passes: the first rows of each feature that takes part, and one group of all others.

Which group that is costs time in proportion to what has changed: each group of late knows in which rows it
differs from the present.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.feature.collect import RequesterIds
from engine.graph import DrawPass, Pass
from engine.plan.requirements.requesters import Group, Requester, RequesterTable
from engine.tableau import FeatureTable, Tableau

NONE_CHOSEN = np.zeros(0, np.int32)

PASS_REQUESTERS = 16
"""How many rows a pass has as requesters; the others form one group."""
RECENT_GROUPS = 4
"""How many groups of a kind are found again when the same rows are active again: at most KNOWN_GROUPS."""
CHOSEN = "chosen"
"""The kind of groups of chosen rows; others are of all active ones."""


@dataclass(eq=False)
class _KnownGroup:
    """A group of late: the active rows of then, ascending, with their objects and generations.

    `differs` are the rows that are otherwise now, ascending: none while the same are active again.
    """

    ident: int
    rows: NDArray[np.int32]
    objects: NDArray[np.int32]
    generations: NDArray[np.int32]
    differs: NDArray[np.int32] = field(default_factory=lambda: NONE_CHOSEN)

    def follow(
        self, rows: NDArray[np.int32], objects: NDArray[np.int32], generations: NDArray[np.int32]
    ) -> None:
        """Compare rows (ascending) that may have changed; where one is not active, its object is -1."""
        at = self.rows.searchsorted(rows)
        same = (self.objects.take(at, mode="clip") == objects) & (
            self.generations.take(at, mode="clip") == generations
        )
        is_in = self.rows.take(at, mode="clip") == rows
        fresh = rows[~np.where(is_in, same, objects < 0)]
        at = self.differs.searchsorted(rows)
        known = at[at < len(self.differs)]
        known = known[self.differs[known] == rows[: len(known)]]
        left = np.delete(self.differs, known)
        self.differs = np.insert(left, left.searchsorted(fresh), fresh)


class PassRequesters:
    """The requesters of passes: active rows of the features that take part in them.

    Their ids differ from those of asset requesters, so that either can be removed without the other.
    """

    def __init__(self, tableau: Tableau, requesters: RequesterTable) -> None:
        self._tableau = tableau
        self._requesters = requesters
        self._ids: dict[str, RequesterIds] = {}
        self._rows: dict[str, tuple[int, list[int]]] = {}  # with the version of the table
        self._groups: dict[str, list[_KnownGroup]] = {}
        """The latest groups of active rows by feature."""
        self._chosen: dict[str, list[tuple[int, Group, NDArray[np.int32]]]] = {}
        """The ids and members of the latest groups of chosen rows by feature, with generations."""

    def with_owners(self, owners: NDArray[np.int32], requesters: RequesterTable) -> NDArray[np.int32]:
        """Set the objects of the requesters of passes, by their ids, and return all; a group has several."""
        for ids in self._ids.values() if requesters is self._requesters else ():
            ids.note_owners(owners)
        return owners

    def of(
        self, p: Pass, features: Iterable[str], chosen: NDArray[np.int32] = NONE_CHOSEN
    ) -> tuple[int, ...]:
        """Return the ids of the requesters of a pass in which these features take part, by name.

        A feature with more than PASS_REQUESTERS active rows has the others as one group. The requesters of a
        pass that is `chosen_only` are the rows of `chosen` objects.
        """
        if isinstance(p, DrawPass) and p.chosen_only and p.draws in self._tableau.tables:
            table = self._tableau.tables[p.draws]
            rows = table.rows_of(chosen[table.owned_by(chosen)])
            return tuple(self._of_chosen(table, rows[table.flags("effective_active")[rows]]))
        ids = [one for name in features for one in self.rows(name)]
        return tuple(ids) or (self._requesters.add(f"frame {p.name}"),)

    def rows(self, feature: str) -> list[int]:
        """Return the ids of a feature's active rows."""
        table = self._tableau.tables.get(feature)
        if table is None:
            return []
        version = table.version
        before, ids = self._rows.get(feature, (-1, []))
        if before != version:
            ids = self._of_active(table, table.changes.since(before))
            self._rows[feature] = version, ids
        return ids

    def _of_active(self, table: FeatureTable, changed: NDArray[np.int32] | None) -> list[int]:
        """Return the ids of the first active rows, and one for all others; None has changed: any may have."""
        known, groups = self._ids_of(table), self._groups.setdefault(table.type_name, [])
        is_active = table.flags("effective_active")
        rows = np.arange(len(is_active), dtype=np.int32) if changed is None else changed
        objects = np.where(is_active[rows], table.object[rows], -1)
        generations = self._tableau.generation.take(objects, mode="clip")
        for group in groups:
            group.follow(rows, objects, generations)
        first = _first(is_active, PASS_REQUESTERS + 1)
        ids: list[int] = known.of(first[:PASS_REQUESTERS]).tolist()
        if len(first) > PASS_REQUESTERS:
            at = next((at for at, group in enumerate(groups) if not len(group.differs)), None)
            if at is None:
                groups.append(self._new_group(table, known))
            else:
                groups.append(groups.pop(at))
                self._requesters.use_group(groups[-1].ident)
            ids.append(groups[-1].ident)
            del groups[:-RECENT_GROUPS]
        return ids

    def _new_group(self, table: FeatureTable, known: RequesterIds) -> _KnownGroup:
        rows = table.rows_active().copy()
        objects = table.object.take(rows)
        generations = self._tableau.generation.take(objects)
        group = _group_of(table, known, *(each[PASS_REQUESTERS:] for each in (rows, objects, generations)))
        return _KnownGroup(self._requesters.add_group(group), rows, objects, generations)

    def _of_chosen(self, table: FeatureTable, rows: NDArray[np.int32]) -> list[int]:
        """Return the ids of the first of these rows, and one for all others."""
        known = self._ids_of(table)
        ids: list[int] = known.of(rows[:PASS_REQUESTERS]).tolist()
        rows = rows[PASS_REQUESTERS:]
        if not len(rows):
            return ids
        objects = table.object.take(rows)
        generations = self._tableau.generation.take(objects)
        groups = self._chosen.setdefault(table.type_name, [])
        for at, (ident, group, of) in enumerate(groups):
            if np.array_equal(group.objects, objects) and np.array_equal(of, generations):
                groups.append(groups.pop(at))
                self._requesters.use_group(ident)
                return [*ids, ident]
        group = _group_of(table, known, rows, objects, generations)
        groups.append((self._requesters.add_group(group, CHOSEN), group, generations))
        del groups[:-RECENT_GROUPS]
        return [*ids, groups[-1][0]]

    def _ids_of(self, table: FeatureTable) -> RequesterIds:
        known = self._ids.get(table.type_name)
        if known is None:
            known = self._ids[table.type_name] = RequesterIds(self._tableau, table, self._requesters)
        return known


def _group_of(
    table: FeatureTable,
    known: RequesterIds,
    rows: NDArray[np.int32],
    objects: NDArray[np.int32],
    generations: NDArray[np.int32],
) -> Group:
    """Return the group of rows that have these objects."""

    def describe(index: int) -> Requester:
        return known.describe(int(rows[index]), (int(objects[index]), int(generations[index])))

    return Group(table.type_name, objects, describe)


def _first(flags: NDArray[np.bool_], count: int) -> NDArray[np.int32]:
    """Return the first rows whose flag is set, at most so many, without a look at all of them."""
    size, found = 4 * count, np.zeros(0, np.int64)
    while len(found) < count:
        found = flags[:size].nonzero()[0]
        if size >= len(flags):
            break
        size *= 4
    return found[:count].astype(np.int32)
