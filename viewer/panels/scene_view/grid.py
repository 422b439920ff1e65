"""A grid on the ground, y = 0, whose lines come closer as the camera does."""

from __future__ import annotations

import math

import numpy as np
from imgui_bundle import imgui
from numpy.typing import NDArray

from viewer.panels import widgets
from viewer.panels.scene_view.view_space import ViewSpace
from viewer.ui import style

Doubles = NDArray[np.float64]
HALF_LINES = 20
"""Lines to each side of the middle."""
POINTS = 40.0
"""About how far lines are apart in the window, in points, in the middle of the picture."""
_AXES = ((0.86, 0.25, 0.25, 0.8), (0.25, 0.42, 0.90, 0.8))
"""The colours of the axes x and z."""


def grid_step(metres_per_point: float) -> float:
    """Return how far lines are apart in metres: a power of ten that is at least POINTS wide in the window."""
    return 10.0 ** math.ceil(math.log10(max(metres_per_point * POINTS, 1e-6)))


def grid_lines(middle: tuple[float, float], step: float) -> tuple[Doubles, Doubles, Doubles]:
    """Return starts and ends of lines [n, 3] around a place x z, and what share [n] each is seen: 1 at tens.

    The lines lie at multiples of `step`.
    """
    at = np.arange(-HALF_LINES, HALF_LINES + 1)
    parts = []
    for axis in (0, 2):
        across, along = (middle[0], middle[1]) if axis == 0 else (middle[1], middle[0])
        first = round(across / step)
        places = (first + at) * step
        start = np.zeros((len(at), 3))
        start[:, axis] = places
        end = start.copy()
        reach = HALF_LINES * step
        base = round(along / step) * step
        start[:, 2 - axis], end[:, 2 - axis] = base - reach, base + reach
        parts.append((start, end, np.where((first + at) % 10 == 0, 1.0, 0.4)))
    starts, ends, shares = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return starts, ends, shares


def draw_grid(space: ViewSpace, target: Doubles) -> None:
    """Draw the grid around what the camera looks at, below `target`, and the axes x and z."""
    middle = (float(target[0]), float(target[2]))
    step = grid_step(space.metres_per_point(np.array((target[0], 0.0, target[2]))))
    starts, ends, shares = grid_lines(middle, step)
    draw = imgui.get_background_draw_list()
    draw.push_clip_rect(space.place[:2], space.place[2:], True)
    for share in (0.4, 1.0):
        chosen = shares == share
        packed = widgets.color(style.QUIET, share * 0.6)
        for x0, y0, x1, y1 in space.lines(starts[chosen], ends[chosen]).tolist():
            draw.add_line((x0, y0), (x1, y1), packed, 1.0)
    reach = HALF_LINES * step
    for axis, tint in zip((0, 2), _AXES, strict=True):
        start = np.zeros((1, 3))
        start[0, axis] = target[axis] - reach
        end = np.zeros((1, 3))
        end[0, axis] = target[axis] + reach
        for x0, y0, x1, y1 in space.lines(start, end).tolist():
            draw.add_line((x0, y0), (x1, y1), widgets.color(tint), 1.5)
    draw.pop_clip_rect()
