"""An index of rows by the value of an integer column: a few sorted runs and a short unsorted tail."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike, NDArray

from engine.plan.terms.table import Int64s

SCAN_LIMIT = 1024
"""How many rows are scanned linearly at any table size; beyond it tails are sorted and dead rows dropped."""

MIN_RUN_RATIO = 8
"""Each run has at least this many times the rows of the next: so runs are few, and merges are rare."""


class RowIndex:
    """Row numbers by value of one integer column; the rows added last form an unsorted tail.

    A run is (values, row numbers), sorted by value, as in a log-structured merge tree: a search scans at most
    SCAN_LIMIT rows, and adding rows costs time in proportion to what is added.
    """

    def __init__(self, dtype: DTypeLike) -> None:
        self._dtype = np.dtype(dtype)
        self._runs: list[tuple[NDArray[np.integer], NDArray[np.int32]]] = []
        self._count = 0

    def find(self, column: NDArray[np.integer], values: Int64s) -> Int64s:
        """Rows of `column` that hold one of `values` (sorted, distinct), in no particular order."""
        if len(column) - self._count > SCAN_LIMIT:
            self._add_run(column[self._count :])
        tail = column[self._count :]
        values = values.astype(self._dtype, copy=False)  # or a search would convert every run
        if len(values) == 1:
            return self._find_one(tail, values[0])
        parts = [_find(values, *run) for run in self._runs]
        if len(tail) and len(values):
            at = np.minimum(np.searchsorted(values, tail), len(values) - 1)
            parts.append((values[at] == tail).nonzero()[0] + self._count)
        return np.concatenate([np.zeros(0, np.int64), *parts])

    def _find_one(self, tail: NDArray[np.integer], value: np.integer) -> Int64s:
        parts = [(tail == value).nonzero()[0] + self._count]
        for values, rows in self._runs:
            first, end = values.searchsorted(value), values.searchsorted(value, side="right")
            parts.append(rows[first:end].astype(np.int64))
        return np.concatenate(parts) if len(parts) > 1 else parts[0]

    def renumbered(self, numbers: Int64s) -> RowIndex:
        """The index of the kept rows; `numbers` holds each row's new number, ascending, or -1: dropped."""
        index = RowIndex(self._dtype)
        for values, rows in self._runs:
            new = numbers[rows].astype(np.int32)
            index._runs.append((values[new >= 0], new[new >= 0]))
            index._count += len(index._runs[-1][0])
        return index

    def _add_run(self, tail: NDArray[np.integer]) -> None:
        order = np.argsort(tail, kind="stable")  # a merge sort: fast on values that are sorted already
        values, rows = tail[order], (order + self._count).astype(np.int32)
        self._count += len(tail)
        while self._runs and len(self._runs[-1][0]) < MIN_RUN_RATIO * len(values):
            both = [np.concatenate(pair) for pair in zip(self._runs.pop(), (values, rows), strict=True)]
            order = np.argsort(both[0], kind="stable")
            values, rows = both[0][order], both[1][order]
        self._runs.append((values, rows))


def _find(values: NDArray[np.integer], run: NDArray[np.integer], rows: NDArray[np.int32]) -> Int64s:
    left = np.searchsorted(run, values, side="left")
    counts = np.searchsorted(run, values, side="right") - left
    starts = np.repeat(left - (np.cumsum(counts) - counts), counts)
    return rows[starts + np.arange(len(starts))].astype(np.int64)
