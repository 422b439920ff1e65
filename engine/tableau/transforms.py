"""Places of objects in the world, computed level by level for whole arrays, and only for what moved.

Positions are composed in double precision, by axes of the parents that are float64, too. What an object is
drawn with is float32, which is exact enough for what is near to its own origin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.math import compose, normalize, to_matrix3
from engine.tableau.columns import Columns, Rows, as_slice, distinct
from engine.tableau.journal import Journal
from engine.tableau.placing import Order, local_columns, order_of, place, placements
from engine.tableau.pose import Pose
from engine.tableau.tree import NO_ROWS, Tree

LIMIT = 1e15
"""Metres from the world's origin, and length of an axis, up to which objects are drawn: their squares, which
shaders compute, are far below the largest float32."""

RANGE_GAP = 16
"""Unchanged rows that a range may bridge: copying 1 KiB costs less than another range."""

FLOAT32_MAX = np.finfo(np.float32).max

COLUMNS: dict[str, tuple[Any, tuple[int, ...], Any]] = {
    "translation": (np.float64, (3,), 0.0),
    "rotation": (np.float64, (4,), (0.0, 0.0, 0.0, 1.0)),
    "scale": (np.float32, (3,), 1.0),
    "origin": (np.float64, (3,), 0.0),
    "placement": (np.float32, (4, 4), np.identity(4, np.float32)),
    "mirrored": (np.bool_, (), False),
    "axes_row": (np.int32, (), None),
}


@dataclass(frozen=True)
class Fault:
    """What is wrong with a transform: a code, words for it and for what is done, a hint, a bit of its own."""

    bit: int
    code: str
    what: str
    done: str
    help: str


_SINGULAR = "transform.singular"
_NOT_FINITE = "give finite numbers"
TRANSLATION = Fault(1, _SINGULAR, "translation that is not finite", "0 0 0 is used", _NOT_FINITE)
ROTATION = Fault(
    2,
    _SINGULAR,
    "rotation that is zero or not finite",
    "the identity is used",
    "a quaternion x y z w needs a length; `[0 0 0 1]` turns nothing",
)
SCALE = Fault(4, _SINGULAR, "scale that is not finite", "1 1 1 is used", _NOT_FINITE)
RANGE = Fault(
    8,
    "transform.range",
    f"place or size beyond {LIMIT:.0e} m in the world",
    "it is not drawn",
    "bring it nearer or make it smaller: translations and scales of its parents count, too",
)

FEW = 64
"""Fewer objects than this are placed level by level: there is nothing to gain by an order."""

SHIFTED_AT_ONCE = 4096
"""Objects whose places are updated together: their placements stay in the processor's cache."""

Report = Callable[[Rows, Fault], None]
"""Called with rows and what is wrong with their transforms."""


