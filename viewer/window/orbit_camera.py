"""The maths of an orbit camera: orbit, pan, zoom, look and fly as pure functions.

A `View` is a camera relative to its target: target point, yaw, pitch and distance. Every control is a
function from one view to the next; `view_of` makes a view from a transform, `transform_of` a transform from
a view. Axes as everywhere in the engine: right-handed, +Y up, metres, radians, a camera looks along its own
-Z. All coordinates are in the space of the camera's parent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]
Numbers = Sequence[float] | NDArray[np.floating]

PITCH_LIMIT = math.radians(89.0)
CLOSEST = 0.01
FARTHEST = 1.0e6
ORBIT_SPEED = math.pi  # half a turn over the height of the window
LOOK_SPEED = math.pi / 2
FRAME_MARGIN = 1.1  # how much more than a box is shown around it
ZOOM_STEP = 0.9  # factor on the distance per notch of the wheel


@dataclass(frozen=True, slots=True)
class View:
    """A camera by the point that it looks at, in metres and radians."""

    target: Vector
    yaw: float
    pitch: float
    distance: float


def view_of(translation: Numbers, rotation: Numbers, pivot: Numbers) -> View:
    """Return the view of a transform; its target is the point on the line of sight nearest to `pivot`.

    `rotation` is a unit quaternion x y z w. Roll is lost: the first control levels the horizon.
    """
    forward = _rotated(rotation, (0.0, 0.0, -1.0))
    to_pivot = tuple(p - t for p, t in zip(pivot, translation, strict=True))
    distance = sum(a * b for a, b in zip(to_pivot, forward, strict=True))
    if distance < CLOSEST:
        distance = max(math.hypot(*to_pivot), CLOSEST)
    pitch = math.asin(max(-1.0, min(1.0, forward[1])))
    yaw = math.atan2(-forward[0], -forward[2])
    if abs(forward[1]) > 0.9999:  # straight up or down: the yaw is in the right-hand axis alone
        right = _rotated(rotation, (1.0, 0.0, 0.0))
        yaw = math.atan2(-right[2], right[0])
    x, y, z = (float(value) for value in translation)
    target = (x + forward[0] * distance, y + forward[1] * distance, z + forward[2] * distance)
    return View(target, yaw, pitch, distance)


def transform_of(view: View) -> tuple[Vector, Quaternion]:
    """Return a view as (translation, rotation), the rotation a unit quaternion x y z w."""
    forward = forward_of(view)
    x, y, z = (t - f * view.distance for t, f in zip(view.target, forward, strict=True))
    sin_yaw, cos_yaw = math.sin(view.yaw / 2), math.cos(view.yaw / 2)
    sin_pitch, cos_pitch = math.sin(view.pitch / 2), math.cos(view.pitch / 2)
    rotation = (cos_yaw * sin_pitch, sin_yaw * cos_pitch, -sin_yaw * sin_pitch, cos_yaw * cos_pitch)
    return (x, y, z), rotation


def orbit(view: View, right: float, down: float) -> View:
    """Turn around the target by a drag, in units of the window's height."""
    pitch = _clamp(view.pitch - down * ORBIT_SPEED, -PITCH_LIMIT, PITCH_LIMIT)
    return replace(view, yaw=_wrap(view.yaw - right * ORBIT_SPEED), pitch=pitch)


def orbit_about(view: View, right: float, down: float, pivot: Numbers) -> View:
    """Turn as `orbit` does, around a place that stays where it is in the picture, be it not in the middle."""
    turned = orbit(view, right, down)
    away = [float(t - p) for t, p in zip(view.target, pivot, strict=True)]
    target = [float(p) for p in pivot]
    before, after = ((*_axes(each), forward_of(each)) for each in (view, turned))
    for old, new in zip(before, after, strict=True):
        along = sum(a * b for a, b in zip(old, away, strict=True))
        target = [t + along * axis for t, axis in zip(target, new, strict=True)]
    return replace(turned, target=(target[0], target[1], target[2]))


def between(first: View, last: View, share: float) -> View:
    """Return a view on the way between two: 0 the first, 1 the last. It turns the shorter way round."""
    x, y, z = (a + (b - a) * share for a, b in zip(first.target, last.target, strict=True))
    return View(
        (x, y, z),
        _wrap(first.yaw + _wrap(last.yaw - first.yaw) * share),
        first.pitch + (last.pitch - first.pitch) * share,
        first.distance * (last.distance / first.distance) ** share,
    )


