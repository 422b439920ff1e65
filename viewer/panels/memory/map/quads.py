"""Rectangles and hatching as the vertices of a draw list, made at once for all of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

VERTEX = np.dtype([("position", np.float32, 2), ("uv", np.float32, 2), ("color", np.uint32)])
"""A vertex as ImGui lays it out."""
Corners = NDArray[np.float32]
"""float32[n, 4, 2]: the corners of quads, in a circle."""
Points = NDArray[np.floating]

_SHORTEST = 1e-3
"""The length of a line in points below which its ends may be one number of float32."""


def rectangles(left: Points, top: Points, right: Points, bottom: Points) -> Corners:
    """The corners of rectangles."""
    corners = np.empty((len(left), 4, 2), np.float32)
    corners[:, 0, 0] = corners[:, 3, 0] = left
    corners[:, 1, 0] = corners[:, 2, 0] = right
    corners[:, 0, 1] = corners[:, 1, 1] = top
    corners[:, 2, 1] = corners[:, 3, 1] = bottom
    return corners


def hatching(
    left: Points,
    top: Points,
    right: Points,
    bottom: Points,
    gap: float,
    line: float,
    *,
    falling: bool = False,
) -> tuple[Corners, NDArray[np.int64]]:
    """Slanted lines (45 degrees) within rectangles: their corners, and the rectangle that each lies in.

    Lines are `gap` points apart and `line` wide; `falling` ones go down to the right. They end where they
    would leave their rectangle.
    """
    left, top, right, bottom = (np.asarray(side, float) for side in (left, top, right, bottom))
    height = bottom - top
    # A line meets the bottom at x = foot and the top at x = foot + height.
    first = np.floor((left - height - line) / gap).astype(np.int64)
    count = np.maximum(np.ceil(right / gap).astype(np.int64) - first, 0)
    owner = np.repeat(np.arange(len(left)), count)
    number = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    foot = (np.repeat(first, count) + number) * gap
    # Between these heights above the bottom its whole width is inside.
    start = np.maximum(0.0, left[owner] - foot)
    end = np.minimum(height[owner], right[owner] - foot - line)
    inside = end - start > _SHORTEST
    owner, foot, start, end = (each[inside] for each in (owner, foot, start, end))
    corners = np.empty((len(owner), 4, 2), np.float32)
    for column, (rise, beside) in enumerate(((start, 0.0), (start, line), (end, line), (end, 0.0))):
        corners[:, column, 0] = foot + rise + beside
        corners[:, column, 1] = (top[owner] + rise) if falling else (bottom[owner] - rise)
    return corners, owner


def packed_colors(colors: NDArray[np.uint8], alpha: int = 255) -> NDArray[np.uint32]:
    """uint8[n, 3] as the 32 bits of draw lists."""
    wide = colors.astype(np.uint32)
    alphas = np.uint32(alpha << 24)
    return np.asarray(wide[:, 0] | wide[:, 1] << 8 | wide[:, 2] << 16 | alphas, np.uint32)


def vertices(corners: Corners, colors: NDArray[np.uint32], uv: tuple[float, float]) -> NDArray[np.void]:
    """Four vertices for each quad; `uv` is a white texel of the font's texture."""
    made = np.empty((len(corners), 4), VERTEX)
    made["position"] = corners
    made["uv"] = uv
    made["color"] = colors[:, None]
    return made.reshape(-1)


def indices(count: int) -> NDArray[np.uint32]:
    """Six indices for each of `count` quads, from 0 on."""
    pattern = np.array([0, 1, 2, 0, 2, 3], np.uint32)
    first = np.arange(count, dtype=np.uint32)[:, None] * np.uint32(4)
    return np.asarray((first + pattern).reshape(-1), np.uint32)
