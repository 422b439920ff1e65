"""The view of a light for its shadow map: of all casters where they are close together, else of what is seen.

Positions are measured along the light's own axes from the light's own place, in double precision: a map whose
place is rounded to whole texels has the same texels while the camera moves, wherever the scene is. This is
plain Python, as numpy is slow for so few numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.feature import Box, FrameView
from engine.feature.frame import Lens, Point
from features._shadow_maps import SHADOW_TEXELS

MARGIN = 1.04
"""The width of the shadow map relative to the casters' box, so that filtering never reaches its border."""

FADE = 8.0
"""One over the part of the map's half width in which shadows fade, where casters may lie beyond it."""

NO_FADE = 1e6

LONGEST = 4.0
"""The length of a shadow, in distances up to which shadows fall, that is looked for before the casters."""

STEPS = 16
ROUNDED = 1.06
"""The grid of the ball's centre, in parts of its radius, and how much larger the ball is for its rounding."""

Axes = tuple[list[float], list[float], list[float]]


@dataclass(frozen=True, eq=False)
class ShadowView:
    """The matrix [4, 4] from the frame's space to the map, a texel in metres, how fast shadows fade."""

    matrix: npt.NDArray[np.float32]
    texel: float
    fade: float


def shadow_view(
    place: Point, axes: Axes, casters: Box | None, frame: FrameView, distance: float
) -> ShadowView:
    """Fit the map of a light, with its place in the world and its axes, to what casts and what is seen.

    Casters that fit into the part of the view up to `distance` metres are in the map, all of them, whatever
    the camera does. Else the map holds a ball around that part, and what casts above and below it. Its size
    depends on the distance and on the camera's lens alone, or, where all shadows are far away, on how far
    they are, in steps; its place is rounded to texels. The light shines against the third axis.
    """
    if casters is None:
        low, high = [p - 1.0 for p in place], [p + 1.0 for p in place]
    else:
        low, high = casters[0].tolist(), casters[1].tolist()
    half = [(b - a) / 2 for a, b in zip(low, high, strict=True)]
    centre = [(a + b) / 2 for a, b in zip(low, high, strict=True)]
    middle = [_along(axis, centre, place) for axis in axes]
    spread = [abs(a) * half[0] + abs(b) * half[1] + abs(c) * half[2] for a, b, c in axes]
    widest = max(spread[:2])
    ball = _ball_of_view(frame, distance, widest, (low, high), place, axes[2])
    if ball is None:
        side, deep, fade = max(2 * widest, 1e-3) * MARGIN / 2, max(2 * spread[2], 1e-3) * MARGIN / 2, NO_FADE
    else:
        seen, side = ball
        texel = 2 * side / SHADOW_TEXELS
        at = [_along(axis, seen, place) for axis in axes]
        # All casters, in depth: what were cut off below the ball would leave holes in the shadows there.
        least, most = min(middle[2] - spread[2], at[2] - side), max(middle[2] + spread[2], at[2] + side)
        middle = [round(at[0] / texel) * texel, round(at[1] / texel) * texel, (least + most) / 2]
        deep, fade = (most - least) / 2, FADE
    to_origin = [_along(axis, frame.origin.tolist(), place) - m for axis, m in zip(axes, middle, strict=True)]
    scale = (1.0 / side, -1.0 / side, 0.5 / deep)  # clip y points down, depth is reversed
    rows = [[axis[i] * s for axis, s in zip(axes, scale, strict=True)] + [0.0] for i in range(3)]
    moved = [t * s for t, s in zip(to_origin, scale, strict=True)]
    rows.append([moved[0], moved[1], moved[2] + 0.5, 1.0])
    return ShadowView(np.array(rows, np.float32), 2 * side / SHADOW_TEXELS, fade)


def _ball_of_view(
    frame: FrameView,
    distance: float,
    widest: float,
    box: tuple[list[float], list[float]],
    place: Point,
    back: list[float],
) -> tuple[Point, float] | None:
    """Return centre and radius of the ball around what is seen up to `distance`; None if all casters fit in.

    `widest` is half the casters' width as the light sees it. The centre is rounded to a coarse grid, so that
    a camera that moves a little changes nothing. Where the casters' box, with the shadows on its own floor,
    is far away, the ball is there, larger in steps.
    """
    lens = frame.lens
    if lens is None:
        return None
    length = max(distance, lens.reach)
    begin = max(lens.begin, -length / 2)
    _, needed = _ball(lens, begin, length)
    step, radius = needed / STEPS, needed * ROUNDED
    if widest <= radius:
        return None
    shadow = min((box[1][1] - box[0][1]) / max(abs(back[1]), 1e-6), LONGEST * distance)
    low = [a - max(b, 0.0) * shadow for a, b in zip(box[0], back, strict=True)]
    high = [a - min(b, 0.0) * shadow for a, b in zip(box[1], back, strict=True)]
    eye = frame.ahead(0.0, step, place)
    away = math.hypot(*(max(a - e, e - b, 0.0) for a, b, e in zip(low, high, eye, strict=True)))
    near = begin + away / math.hypot(1.0, lens.spread)
    along, needed = _ball(lens, near, max(begin + length - near, lens.reach + lens.spread * near))
    radius *= 2 ** (math.ceil(2 * math.log2(max(needed * ROUNDED / radius, 1.0)) - 1e-9) / 2)
    return (frame.ahead(along, step, place), radius) if widest > radius else None


def _ball(lens: Lens, near: float, length: float) -> tuple[float, float]:
    """Return the distance of the centre from the eye, and the radius, of the ball around a part of a view.

    The part begins at `near` and is `length` long: a frustum, whose ends are circles around the picture's.
    """
    far = near + length
    first, last = lens.reach + lens.spread * near, lens.reach + lens.spread * far
    along = (near + far) / 2 + (last * last - first * first) / (2 * length)
    along = min(max(along, near), far)
    return along, max(math.hypot(along - near, first), math.hypot(far - along, last))


def _along(axis: Sequence[float], point: Sequence[float], start: Sequence[float]) -> float:
    """Return how far along an axis a point lies from `start`."""
    return axis[0] * (point[0] - start[0]) + axis[1] * (point[1] - start[1]) + axis[2] * (point[2] - start[2])
