"""What objects look like, as far as it matters for outlines and for a camera that shall see them whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.graph import PICTURE_VIEW
from engine.planning.draw.tables import DrawTable
from engine.tableau import Tableau

Doubles = NDArray[np.float64]
Rows = NDArray[np.int32]
_UNIT = np.array([[x, y, z] for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)])
BOX_EDGES = np.array([[a, b] for a in range(8) for b in range(a + 1, 8) if (a ^ b) in (1, 2, 4)])
"""The edges of a box, int[12, 2], as numbers of its corners."""


def with_descendants(tableau: Tableau, rows: Rows) -> Rows:
    """Return objects and all that is below them, ascending."""
    level, parent = tableau.level, tableau.parent
    chosen = np.zeros(len(level), np.bool_)
    chosen[rows] = True
    for depth in range(1, int(level.max(initial=0)) + 1):
        at = np.flatnonzero(level == depth)
        chosen[at] |= chosen[parent[at]]
    return np.flatnonzero(chosen & (level >= 0)).astype(np.int32)


@dataclass(frozen=True, eq=False)
class Shapes:
    """What is drawn of objects, one row for each mesh of each.

    Attributes
    ----------
    objects : int32[n]
    meshes : int64[n, 2]
        Keys of vertices and indices.
    low, high : float64[n, 3]
        The box of each mesh, in the space of its object.
    world : float64[n, 4, 4]
        World matrices of the objects.
    middle, half : float64[n, 3]
        Centre and half size of each box in the world, with what bones move.
    bent : bool[n]
        Whether bones or morph targets shape it, so that its mesh says little.
    """

    objects: Rows
    meshes: NDArray[np.int64]
    low: Doubles
    high: Doubles
    world: Doubles
    middle: Doubles
    half: Doubles
    bent: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.objects)

    @cached_property
    def corners(self) -> Doubles:
        """The corners of the boxes in the world, [n, 8, 3]: turned with their objects, unless bent."""
        middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2
        own = middle[:, None] + _UNIT * half[:, None]
        turned = np.einsum("nij,njk->nik", own, self.world[:, :3, :3]) + self.world[:, 3, None, :3]
        straight = self.middle[:, None] + _UNIT * self.half[:, None]
        found: Doubles = np.where(self.bent[:, None, None], straight, turned)
        return found

    @property
    def bounds(self) -> tuple[Doubles, Doubles] | None:
        """The lowest and the highest corner of all; None for none."""
        if not len(self):
            return None
        low, high = self.middle - self.half, self.middle + self.half
        is_finite = np.isfinite(low).all(axis=1) & np.isfinite(high).all(axis=1)
        if not is_finite.any():
            return None
        return low[is_finite].min(axis=0), high[is_finite].max(axis=0)


def shapes_of(
    tables: Sequence[DrawTable], tableau: Tableau, rows: Rows | None, bent: Rows | None = None
) -> Shapes:
    """Return what the picture shows of objects (None: of all that are drawn).

    `bent` are the objects that something else than bones reshapes.
    """
    parts = [part for table in _seen(tables) if (part := _of_table(table, tableau, rows)) is not None]
    if not parts:
        nothing = np.zeros((0, 3))
        return Shapes(
            np.zeros(0, np.int32),
            np.zeros((0, 2), np.int64),
            nothing,
            nothing,
            np.zeros((0, 4, 4)),
            nothing,
            nothing,
            np.zeros(0, np.bool_),
        )
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    shapes = Shapes(*columns)
    if bent is not None and len(bent):
        shapes.bent[np.isin(shapes.objects, bent)] = True
    return shapes


def _seen(tables: Sequence[DrawTable]) -> list[DrawTable]:
    """The tables that the picture shows; of several passes with the same rows those are all needed."""
    return [t for t in tables if PICTURE_VIEW in t.declaration.views and t.declaration.color]


def _of_table(
    table: DrawTable, tableau: Tableau, rows: Rows | None
) -> tuple[NDArray[np.generic], ...] | None:
    table.refresh()
    of = table.feature
    of_rows = of.rows_enabled() if rows is None else of.rows_of(rows[of.owned_by(rows)])
    slots = table.blocks.slots_of(of_rows)
    slots = slots[table.shown(slots)]
    if not len(slots):
        return None
    batches = table.batches.take(table.blocks.blocks.rows["batch"][table.blocks.block_of.rows[slots]])
    objects = of.object[table.blocks.rows.rows[slots]]
    middle, half = table.boxes(slots)
    bones = table.bones.count  # of the objects, or empty without skins
    return (
        objects,
        np.stack((batches["vertices"], batches["indices"]), axis=1).astype(np.int64),
        batches["low"].astype(np.float64),
        batches["high"].astype(np.float64),
        tableau.world(objects),
        middle.astype(np.float64),
        np.asarray(half, np.float64),
        bones[objects] > 0 if len(bones) else np.zeros(len(objects), np.bool_),
    )
