"""The views of a light for its shadow maps: of all casters if they are near each other, else of what is seen.

Positions are measured along the light's own axes from the light's own place, in double precision: a map whose
place is rounded to whole texels has the same texels while the camera moves, wherever the scene is. This is
plain Python, as numpy is slow for so few numbers.

Several maps are cascades, each for a part of the view that is three times as long as the one before. They are
a window in an endless row of such parts, which begins behind those in which no shadow falls. So no map grows:
the first part leaves the window and another one comes, while what these two show is mixed with what their
neighbours show, by how far away the shadows are. One map alone has no neighbours, and grows in steps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.feature import Box, FrameView
from engine.feature.frame import Lens, Point
from features._shadow_maps import SHADOW_TEXELS

CASCADE_RATIO = 3.0
"""How much farther a cascade reaches than the one before."""

MARGIN = 1.04
"""The width of the shadow map relative to the casters' box, so that filtering never reaches its border."""

SMALL = 2.0
"""Half the width in metres up to which a map is as wide as the casters' box: its texels are not seen."""

FADE = 8.0
"""One over the part of the map's half width in which shadows fade, where casters may lie beyond it."""

NO_FADE = 1e6

LONGEST = 4.0
"""The length of a shadow, in distances up to which shadows fall, that is looked for before the casters."""

STEPS = 16
ROUNDED = 1.06
"""The grid of the ball's centre, in parts of its radius, and how much larger the ball is for its rounding."""

Axes = tuple[list[float], list[float], list[float]]
Ball = tuple[Point, float]
"""A centre in the world, and a radius in metres."""


@dataclass(frozen=True, eq=False)
class ShadowView:
    """The matrix [4, 4] from the frame's space to the map, a texel in metres, how fast shadows fade."""

    matrix: npt.NDArray[np.float32]
    texel: float
    fade: float


class _Casters(NamedTuple):
    """The box of all casters, half the width of a map for them, and the place and third axis of the light."""

    low: list[float]
    high: list[float]
    side: float
    place: Point
    back: list[float]


def shadow_views(
    place: Point, axes: Axes, casters: Box | None, frame: FrameView, distance: float, count: int
) -> tuple[list[ShadowView], float]:
    """Fit `count` maps of a light, with its place in the world and its axes, to what casts and what is seen.

    Returns the maps, nearest first, and how far the window of several is on its way to the next place, from
    0 to 2: up to 1 it is how much the last map shows, and from there on the first one shows 2 minus it.

    A map holds all casters, whatever the camera does, where they fit into its part of the view; the last part
    ends `distance` metres from the eye. Else the map holds a ball around that part, and what casts above and
    below it. Places are rounded to texels. Widths depend on the lens and the distance alone, or they grow in
    steps: with the casters' box, and that of one map alone with the distance of all shadows. The light shines
    against the third axis.
    """
    if casters is None:
        low, high = [p - 1.0 for p in place], [p + 1.0 for p in place]
    else:
        low, high = casters[0].tolist(), casters[1].tolist()
    half = [(b - a) / 2 for a, b in zip(low, high, strict=True)]
    centre = [(a + b) / 2 for a, b in zip(low, high, strict=True)]
    middle = [_along(axis, centre, place) for axis in axes]
    spread = [abs(a) * half[0] + abs(b) * half[1] + abs(c) * half[2] for a, b, c in axes]
    lens, side = frame.lens, max(2 * max(spread[:2]), 1e-3) * MARGIN / 2
    around = _Casters(low, high, side, place, axes[2])
    balls, moved_on = _balls(frame, lens, distance, count, around) if lens is not None else ([], 1.0)
    found = []
    for seen, radius in balls:
        at = [_along(axis, seen, place) for axis in axes]
        # All casters, in depth: what were cut off below the ball would leave holes in the shadows there.
        least, most = min(middle[2] - spread[2], at[2] - radius), max(middle[2] + spread[2], at[2] + radius)
        at = [*_on_texels(at, radius), (least + most) / 2]
        found.append(_view(frame, place, axes, at, radius, (most - least) / 2, FADE))
    if len(found) < count:
        if side > SMALL and lens is not None:
            side = _in_steps(side, lens, distance)
            middle = [*_on_texels(middle, side), middle[2]]
        deep = max(2 * spread[2], 1e-3) * MARGIN / 2
        found += [_view(frame, place, axes, middle, side, deep, NO_FADE)] * (count - len(found))
    return found, moved_on


def _view(
    frame: FrameView,
    place: Point,
    axes: Axes,
    middle: Sequence[float],
    side: float,
    deep: float,
    fade: float,
) -> ShadowView:
    """Return the view around a place on the axes, with half its width and half its depth."""
    origin = frame.origin.tolist()
    to_origin = [_along(axis, origin, place) - m for axis, m in zip(axes, middle, strict=True)]
    scale = (1.0 / side, -1.0 / side, 0.5 / deep)  # clip y points down, depth is reversed
    rows = [[axis[i] * s for axis, s in zip(axes, scale, strict=True)] + [0.0] for i in range(3)]
    moved = [t * s for t, s in zip(to_origin, scale, strict=True)]
    rows.append([moved[0], moved[1], moved[2] + 0.5, 1.0])
    return ShadowView(np.array(rows, np.float32), 2 * side / SHADOW_TEXELS, fade)