class Transforms:
    """Translation, rotation, scale and place in the world of every object.

    A `placement` is a row of the shaders' Instances block: a world matrix [4, 4] as stored, whose fourth
    numbers hold more. Those of the three axes are what the float32 position leaves of `origin`, and that of
    the position is -1 for a `mirrored` object, 1 for others. An object is mirrored if it and its ancestors
    have an odd number of negative factors.

    Objects that features move as time passes have a `pose`, which is used in place of their own values.

    `own_version` rises when a value is set. `moves` has the objects that were placed again, `reshapes` those
    of them that may have other axes, `turns` those that became mirrored or ceased to be. Values that are not
    finite and a zero quaternion are replaced by the identity's. A scale of 0 is a scale: what is flat is
    flat, and what has no extent is nothing, each at its place. What leaves the range of LIMIT is nothing, at
    the place of its parent. Both are reported.
    """

    def __init__(self, columns: Columns, tree: Tree, report: Report) -> None:
        self._columns = columns
        self._tree = tree
        self._report = report
        self._dirty: list[Rows] = []
        self._is_shift = True  # whether only translations have changed since the last update
        self.own_version = 0
        self.pose = Pose(columns)
        self.moves = Journal()
        self.reshapes = Journal()
        self.turns = Journal()
        self._order: tuple[int, Rows, Order | None] | None = None
        self._may_mirror = False
        self._has_left = False  # whether an object has been beyond the range
        self._parents = Columns({"axes": (np.float64, (3, 3), 0.0)})  # at `axes_row`
        self._parents.allocate(1)  # row 0, of objects that are no parents

    def add(
        self,
        rows: Rows,
        translation: ArrayLike | None = None,
        rotation: ArrayLike | None = None,
        scale: ArrayLike | None = None,
    ) -> None:
        """Set the transforms of new objects, as `set` does."""
        self._is_shift = False
        self.pose.forget(rows)
        self.set(rows, translation, rotation, scale)

    def set(
        self,
        rows: Rows,
        translation: ArrayLike | None = None,
        rotation: ArrayLike | None = None,
        scale: ArrayLike | None = None,
    ) -> None:
        """Set transforms: values are [n, 3], [n, 4], [n, 3], or one for all rows."""
        if translation is not None:
            values, bad = _finite(np.asarray(translation, np.float64), 0.0)
            self._store("translation", rows, values, bad, TRANSLATION)
        if rotation is not None:
            unit, bad = normalize(rotation)
            self._store("rotation", rows, unit, bad, ROTATION)
        if scale is not None:
            factors, bad = _finite(np.asarray(scale), 1.0)
            if factors.dtype != np.float32:
                factors = np.clip(factors, -FLOAT32_MAX, FLOAT32_MAX).astype(np.float32)
            self._store("scale", rows, factors, bad, SCALE)
        self._is_shift = self._is_shift and rotation is None and scale is None
        self.own_version += 1
        if len(rows):
            self.pose.follow(rows)
            self._dirty.append(rows)

    def place_again(self, rows: Rows, returned: bool = False) -> None:
        """Note that objects have other parents; `returned`, that they have been without a place until now."""
        if not len(rows):
            return
        if returned:
            self.pose.forget(rows)
            self.pose.follow(rows)
        self._is_shift = False
        self.own_version += 1
        self._dirty.append(rows)

    def move(self, rows: Rows, values: Mapping[str, NDArray[np.floating]]) -> None:
        """Let exactly these objects (ascending rows) have a pose, see `Pose.set`."""
        moved, is_shift = self.pose.set(rows, values)
        self._is_shift = self._is_shift and is_shift
        if len(moved):
            self._dirty.append(moved)

    def update(self) -> NDArray[np.int64]:
        """Update the placements that are out of date.

        Returns the changed rows as ascending ranges int64[k, 2] (first row, row after the last); a range may
        include a few unchanged rows. The cost grows with what moved, not with the number of objects.
        """
        if not self._dirty:
            return np.empty((0, 2), np.int64)
        seeds = self._dirty[0] if len(self._dirty) == 1 else distinct(*self._dirty)
        self._dirty.clear()
        is_shift, self._is_shift = self._is_shift, True
        if is_shift and len(seeds) == 1 and self._shift_one(int(seeds[0])):
            self.moves.note(seeds)
            return ranges(seeds)
        order = None if is_shift else self._order_of(seeds)
        if order is not None and self._place_together(order):
            self.moves.note(order.ascending)
            return ranges(order.ascending)
        updated: list[Rows] = []
        turned: list[Rows] = []

        def visit(rows: Rows) -> Rows:
            if not (is_shift and not self._has_left and self._shift_level(rows)):
                turned.append(self._update_level(rows))
                self.reshapes.note(rows)
            updated.append(rows)
            return rows

        self._tree.walk(seeds, visit)
        if not updated:
            return np.empty((0, 2), np.int64)
        moved = updated[0] if len(updated) == 1 else np.sort(np.concatenate(updated))
        self.moves.note(moved)
        if self._may_mirror:
            self.turns.note(np.concatenate([NO_ROWS, *turned]))
        return ranges(moved)

    def _order_of(self, seeds: Rows) -> Order | None:
        """Return the order of many objects of several levels with what is below them; None for others.

        It is kept while the same objects move and the tree is the same.
        """
        if len(seeds) < FEW:
            return None
        known = self._order
        if known is None or known[0] != self._tree.version or not np.array_equal(known[1], seeds):
            levels: list[Rows] = []

            def visit(rows: Rows) -> Rows:
                levels.append(rows)
                return rows

            self._tree.walk(seeds, visit)
            order = order_of(levels, self._columns["parent"]) if len(levels) > 1 else None
            known = self._order = self._tree.version, seeds, order
        return known[2]

    @np.errstate(all="ignore")  # overflows are found below
    def _place_together(self, order: Order) -> bool:
        """Update the placements of objects of several levels.

        Returns False, and does nothing, where an object is mirrored or leaves the range.
        """
        where, columns, pose = order.where, self._columns, self.pose
        scale = pose["scale"][where]
        if self._may_mirror or self._has_left or scale.min() < 0:
            return False
        world = local_columns(pose["translation"][where], pose["rotation"][where], scale)
        place(world, order, columns["parent"], self._parents_at)
        made = placements(world)
        if not (made.max() <= LIMIT and made.min() >= -LIMIT):  # as with NaN
            return False
        columns["placement"][where] = made
        columns["origin"][where] = world[3].T
        axes_rows = columns["axes_row"][where]
        kept = np.flatnonzero(axes_rows)
        if len(kept):
            self._parents["axes"][as_slice(axes_rows[kept])] = world[:3].take(kept, axis=2).transpose(2, 0, 1)
        return True

    def _parents_at(self, parents: Rows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return axes [n, 3, 3] and places [n, 3] in the world of objects of one level."""
        return self._axes_of(parents), self._columns["origin"][as_slice(parents)]

    def _shift_one(self, row: int) -> bool:
        """Update the placement of one object at the top without children, whose axes stay.

        Returns False, and does nothing, where it is another, or leaves the range.
        """
        columns = self._columns
        if self._has_left or columns["level"][row] != 0 or columns["children"][row]:
            return False
        position = self.pose["translation"][row]
        x, y, z = position.tolist()
        if not (-LIMIT <= x <= LIMIT and -LIMIT <= y <= LIMIT and -LIMIT <= z <= LIMIT):  # as with NaN
            return False
        placement = columns["placement"][row]
        placement[3, :3] = position
        placement[:3, 3] = position - placement[3, :3]
        columns["origin"][row] = position
        return True

    def _shift_level(self, rows: Rows) -> bool:
        """Update the placements of objects of one level whose axes stay; False where one leaves the range."""
        columns, translation = self._columns, self.pose["translation"]
        parent, placement, origin = columns["parent"], columns["placement"], columns["origin"]
        has_parents = parent[rows[0]] >= 0  # rows are of one level
        first, is_run = int(rows[0]), int(rows[-1]) - int(rows[0]) == len(rows) - 1
        with np.errstate(all="ignore"):  # overflows are found below
            for start in range(0, len(rows), SHIFTED_AT_ONCE):
                end = min(start + SHIFTED_AT_ONCE, len(rows))
                where = slice(first + start, first + end) if is_run else rows[start:end]
                position = translation[where]
                if has_parents:
                    position = self._placed(position, parent[where])
                high = position.astype(np.float32)
                if not (high.max() <= LIMIT and high.min() >= -LIMIT):  # as with NaN
                    return False
                rest, rows_placed = position - high, placement[where]
                for axis in range(3):  # numpy is slow for runs of three numbers
                    rows_placed[:, 3, axis], rows_placed[:, axis, 3] = high[:, axis], rest[:, axis]
                if not is_run:
                    placement[where] = rows_placed
                origin[where] = position
        return True

    def _placed(self, position: NDArray[np.float64], parents: Rows) -> NDArray[np.float64]:
        """Return the places in the world of positions [n, 3] on these parents."""
        axes, start = self._axes_of(parents), self._columns["origin"][as_slice(parents)]
        placed: NDArray[np.float64] = start + sum(position[:, i, None] * axes[:, i] for i in range(3))
        return placed

    def _update_level(self, rows: Rows) -> Rows:
        """Update the placements of objects of one level; return those that turned their handedness."""
        where = as_slice(rows)
        columns = self._columns
        placement = columns["placement"]
        parents = columns["parent"][where]
        top = bool(parents[0] < 0)  # rows are of one level
        pose = self.pose
        position, scale = pose["translation"][where], pose["scale"][where]
        in_place = isinstance(where, slice) and top
        with np.errstate(all="ignore"):  # overflows are found below
            high = position.astype(np.float32)
            made = compose(high, pose["rotation"][where], scale, placement[where] if in_place else None)
            if not top:
                above = as_slice(parents)
                made[:, :3, :3] = made[:, :3, :3] @ placement[above][:, :3, :3]
                position = self._placed(position, parents)
                made[:, 3, :3] = high = position.astype(np.float32)
            if not (made.max() <= LIMIT and made.min() >= -LIMIT):  # as with NaN
                bad = ~(np.abs(made) <= LIMIT).all(axis=(1, 2))
                self._report(rows[bad], RANGE)
                self._has_left = True
                position = position.copy()
                position[bad] = 0.0 if top else columns["origin"][parents[bad]]
                high = position.astype(np.float32)
                made[bad, :3, :3], made[bad, 3, :3] = 0.0, high[bad]
        made[:, :3, 3] = position - high.astype(np.float64)
        columns["origin"][where] = position
        turned = self._mirror(rows, where, scale, made) if self._may_mirror or scale.min() < 0 else NO_ROWS
        if not in_place:
            placement[where] = made
        is_parent = columns["axes_row"][where] > 0
        if is_parent.any():
            self._update_axes(rows[is_parent])
        return turned

    def _axes_of(self, parents: Rows) -> NDArray[np.float64]:
        """Return the axes of objects of one level, float64[n, 3, 3] as stored; from now on they are kept."""
        axes_row = self._columns["axes_row"]
        found = axes_row[parents]
        if not found.all():
            new = distinct(np.sort(parents[found == 0]))
            axes_row[new] = self._parents.allocate(len(new))
            self._update_axes(new)
            found = axes_row[parents]
        axes: NDArray[np.float64] = self._parents["axes"][as_slice(found)]
        return axes

    def _update_axes(self, rows: Rows) -> None:
        """Update the axes of objects of one level, whose placements are up to date."""
        columns = self._columns
        where = as_slice(rows)
        axes = to_matrix3(self.pose["rotation"][where])
        axes *= self.pose["scale"][where][:, :, None]
        parents = columns["parent"][where]
        if parents[0] >= 0:
            axes = axes @ self._axes_of(parents)
        if self._has_left:
            axes[~columns["placement"][where][:, :3, :3].any(axis=(1, 2))] = 0.0
        self._parents["axes"][as_slice(columns["axes_row"][where])] = axes

    def _mirror(
        self, rows: Rows, where: Rows | slice, scale: NDArray[np.float32], made: NDArray[np.float32]
    ) -> Rows:
        """Find which of these objects of one level are mirrored; return those for which that has changed."""
        self._may_mirror = True
        columns = self._columns
        negative = scale < 0
        mirrored = negative[:, 0] ^ negative[:, 1] ^ negative[:, 2]
        parents = columns["parent"][where]
        if parents[0] >= 0:
            mirrored ^= columns["mirrored"][parents]
        turned: Rows = rows[mirrored != columns["mirrored"][where]]
        columns["mirrored"][where] = mirrored
        made[:, 3, 3] = np.where(mirrored, np.float32(-1.0), np.float32(1.0))
        return turned

    def _store(
        self,
        name: str,
        rows: Rows,
        values: NDArray[np.floating],
        bad: NDArray[np.bool_] | None,
        fault: Fault,
    ) -> None:
        self._columns[name][as_slice(rows)] = values
        if bad is not None and bad.any():
            self._report(rows[bad] if bad.ndim else rows, fault)


def ranges(rows: Rows) -> NDArray[np.int64]:
    """Return ascending rows as ranges [k, 2] (first, after the last), bridging gaps up to RANGE_GAP."""
    if not len(rows):
        return np.empty((0, 2), np.int64)
    first, last = int(rows[0]), int(rows[-1])
    if last - first < len(rows) + RANGE_GAP:
        return np.array([(first, last + 1)], np.int64)
    cuts = np.flatnonzero(np.diff(rows) > RANGE_GAP + 1) + 1
    begins = rows[np.concatenate(([0], cuts))].astype(np.int64)
    ends = rows[np.concatenate((cuts - 1, [len(rows) - 1]))].astype(np.int64)
    return np.stack((begins, ends + 1), axis=1)


def _finite(
    values: NDArray[np.floating], otherwise: float
) -> tuple[NDArray[np.floating], NDArray[np.bool_] | None]:
    """Replace rows that are not finite; also return their mask, None where there are none."""
    good = np.isfinite(values)
    if np.logical_and.reduce(good, axis=None):
        return values, None
    bad = np.asarray(~good.all(axis=-1))
    return np.where(bad[..., None], values.dtype.type(otherwise), values), bad
