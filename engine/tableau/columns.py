"""Numpy columns that grow together and reuse freed rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

Rows = NDArray[np.int32]
Integer = TypeVar("Integer", bound=np.integer[Any])

INITIAL_ROWS = 16


def distinct(*parts: Rows) -> Rows:
    """Return all rows of these arrays, each once, ascending. Ten times faster than numpy's `unique`."""
    if len(parts) == 1 and (len(parts[0]) < 2 or bool((parts[0][1:] > parts[0][:-1]).all())):
        return parts[0]
    rows = np.sort(np.concatenate(parts) if len(parts) > 1 else parts[0])
    repeated = rows[1:] == rows[:-1]
    if not repeated.any():
        return rows
    return np.asarray(rows[np.concatenate(([True], ~repeated))], np.int32)


def as_slice(rows: NDArray[Integer]) -> NDArray[Integer] | slice:
    """Return contiguous ascending rows as a slice, for which numpy needs no copy; others unchanged."""
    count = len(rows)
    if (
        count
        and int(rows[-1]) - int(rows[0]) == count - 1
        and (count < 3 or bool((np.diff(rows) == 1).all()))
    ):
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows


class Columns:
    """A table of columns by name. Free rows are reused, lowest first, before the table grows.

    `count` is one more than the highest row ever used: `table["name"]` has that many rows, free ones
    included. Growing replaces the arrays, so an array is only valid until the next `allocate`.
    """

    def __init__(self, specs: Mapping[str, tuple[DTypeLike, tuple[int, ...], Any]]) -> None:
        """`specs` has for each column its numpy type, the shape of one value and the value of a new row.

        A column with None as that value starts at 0 and keeps its value when a row is reused.
        """
        self._fresh = {name: fresh for name, (_, _, fresh) in specs.items()}
        self._arrays: dict[str, NDArray[Any]] = {
            name: self._filled((INITIAL_ROWS, *shape), dtype, fresh)
            for name, (dtype, shape, fresh) in specs.items()
        }
        self._views: dict[str, NDArray[Any]] = {}
        self._free = np.empty(0, np.int32)
        self._capacity = INITIAL_ROWS
        self.count = 0
        self.kept = 0
        """Rows that are neither in use nor free: see `Tableau.rearranging`."""

    def __getstate__(self) -> dict[str, Any]:
        """What a copy is made of: without the views, which would be arrays of their own there."""
        return {**self.__dict__, "_views": {}}

    @staticmethod
    def _filled(shape: tuple[int, ...], dtype: DTypeLike, fresh: Any) -> NDArray[Any]:
        array = np.empty(shape, dtype)
        array[...] = 0 if fresh is None else fresh
        return array

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._arrays[name][: self.count]

    def read_only(self, name: str) -> NDArray[Any]:
        """Return a column that cannot be written to: the same array until the next `allocate` adds rows."""
        view = self._views.get(name)
        if view is None or len(view) != self.count:
            view = self._views[name] = self._arrays[name][: self.count]
            view.flags.writeable = False
        return view

    def __contains__(self, name: object) -> bool:
        return name in self._arrays

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    @property
    def used(self) -> int:
        """How many rows are in use."""
        return self.count - len(self._free) - self.kept

    def allocate(self, count: int) -> Rows:
        """Allocate `count` rows with the values of new rows, ascending."""
        reused = self._free[:count]
        self._free = self._free[count:]
        self.reset(reused)
        added = count - len(reused)
        if added == 0:
            return reused
        first = self.count
        self.count += added
        if self.count > self._capacity:
            self._grow(max(self.count, self._capacity * 2))
        return np.concatenate((reused, np.arange(first, self.count, dtype=np.int32)))

    def set_fresh(self, name: str, value: Any) -> None:
        """Change the value of new rows in a column; rows in use keep theirs."""
        self._fresh[name] = value
        self._arrays[name][self.count :] = value

    def free(self, rows: Rows) -> None:
        """Free rows; their values stay until the rows are reused."""
        self._free = distinct(self._free, rows)

    def reset(self, rows: Rows) -> None:
        """Set rows to the values of new rows, except in columns where that is None."""
        if len(rows):
            for name, array in self._arrays.items():
                if self._fresh[name] is not None:
                    array[rows] = self._fresh[name]

    def _grow(self, capacity: int) -> None:
        for name, old in self._arrays.items():
            new = self._filled((capacity, *old.shape[1:]), old.dtype, self._fresh[name])
            new[: self._capacity] = old
            self._arrays[name] = new
        self._capacity = capacity
