"""What part of the map is shown: bytes from left to right, allocations from top to bottom."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NARROWEST = 1 / 24
"""Bytes per point at the closest zoom: 24 points for each byte."""


@dataclass(slots=True)
class Viewport:
    """Zoom and pan of one map; all lengths in points.

    `origin` is the offset in an allocation at the left edge and `scale` the bytes per point, 0 until the map
    is fitted. Each allocation is a row; all rows have the same offset at the same place. `largest` are the
    bytes of the widest row as it was last shown.
    """

    width: float = 1.0
    height: float = 1.0
    origin: float = 0.0
    scale: float = 0.0
    scroll: float = 0.0
    largest: int = 0

    def resize(self, width: float, height: float, largest: int, content_height: float) -> None:
        """Take the size of the drawn area; what was shown whole stays so, when memory comes or goes, too.

        `largest` are the bytes of the widest row.
        """
        was_whole = self.scale == 0.0 or (self.origin == 0.0 and self.scale >= self.largest / self.width)
        self.width, self.height = max(width, 1.0), max(height, 1.0)
        if was_whole:
            self.origin, self.scale = 0.0, max(largest, 1) / self.width
        self.clamp(largest, content_height)

    def clamp(self, largest: int, content_height: float) -> None:
        """Keep the bytes of the widest row and the rows in sight."""
        self.largest = largest
        self.scale = min(max(self.scale, NARROWEST), max(largest, 1) / self.width)
        self.scale = max(self.scale, NARROWEST)
        self.origin = min(max(self.origin, 0.0), max(largest - self.width * self.scale, 0.0))
        self.scroll = min(max(self.scroll, 0.0), max(content_height - self.height, 0.0))

    def byte_at(self, x: float) -> int:
        """The offset of the byte at a distance from the left edge."""
        return math.floor(self.origin + x * self.scale)

    def point_of(self, offset: float) -> float:
        """The distance of an offset from the left edge."""
        return (offset - self.origin) / self.scale

    def zoom(self, x: float, factor: float, largest: int, content_height: float) -> None:
        """Show `factor` times fewer bytes; the byte at `x` stays where it is, as far as there are others."""
        anchor = self.origin + x * self.scale
        widest = max(max(largest, 1) / self.width, NARROWEST)
        self.scale = min(max(self.scale / factor, NARROWEST), widest)
        self.origin = anchor - x * self.scale
        self.clamp(largest, content_height)

    def pan(self, x: float, y: float, largest: int, content_height: float) -> None:
        """Move what is shown by so many points, as a drag does."""
        self.origin -= x * self.scale
        self.scroll -= y
        self.clamp(largest, content_height)

    def frame(self, begin: int, end: int, largest: int, content_height: float) -> None:
        """Zoom so that a range of bytes takes most of the width."""
        self.scale = max((end - begin) / (self.width * 0.8), NARROWEST)
        self.scale = min(self.scale, max(max(largest, 1) / self.width, NARROWEST))
        self.origin = (begin + end) / 2 - self.width * self.scale / 2
        self.clamp(largest, content_height)

    def show(
        self, begin: int, end: int, row: tuple[float, float], largest: int, content_height: float
    ) -> None:
        """Bring a range of bytes and a row (its top and bottom) whole into sight.

        There is no zoom that would make either smaller.
        """
        if (end - begin) < 4 * self.scale:
            self.scale = max((end - begin) / (self.width / 8), NARROWEST)
        middle = (begin + end) / 2
        if not self.origin <= middle <= self.origin + self.width * self.scale or end - begin < self.scale * 8:
            self.origin = middle - self.width * self.scale / 2
        top, bottom = row
        if not self.scroll <= top <= bottom <= self.scroll + self.height:
            self.scroll = (top + bottom - self.height) / 2
        self.clamp(largest, content_height)


@dataclass(frozen=True, eq=False)
class RowLayout:
    """Where each allocation's row lies, with a heading before the first row of each heap; in points."""

    tops: NDArray[np.float64]
    headings: tuple[tuple[int, float], ...]
    """(heap, top of its heading)."""
    row_height: float
    heading_height: float
    height: float

    @staticmethod
    def of(heaps: NDArray[np.int32], row_height: float, heading_height: float) -> RowLayout:
        """Lay out rows whose heaps ascend."""
        count = len(heaps)
        begins = np.ones(count, bool)
        begins[1:] = heaps[1:] != heaps[:-1]
        tops = np.arange(count) * row_height + np.cumsum(begins) * heading_height
        firsts = np.flatnonzero(begins)
        headings = tuple((int(heaps[row]), float(tops[row]) - heading_height) for row in firsts)
        return RowLayout(
            tops, headings, row_height, heading_height, count * row_height + len(firsts) * heading_height
        )

    def visible(self, scroll: float, height: float) -> NDArray[np.int64]:
        """The rows of which a part lies between `scroll` and `scroll + height`."""
        first = int(np.searchsorted(self.tops, scroll - self.row_height, side="right"))
        last = int(np.searchsorted(self.tops, scroll + height, side="left"))
        return np.arange(first, last)

    def row_at(self, y: float) -> int | None:
        """The row at a distance from the top of the first heading; None on a heading or below all."""
        row = int(np.searchsorted(self.tops, y, side="right")) - 1
        return row if row >= 0 and y < self.tops[row] + self.row_height else None
