"""Changes of objects and features: added, removed, renamed, put below others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.tableau import ROOT, FeatureTable, FieldKind, Tableau
from engine.tableau.editing.object_copies import child_names, free_names
from engine.tableau.editing.rearranging import TakenOut
from viewer.editing.history import Edit, EditError
from viewer.editing.value_edit import Renewed, Rows, renewed_keys, same_key


class Held:
    """Objects that changes add and remove: in the tableau, or taken out of it and kept to be put back.

    Several changes may share it; the rows are given up when the last one is forgotten.
    """

    def __init__(self, tableau: Tableau, roots: Rows, renewed: Renewed = same_key) -> None:
        self.tableau = tableau
        self.roots = roots
        self.users = 0
        self._renewed = renewed
        self._generations = tableau.generation[roots].copy()
        self._taken: TakenOut | None = None

    @property
    def is_out(self) -> bool:
        """Whether the objects are taken out."""
        return self._taken is not None

    @property
    def rows(self) -> Rows:
        """The objects that are taken out, with what is below them; else the roots."""
        return self.roots if self._taken is None else self._taken.part.rows

    @property
    def nbytes(self) -> int:
        """Bytes of what is taken out."""
        return 0 if self._taken is None else self._taken.nbytes

    def take_out(self) -> None:
        """Remove the objects that are still there."""
        tableau = self.tableau
        there = (tableau.level[self.roots] >= 0) & (tableau.generation[self.roots] == self._generations)
        self._taken = tableau.rearranging.take_out(self.roots[there])

    def put_back(self) -> None:
        """Put the objects back. Raises EditError where that is impossible."""
        assert self._taken is not None
        try:
            self.tableau.rearranging.put_back(self._taken)
        except ValueError as error:
            raise EditError(f"the objects cannot be put back: {error}") from error
        taken, self._taken = self._taken, None
        for name, columns in taken.features.items():
            table = self.tableau.tables[name]
            _renew_assets(table, table.rows_of(columns["object"]), self._renewed)

    def put_elsewhere(self, parent: int) -> TakenOut:
        """Put the objects below another parent, with free names; return what they were."""
        taken, tableau = self._taken, self.tableau
        assert taken is not None
        names = dict(zip(taken.part.rows.tolist(), taken.part.names, strict=True))
        free = free_names([names[row] for row in taken.part.roots.tolist()], child_names(tableau, parent))
        level = -1 if parent == ROOT else int(tableau.level[parent])
        self._taken = taken.elsewhere(parent, level, free)
        self.put_back()
        return taken

    def take_out_as(self, taken: TakenOut) -> None:
        """Take the objects out again, as what they were before `put_elsewhere`."""
        self.take_out()
        self._taken = taken

    def forget(self) -> None:
        """One change no longer needs it."""
        self.users -= 1
        if not self.users and self._taken is not None:
            self.tableau.rearranging.give_up(self._taken)
            self._taken = None


@dataclass(slots=True)
class ObjectsEdit:
    """Objects that were added (`adds`) or removed, with all that is below them."""

    label: str
    held: Held
    adds: bool

    def __post_init__(self) -> None:
        self.held.users += 1

    @property
    def nbytes(self) -> int:
        """Bytes of what is taken out."""
        return self.held.nbytes + self.held.roots.nbytes

    def undo(self) -> None:
        """Remove what was added, put back what was removed."""
        self.held.take_out() if self.adds else self.held.put_back()

    def redo(self) -> None:
        """Add or remove again."""
        self.held.put_back() if self.adds else self.held.take_out()

    def absorb(self, later: Edit) -> bool:
        """It is never one with another."""
        return False

    def forget(self) -> None:
        """Give up the rows of what is taken out."""
        self.held.forget()


@dataclass(slots=True)
class ReturnEdit:
    """Objects that had been removed by an earlier change, and that were put below another parent."""

    label: str
    held: Held
    parent: int
    before: TakenOut

    def __post_init__(self) -> None:
        self.held.users += 1

    @property
    def nbytes(self) -> int:
        """Bytes of what they were."""
        return self.before.nbytes

    def undo(self) -> None:
        """Remove them again."""
        self.held.take_out_as(self.before)

    def redo(self) -> None:
        """Put them back again."""
        self.before = self.held.put_elsewhere(self.parent)

    def absorb(self, later: Edit) -> bool:
        """It is never one with another."""
        return False

    def forget(self) -> None:
        """Give up the rows of what is taken out."""
        self.held.forget()


@dataclass(slots=True)
class FeaturesEdit:
    """Features of one type that were added to objects (`adds`) or removed; `columns` are all of theirs."""

    label: str
    tableau: Tableau
    type_name: str
    rows: Rows
    generations: Rows
    adds: bool
    columns: Mapping[str, NDArray[Any]]
    renewed: Renewed = same_key

    @property
    def nbytes(self) -> int:
        """Bytes of the columns."""
        return sum(column.nbytes for column in self.columns.values())

    def undo(self) -> None:
        """Remove what was added, add what was removed."""
        self._remove() if self.adds else self._add()

    def redo(self) -> None:
        """Add or remove again."""
        self._add() if self.adds else self._remove()

    def absorb(self, later: Edit) -> bool:
        """It is never one with another."""
        return False

    def forget(self) -> None:
        """It holds nothing but its columns."""

    def _there(self) -> NDArray[np.bool_]:
        tableau = self.tableau
        same = tableau.generation[self.rows] == self.generations
        return np.asarray(same & (tableau.level[self.rows] >= 0))

    def _remove(self) -> None:
        table = self.tableau.tables[self.type_name]
        rows = self.rows[self._there()]
        rows = rows[table.owned_by(rows)]
        at = table.rows_of(rows)
        self.rows, self.generations = rows, self.tableau.generation[rows].copy()
        self.columns = table.copied(at)
        table.remove(np.sort(at))

    def _add(self) -> None:
        table, there = self.tableau.tables[self.type_name], self._there()
        try:
            made = table.add_copied({name: column[there] for name, column in self.columns.items()})
        except ValueError as error:
            raise EditError(f"the features cannot be put back: {error}") from error
        _renew_assets(table, made, self.renewed)


@dataclass(slots=True)
class RenameEdit:
    """An object that was renamed."""

    label: str
    tableau: Tableau
    row: int
    generation: int
    old: str
    new: str

    @property
    def nbytes(self) -> int:
        """Bytes of the names."""
        return 2 * (len(self.old) + len(self.new))

    def undo(self) -> None:
        """Give it the old name."""
        self._rename(self.old)

    def redo(self) -> None:
        """Give it the new name."""
        self._rename(self.new)

    def absorb(self, later: Edit) -> bool:
        """It is never one with another."""
        return False

    def forget(self) -> None:
        """It holds nothing but the names."""

    def _rename(self, name: str) -> None:
        if self.tableau.generation_of(self.row) != self.generation:
            return
        try:
            self.tableau.rearranging.rename(self.row, name)
        except ValueError as error:
            raise EditError(str(error)) from error


@dataclass(slots=True)
class ParentEdit:
    """Objects that were put below another parent; `orders` are those of the children of their old parents."""

    label: str
    tableau: Tableau
    rows: Rows
    generations: Rows
    old: Rows
    new: int
    orders: Mapping[int, list[int]]

    @property
    def nbytes(self) -> int:
        """Bytes of the rows, and of the orders."""
        return 3 * self.rows.nbytes + sum(36 * len(order) for order in self.orders.values())

    def undo(self) -> None:
        """Put them back below their old parents, at their old places."""
        there, rearranging = self._there(), self.tableau.rearranging
        try:
            for parent in self.orders:
                rows = self.rows[there & (self.old == parent)]
                if parent == ROOT or self.tableau.level[parent] >= 0:
                    rearranging.reparent(rows, parent)
                    rearranging.set_order(parent, self.orders[parent])
        except ValueError as error:
            raise EditError(str(error)) from error

    def redo(self) -> None:
        """Put them below the new parent again."""
        if self.new != ROOT and self.tableau.level[self.new] < 0:
            raise EditError("the new parent is gone")
        try:
            self.tableau.rearranging.reparent(self.rows[self._there()], self.new)
        except ValueError as error:
            raise EditError(str(error)) from error

    def absorb(self, later: Edit) -> bool:
        """It is never one with another."""
        return False

    def forget(self) -> None:
        """It holds nothing but rows."""

    def _there(self) -> NDArray[np.bool_]:
        same = self.tableau.generation[self.rows] == self.generations
        return np.asarray(same & (self.tableau.level[self.rows] >= 0))


def _renew_assets(table: FeatureTable, rows: Rows, renewed: Renewed) -> None:
    """Give rows the keys that their assets have now."""
    for spec in table.schema.fields:
        if spec.kind is FieldKind.ASSET and len(rows):
            before = table.column(spec.name)[rows]
            now = renewed_keys(before, renewed)
            if (now != before).any():
                table.set(spec.name, rows, now)


def features_edit(
    label: str, tableau: Tableau, type_name: str, rows: Rows, adds: bool, renewed: Renewed = same_key
) -> FeaturesEdit:
    """Return the change that has added features to objects (`adds`), or that is about to remove them."""
    table = tableau.tables[type_name]
    columns = table.copied(table.rows_of(rows))
    generations = tableau.generation[rows].copy()
    return FeaturesEdit(label, tableau, type_name, rows, generations, adds, columns, renewed)


@dataclass(slots=True)
class OrderEdit:
    """Children of an object that were put into another order."""

    label: str
    tableau: Tableau
    parent: int
    before: list[int]
    after: list[int]

    @property
    def nbytes(self) -> int:
        """Bytes of both orders."""
        return 72 * len(self.before)

    def undo(self) -> None:
        """Put them into the order of before."""
        self.tableau.rearranging.set_order(self.parent, self.before)

    def redo(self) -> None:
        """Order them again."""
        self.tableau.rearranging.set_order(self.parent, self.after)

    def absorb(self, later: Edit) -> bool:
        """Keep every change by itself."""
        return False

    def forget(self) -> None:
        """Nothing is held."""
