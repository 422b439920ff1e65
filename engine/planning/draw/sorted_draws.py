"""The draws of a table from back to front: made again when its eye, its rows or their places have changed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.plan.terms.table import begins_run
from engine.planning.draw.draw_list import (
    BATCH,
    COMMAND,
    GROUPED,
    DrawGroup,
    Draws,
    Ints,
    Written,
    group_codes,
)
from engine.planning.draw.eyes import Eye
from engine.planning.draw.tables import DrawTable

_UNSORTED = (-1, -1)


class SortedDraws(Draws):
    """The draws of one table, the farthest instance first, by the middle of its box.

    Neighbours of one batch are one command, and commands of one group one call. So the number of calls
    follows from how often pipeline, textures or buffers change along the view. `order` sorts; until then what
    `update` has followed is not drawn. The triangles of one instance are drawn as its mesh has them.
    """

    def __init__(self, table: DrawTable) -> None:
        super().__init__(table)
        self._batches = np.zeros(0, BATCH)
        self._eye: Eye | None = None
        self._sorted = _UNSORTED
        self._moved = 0
        self._groups: list[DrawGroup] = []
        self._of = 0

    def rows_in(self, view: int) -> tuple[int, int]:
        """Return how many instances a view draws, and how many there are to draw."""
        return self.instance_count, self._of

    @property
    def groups(self) -> list[DrawGroup]:
        """The groups in the order of their commands."""
        return self._groups

    def update(self, batches: npt.NDArray[np.void], rebound: Ints | None = None) -> Written | None:
        """Draw with `batches` from now on, of which `rebound` have changed (None: any)."""
        self._batches = batches
        if rebound is None or len(rebound):
            self._sorted = _UNSORTED
        slots = self._table.blocks.blocks.rows
        triangles = batches["index_count"][slots["batch"]].astype(np.int64) // 3
        self.largest = int((triangles * slots["used"]).sum())
        return None

    def order(self, eye: Eye | None, pinned: npt.NDArray[np.bool_] | None = None) -> Written | None:
        """Sort for an eye (None: in the order of slots); return what was written, None for nothing.

        With `pinned` what the eye does not see is left out, but for these batches.
        """
        table = self._table
        now = table.blocks.layout, table.changes.version
        if now == self._sorted and (eye is self._eye or (eye is not None and eye.sees_as(self._eye))):
            moved = table.tableau.moves.since(self._moved)
            if moved is not None and not len(table.blocks.slots_of(table.feature.rows_of(moved))):
                self._moved = table.tableau.moves.version
                return None
        self._sorted, self._eye, self._moved = now, eye, table.tableau.moves.version
        slots = self._drawn()
        self._of = len(slots)
        if eye is not None and len(slots):
            middle, half = table.boxes(slots)
            if pinned is not None:
                batch = table.blocks.blocks.rows["batch"][table.blocks.block_of.rows[slots]]
                missed = eye.misses(np.concatenate(((middle - half).T, (middle + half).T)))
                seen = ~missed | pinned[batch]
                slots, middle = slots[seen], middle[seen]
            slots = slots[np.argsort(eye.nearness(middle), kind="stable")]
        before = self._groups
        self._write(slots)
        return Written(None, None, before != self._groups)

    def _drawn(self) -> Ints:
        """Return the slots with an instance that is drawn."""
        table = self._table
        slots = np.flatnonzero(table.blocks.rows.rows >= 0)
        batch = table.blocks.blocks.rows["batch"][table.blocks.block_of.rows[slots]]
        drawn: Ints = slots[table.shown(slots) & self._batches["ready"][batch]]
        return drawn

    def _write(self, slots: Ints) -> None:
        """Make instances, commands and groups for the instances of these slots, in this order."""
        table = self._table
        rows = table.blocks.rows.rows[slots]
        batch = table.blocks.blocks.rows["batch"][table.blocks.block_of.rows[slots]].astype(np.int64)
        mirrored = table.mirrored(rows) if table.may_mirror else np.zeros(len(rows), np.bool_)
        self.instances = np.stack((table.feature.object[rows], table.material_rows_of(batch)), axis=1)
        self.instances = self.instances.astype(np.uint32)
        first = begins_run(batch << 1 | mirrored).nonzero()[0]
        batch, mirrored = batch[first], mirrored[first]
        of = self._batches.take(batch)
        self.commands = np.empty(len(first), COMMAND)
        for name in ("index_count", "first_index", "vertex_offset"):
            self.commands[name] = of[name]
        self.commands["first_instance"] = first
        self.commands["instance_count"] = np.diff(first, append=len(slots))
        starts = begins_run(group_codes(self._batches)[batch] << 1 | mirrored).nonzero()[0]
        columns = [of[name][starts].tolist() for name in GROUPED]
        counts = np.diff(starts, append=len(first))
        columns += [column.tolist() for column in (mirrored[starts], starts, counts)]
        self._groups = [DrawGroup(*row) for row in zip(*columns, strict=True)]
