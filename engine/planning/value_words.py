"""Words of blocks for values by name: what features give, as plain numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.planning.draw.ring_names import ColumnRing
from engine.planning.problems.declared import NUMBERS

Words = npt.NDArray[np.uint32]

Pieces = list[tuple[npt.NDArray[np.intp], Words]]
"""Words of all blocks [n], and the numbers that they hold, as bits."""

_PLAIN = {float, int}


def flat(value: npt.ArrayLike) -> tuple[Sequence[float], tuple[int, ...]]:
    """Return the numbers of a value one after the other, and its shape. Raises ValueError for others."""
    if isinstance(value, float | int):
        return (value,), ()
    if isinstance(value, tuple | list) and set(map(type, value)) <= _PLAIN:
        return value, (len(value),)
    array = np.asarray(value)
    if array.dtype.kind not in NUMBERS:
        raise ValueError("no numbers")
    return array.reshape(-1).tolist(), array.shape


def packed_rows(ring: ColumnRing, columns: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.uint8]:
    """Return the rows of a ring. Raises ValueError for too many, or not as many of each member."""
    rows = np.zeros((ring.count, ring.block.size), np.uint8)
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1 or max(lengths, default=0) > ring.count:
        raise ValueError(f"rows of {ring.buffer}: {lengths}, of at most {ring.count}")
    for member, column in columns.items():
        ring.block.pack_rows(rows[: len(column)], member, column)
    return rows
