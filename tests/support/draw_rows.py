"""Rows that a draw list draws, without a scene."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np

from engine.planning.draw.instance_blocks import InstanceBlocks
from engine.tableau.journal import Journal

NONE = np.zeros(0, np.int64)
"""No rows, or no batches that were bound again."""


class Table:
    """A draw table of rows that stand for objects 100 and on; the material row of batch b is 10 b.

    Batches are of one family, or of `families`, and the rank of each is its number.
    """

    def __init__(self, *batches: int, families: Sequence[int] = ()) -> None:
        self.batches = {"rank": np.arange(1 << 13), "family": np.zeros(1 << 13, np.int64)}
        self.batches["family"][: len(families)] = families
        self.blocks = InstanceBlocks()
        self.enabled = np.ones(len(batches), bool)
        self.turned = np.zeros(len(batches), bool)
        self.hidden = np.zeros((1, len(batches) + 1), bool)
        self.levels = SimpleNamespace(lists=1)
        self.may_mirror = False
        self.feature = SimpleNamespace(object=np.arange(100, 100 + len(batches)))
        self.changes = Journal()
        rows = np.arange(len(batches))
        self.blocks.change(rows[:0], rows, np.array(batches, np.int64), len(set(batches)))

    def drawn(self, rows: np.ndarray) -> np.ndarray:
        return self.enabled[rows] & (rows >= 0)

    def shown(self, slots: np.ndarray, view: int) -> np.ndarray:
        rows = self.blocks.rows.rows[slots]
        return self.drawn(rows) & ~self.hidden[min(view, len(self.hidden) - 1), rows]

    def mirrored(self, rows: np.ndarray) -> np.ndarray:
        return self.turned[rows]

    def mirror(self, *rows: int, to: bool) -> None:
        self.may_mirror = True
        self.turned[list(rows)] = to
        self.changes.note(self.blocks.blocks_of(np.array(rows)).astype(np.int32))

    def material_rows_of(self, batches: np.ndarray) -> np.ndarray:
        return batches * 10

    def blocks_of_batches(self, batches: np.ndarray) -> np.ndarray:
        return np.flatnonzero(np.isin(self.blocks.blocks.rows["batch"], batches))

    def add(self, batch: int, batches: int) -> None:
        """Add a row of a batch, the last of so many."""
        row = len(self.enabled)
        self.enabled, self.turned = np.append(self.enabled, True), np.append(self.turned, False)
        self.hidden = np.zeros((1, row + 2), bool)
        self.feature.object = np.arange(100, 101 + row)
        self.changes.note(
            self.blocks.change(NONE, np.array([row]), np.array([batch]), batches).astype(np.int32)
        )

    def remove(self, *rows: int) -> None:
        changed = self.blocks.change(np.array(rows), NONE, NONE, len(self.enabled))
        self.changes.note(changed.astype(np.int32))

    def enable(self, *rows: int, to: bool) -> None:
        self.enabled[list(rows)] = to
        self.changes.note(self.blocks.blocks_of(np.array(rows)).astype(np.int32))
