"""Allocations as strips of bytes, for the map of an event: what they are used for, what is new, what is free.

A strip is worked out pixel by pixel, so drawing it costs what its width costs, however many places are in it.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from engine.plan.terms.table import Int64s, contains
from engine.plan.terms.vocabulary import Kind
from viewer.panels.history.memory_image import MemoryImage
from viewer.panels.memory.map.aliasing import clusters
from viewer.panels.memory.map.color_modes import USAGES, usage_codes

FREE = -1
"""The usage of a pixel in which nothing lies."""
Run = tuple[int, int, int, bool]
"""Pixels that are alike: the first, the one after the last, their usage (of USAGES), whether they are new."""


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
        kinds = image.resources["kind"][image.resource_of]
        usages = usage_codes(image.places["usage"], kinds)
        self._usage = usages[self._order]
        self.longest = int(allocations["size"].max(initial=1))
        self.usage_bytes: Int64s = np.bincount(usages, image.bytes_of, len(USAGES)).astype(np.int64)
        self._is_new = np.ones(len(self._order), bool)
        if before is not None:
            self._is_new = _new(image, before)[self._order]
        self.new_bytes = int(self._size[self._is_new].sum())
        self.free_bytes = image.allocated - _covered(image)
        self.is_new_allocation = np.zeros(len(allocations), bool)
        if before is not None:
            ids = before.allocations["id"].astype(np.int64)
            self.is_new_allocation = ~contains(ids, allocations["id"].astype(np.int64))
        self._runs: dict[tuple[int, int], list[Run]] = {}

    def width(self, row: int, room: int) -> int:
        """How many pixels the strip of an allocation takes where the longest one takes `room`: 2 at least."""
        return max(2, room * int(self.image.allocations["size"][row]) // self.longest)

    def runs(self, row: int, width: int) -> list[Run]:
        """The strip of an allocation over so many pixels, without those in which nothing lies."""
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

    def _make(self, row: int, width: int) -> list[Run]:
        """A pixel has the usage of most of what lies in it; it is new where anything in it is."""
        low, high = int(self._bounds[row]), int(self._bounds[row + 1])
        first, last = self._spans(row, width)
        usage, is_new = self._usage[low:high], self._is_new[low:high]
        share = self._size[low:high] / (last - first)  # bytes in each of its pixels
        found, most = np.full(width, FREE), np.zeros(width)
        for code in np.unique(usage).tolist():
            mine = usage == code
            there = _depth(first[mine], last[mine], width) > 0
            weight = _depth(first[mine], last[mine], width, share[mine])
            wins = there & ((weight > most) | (found == FREE))
            found[wins], most[wins] = code, weight[wins]
        new = _depth(first[is_new], last[is_new], width) > 0
        changes = (np.diff(found) != 0) | (np.diff(new.view(np.int8)) != 0)
        cuts = np.concatenate(([0], np.flatnonzero(changes) + 1, [width])).tolist()
        runs = ((a, b, int(found[a]), bool(new[a])) for a, b in itertools.pairwise(cuts))
        return [run for run in runs if run[2] != FREE]

    def _spans(self, row: int, width: int) -> tuple[Int64s, Int64s]:
        """The first pixel of each place of an allocation, and the one after its last; one at least."""
        low, high = int(self._bounds[row]), int(self._bounds[row + 1])
        scale = width / max(1, int(self.image.allocations["size"][row]))
        first = np.minimum((self._start[low:high] * scale).astype(np.int64), width - 1)
        last = np.ceil((self._start[low:high] + self._size[low:high]) * scale).astype(np.int64)
        return first, np.clip(last, first + 1, width)


def _covered(image: MemoryImage) -> int:
    """Bytes of allocations in which something lies: whole images, and what of buffers is in use."""
    resources, allocations = image.resources, image.allocations
    is_image = resources["kind"] == Kind.IMAGE
    in_buffer = ~is_image[image.resource_of]
    begin = np.cumsum(allocations["size"]) - allocations["size"]
    base = begin[image.allocation_of] if len(begin) else resources["offset"]
    of_buffers = (base[image.resource_of] + image.start_of)[in_buffer]
    first = np.concatenate([(base + resources["offset"])[is_image], of_buffers])
    size = np.concatenate([resources["size"][is_image], image.bytes_of[in_buffer]])
    _, low, high = clusters(first, first + size)
    return int((high - low).sum())


def _depth(
    first: Int64s, last: Int64s, width: int, weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """The sum of weights, by default of ones, of the spans of pixels that each pixel is in."""
    begin = np.bincount(first, weights, width + 1)
    return np.asarray(np.cumsum(begin - np.bincount(last, weights, width + 1))[:width], np.float64)


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
