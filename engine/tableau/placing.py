"""Places many objects of several levels at once: what does not follow from parents is worked out together.

Numbers are in columns, float64[4, 3, n]: the three axes and the place of each object, in the space of its
parent or in the world. A level then takes a product of columns, whatever the number of objects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.tableau.columns import Rows, as_slice, distinct

Doubles = NDArray[np.float64]
Parents = Callable[[Rows], tuple[Doubles, Doubles]]
"""Returns axes [n, 3, 3], as stored, and places [n, 3] in the world of objects of one level."""

AT_ONCE = 4096
"""Objects whose axes are worked out together: their numbers stay in the processor's cache."""


@dataclass(frozen=True, eq=False)
class Level:
    """Objects of one level among those of an order: where they begin and end, and their parents.

    `above` are the places of their parents in the level before, -1 for others; None where all parents are
    there in the same order. `others` are the places here of those whose parents are not there.
    """

    start: int
    stop: int
    above: NDArray[np.int64] | None
    others: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Order:
    """Objects with all that are below them, level by level from the top: rows, and what each level takes.

    `where` are the rows as a slice, where they follow each other, and `ascending` the same rows in order.
    """

    rows: Rows
    levels: Sequence[Level]
    where: Rows | slice
    ascending: Rows


def order_of(levels: Sequence[Rows], parent: NDArray[np.int32]) -> Order:
    """Return the order of objects by level, each ascending; `parent` is a column of all objects."""
    found: list[Level] = []
    place = np.full(len(parent), -1, np.int64)
    start = 0
    for rows in levels:
        above = np.where(parent[rows] >= 0, place[parent[rows]], -1)
        is_same = bool(found) and np.array_equal(above, np.arange(found[-1].stop - found[-1].start))
        if found:
            place[levels[len(found) - 1]] = -1
        place[rows] = np.arange(len(rows))
        found.append(Level(start, start + len(rows), None if is_same else above, np.flatnonzero(above < 0)))
        start += len(rows)
    rows = np.concatenate(levels)
    return Order(rows, found, as_slice(rows), distinct(rows))


def local_columns(
    translation: Doubles, rotation: NDArray[np.floating], scale: NDArray[np.float32]
) -> Doubles:
    """Return where objects are on their parents, [4, 3, n], of [n, 3], unit quaternions [n, 4] and [n, 3]."""
    columns = np.empty((4, 3, len(translation)))
    columns[3] = translation.T
    for start in range(0, len(translation), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        x, y, z, w = np.ascontiguousarray(rotation[part].T, np.float64)
        x2, y2, z2 = x + x, y + y, z + z
        xx, yy, zz, xy, xz, yz = x * x2, y * y2, z * z2, x * y2, x * z2, y * z2
        wx, wy, wz = w * x2, w * y2, w * z2
        axes = columns[:3, :, part]
        np.subtract(1.0, yy + zz, out=axes[0, 0])
        np.subtract(1.0, xx + zz, out=axes[1, 1])
        np.subtract(1.0, xx + yy, out=axes[2, 2])
        np.add(xy, wz, out=axes[0, 1])
        np.subtract(xz, wy, out=axes[0, 2])
        np.subtract(xy, wz, out=axes[1, 0])
        np.add(yz, wx, out=axes[1, 2])
        np.add(xz, wy, out=axes[2, 0])
        np.subtract(yz, wx, out=axes[2, 1])
        axes *= np.ascontiguousarray(scale[part].T, np.float64)[:, None]
    return columns


def place(columns: Doubles, order: Order, parent: NDArray[np.int32], parents: Parents) -> None:
    """Bring columns of objects in an order, [4, 3, n], from the spaces of their parents to the world."""
    before = np.zeros((4, 3, 0))
    for level in order.levels:
        here = columns[:, :, level.start : level.stop]
        rows = order.rows[level.start : level.stop]
        if parent[rows[0]] >= 0:  # rows are of one level
            above = before
            if len(level.others) == len(rows):
                above = np.empty((4, 3, len(rows)))
            elif level.above is not None:
                above = before.take(level.above, axis=2)
            if len(level.others):
                axes, places = parents(parent[rows[level.others]])
                above[:3, :, level.others] = axes.transpose(1, 2, 0)
                above[3][:, level.others] = places.T
            moved = here[:, 0, None] * above[0]
            moved += here[:, 1, None] * above[1]
            moved += here[:, 2, None] * above[2]
            moved[3] += above[3]
            here[:] = moved
        before = here


def placements(world: Doubles) -> NDArray[np.float32]:
    """Return the placements [n, 4, 4] of columns in the world, see `Transforms`; none is mirrored."""
    found = np.empty((world.shape[2], 16), np.float32)
    for start in range(0, world.shape[2], AT_ONCE):
        part = world[:, :, start : start + AT_ONCE]
        numbers = np.empty((4, 4, part.shape[2]), np.float32)
        numbers[:, :3] = part
        numbers[:3, 3] = part[3] - numbers[3, :3]
        numbers[3, 3] = 1.0
        found[start : start + AT_ONCE] = numbers.reshape(16, -1).T
    return found.reshape(-1, 4, 4)
