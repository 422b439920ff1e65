"""Treemaps: areas in proportion to bytes, laid out squarified (Bruls, Huizing and van Wijk, 2000)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.plan.terms.table import Int64s
from viewer.panels.memory.map.places import NO_PLACE
from viewer.panels.memory.map.tile_colors import TileColors

Boxes = NDArray[np.float64]
"""float64[n, 4]: left, top, right, bottom."""
MEAN_OF_SMALL = -1
"""In place of a tile: a rectangle that stands for all tiles that would be too small."""


def squarified(sizes: NDArray[np.number], box: tuple[float, float, float, float]) -> Boxes:
    """Divide a box among `sizes` (positive, descending), so that areas are proportional and nearly square.

    Each step fills a strip along the shorter side with as many as keep its worst ratio of sides lowest.
    """
    left, top, right, bottom = box
    found = np.zeros((len(sizes), 4))
    total = float(np.sum(sizes, dtype=np.float64))
    if not len(sizes) or total <= 0 or right <= left or bottom <= top:
        return found
    areas = np.asarray(sizes, np.float64) * ((right - left) * (bottom - top) / total)
    before = np.append(0.0, np.cumsum(areas))
    start = 0
    while start < len(areas):
        is_wide = right - left >= bottom - top
        side = max(bottom - top if is_wide else right - left, 1e-12)
        count = _strip(areas, before, start, side)
        end = start + count
        sums = before[start : end + 1] - before[start]
        depth = sums[-1] / side
        edges = sums / depth if depth > 0 else np.zeros(count + 1)
        strip = found[start:end]
        if is_wide:
            edge = right if end == len(areas) else min(left + depth, right)
            strip[:, 0], strip[:, 2] = left, edge
            strip[:, 1], strip[:, 3] = top + edges[:-1], top + edges[1:]
            left = edge
        else:
            edge = bottom if end == len(areas) else min(top + depth, bottom)
            strip[:, 1], strip[:, 3] = top, edge
            strip[:, 0], strip[:, 2] = left + edges[:-1], left + edges[1:]
            top = edge
        start = end
    return found


def _strip(areas: NDArray[np.float64], before: NDArray[np.float64], start: int, side: float) -> int:
    """How many areas from `start` on make the strip with the lowest worst ratio of sides."""
    reach = 16
    while True:
        end = min(start + reach, len(areas))
        sums = before[start + 1 : end + 1] - before[start]
        worst = np.maximum(
            side * side * areas[start] / (sums * sums), sums * sums / (side * side * areas[start:end])
        )
        rising = np.flatnonzero(worst[1:] > worst[:-1])
        if len(rising):
            return int(rising[0]) + 1
        if end == len(areas):
            return end - start
        reach *= 4


@dataclass(frozen=True, eq=False)
class Treemap:
    """Rectangles of one allocation after the other, in points; `allocation` is the row of each.

    `tile` is a tile, or MEAN_OF_SMALL for `count` tiles of `size` bytes together. `outer` are the boxes of
    the allocations in `rows`.
    """

    boxes: Boxes
    allocation: NDArray[np.int32]
    tile: NDArray[np.int32]
    count: NDArray[np.int64]
    size: Int64s
    color: NDArray[np.uint8]
    rows: NDArray[np.int64]
    outer: Boxes

    def at(self, x: float, y: float) -> int | None:
        """The rectangle at a point; None where there is none."""
        boxes = self.boxes
        hit = (boxes[:, 0] <= x) & (x < boxes[:, 2]) & (boxes[:, 1] <= y) & (y < boxes[:, 3])
        found = np.flatnonzero(hit)
        return int(found[0]) if len(found) else None


def treemap(
    colors: TileColors,
    rows: NDArray[np.int64],
    width: float,
    height: float,
    *,
    most: int = 2000,
    least: float = 20.0,
) -> Treemap:
    """The treemap of these allocation rows.

    At most about `most` tiles get rectangles of their own, each of at least `least` square points: the
    smaller ones of an allocation share one with their mean colour.
    """
    sizes = colors.tiles.places.allocations["size"][rows]
    order = np.argsort(-sizes, kind="stable")
    rows, sizes = rows[order], sizes[order]
    outer = squarified(sizes, (0.0, 0.0, width, height))
    per_point = float(sizes.sum()) / max(width * height, 1.0)
    least_bytes = max(least, width * height / most) * per_point
    parts = [
        _inside(colors, int(row), outer[n], least_bytes)
        for n, row in enumerate(rows.tolist())
        if sizes[n] >= least_bytes
    ]
    small = np.flatnonzero(sizes < least_bytes)
    if len(small):
        parts.append(_whole(colors, rows[small], outer[small]))
    nothing = np.zeros(0, np.int64)
    parts.append((np.zeros((0, 4)), nothing, nothing, nothing, nothing, np.zeros((0, 3), np.uint8)))
    boxes, allocation, tile, count, size, color = (
        np.concatenate([part[column] for part in parts]) for column in range(6)
    )
    return Treemap(boxes, allocation.astype(np.int32), tile.astype(np.int32), count, size, color, rows, outer)


_Part = tuple[Boxes, NDArray[np.int64], NDArray[np.int64], Int64s, Int64s, NDArray[np.uint8]]


def _inside(colors: TileColors, row: int, outer: Boxes, least_bytes: float) -> _Part:
    """The rectangles of one allocation."""
    tiles, bases = colors.tiles, colors.tiles.places.bases
    first = int(np.searchsorted(tiles.starts, bases[row], side="left"))
    last = int(np.searchsorted(tiles.starts, bases[row + 1], side="left"))
    sizes = np.diff(tiles.starts[first : last + 1])
    large = np.flatnonzero(sizes >= least_bytes)
    large = large[np.argsort(-sizes[large], kind="stable")]
    rest = int(sizes.sum() - sizes[large].sum())
    tile, shown, count = large + first, sizes[large], np.ones(len(large), np.int64)
    color = colors.colors[tile]
    if rest:
        whole = colors.between(bases[row : row + 2])
        mean = (whole[1] - whole[0] - (color.astype(np.int64) * shown[:, None]).sum(axis=0)) // rest
        into = int(np.searchsorted(-shown, -rest))
        tile, shown = np.insert(tile, into, MEAN_OF_SMALL), np.insert(shown, into, rest)
        count = np.insert(count, into, len(sizes) - len(large))
        color = np.insert(color, into, mean.astype(np.uint8), axis=0)
    boxes = squarified(shown, (float(outer[0]), float(outer[1]), float(outer[2]), float(outer[3])))
    return boxes, np.full(len(tile), row), tile, count, shown, color


def _whole(colors: TileColors, rows: NDArray[np.int64], outer: Boxes) -> _Part:
    """One rectangle for each of these allocations, which are too small for more."""
    tiles, bases = colors.tiles, colors.tiles.places.bases
    first = np.searchsorted(tiles.starts, bases[rows], side="left")
    count = np.searchsorted(tiles.starts, bases[rows + 1], side="left") - first
    size = bases[rows + 1] - bases[rows]
    mean = (colors.between(bases[rows + 1]) - colors.between(bases[rows])) // np.maximum(size, 1)[:, None]
    tile = np.where(count == 1, first, MEAN_OF_SMALL)
    return outer, rows, tile, count, size, mean.astype(np.uint8)


def is_key(colors: TileColors, tile: int) -> bool:
    """Whether a tile belongs to a key."""
    return tile >= 0 and int(colors.tiles.place[tile]) != NO_PLACE