def _on_texels(at: Sequence[float], side: float) -> tuple[float, float]:
    """Round a place across the light to texels of a map, of half a width."""
    texel = 2 * side / SHADOW_TEXELS
    return round(at[0] / texel) * texel, round(at[1] / texel) * texel


def _in_steps(side: float, lens: Lens, distance: float) -> float:
    """Return half the width of a map for all casters, which is to stay the same while one of them moves.

    It is never more than the ball around the view needs, where they fit into that: then the map keeps its
    texels when they fit into it no more.
    """
    _, _, needed = _part(lens, distance)
    stepped = _stepped(side, 4)
    return min(stepped, needed * ROUNDED) if side <= needed * ROUNDED else stepped


def _stepped(side: float, steps: int) -> float:
    """Round half a width up, so that there are so many steps up to twice as much."""
    stepped: float = 2 ** (math.ceil(steps * math.log2(side) - 1e-9) / steps)
    return stepped


def _balls(
    frame: FrameView, lens: Lens, distance: float, count: int, casters: _Casters
) -> tuple[list[Ball], float]:
    """Return the balls of the maps before the first that holds all casters, and how far the window is."""
    if count > 1 and lens.spread > 0.0:
        return _window(frame, lens, distance, count, casters)
    found = []
    for number in range(count):
        ball = _ball_of_view(frame, lens, distance / CASCADE_RATIO ** (count - 1 - number), casters)
        if ball is None:
            break
        found.append(ball)
    return found, 1.0


def _window(
    frame: FrameView, lens: Lens, distance: float, count: int, casters: _Casters
) -> tuple[list[Ball], float]:
    """Return what `_balls` does, of several maps of a view whose pixels are larger the farther away.

    The window moves on where what is without shadow is half as long again as its first part: by then the
    second map shows all. That is half of the new first part; until it is all of it, the last map appears.
    """
    reach = distance / CASCADE_RATIO ** (count - 1)
    _, _, needed = _part(lens, reach)
    if casters.side <= needed * ROUNDED:
        return [], 1.0
    halves = 2 * _without_shadow(frame, lens, distance, casters, needed / STEPS) / reach
    first = math.floor(math.log(max(halves, 1.0), CASCADE_RATIO))
    moved_on = halves / CASCADE_RATIO**first - 1
    found: list[Ball] = []
    for number in range(first, first + count):
        _, along, needed = _part(lens, reach * CASCADE_RATIO**number)
        if casters.side <= needed * ROUNDED:
            break
        found.append((frame.ahead(along, needed / STEPS, casters.place), needed * ROUNDED))
    # The last one shows all where nothing has left the window, and where it holds what the one before holds.
    return found, max(moved_on, 1.0) if first == 0 or len(found) < count - 1 else moved_on


def _without_shadow(frame: FrameView, lens: Lens, distance: float, casters: _Casters, step: float) -> float:
    """Return how many metres of the view, along it from the eye, are before the casters and their shadows.

    These are the casters' box and the shadows on its own floor. The eye is on a grid of `step` metres.
    """
    low, high, back = casters.low, casters.high, casters.back
    shadow = min((high[1] - low[1]) / max(abs(back[1]), 1e-6), LONGEST * distance)
    low = [a - max(b, 0.0) * shadow for a, b in zip(low, back, strict=True)]
    high = [a - min(b, 0.0) * shadow for a, b in zip(high, back, strict=True)]
    eye = frame.ahead(0.0, step, casters.place)
    away = math.hypot(*(max(a - e, e - b, 0.0) for a, b, e in zip(low, high, eye, strict=True)))
    return away / math.hypot(1.0, lens.spread)


def _ball_of_view(frame: FrameView, lens: Lens, distance: float, casters: _Casters) -> Ball | None:
    """Return the ball around what is seen up to `distance`; None if all casters fit in.

    The centre is rounded to a coarse grid, so that a camera that moves a little changes nothing. Where all
    shadows are far away, the ball is there, larger in steps.
    """
    begin, _, needed = _part(lens, distance)
    step, radius = needed / STEPS, needed * ROUNDED
    if casters.side <= radius:
        return None
    end = begin + max(distance, lens.reach)
    near = begin + _without_shadow(frame, lens, distance, casters, step)
    along, needed = _ball(lens, near, max(end - near, lens.reach + lens.spread * near))
    if needed * ROUNDED > radius:
        radius = _stepped(needed * ROUNDED, 2)
    return (frame.ahead(along, step, casters.place), radius) if casters.side > radius else None


def _part(lens: Lens, distance: float) -> tuple[float, float, float]:
    """Return where the view up to `distance` begins, and its `_ball`."""
    length = max(distance, lens.reach)
    begin = max(lens.begin, -length / 2)
    return begin, *_ball(lens, begin, length)


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
