"""Values of many objects as numpy columns, by what they are of, and changes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.tableau import NO_ASSET, ROOT, FieldKind, Tableau
from engine.tableau.activity import FLAGS
from engine.tableau.schema import FieldSpec
from viewer.editing.history import Edit

Rows = NDArray[np.int32]
TRANSFORMS = ("translation", "rotation", "scale")
Renewed = Callable[[int], int]
"""Returns the key that an asset has now, by one that it has had."""


def same_key(key: int) -> int:
    """Return a key as it is: where assets do not change."""
    return key


@dataclass(frozen=True, slots=True)
class Target:
    """A value that objects have: a transform or a flag of their own, or a field or a flag of a feature."""

    name: str
    feature: str = ""

    @property
    def what(self) -> str:
        """Its name, `translation` or `light.intensity`."""
        return f"{self.feature}.{self.name}" if self.feature else self.name

    def spec(self, tableau: Tableau) -> FieldSpec | None:
        """The schema of a field; None for a transform or a flag."""
        return tableau.tables[self.feature].schema.by_name.get(self.name) if self.feature else None

    def has(self, tableau: Tableau, rows: Rows) -> NDArray[np.bool_]:
        """Return a mask of these rows that have an object with this value. ROOT is the tableau itself."""
        found = (rows >= 0) & (rows < len(tableau.level))
        found[found] = tableau.level[rows[found]] >= 0
        if self.feature:
            found[found] = tableau.tables[self.feature].owned_by(rows[found])
        elif self.name in FLAGS:
            found |= rows == ROOT
        return found

    def read(self, tableau: Tableau, rows: Rows) -> NDArray[Any]:
        """Return a copy of the values of objects that have them, in column form."""
        if self.feature:
            table = tableau.tables[self.feature]
            column = table.flags(self.name) if self.name in FLAGS else table.column(self.name)
            return column[table.rows_of(rows)].copy()
        if self.name not in FLAGS:
            return np.asarray(getattr(tableau, self.name)[rows]).copy()
        found = np.full(len(rows), getattr(tableau, self.name), np.bool_)
        below = rows != ROOT
        found[below] = tableau.flags(self.name)[rows[below]]
        return found

    def write(self, tableau: Tableau, rows: Rows, values: NDArray[Any]) -> None:
        """Set the values of objects that have them. Raises ValueError for one that is out of range."""
        if self.feature:
            table = tableau.tables[self.feature]
            at = table.rows_of(rows)
            if self.name in FLAGS:
                table.set_flag(self.name, at, values)
            else:
                table.set(self.name, at, values)
        elif self.name not in FLAGS:
            tableau.set_transforms(rows, **{self.name: values})
        else:
            is_object = rows != ROOT
            tableau.set_flag(self.name, rows[is_object], values[is_object])
            for value in values[~is_object].tolist():
                setattr(tableau, self.name, bool(value))


@dataclass(slots=True)
class ValueEdit:
    """A change of one value of many objects. Objects that are gone, or others at their rows, are left out."""

    label: str
    tableau: Tableau
    target: Target
    rows: Rows
    old: NDArray[Any]
    new: NDArray[Any]
    renewed: Renewed = same_key
    generations: Rows = field(init=False)

    def __post_init__(self) -> None:
        self.generations = self._generations()

    @property
    def nbytes(self) -> int:
        """Bytes of its columns."""
        texts = (
            sum(len(text) for column in (self.old, self.new) for text in column.tolist())
            if self.old.dtype == object
            else 0
        )
        return self.rows.nbytes + self.generations.nbytes + self.old.nbytes + self.new.nbytes + texts

    def undo(self) -> None:
        """Set the old values."""
        self._write(self.old)

    def redo(self) -> None:
        """Set the new values."""
        self._write(self.new)

    def absorb(self, later: Edit) -> bool:
        """Take over the new values of a later change of the same values."""
        if (
            not isinstance(later, ValueEdit)
            or later.target != self.target
            or not np.array_equal(later.rows, self.rows)
        ):
            return False
        self.new = later.new
        return True

    def forget(self) -> None:
        """It holds nothing but its columns."""

    def _generations(self) -> Rows:
        found = np.zeros(len(self.rows), np.int32)
        below = self.rows != ROOT
        found[below] = self.tableau.generation[self.rows[below]]
        return found

    def _write(self, values: NDArray[Any]) -> None:
        there = self.target.has(self.tableau, self.rows)
        there[there] = self._generations()[there] == self.generations[there]
        spec = self.target.spec(self.tableau)
        if spec is not None and spec.kind is FieldKind.ASSET:
            values = renewed_keys(values, self.renewed)
        self.target.write(self.tableau, self.rows[there], values[there])


def renewed_keys(keys: NDArray[np.int64], renewed: Renewed) -> NDArray[np.int64]:
    """Return the keys that assets have now."""
    found, where = np.unique(keys, return_inverse=True)
    now = [key if key == NO_ASSET else renewed(key) for key in found.tolist()]
    return np.array(now, np.int64)[where] if len(keys) else keys
