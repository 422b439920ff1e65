"""The view of a light for its shadow map: of all casters where they are close together, else of what is seen.

Positions are measured along the light's own axes from the light's own place, in double precision: a map whose
place is rounded to whole texels has the same texels while the camera moves, wherever the scene is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.feature import Box, FrameView
from engine.feature.frame import Lens
from engine.math import orthographic_reversed, view_from_world
from features.shadow_caster import SHADOW_TEXELS

MARGIN = 1.04
"""The width of the shadow map relative to the casters' box, so that filtering never reaches its border."""

FADE = 8.0
"""One over the part of the map's half width in which shadows fade, where casters may lie beyond it."""

NO_FADE = 1e6

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ShadowView:
    """The matrix [4, 4] from the frame's space to the map, a texel in metres, how fast shadows fade."""

    matrix: npt.NDArray[np.float32]
    texel: float
    fade: float


def shadow_view(
    light: npt.NDArray[np.float64],
    casters: Box | None,
    receivers: Callable[[], Box | None],
    frame: FrameView,
    distance: float,
) -> ShadowView:
    """Fit the map of a light, given by its world matrix [4, 4], to what casts and what is seen.

    Casters that fit into the part of the view up to `distance` metres are in the map, all of them, whatever
    the camera does. Else the map holds a ball around that part, and what casts on it from above. Its size
    depends on the distance and on the camera's lens alone, or, where all `receivers` are far away, on how far
    they are, in steps; its place is rounded to texels.
    """
    place = light[3, :3]
    axes = light_axes(light)
    turn = axes.astype(np.float64)
    low, high = casters if casters is not None else (place - 1.0, place + 1.0)
    middle, half = ((low + high) / 2 - place) @ turn, (high - low) / 2 @ np.abs(turn)
    around = _around(frame, distance, receivers, float(half[:2].max()))
    if around is None:
        half = np.maximum(2 * half, 1e-3) * (MARGIN / 2)
        side, deep, fade = float(half[:2].max()), float(half[2]), NO_FADE
    else:
        centre, side = around
        texel = 2 * side / SHADOW_TEXELS
        seen = (centre - place) @ turn
        least, most = seen[2] - side, max(middle[2] + half[2], seen[2] + side)
        middle = np.append(np.round(seen[:2] / texel) * texel, (least + most) / 2)
        deep, fade = float(most - least) / 2, FADE
    view = np.identity(4, np.float32)
    view[:3, :3] = axes
    view[3, :3] = (frame.origin - place) @ turn - middle
    matrix = view @ orthographic_reversed(-side, side, -side, side, -deep, deep)
    return ShadowView(matrix, 2 * side / SHADOW_TEXELS, fade)


def light_axes(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Return the upper 3 x 3 of the view matrix of a light: its axes are the columns, it shines along -Z."""
    return view_from_world(light)[:3, :3]


def _around(
    frame: FrameView, distance: float, receivers: Callable[[], Box | None], half: float
) -> tuple[Vector, float] | None:
    """Return centre and radius of the ball around what is seen up to `distance`; None if all casters fit in.

    `half` is half the casters' width. Where everything is farther away, the ball is there, larger in steps.
    """
    lens = frame.lens
    if lens is None:
        return None
    length = max(distance, lens.reach)
    along, least = _ball(lens, lens.begin, length)
    if half <= least:
        return None
    view, box, radius = frame.view, receivers(), least
    assert view is not None
    if box is not None:
        to_middle = ((box[0] + box[1]) / 2 - view.eye) @ view.forward
        near = float(to_middle - (box[1] - box[0]) / 2 @ np.abs(view.forward))
        if near > lens.begin:
            along, radius = _ball(lens, near, max(length, lens.reach + lens.spread * near))
            radius = least * 2 ** (math.ceil(2 * math.log2(max(radius / least, 1.0))) / 2)
    return (view.eye + along * view.forward, radius) if half > radius else None


def _ball(lens: Lens, near: float, length: float) -> tuple[float, float]:
    """Return the distance of the centre from the eye, and the radius, of the ball around a part of a view.

    The part begins at `near` and is `length` long: a frustum, whose ends are circles around the picture's.
    """
    far = near + length
    first, last = lens.reach + lens.spread * near, lens.reach + lens.spread * far
    along = (near + far) / 2 + (last * last - first * first) / (2 * length)
    along = min(max(along, near), far)
    return along, max(math.hypot(along - near, first), math.hypot(far - along, last))
