"""What has changed of the objects of a tableau, as steps that lead from one state to the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from engine.scene.snapshot import Snapshot
from engine.tableau import ROOT, Tableau
from engine.tableau.names import fold

Plain = dict[str, Any]


@dataclass(frozen=True)
class Added:
    """An object that was added below another, with all that is below it, as in a file."""

    below: str
    name: str
    plain: Plain


@dataclass(frozen=True)
class Removed:
    """An object that was removed, with all that was below it."""

    path: str


@dataclass(frozen=True)
class Renamed:
    """An object that has another path."""

    path: str
    to: str


@dataclass(frozen=True)
class Ordered:
    """The children of an object in another order."""

    below: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class FeatureAdded:
    """A feature that was added to an object, as in a file."""

    path: str
    plain: Plain


@dataclass(frozen=True)
class FeatureRemoved:
    """A feature that was removed from an object."""

    path: str
    type_name: str


Rearranged = Added | Removed | Renamed | Ordered


class StructureChanges:
    """Finds the steps from a state to a tableau: what blocks others is moved aside first.

    Objects are keyed by their rows; those that are gone by -2 and below, as others may have their rows.
    """

    def __init__(self, before: Snapshot, tableau: Tableau, plain: Callable[[int, set[int]], Plain]) -> None:
        """`plain` returns an object in file form, without these below it."""
        self._tableau = tableau
        self._plain = plain
        kept, gone = before.kept(tableau).tolist(), before.gone(tableau)
        self._kept = set(kept)
        key = {row: -2 - row for row in gone} | {row: row for row in kept} | {ROOT: ROOT}
        rows = sorted(key, key=lambda row: -1 if row == ROOT else int(before.columns["rank"][row]))
        self._names = {key[row]: before.names[row] for row in rows if row != ROOT}
        self._parent = {key[row]: key[int(before.parent[row])] for row in rows if row != ROOT}
        self._below: dict[int, dict[str, int]] = {each: {} for each in key.values()}
        for each, above in self._parent.items():
            self._below[above][fold(self._names[each])] = each
        self._going = [-2 - row for row in gone if int(before.parent[row]) not in set(gone)]
        self._moving = [
            row
            for row in kept
            if tableau.parent_of(row) != int(before.parent[row]) or tableau.name_of(row) != before.names[row]
        ]
        fresh = before.added(tableau).tolist()
        self._coming = [row for row in fresh if tableau.parent_of(row) not in set(fresh)]
        self._touched: dict[int, None] = {}

    def steps(self) -> Iterator[Rearranged]:
        """Yield the steps, each in the paths that objects have then."""
        set_aside: set[int] = set()
        while self._going or self._moving or self._coming:
            made: list[Rearranged] = [*self._removals(), *self._moves(), *self._additions()]
            yield from made
            if not made:
                blocked = next(row for row in self._moving if row not in set_aside)
                set_aside.add(blocked)
                yield self._move(blocked, ROOT, self._free_name())
        tableau = self._tableau
        for parent in self._touched:
            now = tableau.rearranging.order(parent) if parent in self._below else []
            if list(self._below.get(parent, {}).values()) != now:
                yield Ordered(self._path(parent), tuple(tableau.name_of(row) for row in now))

    def _removals(self) -> Iterator[Removed]:
        above = {each for row in self._moving for each in self._ancestors(row)}
        for each in [each for each in self._going if each not in above]:
            yield Removed(self._path(each))
            self._going.remove(each)
            del self._below[self._parent[each]][fold(self._names[each])]

    def _moves(self) -> Iterator[Renamed]:
        tableau = self._tableau
        for row in list(self._moving):
            parent, name = tableau.parent_of(row), tableau.name_of(row)
            if self._is_free(parent, name, row) and row not in (parent, *self._ancestors(parent)):
                yield self._move(row, parent, name)
                self._moving.remove(row)

    def _move(self, row: int, parent: int, name: str) -> Renamed:
        path, old = self._path(row), self._parent[row]
        siblings = self._below[old]
        if old == parent:
            self._below[old] = {fold(name) if each == row else key: each for key, each in siblings.items()}
        else:
            del siblings[fold(self._names[row])]
            self._below[parent][fold(name)] = row
        self._names[row], self._parent[row] = name, parent
        self._touched |= {old: None, parent: None}
        return Renamed(path, self._path(row))

    def _additions(self) -> Iterator[Added]:
        tableau = self._tableau
        for row in list(self._coming):
            parent, name = tableau.parent_of(row), tableau.name_of(row)
            if self._is_free(parent, name, row):
                self._coming.remove(row)
                yield Added(self._path(parent), name, self._plain(row, self._kept))
                self._add(row)
                self._touched[parent] = None

    def _add(self, row: int) -> None:
        tableau = self._tableau
        self._names[row], self._parent[row], self._below[row] = (
            tableau.name_of(row),
            tableau.parent_of(row),
            {},
        )
        self._below[self._parent[row]][fold(self._names[row])] = row
        for child in tableau.rearranging.order(row):
            if child not in self._kept:
                self._add(child)
        self._touched[row] = None

    def _is_free(self, parent: int, name: str, row: int) -> bool:
        return parent in self._below and self._below[parent].get(fold(name), row) == row

    def _free_name(self) -> str:
        number = 1
        while fold(f"moving{number}") in self._below[ROOT]:
            number += 1
        return f"moving{number}"

    def _ancestors(self, row: int) -> Iterator[int]:
        while row in self._parent:
            row = self._parent[row]
            yield row

    def _path(self, row: int) -> str:
        names = [self._names[each] for each in (row, *self._ancestors(row)) if each != ROOT]
        return "/".join(reversed(names))


def feature_changes(
    before: Snapshot, tableau: Tableau, plain: Callable[[str, int], Plain]
) -> Iterator[FeatureAdded | FeatureRemoved]:
    """Yield the features that objects have lost and got; those that require others go first and come last."""
    needed = {each for table in tableau.tables.values() for each in table.schema.requires}
    kept = before.kept(tableau)
    names = sorted(tableau.tables, key=lambda name: name in needed)
    for name in names:
        lost = before.tables[name].owned_by(kept) & ~tableau.tables[name].owned_by(kept)
        for row in kept[lost].tolist():
            yield FeatureRemoved(tableau.path(row), name)
    for name in reversed(names):
        got = tableau.tables[name].owned_by(kept) & ~before.tables[name].owned_by(kept)
        for row in kept[got].tolist():
            yield FeatureAdded(tableau.path(row), plain(name, row))
