"""World matrices of objects, computed level by level for whole arrays, and only for what moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.math import compose, determinant3, normalize
from engine.tableau.columns import Columns, Rows, distinct
from engine.tableau.journal import Journal
from engine.tableau.tree import Tree

MIN_SCALE = 1e-9
"""Smaller factors count as 0: the product of three would underflow in a float32."""

RANGE_GAP = 16
"""Unchanged rows that a range may bridge: copying 1 KiB costs less than another range."""

IDENTITY = np.identity(4, np.float32)

COLUMNS: dict[str, tuple[Any, tuple[int, ...], Any]] = {
    "translation": (np.float32, (3,), 0.0),
    "rotation": (np.float32, (4,), (0.0, 0.0, 0.0, 1.0)),
    "scale": (np.float32, (3,), 1.0),
    "world": (np.float32, (4, 4), IDENTITY),
}

Report = Callable[[Rows, str, str], None]
"""Called with rows, the problem of their transforms, and what is used instead."""


class Transforms:
    """Translation, rotation, scale and world matrix of every object.

    `version` rises when a world matrix changes, and `moves` has the objects. Invalid values (not finite, zero
    quaternion, zero scale) are replaced by the identity's, and so is a world matrix that overflows or is
    singular; each is reported.
    """

    def __init__(self, columns: Columns, tree: Tree, report: Report) -> None:
        self._columns = columns
        self._tree = tree
        self._report = report
        self._dirty: list[Rows] = []
        self.version = 0
        self.moves = Journal()

    def set(
        self,
        rows: Rows,
        translation: ArrayLike | None = None,
        rotation: ArrayLike | None = None,
        scale: ArrayLike | None = None,
    ) -> None:
        """Set transforms: values are [n, 3], [n, 4], [n, 3], or one for all rows."""
        if translation is not None:
            values = _float32(translation)
            self._store("translation", rows, *_finite(values, 0.0), "translation that is not finite")
        if rotation is not None:
            unit, bad = normalize(_float32(rotation))
            self._store("rotation", rows, unit, bad, "rotation that is zero or not finite")
        if scale is not None:
            values, bad = _finite(_float32(scale), 1.0)
            flat = np.asarray((np.abs(values) < MIN_SCALE).any(axis=-1))
            if flat.any():
                values = np.where(flat[..., None], np.float32(1.0), values)
            self._store("scale", rows, values, bad | flat, "scale that is 0 or not finite")
        self.mark(rows)

    def mark(self, rows: Rows) -> None:
        """Mark the world matrices of these objects and their descendants as out of date."""
        if len(rows):
            self._dirty.append(rows)

    def update(self) -> NDArray[np.int64]:
        """Update the world matrices that are out of date.

        Returns the changed rows as ascending ranges int64[k, 2] (first row, row after the last); a range may
        include a few unchanged rows. The cost grows with what moved, not with the number of objects.
        """
        if not self._dirty:
            return np.empty((0, 2), np.int64)
        seeds = self._dirty[0] if len(self._dirty) == 1 else distinct(*self._dirty)
        self._dirty.clear()
        updated: list[Rows] = []

        def visit(rows: Rows) -> Rows:
            self._update_level(rows)
            updated.append(rows)
            return rows

        self._tree.walk(seeds, visit)
        if not updated:
            return np.empty((0, 2), np.int64)
        self.version += 1
        moved = updated[0] if len(updated) == 1 else np.sort(np.concatenate(updated))
        self.moves.note(moved)
        return ranges(moved)

    def _update_level(self, rows: Rows) -> None:
        where = _as_slice(rows)
        columns = self._columns
        world = columns["world"]
        parents = columns["parent"][where]
        top = bool(parents[0] < 0)  # rows are of one level
        in_place = isinstance(where, slice) and top
        made = compose(
            columns["translation"][where],
            columns["rotation"][where],
            columns["scale"][where],
            world[where] if in_place else None,
        )
        if not top:
            with np.errstate(all="ignore"):  # overflows are found below
                made = made @ world[_as_slice(parents)]
        bad = _invalid_matrices(made, below=not top)
        if bad is not None:
            made[bad] = IDENTITY
            self._report(rows[bad], "world matrix that is singular or not finite", "the identity is used")
        if not in_place:
            world[where] = made

    def _store(
        self, name: str, rows: Rows, values: NDArray[np.float32], bad: NDArray[np.bool_], what: str
    ) -> None:
        self._columns[name][_as_slice(rows)] = values
        if bad.any():
            wrong = rows[bad] if bad.ndim else rows
            self._report(wrong, what, "the identity is used")


def ranges(rows: Rows) -> NDArray[np.int64]:
    """Return ascending rows as ranges [k, 2] (first, after the last), bridging gaps up to RANGE_GAP."""
    if not len(rows):
        return np.empty((0, 2), np.int64)
    cuts = np.flatnonzero(np.diff(rows) > RANGE_GAP + 1) + 1
    first = rows[np.concatenate(([0], cuts))].astype(np.int64)
    last = rows[np.concatenate((cuts - 1, [len(rows) - 1]))].astype(np.int64)
    return np.stack((first, last + 1), axis=1)


def _as_slice(rows: Rows) -> Rows | slice:
    """Return contiguous ascending rows as a slice, for which numpy needs no copy; others unchanged."""
    count = len(rows)
    if (
        count
        and int(rows[-1]) - int(rows[0]) == count - 1
        and (count < 3 or bool((np.diff(rows) == 1).all()))
    ):
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows


def _float32(values: ArrayLike) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # infinite values are found by the caller
        return np.asarray(values, np.float32)


def _finite(values: NDArray[np.float32], otherwise: float) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Replace rows that are not finite; also return their mask."""
    good = np.isfinite(values)
    if good.all():
        return values, np.zeros(values.shape[:-1], np.bool_)
    bad = np.asarray(~good.all(axis=-1))
    return np.where(bad[..., None], np.float32(otherwise), values), bad


def _invalid_matrices(world: NDArray[np.float32], below: bool) -> NDArray[np.bool_] | None:
    """Return a mask of matrices that are not finite or (below a parent) singular; None if there are none."""
    with np.errstate(all="ignore"):
        flat = np.abs(determinant3(world)) < np.finfo(np.float32).tiny if below else None
        if np.isfinite(world.sum()) and (flat is None or not flat.any()):
            return None
        bad = np.asarray(~np.isfinite(world).all(axis=(1, 2)))
        if flat is not None:
            bad |= flat
    return bad if bad.any() else None
