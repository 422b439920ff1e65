"""The rectangles of the visible part of a map: at most as many as its columns, however many blocks there are.

A row with few tiles in sight is drawn tile by tile. In a row with more, each column of points gets the mean
colour of its bytes, and equal neighbours become one rectangle. So small blocks fade instead of flickering,
and a column shows exactly what it stands for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.plan.terms.table import Int64s
from viewer.panels.memory.map.places import NO_PLACE
from viewer.panels.memory.map.tile_colors import TileColors
from viewer.panels.memory.map.viewport import Viewport

COLUMN = 2.0
"""Points that one mean colour is wide."""
NO_TILE = -1
_SHADES = 0xF0
"""Bits of a mean colour that are kept, so that neighbours that look alike become one rectangle."""
_WIDEST_EXACT = 128
"""Tiles of one row that are drawn one by one, at most."""


@dataclass(frozen=True, eq=False)
class MapPicture:
    """Rectangles in the order in which they are drawn; x in points from the left edge.

    `row` is the allocation row, `tile` the tile or NO_TILE for a mean, `color` uint8[n, 3].
    """

    left: NDArray[np.float64]
    right: NDArray[np.float64]
    row: NDArray[np.int32]
    tile: NDArray[np.int32]
    color: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.left)


def map_picture(colors: TileColors, rows: NDArray[np.int64], viewport: Viewport) -> MapPicture:
    """The rectangles of these allocation rows (ascending) within the width of the viewport."""
    tiles, places = colors.tiles, colors.tiles.places
    base, size = places.bases[rows], places.allocations["size"][rows]
    low = base + np.clip(np.int64(np.floor(viewport.origin)), 0, size)
    far = np.ceil(viewport.origin + viewport.width * viewport.scale)
    high = base + np.clip(np.int64(far), 0, size)
    first = np.searchsorted(tiles.starts, low, side="right") - 1
    last = np.searchsorted(tiles.starts, high, side="left")  # one past the last tile in sight
    count = np.where(high > low, last - first, 0)
    few = count <= min(_WIDEST_EXACT, viewport.width / COLUMN)
    parts = (
        _tile_by_tile(colors, rows[few], first[few], count[few], viewport),
        _column_by_column(colors, rows[~few], viewport),
    )
    return MapPicture(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in MapPicture.__annotations__)
    )


def column_bounds(rows_base: Int64s, rows_size: Int64s, viewport: Viewport) -> Int64s:
    """Where the bytes of each column begin on the line of all bytes: int64[rows, columns + 1].

    The last bound is where those of the last column end; together they are the bytes in sight, each once.
    """
    columns = int(np.ceil(viewport.width / COLUMN))
    edges = np.floor(viewport.origin + np.arange(columns + 1) * (COLUMN * viewport.scale)).astype(np.int64)
    return np.asarray(rows_base[:, None] + np.clip(edges[None, :], 0, rows_size[:, None]), np.int64)


def _tile_by_tile(
    colors: TileColors, rows: NDArray[np.int64], first: Int64s, count: Int64s, viewport: Viewport
) -> MapPicture:
    tiles = colors.tiles
    owner = np.repeat(np.arange(len(rows)), count)
    tile = np.repeat(first - (np.cumsum(count) - count), count) + np.arange(int(count.sum()))
    base = tiles.places.bases[rows][owner]
    ends = tiles.places.bases[rows + 1][owner]
    begin = (np.maximum(tiles.starts[tile], base) - base - viewport.origin) / viewport.scale
    end = (np.minimum(tiles.starts[tile + 1], ends) - base - viewport.origin) / viewport.scale
    begin, end = np.clip(begin, 0.0, viewport.width), np.clip(end, 0.0, viewport.width)
    # A line between blocks where there is room for it; a lone small block stays visible.
    end = np.where(end - begin >= 5.0, end - 1.0, end)
    belongs = tiles.place[tile] != NO_PLACE
    end = np.where(belongs, np.maximum(end, begin + 1.0), end)
    # Blocks after what is free around them, so that a block of a point's width is not painted over.
    order = np.argsort(belongs, kind="stable")
    order = order[(end > begin)[order]]
    return MapPicture(
        begin[order],
        end[order],
        rows[owner][order].astype(np.int32),
        tile[order].astype(np.int32),
        colors.colors[tile[order]],
    )


def _column_by_column(colors: TileColors, rows: NDArray[np.int64], viewport: Viewport) -> MapPicture:
    places = colors.tiles.places
    bounds = column_bounds(places.bases[rows], places.allocations["size"][rows], viewport)
    sums = colors.between(bounds.ravel()).reshape(*bounds.shape, 3)
    size = np.diff(bounds, axis=1)
    mean = np.diff(sums, axis=1) // np.maximum(size, 1)[:, :, None]
    shade = np.minimum((mean.astype(np.uint8) & _SHADES) | (_SHADES ^ 0xFF) >> 1, 0xFF).astype(np.uint8)
    code = (shade[..., 0].astype(np.int32) << 16) | (shade[..., 1].astype(np.int32) << 8) | shade[..., 2]
    code[size == 0] = -1
    begins = np.ones(code.shape, bool)
    begins[:, 1:] = code[:, 1:] != code[:, :-1]
    row, column = np.nonzero(begins)
    columns = code.shape[1] if code.ndim == 2 else 0
    following = np.append(row[1:] * columns + column[1:], len(rows) * columns)
    end = following - row * columns
    end = np.minimum(end, columns)
    keep = code[row, column] >= 0
    row, column, end = row[keep], column[keep], end[keep]
    return MapPicture(
        column * COLUMN,
        np.minimum(end * COLUMN, viewport.width),
        rows[row].astype(np.int32),
        np.full(len(row), NO_TILE, np.int32),
        shade[row, column],
    )
