"""Which assets the camera sees, so that these are brought in before all others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.feature import Feature, FrameView, Registry
from engine.plan.resident.steps import AnyStep, Transfer
from engine.plan.terms.table import distinct
from engine.planning.tables import DrawTable
from engine.planning.values import drawn_rows
from engine.tableau import Tableau

Mask = npt.NDArray[np.bool_]
Matrix = npt.NDArray[np.float32]

AT_ONCE = 8192
"""Rows that are looked at together; of those after them, only rows that draw what was not seen yet."""

LOOK_EVERY = 16
"""Frames between two looks at whether the camera has turned to others of what is still to come."""
MOST_AGAIN = 4096
"""Assets still to come that are put into another order; to order more would hold a frame up."""


def shown(
    registry: Registry, tableau: Tableau, size: tuple[int, int], guard: Callable[[Feature, Exception], None]
) -> Matrix | None:
    """The matrix [4, 4] from the world to clip space of the picture; None where no feature gives one.

    `guard` is told of a feature whose code raises.
    """
    view = FrameView(tableau, size, lambda _: None)
    for name in registry:
        try:
            matrix = registry[name].view_projection(view)
        except Exception as error:  # noqa: BLE001 (a feature's author may raise anything; it is reported)
            guard(registry[name], error)
        else:
            if matrix is not None:
                return np.asarray(matrix, np.float32)
    return None


def turned(before: FrustumQuery | None, now: FrustumQuery | None, steps: Iterable[AnyStep]) -> bool:
    """Whether the view has changed, and `steps` bring in what it does not show before what it shows now."""
    if now is None or (before is not None and np.array_equal(before.view_projection, now.view_projection)):
        return False
    sent = [step.keys for step in steps if isinstance(step, Transfer)]
    keys = np.concatenate([np.zeros(0, np.int64), *sent])
    if not 0 < len(keys) <= MOST_AGAIN:
        return False
    asked = distinct(keys)
    seen = now(asked)[np.searchsorted(asked, keys)]
    return bool((seen[1:] & ~seen[:-1]).any())


@dataclass(frozen=True, eq=False)
class FrustumQuery:
    """Says of assets whether any enabled row that draws them lies in view. `world` is float32[n, 4, 4]."""

    tables: Iterable[DrawTable]
    world: Matrix
    view_projection: Matrix

    def __call__(self, keys: npt.NDArray[np.int64]) -> Mask:
        """For each of `keys` (sorted, distinct) whether it is seen; only rows that draw one are looked at."""
        seen = np.zeros(len(keys), np.bool_)
        for table in self.tables:
            batch, key = table.assets
            asked = np.isin(key, keys)
            of_interest = np.zeros(len(table.batches), np.bool_)
            of_interest[batch[asked]] = True
            rows = np.flatnonzero(drawn_rows(table) & of_interest[table.batch])
            in_view = np.zeros(len(table.batches), np.bool_)
            for start in range(0, len(rows), AT_ONCE):
                some = rows[start : start + AT_ONCE]
                some = some[~in_view[table.batch[some]]]
                in_view[table.batch[some[self._in_view(table, some)]]] = True
            seen[np.searchsorted(keys, key[asked & in_view[batch]])] = True
        return seen

    def _in_view(self, table: DrawTable, rows: npt.NDArray[np.integer]) -> Mask:
        """Whether the boxes of these of a table's rows reach into the frustum, or cannot be told not to.

        A box is outside if it lies beyond one of the six planes, as in Gribb and Hartmann, "Fast extraction
        of viewing frustum planes", 2001.
        """
        x, y, z, w = self.view_projection.T
        planes = np.stack((w + x, w - x, w + y, w - y, z, w - z), axis=1)
        middle, reach = table.boxes(self.world, rows)
        outside = middle @ planes[:3] + planes[3] < -(reach @ np.abs(planes[:3]))
        in_view: Mask = ~outside.any(axis=1)
        return in_view
