"""What objects look like, as far as it matters for a camera that shall see them whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.graph import PICTURE_VIEW
from engine.planning.draw.tables import DrawTable
from engine.tableau import Tableau

Doubles = NDArray[np.float64]
Rows = NDArray[np.int32]


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
    middle, half : float64[n, 3]
        Centre and half size of each box in the world, with what bones move.
    """

    middle: Doubles
    half: Doubles

    @property
    def bounds(self) -> tuple[Doubles, Doubles] | None:
        """The lowest and the highest corner of all; None for none."""
        low, high = self.middle - self.half, self.middle + self.half
        is_finite = np.isfinite(low).all(axis=1) & np.isfinite(high).all(axis=1)
        if not is_finite.any():
            return None
        return low[is_finite].min(axis=0), high[is_finite].max(axis=0)


def shapes_of(tables: Iterable[DrawTable], rows: Rows | None) -> Shapes:
    """Return what the picture shows of objects (None: of all that are drawn)."""
    nothing = np.zeros((0, 3))
    parts = [(nothing, nothing), *(_of_table(table, rows) for table in tables if _is_seen(table))]
    middle, half = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Shapes(middle, half)


def _is_seen(table: DrawTable) -> bool:
    """Whether the picture shows a table; of several passes with the same rows all do that are needed."""
    declaration = table.declaration
    return PICTURE_VIEW in declaration.views and bool(declaration.color) and not declaration.chosen_only


def _of_table(table: DrawTable, rows: Rows | None) -> tuple[Doubles, Doubles]:
    table.refresh()
    of = table.feature
    of_rows = of.rows_enabled() if rows is None else of.rows_of(rows[of.owned_by(rows)])
    slots = table.blocks.slots_of(of_rows)
    middle, half = table.boxes(slots[table.shown(slots)])
    return middle.astype(np.float64), np.asarray(half, np.float64)
