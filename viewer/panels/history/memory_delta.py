"""The delta of two images of memory: what only one of them has, and what both have, by key.

Keys of one run are compared by number. What is left, as after a reload or in a file of another run, is
compared by name.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.plan.terms.table import Int64s
from viewer.panels.history.memory_image import MemoryImage

NONE = -1
"""The row of a key in an image that has not got it."""


class Change(IntEnum):
    """What became of a key between two images.

    MOVED has another address: its contents were copied or loaded again, or it was only allocated again.
    """

    SAME = 0
    MOVED = 1
    RESIZED = 2
    USED_OTHERWISE = 3
    ONLY_FIRST = 4
    ONLY_SECOND = 5


WORDS = {
    Change.SAME: "same",
    Change.MOVED: "other place",
    Change.RESIZED: "resized",
    Change.USED_OTHERWISE: "other usage",
    Change.ONLY_FIRST: "only A",
    Change.ONLY_SECOND: "only B",
}


@dataclass(frozen=True, eq=False)
class MemoryDelta:
    """What differs from image `first` to image `second`, one row for each key of either.

    `rows` int64[n, 2] are the rows in the places of each, or NONE. `change` has a Change for each: of a key
    in both, the first that holds of another size, other usage bits, another address.
    """

    first: MemoryImage
    second: MemoryImage
    rows: NDArray[np.int64]
    change: NDArray[np.int8]

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Bytes of each key in both images, int64[n, 2]; 0 where it is missing."""
        found = np.zeros_like(self.rows)
        for side, image in enumerate((self.first, self.second)):
            there = self.rows[:, side] != NONE
            found[there, side] = image.bytes_of[self.rows[there, side]]
        return found

    def count(self, change: Change) -> int:
        """How many keys changed so."""
        return int((self.change == change).sum())

    def bytes(self, change: Change) -> int:
        """Bytes of the keys that changed so: in the first image for ONLY_FIRST, else in the second."""
        side = 0 if change is Change.ONLY_FIRST else 1
        return int(self.sizes[self.change == change, side].sum())

    @property
    def allocated(self) -> int:
        """Allocated bytes of the second image less those of the first."""
        return self.second.allocated - self.first.allocated

    def name(self, row: int) -> str:
        """The name of the key of a row."""
        side = 0 if self.rows[row, 1] == NONE else 1
        image = (self.first, self.second)[side]
        return image.names.name(int(image.places["key"][self.rows[row, side]]))

    def why(self, row: int) -> tuple[str, ...]:
        """Who requests the key of a row."""
        side = 0 if self.rows[row, 1] == NONE else 1
        image = (self.first, self.second)[side]
        return image.names.why(int(image.places["key"][self.rows[row, side]]))


def delta(first: MemoryImage, second: MemoryImage) -> MemoryDelta:
    """Compare two images."""
    mine, theirs = first.places["key"], second.places["key"]
    pairs = np.zeros((0, 2), np.int64)
    if first.names.space is second.names.space and len(mine) and len(theirs):
        at = np.minimum(np.searchsorted(theirs, mine), len(theirs) - 1)
        found = theirs[at] == mine
        pairs = np.stack([np.flatnonzero(found), at[found]], axis=1)
    only = [_missing(len(mine), pairs[:, 0]), _missing(len(theirs), pairs[:, 1])]
    by_name = _by_name(first, only[0], second, only[1])
    if len(by_name):
        pairs = np.concatenate([pairs, by_name])
        only = [_missing(len(mine), pairs[:, 0]), _missing(len(theirs), pairs[:, 1])]
    rows = np.full((len(pairs) + len(only[0]) + len(only[1]), 2), NONE, np.int64)
    rows[: len(pairs)] = pairs
    rows[len(pairs) : len(pairs) + len(only[0]), 0] = only[0]
    rows[len(pairs) + len(only[0]) :, 1] = only[1]
    change = np.full(len(rows), Change.ONLY_SECOND, np.int8)
    change[: len(pairs)] = _changes(first, second, pairs)
    change[len(pairs) : len(pairs) + len(only[0])] = Change.ONLY_FIRST
    return MemoryDelta(first, second, rows, change)


def _missing(count: int, present: Int64s) -> Int64s:
    absent = np.ones(count, bool)
    absent[present] = False
    return np.flatnonzero(absent)


def _by_name(first: MemoryImage, mine: Int64s, second: MemoryImage, theirs: Int64s) -> NDArray[np.int64]:
    """Pairs of rows of one name, in the order of the rows where a name occurs more than once."""
    if not len(mine) or not len(theirs):
        return np.zeros((0, 2), np.int64)
    known: dict[str, list[int]] = defaultdict(list)
    for row, key in zip(theirs.tolist(), second.places["key"][theirs].tolist(), strict=True):
        known[second.names.name(key)].append(row)
    pairs = []
    for row, key in zip(mine.tolist(), first.places["key"][mine].tolist(), strict=True):
        rows = known.get(first.names.name(key))
        if rows:
            pairs.append((row, rows.pop(0)))
    return np.array(pairs, np.int64).reshape(-1, 2)


def _changes(first: MemoryImage, second: MemoryImage, pairs: NDArray[np.int64]) -> NDArray[np.int8]:
    """The Change of each pair."""
    mine, theirs = first.places[pairs[:, 0]], second.places[pairs[:, 1]]
    change = np.full(len(pairs), Change.SAME, np.int8)
    moved = (mine["offset"] != theirs["offset"]) | (mine["resource"] != theirs["resource"])
    one = first.resources[first.resource_of[pairs[:, 0]]]
    two = second.resources[second.resource_of[pairs[:, 1]]]
    moved |= (one["allocation"] != two["allocation"]) | (one["offset"] != two["offset"])
    change[moved] = Change.MOVED
    change[mine["usage"] != theirs["usage"]] = Change.USED_OTHERWISE
    resized = first.bytes_of[pairs[:, 0]] != second.bytes_of[pairs[:, 1]]
    change[resized | (mine["size"] != theirs["size"])] = Change.RESIZED
    return change
