"""Boxes of instances relative to the origins of their objects, kept by slot while axes and meshes stay.

So where objects are moved and not turned, their boxes in the world cost two sums for each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from engine.feature.skins import Bones
from engine.tableau import Tableau
from engine.tableau.columns import as_slice

if TYPE_CHECKING:
    from engine.planning.draw.tables import DrawTable

Doubles = npt.NDArray[np.float64]


class SlotBoxes:
    """The boxes of the enabled instances of one table, by slot; a skinned instance is measured every time."""

    def __init__(self, table: DrawTable, tableau: Tableau) -> None:
        self._table = table
        self._tableau = tableau
        self._objects = np.zeros(0, np.int32)
        self._offset = np.zeros((3, 0), np.float32)  # from the object's origin to the centre, by axis
        self._reach = np.zeros((3, 0), np.float32)  # half sizes; less than nothing without an instance
        self._known = np.zeros(0, np.bool_)  # by block
        self._seen: tuple[int, int, int] | None = None
        self._bones: Bones | None = None

    def follow(self) -> None:
        """Forget the boxes of instances that were switched, turned or scaled since the last call."""
        table, tableau, bones = self._table, self._tableau, self._table.bones
        now = table.blocks.layout, table.changes.version, tableau.reshapes.version
        before, self._seen = self._seen, now
        count, slots = len(table.blocks.blocks), len(table.blocks.rows)
        if before is None or before[0] != now[0] or bones is not self._bones:
            self._known = self._known[:0]
        elif before != now:
            changed, shaped = table.changes.since(before[1]), tableau.reshapes.since(before[2])
            if changed is None or shaped is None:
                self._known = self._known[:0]
            else:
                self._known[changed[changed < len(self._known)]] = False
                again = table.blocks.blocks_of(table.feature.rows_of(shaped)) if len(shaped) else changed[:0]
                self._known[again[again < len(self._known)]] = False
        self._bones = bones
        if len(self._known) != count:
            self._known = np.concatenate(
                (self._known[:count], np.zeros(max(0, count - len(self._known)), bool))
            )
        if len(self._objects) < slots:
            more = max(slots, 2 * len(self._objects)) - len(self._objects)
            self._objects = np.concatenate((self._objects, np.zeros(more, np.int32)))
            self._offset, self._reach = (
                np.concatenate((kept, np.zeros((3, more), np.float32)), axis=1)
                for kept in (self._offset, self._reach)
            )

    def corners(self, blocks: npt.NDArray[np.integer]) -> tuple[Doubles, Doubles]:
        """Return lowest and highest corner of these blocks in the world, [3, n] each, after `follow`.

        An empty block has infinity as its lowest corner.
        """
        new = blocks[~self._known[blocks]]
        if len(new):
            self._measure(new)
        where, starts = self._where(blocks)
        objects, offset, reach = self._objects[where], self._offset[:, where], self._reach[:, where]
        middle = np.empty(offset.shape)
        np.add(self._tableau.origin[as_slice(objects)].T, offset, out=middle)
        side = np.subtract(middle, reach)
        low = np.minimum.reduceat(side, starts, axis=1)
        np.add(middle, reach, out=side)
        return low, np.maximum.reduceat(side, starts, axis=1)

    def _where(
        self, blocks: npt.NDArray[np.integer]
    ) -> tuple[npt.NDArray[np.integer] | slice, npt.NDArray[np.integer]]:
        """Return the slots of these blocks, and where each block starts among them."""
        of = self._table.blocks.blocks.rows.take(blocks)
        first, last = of["first"], of["first"] + of["capacity"]
        if len(of) and (first[1:] == last[:-1]).all():
            return slice(int(first[0]), int(last[-1])), first - first[0]
        return self._table.blocks.spans(blocks)

    def _measure(self, blocks: npt.NDArray[np.integer]) -> None:
        """Measure the instances of these blocks."""
        table = self._table
        slots, _ = table.blocks.spans(blocks)
        self._objects[slots], self._offset[:, slots], self._reach[:, slots] = 0, 0.0, -np.inf
        self._known[blocks] = True
        drawn = table.drawn(table.blocks.rows.rows[slots])
        slots = slots[drawn]
        if not len(slots):
            return
        objects, offset, reach = table.relative_boxes(slots)
        self._objects[slots], self._offset[:, slots], self._reach[:, slots] = objects, offset.T, reach.T
        bones = table.bones
        if len(bones.objects):
            skinned = slots[bones.first[objects] >= 0]
            self._known[table.blocks.block_of.rows[skinned]] = False
