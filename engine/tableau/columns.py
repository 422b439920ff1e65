"""Numpy columns that grow together, with rows that are reused after they are freed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Rows = NDArray[np.int32]

INITIAL_ROWS = 16


def distinct(*parts: Rows) -> Rows:
    """All rows of these arrays, each once, rising. Sorts: numpy's `unique` hashes, ten times slower."""
    rows = np.sort(np.concatenate(parts) if len(parts) > 1 else parts[0])
    repeated = rows[1:] == rows[:-1]
    if not repeated.any():
        return rows
    return np.asarray(rows[np.concatenate(([True], ~repeated))], np.int32)


class Columns:
    """A table of columns by name. Free rows are used again, lowest first, before the table grows.

    `count` is one more than the highest row ever in use: `table["name"]` has that many rows, the free ones
    among them included. Growing replaces the arrays, so nobody keeps one across an allocation.
    """

    def __init__(self, specs: Mapping[str, tuple[DTypeLike, tuple[int, ...], Any]]) -> None:
        """Take for each column its numpy type, the shape of one value and the value of a fresh row.

        A column without such a value (None) begins at 0 and keeps what it holds when a row is used again.
        """
        self._fresh = {name: fresh for name, (_, _, fresh) in specs.items()}
        self._arrays: dict[str, NDArray[Any]] = {
            name: self._filled((INITIAL_ROWS, *shape), dtype, fresh)
            for name, (dtype, shape, fresh) in specs.items()
        }
        self._free = np.empty(0, np.int32)
        self._capacity = INITIAL_ROWS
        self.count = 0

    @staticmethod
    def _filled(shape: tuple[int, ...], dtype: DTypeLike, fresh: Any) -> NDArray[Any]:
        array = np.empty(shape, dtype)
        array[...] = 0 if fresh is None else fresh
        return array

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._arrays[name][: self.count]

    def __contains__(self, name: object) -> bool:
        return name in self._arrays

    @property
    def used(self) -> int:
        """How many rows are in use."""
        return self.count - len(self._free)

    def allocate(self, count: int) -> Rows:
        """Take `count` rows, set to their fresh values, in rising order."""
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
        """Change the value that fresh rows get in a column; rows in use keep theirs."""
        self._fresh[name] = value
        self._arrays[name][self.count :] = value

    def free(self, rows: Rows) -> None:
        """Give rows back; their values stay until they are used again."""
        self._free = distinct(self._free, rows)

    def reset(self, rows: Rows) -> None:
        """Set rows to their fresh values, except for columns whose fresh value is None."""
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
