"""Finds rows by a column's value without looking at all of them: a sorted index and a short tail."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.plan.table import Int64s


class RowIndex:
    """Row numbers by value of one integer column; rows added since the index was built are its tail."""

    def __init__(self) -> None:
        self._order = np.zeros(0, np.int32)
        self._values: Int64s | NDArray[np.int32] = np.zeros(0, np.int32)

    def find(self, column: NDArray[np.generic], values: Int64s) -> Int64s:
        """Rows of `column` that hold one of `values` (sorted, distinct), in no particular order."""
        tail = column[len(self._order) :]
        if len(tail) > max(1024, len(self._order) // 8):
            self._order = np.argsort(column).astype(np.int32)
            self._values = np.ascontiguousarray(column[self._order])
            tail = tail[:0]
        left = np.searchsorted(self._values, values, side="left")
        counts = np.searchsorted(self._values, values, side="right") - left
        starts = np.repeat(left - (np.cumsum(counts) - counts), counts)
        found = self._order[starts + np.arange(len(starts))].astype(np.int64)
        if len(tail):
            at = np.minimum(np.searchsorted(values, tail), max(len(values) - 1, 0))
            hits = np.flatnonzero(values[at] == tail) if len(values) else np.zeros(0, np.int64)
            found = np.concatenate([found, hits + len(self._order)])
        return found