def framing(view: View, low: Numbers, high: Numbers, half_size: tuple[float, float, float]) -> View:
    """Return a view in the same direction that shows a box whole.

    `half_size` are half the picture's width and height in metres, at a distance of 1 where the third number
    is 1, and at any where it is 0: there the distance says nothing, and the height is `framed_height`.
    """
    x, y, z = ((float(a) + float(b)) / 2 for a, b in zip(low, high, strict=True))
    radius = _radius(low, high)
    if half_size[2]:
        distance = FRAME_MARGIN * radius / math.sin(math.atan(min(half_size[:2])))
    else:
        distance = max(view.distance, 2.0 * radius)
    return replace(view, target=(x, y, z), distance=_clamp(distance, CLOSEST, FARTHEST))


def framed_height(low: Numbers, high: Numbers, aspect: float) -> float:
    """Return the height in metres of an orthographic picture that shows a box whole.

    `aspect` is the picture's width divided by its height.
    """
    return 2.0 * FRAME_MARGIN * _radius(low, high) / min(1.0, aspect)


def pan(view: View, right: float, down: float, height_at_target: float) -> View:
    """Move sideways so that the point under the mouse stays under it.

    The drag is in units of the window's height; `height_at_target` is the height of the view in metres at
    the distance of the target.
    """
    side, up = _axes(view)
    x, y, z = (
        t + (u * down - s * right) * height_at_target for t, u, s in zip(view.target, up, side, strict=True)
    )
    return replace(view, target=(x, y, z))


def zoom(view: View, notches: float) -> View:
    """Move towards the target by notches of the wheel, or away by negative ones."""
    return replace(view, distance=_clamp(view.distance * ZOOM_STEP**notches, CLOSEST, FARTHEST))


def look(view: View, right: float, down: float) -> View:
    """Turn in place by a drag, in units of the window's height; the eye stays where it is."""
    eye, _ = transform_of(view)
    pitch = _clamp(view.pitch - down * LOOK_SPEED, -PITCH_LIMIT, PITCH_LIMIT)
    turned = replace(view, yaw=_wrap(view.yaw - right * LOOK_SPEED), pitch=pitch)
    forward = forward_of(turned)
    x, y, z = (e + f * view.distance for e, f in zip(eye, forward, strict=True))
    return replace(turned, target=(x, y, z))


def fly(view: View, right: float, up: float, ahead: float, metres: float) -> View:
    """Move eye and target by `metres` along the sum of the directions; no direction, no move."""
    length = math.sqrt(right * right + up * up + ahead * ahead)
    if length == 0.0:
        return view
    side, _ = _axes(view)
    forward = forward_of(view)
    step = metres / length
    x, y, z = (t + (s * right + f * ahead) * step for t, s, f in zip(view.target, side, forward, strict=True))
    return replace(view, target=(x, y + up * step, z))


def forward_of(view: View) -> Vector:
    """Return the unit vector of the viewing direction."""
    cos_pitch = math.cos(view.pitch)
    return (-math.sin(view.yaw) * cos_pitch, math.sin(view.pitch), -math.cos(view.yaw) * cos_pitch)


def _radius(low: Numbers, high: Numbers) -> float:
    return max(math.dist([float(value) for value in low], [float(value) for value in high]) / 2, CLOSEST)


def _axes(view: View) -> tuple[Vector, Vector]:
    side = (math.cos(view.yaw), 0.0, -math.sin(view.yaw))
    sin_pitch = math.sin(view.pitch)
    up = (math.sin(view.yaw) * sin_pitch, math.cos(view.pitch), math.cos(view.yaw) * sin_pitch)
    return side, up


def _rotated(quaternion: Numbers, vector: Vector) -> Vector:
    x, y, z, w = (float(value) for value in quaternion)
    a, b, c = vector
    tx, ty, tz = 2 * (y * c - z * b), 2 * (z * a - x * c), 2 * (x * b - y * a)
    return (a + w * tx + y * tz - z * ty, b + w * ty + z * tx - x * tz, c + w * tz + x * ty - y * tx)


def _clamp(value: float, low: float, high: float) -> float:
    return max(low, min(high, value))


def _wrap(angle: float) -> float:
    return math.remainder(angle, math.tau)
