"""Allocations as strips of bytes, for the map of an event: what stayed, what is new, what is free.

A strip is worked out pixel by pixel, so drawing it costs what its width costs, however many places are in it.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from engine.plan.terms.table import Int64s, contains
from viewer.panels.history.memory_image import MemoryImage

FREE, KEPT, NEW = range(3)
"""The states of a pixel: the most conspicuous of what lies there."""


class MemoryStrips:
    """The strips of an image, beside the image of the event before; rows are indices of allocations."""

    def __init__(self, image: MemoryImage, before: MemoryImage | None) -> None:
        self.image = image
        allocations = image.allocations
        order = np.lexsort((allocations["id"], -allocations["size"], allocations["memory_type"]))
        self.rows: Int64s = order
        home = image.allocation_of[image.resource_of]
        start = image.start_of
        self._order = np.lexsort((start, home))
        self._bounds = np.searchsorted(home[self._order], np.arange(len(allocations) + 1))
        self._start, self._size = start[self._order], image.bytes_of[self._order]
        self._is_new = np.ones(len(self._order), bool)
        if before is not None:
            self._is_new = _new(image, before)[self._order]
        self.is_new_allocation = np.zeros(len(allocations), bool)
        if before is not None:
            ids = before.allocations["id"].astype(np.int64)
            self.is_new_allocation = ~contains(ids, allocations["id"].astype(np.int64))
        self._runs: dict[tuple[int, int], list[tuple[int, int, int]]] = {}

    def runs(self, row: int, width: int) -> list[tuple[int, int, int]]:
        """The strip of an allocation over so many pixels, as (first, after the last, state)."""
        key = row, width
        found = self._runs.get(key)
        if found is None:
            if len(self._runs) > 1024:
                self._runs.clear()
            found = self._runs[key] = self._make(row, width)
        return found

    def places_at(self, row: int, pixel: int, width: int) -> Int64s:
        """The places in a pixel of an allocation's strip, as rows in the image by where they begin.

        There are several where they are narrow, or share bytes.
        """
        first, last = self._spans(row, width)
        low = int(self._bounds[row])
        return self._order[low + np.flatnonzero((first <= pixel) & (pixel < last))]

    def byte_at(self, row: int, pixel: int, width: int) -> int:
        """The first byte of a pixel of an allocation's strip."""
        return pixel * int(self.image.allocations["size"][row]) // width

    def _make(self, row: int, width: int) -> list[tuple[int, int, int]]:
        low, high = int(self._bounds[row]), int(self._bounds[row + 1])
        first, last = self._spans(row, width)
        states = np.zeros(width, np.int8)
        for state, mine in ((KEPT, ~self._is_new[low:high]), (NEW, self._is_new[low:high])):
            depth = np.bincount(first[mine], minlength=width + 1)
            depth = np.cumsum(depth - np.bincount(last[mine], minlength=width + 1))
            states[depth[:width] > 0] = state
        cuts = np.concatenate(([0], np.flatnonzero(np.diff(states)) + 1, [width])).tolist()
        return [(a, b, int(states[a])) for a, b in itertools.pairwise(cuts) if states[a] != FREE]

    def _spans(self, row: int, width: int) -> tuple[Int64s, Int64s]:
        """The first pixel of each place of an allocation, and the one after its last; one at least."""
        low, high = int(self._bounds[row]), int(self._bounds[row + 1])
        scale = width / max(1, int(self.image.allocations["size"][row]))
        first = np.minimum((self._start[low:high] * scale).astype(np.int64), width - 1)
        last = np.ceil((self._start[low:high] + self._size[low:high]) * scale).astype(np.int64)
        return first, np.clip(last, first + 1, width)


def _new(image: MemoryImage, before: MemoryImage) -> NDArray[np.bool_]:
    """Which places were not there before, or elsewhere."""
    keys, known = image.places["key"], before.places["key"]
    if not len(known):
        return np.ones(len(keys), bool)
    at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    same: NDArray[np.bool_] = known[at] == keys
    for name in ("resource", "offset", "footprint"):
        same &= before.places[name][at] == image.places[name]
    return ~same
