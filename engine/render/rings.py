"""Writes changed rows to mapped rings, which have one copy per frame in flight.

Each frame reads its own copy, so the CPU never waits to write; a copy gets the changes that it missed when
its slot is used next.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_MOST_COMPARED = 4096


class RingWriter:
    """Holds the source rows of one ring and the `pending` ranges of each copy.

    `version` is another number whenever rows are to be written.
    """

    def __init__(self, copies: int) -> None:
        self._source: npt.NDArray[np.generic] = np.zeros((0, 1), np.uint8)
        self.pending: list[list[tuple[int, int]]] = [[] for _ in range(copies)]
        self.version = 0
        self._row_bytes = 0
        self._bytes: npt.NDArray[np.uint8] | None = None  # those of the source where they are in one piece

    def replace(self, rows: npt.NDArray[np.generic]) -> None:
        """Set new source rows (any dtype, first axis = rows), pending in every copy.

        The array is kept, not copied: report later changes in place with `changed`.
        """
        self._source = rows
        self._row_bytes = rows.nbytes // len(rows) if len(rows) else 0
        self._bytes = rows.reshape(-1).view(np.uint8) if rows.flags.c_contiguous else None
        self.invalidate()

    @property
    def source(self) -> npt.NDArray[np.generic]:
        """The source rows."""
        return self._source

    def holds(self, rows: npt.NDArray[np.generic]) -> bool:
        """Whether `rows` is the memory of the source rows, so that `changed` suffices."""
        source = self._source
        return rows is source or (rows.shape == source.shape and _address(rows) == _address(source))

    def has(self, rows: npt.NDArray[np.generic]) -> bool:
        """Whether the source rows are equal to a few others; False of more than 4 KiB."""
        source = self._source
        return rows.nbytes <= _MOST_COMPARED and rows.dtype == source.dtype and np.array_equal(rows, source)

    def changed(self, ranges: npt.NDArray[np.integer] | list[tuple[int, int]]) -> None:
        """Mark the rows of these [first, last) ranges as changed in place, for every copy."""
        for first, last in ranges:
            self.version += 1
            for pending in self.pending:
                pending.append((int(first), int(last)))

    def invalidate(self) -> None:
        """Mark all rows as pending in every copy, since the ring has another address."""
        self.version += 1
        everything = [(0, len(self._source))]
        self.pending = [list(everything) for _ in self.pending]

    def flush(self, copy: int, mapped: npt.NDArray[np.uint8], stride: int) -> int:
        """Write the pending rows of copy number `copy` and return the bytes written.

        `mapped` is the whole ring, uint8[copies * stride]; `stride` is in bytes. Rows beyond it are newer
        than the plan that is drawn, which may wait or be held: the next plan has a larger ring, all of it
        pending.
        """
        pending = self.pending[copy]
        if not pending:
            return 0
        row_bytes, begin, written = self._row_bytes, copy * stride, 0
        for first, last in _merged(pending):
            start, end = first * row_bytes, min(last * row_bytes, self._source.nbytes, stride)
            if end <= start:
                continue
            if self._bytes is not None:
                rows = self._bytes[start:end]
            else:
                rows = (
                    np.ascontiguousarray(self._source[first:last]).reshape(-1).view(np.uint8)[: end - start]
                )
            mapped[begin + start : begin + end] = rows
            written += len(rows)
        pending.clear()
        return written


def _address(rows: npt.NDArray[np.generic]) -> int:
    """Where the rows lie; quicker than `ctypes.data`."""
    return int(rows.__array_interface__["data"][0])


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Merge ranges that overlap or are adjacent."""
    if len(ranges) == 1:
        return ranges
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged
