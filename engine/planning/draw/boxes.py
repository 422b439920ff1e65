"""World boxes of instances, and the box of all of them, kept by block."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from engine.feature.frame import Box
from engine.plan.terms.table import begins_run, distinct
from engine.planning.draw.rays import Ray, box_entries
from engine.tableau import Tableau

if TYPE_CHECKING:
    from engine.planning.draw.tables import DrawTable

Doubles = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]


def world_boxes(
    meshes: npt.NDArray[np.void], of: npt.NDArray[np.integer], origins: Doubles, placements: Floats
) -> tuple[Doubles, Floats]:
    """Return centres (float64) and half sizes, [n, 3] each, of meshes (`low`, `high`) in the world.

    `of` is the mesh of each object, with its origin [n, 3] and its placement [n, 4, 4], whose axes are used.
    The box of a turned box is larger than what it holds.
    """
    if len(of) and (of == of[0]).all():
        of = of[:1]  # one mesh for all: its numbers are broadcast
    low, high = meshes["low"][of], meshes["high"][of]
    centre, half = (high + low) / 2, (high - low) / 2
    offset = np.zeros((len(origins), 3), np.float32) if centre.any() else None
    reach = np.zeros((len(origins), 3), np.float32)
    for axis in range(3):  # by columns: the same sums in the same order, however many there are
        row = placements[:, axis, :3]
        if offset is not None:
            offset += centre[:, axis, None] * row
        reach += half[:, axis, None] * np.abs(row)
    return (origins if offset is None else origins + offset), reach


def union(boxes: Iterable[Box]) -> Box | None:
    """Return the box around several; None for none, and of one the same object."""
    found: Box | None = None
    for box in boxes:
        found = box if found is None else (np.minimum(found[0], box[0]), np.maximum(found[1], box[1]))
    return found


SLOTS_AT_ONCE = 4096
"""About how many instances are measured together."""


class BlockBoxes:
    """The world box of the enabled instances of each block of a table, updated for what moved or changed."""

    def __init__(self, table: DrawTable, tableau: Tableau) -> None:
        self._table = table
        self._tableau = tableau
        self._low = np.zeros((3, 0))  # by axis and block, as axes are reduced one by one
        self._high = np.zeros((3, 0))
        self._all: Box | None = None
        self._seen: tuple[int, int, int] | None = None

    def bounds(self) -> Box | None:
        """Return the box of all enabled instances; None if there is none."""
        table = self._table
        blocks = table.blocks
        now = blocks.layout, table.changes.version, self._tableau.moves.version
        if now == self._seen:
            return self._all
        stale, count = self._stale(), len(blocks.blocks)
        known = self._low.shape[1]
        if stale is None or known > count:
            stale, known = np.arange(count), 0
        if known != count:
            new = np.full((3, count - known), np.inf)
            self._low = np.concatenate((self._low[:, :known], new), axis=1)
            self._high = np.concatenate((self._high[:, :known], -new), axis=1)
        if not len(stale) and known == count:
            self._seen = now
            return self._all
        self._measure(stale)
        self._seen = now
        low = self._low.min(axis=1, initial=np.inf)
        self._all = (low, self._high.max(axis=1)) if np.isfinite(low).all() else None
        return self._all

    def crossed(self, ray: Ray, origin: Doubles) -> npt.NDArray[np.integer]:
        """Return the blocks whose boxes a ray enters, ascending; the ray is relative to `origin`."""
        self.bounds()
        blocks = np.flatnonzero(self._low[0] <= self._high[0])  # those with enabled instances
        low, high = self._low[:, blocks].T, self._high[:, blocks].T
        entries = box_entries(ray, (low + high) / 2 - origin, (high - low) / 2)
        return np.asarray(blocks[entries < np.inf])

    def _stale(self) -> npt.NDArray[np.integer] | None:
        """Return the blocks to measure again; None for all of them."""
        if self._seen is None or self._seen[0] != self._table.blocks.layout:
            return None
        changed = self._table.changes.since(self._seen[1])
        moved = self._tableau.moves.since(self._seen[2])
        if changed is None or moved is None:
            return None
        if not len(moved):
            return changed
        moved_blocks = self._table.blocks.blocks_of(self._table.feature.rows_of(moved))
        return distinct(np.concatenate((changed, moved_blocks))) if len(changed) else moved_blocks

    def _measure(self, blocks: npt.NDArray[np.integer]) -> None:
        """Measure these blocks, a few thousand slots at a time, which stay in the processor's cache."""
        ends = self._table.blocks.blocks.rows["capacity"][blocks].cumsum()
        edges = begins_run(ends // SLOTS_AT_ONCE).nonzero()[0].tolist()
        for start, stop in pairwise([*edges, len(blocks)]):
            self._measure_part(blocks[start:stop])

    def _measure_part(self, blocks: npt.NDArray[np.integer]) -> None:
        table = self._table
        slots, _ = table.blocks.spans(blocks)
        slots = slots[table.drawn(table.blocks.rows.rows[slots])]
        self._low[:, blocks], self._high[:, blocks] = np.inf, -np.inf
        if not len(slots):
            return
        middle, half = table.boxes(slots)
        reach = half.astype(np.float64)
        of = table.blocks.block_of.rows[slots]
        starts = np.flatnonzero(np.diff(of, prepend=-1))
        self._low[:, of[starts]] = np.minimum.reduceat(middle - reach, starts, axis=0).T
        self._high[:, of[starts]] = np.maximum.reduceat(middle + reach, starts, axis=0).T
