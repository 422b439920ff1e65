"""The pose of objects that features move: local transforms in place of the objects' own, which stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.tableau.columns import Columns, Rows, as_slice, distinct

NAMES = ("translation", "rotation", "scale")

NO_ROWS = np.empty(0, np.int32)

Weights = Sequence[tuple[Rows, NDArray[np.float32]]]
"""Groups of objects [n], each with as many weights, [n, targets]."""

_LARGEST = np.finfo(np.float32).max


class Pose:
    """The local transforms that objects are placed with: `pose["rotation"]`, one value per object row.

    Where no feature moves an object, these are the objects' own columns, and nothing is copied. Else they are
    copies, which differ in `rows`: the objects with a pose. What is saved, and what handles read and set, are
    the objects' own values.

    `weights` are those of morph targets that features give, the same object as long as they are the same.
    """

    def __init__(self, columns: Columns) -> None:
        self._own = columns
        self._moved: dict[str, NDArray[Any]] | None = None
        self._names: frozenset[str] = frozenset()
        self.rows: Rows = NO_ROWS
        self.weights: Weights = ()

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._own[name] if self._moved is None else self._moved[name]

    def follow(self, rows: Rows) -> None:
        """Take the own values of these objects, which have just been set."""
        if self._moved is None:
            return
        for name in NAMES:
            self._moved[name] = _extended(self._moved[name], self._own[name])
            self._moved[name][rows] = self._own[name][rows]

    def forget(self, rows: Rows) -> None:
        """Forget the pose of the objects that have had these rows before."""
        if len(self.rows):
            self.rows = np.setdiff1d(self.rows, rows, assume_unique=True)

    def set_weights(self, groups: Weights) -> None:
        """Let exactly these objects have weights of morph targets."""
        before = self.weights
        is_same = len(groups) == len(before) and all(
            np.array_equal(new[0], old[0]) and np.array_equal(new[1], old[1])
            for new, old in zip(groups, before, strict=True)
        )
        if not is_same:
            self.weights = groups

    def set(self, rows: Rows, values: Mapping[str, NDArray[np.floating]]) -> tuple[Rows, bool]:
        """Let exactly these objects (ascending) have a pose: finite values [n, ...], unit quaternions.

        What `values` lacks, the objects have of their own. Returns the objects that changed, and whether by
        translation alone.
        """
        parts: list[Rows] = []
        is_shift = True
        moved = self._moved or {}
        if not moved and len(rows):
            moved = self._moved = {name: self._own[name].copy() for name in NAMES}
        same, where = np.array_equal(rows, self.rows), as_slice(rows)
        left = NO_ROWS if same else np.setdiff1d(self.rows, rows, assume_unique=True)
        for name, column in moved.items():
            if name not in values and name not in self._names:
                continue
            own = self._own[name]
            column[left] = own[left]
            new = values.get(name, own[where])
            if name == "scale":
                new = np.clip(new, -_LARGEST, _LARGEST).astype(np.float32)
            before = column[where]
            differs = before[:, 0] != new[:, 0]
            for i in range(1, new.shape[1]):
                if differs.all():
                    break
                differs |= before[:, i] != new[:, i]
            if differs.all():
                column[where], changed = new, rows
            else:
                changed = rows[differs]
                column[changed] = new[differs]
            parts += [left, changed]
            is_shift = is_shift and name == "translation"
        self.rows, self._names = rows, frozenset(values)
        if not len(rows):
            self._moved = None
        return distinct(*parts) if parts else NO_ROWS, is_shift


def _extended(column: NDArray[Any], own: NDArray[Any]) -> NDArray[Any]:
    """Return the column with as many rows as there are objects."""
    return column if len(column) == len(own) else np.concatenate((column, own[len(column) :]))
