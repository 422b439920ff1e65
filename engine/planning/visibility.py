"""Visibility of assets: those that the camera sees are transferred before all others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.plan.resident.steps import AnyStep, Transfer
from engine.plan.terms.table import distinct
from engine.planning.draw.tables import DrawTable

Mask = npt.NDArray[np.bool_]
Matrix = npt.NDArray[np.float32]

CHUNK_ROWS = 8192
"""Rows that are tested together; later chunks test only rows of batches that are not known to be visible."""

CHECK_INTERVAL = 16
"""Frames between two checks whether pending transfers are in the order that the camera needs."""
MAX_REORDERED = 4096
"""The most pending assets for which transfers are reordered; more would delay a frame."""


def needs_reordering(before: FrustumQuery | None, now: FrustumQuery | None, steps: Iterable[AnyStep]) -> bool:
    """Whether the view has changed, and `steps` transfer invisible assets before visible ones."""
    if now is None or (before is not None and before.sees_as(now)):
        return False
    sent = [step.keys for step in steps if isinstance(step, Transfer)]
    keys = np.concatenate([np.zeros(0, np.int64), *sent])
    if not 0 < len(keys) <= MAX_REORDERED:
        return False
    ordered = distinct(keys)
    visible = now(ordered)[np.searchsorted(ordered, keys)]
    return bool((visible[1:] & ~visible[:-1]).any())


@dataclass(frozen=True, eq=False)
class FrustumQuery:
    """Finds the assets that an enabled row in view draws.

    `view_projection` is the matrix from the space of the frame, whose origin in the world is `origin`.
    """

    tables: Sequence[DrawTable]
    origin: npt.NDArray[np.float64]
    view_projection: Matrix

    def sees_as(self, other: FrustumQuery) -> bool:
        """Whether another query has the same view."""
        return np.array_equal(self.view_projection, other.view_projection) and np.array_equal(
            self.origin, other.origin
        )

    @np.errstate(over="ignore", invalid="ignore")  # what is out of range is in view
    def __call__(self, keys: npt.NDArray[np.int64]) -> Mask:
        """Which of `keys` (sorted, distinct) are visible, as a mask; only rows that draw them are tested."""
        visible = np.zeros(len(keys), np.bool_)
        for table in self.tables:
            slots, _ = table.blocks.spans(table.blocks_of_batches(table.batches_using(keys)))
            slots = slots[table.drawn(table.blocks.rows.rows[slots])]
            batch = table.blocks.blocks.rows["batch"][table.blocks.block_of.rows[slots]]
            in_view = np.zeros(len(table.batches), np.bool_)
            for start in range(0, len(slots), CHUNK_ROWS):
                some = slice(start, start + CHUNK_ROWS)
                open_ = ~in_view[batch[some]]
                at, of = slots[some][open_], batch[some][open_]
                in_view[of[self._in_view(table, at)]] = True
            seen = table.assets_of(np.flatnonzero(in_view))
            at = np.minimum(np.searchsorted(keys, seen), max(len(keys) - 1, 0))
            visible[at[keys[at] == seen]] = True
        return visible

    def _in_view(self, table: DrawTable, slots: npt.NDArray[np.integer]) -> Mask:
        """Which of these instances of a table have a world box that may intersect the frustum (conservative).

        A box is outside if it is beyond one of the six planes, as in Gribb and Hartmann, "Fast extraction of
        viewing frustum planes", 2001.
        """
        x, y, z, w = self.view_projection.T
        planes = np.stack((w + x, w - x, w + y, w - y, z, w - z), axis=1)
        middle, reach = table.boxes(slots)
        outside = (middle - self.origin) @ planes[:3] + planes[3] < -(reach @ np.abs(planes[:3]))
        in_view: Mask = ~outside.any(axis=1)
        return in_view
