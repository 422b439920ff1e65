"""Numbers of what is in use: counted, and rows of material tables given to materials, changing few."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from engine.tableau import NO_ASSET

Ints = npt.NDArray[np.int64]
Integer = TypeVar("Integer", bound=np.integer[Any])


class Uses:
    """How many batches in use use each of some numbered things; `used` are the numbers of those in use."""

    def __init__(self) -> None:
        self.used: Ints = np.zeros(0, np.int64)
        self._counts = np.zeros(0, np.int64)

    def count(self, numbers: npt.NDArray[np.integer], by: Ints) -> None:
        """Add to the count of each of these numbers."""
        if len(numbers):
            self._counts = padded(self._counts, int(numbers.max()) + 1, 0)
            np.add.at(self._counts, numbers, by)
            self.used = self._counts.nonzero()[0]


def numbered(rows: npt.NDArray[np.int32], used: Ints, limit: int) -> npt.NDArray[np.int32]:
    """Return rows below `limit` for the materials `used`, -1 for the others, changing as few as possible.

    A material keeps its row where that is below the limit; the others get the lowest free ones.
    """
    kept = used[(rows[used] >= 0) & (rows[used] < limit)]
    made = np.full(len(rows), -1, np.int32)
    made[kept] = rows[kept]
    new = used[made[used] < 0]
    free = np.ones(limit, np.bool_)
    free[made[kept]] = False
    made[new] = free.nonzero()[0][: len(new)]
    return made


def numbered_few(
    rows: npt.NDArray[np.int32], used: Ints, switched: Ints, limit: int
) -> npt.NDArray[np.int32]:
    """Return what `numbered` does where no row is above the limit and only these materials are `switched`."""
    is_used = np.zeros(len(rows), np.bool_)
    is_used[used] = True
    made = rows.copy()
    made[switched[~is_used[switched]]] = -1
    new = switched[is_used[switched] & (rows[switched] < 0)]
    if len(new):
        free = np.ones(limit + 1, np.bool_)  # the last one stands for those without a row
        free[made] = False
        made[new] = free[:limit].nonzero()[0][: len(new)]
    return made


def padded(values: npt.NDArray[Integer], size: int, filler: int = NO_ASSET) -> npt.NDArray[Integer]:
    """Return `values`, or where they are fewer than `size` a copy with `filler` for the missing ones."""
    if len(values) >= size:
        return values
    padded = np.full(size, filler, values.dtype)
    padded[: len(values)] = values
    return padded
