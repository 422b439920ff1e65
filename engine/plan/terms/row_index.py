"""Finds rows by a column's value without looking at all of them: a few sorted runs and a short tail."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike, NDArray

from engine.plan.terms.table import Int64s

SHORT = 1024
"""So many rows are few whatever there is: a tail is sorted in, and dead rows are left behind, beyond this."""

FALL = 8
"""Each run is at least so many times as long as the next: so there are few, and rows are merged rarely."""


class RowIndex:
    """Row numbers by value of one integer column. Rows added lately are a tail; the others lie in runs.

    A run is (values, row numbers), sorted by value, as in a log-structured merge tree: whatever there is, few
    rows are looked at one by one, and sorting in what was added costs what was added.
    """

    def __init__(self, dtype: DTypeLike) -> None:
        self._dtype = np.dtype(dtype)
        self._runs: list[tuple[NDArray[np.integer], NDArray[np.int32]]] = []
        self._count = 0

    def find(self, column: NDArray[np.integer], values: Int64s) -> Int64s:
        """Rows of `column` that hold one of `values` (sorted, distinct), in no particular order."""
        if len(column) - self._count > SHORT:
            self._take_in(column[self._count :])
        values = values.astype(self._dtype, copy=False)
        tail = column[self._count :]
        parts = [_find(values, *run) for run in self._runs]
        if len(tail) and len(values):
            at = np.minimum(np.searchsorted(values, tail), len(values) - 1)
            parts.append(np.flatnonzero(values[at] == tail) + self._count)
        return np.concatenate([np.zeros(0, np.int64), *parts])

    def renumbered(self, numbers: Int64s) -> RowIndex:
        """The index of the rows that are left: the new number of each row, rising, or -1."""
        index = RowIndex(self._dtype)
        for values, rows in self._runs:
            new = numbers[rows].astype(np.int32)
            index._runs.append((values[new >= 0], new[new >= 0]))
            index._count += len(index._runs[-1][0])
        return index

    def _take_in(self, tail: NDArray[np.integer]) -> None:
        order = np.argsort(tail, kind="stable")  # which takes no time where values come in rising runs
        values, rows = tail[order], (order + self._count).astype(np.int32)
        self._count += len(tail)
        while self._runs and len(self._runs[-1][0]) < FALL * len(values):
            both = [np.concatenate(pair) for pair in zip(self._runs.pop(), (values, rows), strict=True)]
            order = np.argsort(both[0], kind="stable")
            values, rows = both[0][order], both[1][order]
        self._runs.append((values, rows))


def _find(values: NDArray[np.integer], run: NDArray[np.integer], rows: NDArray[np.int32]) -> Int64s:
    left = np.searchsorted(run, values, side="left")
    counts = np.searchsorted(run, values, side="right") - left
    starts = np.repeat(left - (np.cumsum(counts) - counts), counts)
    return rows[starts + np.arange(len(starts))].astype(np.int64)
