"""Projections into Vulkan's clip space with reversed depth, and views."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Matrix = NDArray[np.float32]

CELL = 64.0
"""Metres between two origins of frames: within so many metres a float32 is exact to 4 micrometres."""

PARALLEL = 1e-6
"""Two directions with a smaller sine between them count as one."""


def perspective_reversed(fov_y: float, aspect: float, near: float, far: float = math.inf) -> Matrix:
    """Return a perspective projection [4, 4] as stored: `fov_y` in radians, infinite far plane by default.

    Depth is 1 at the near plane and 0 at the far one; with an infinite one it is near / distance.
    Raises ValueError for an angle outside (0, pi), an aspect or a near plane that is not above 0, and for
    a far plane that is not behind the near one.
    """
    if not (0 < fov_y < math.pi and aspect > 0 and 0 < near < far):
        raise ValueError(f"no perspective of fov_y {fov_y}, aspect {aspect}, near {near}, far {far}")
    focal = 1.0 / math.tan(fov_y * 0.5)
    m = np.zeros((4, 4), np.float32)
    m[0, 0] = focal / aspect
    m[1, 1] = -focal  # clip y points down
    m[2, 3] = -1.0
    m[2, 2] = 0.0 if far == math.inf else near / (far - near)
    m[3, 2] = near if far == math.inf else near * far / (far - near)
    return m


def orthographic_reversed(
    left: float, right: float, bottom: float, top: float, near: float, far: float
) -> Matrix:
    """Return the parallel projection [4, 4] as stored of a box in view space.

    `near` and `far` are distances along -Z, with depth 1 and 0. `near` may be negative (behind the eye), as
    shadow maps need it.
    Raises ValueError for a box without volume.
    """
    if left == right or bottom == top or near == far:
        raise ValueError("an orthographic box needs a width, a height and a depth")
    m = np.zeros((4, 4), np.float32)
    m[0, 0] = 2.0 / (right - left)
    m[1, 1] = -2.0 / (top - bottom)  # clip y points down
    m[2, 2] = 1.0 / (far - near)
    m[3] = (-(right + left) / (right - left), (top + bottom) / (top - bottom), far / (far - near), 1.0)
    return m


def cube_views(near: float, far: float = math.inf) -> list[Matrix]:
    """Return the matrices [4, 4], as stored, from around a point to the clip space of each face of a cube.

    The faces are those of Vulkan's cubes, in their order: towards +x, -x, +y, -y, +z and -z, each mirrored,
    so that front faces are clockwise in them. `near` and `far` are distances of planes in metres.
    """
    projection = perspective_reversed(math.pi / 2, 1.0, near, far)
    found = []
    for right, up, forward in _FACES:
        view = np.identity(4, np.float32)
        view[:3, :3] = np.array([right, up, [-side for side in forward]]).T
        found.append(np.asarray(view @ projection, np.float32))
    return found


_X, _Y, _Z = (1, 0, 0), (0, 1, 0), (0, 0, 1)
_MINUS_X, _MINUS_Y, _MINUS_Z = (-1, 0, 0), (0, -1, 0), (0, 0, -1)
_FACES = (
    (_MINUS_Z, _Y, _X),
    (_Z, _Y, _MINUS_X),
    (_X, _MINUS_Z, _Y),
    (_X, _Z, _MINUS_Y),
    (_X, _Y, _Z),
    (_MINUS_X, _Y, _MINUS_Z),
)
"""Of each face of a cube: what is to the right, what is up, where it looks (Vulkan 1.3, 16.5.4)."""


def view_from_world(world: ArrayLike) -> Matrix:
    """Return the view matrix [4, 4] of a camera from its world matrix, ignoring scale and shear."""
    right, up, back = unit_axes(world)
    return _view(right, up, back, np.asarray(world, np.float64)[3, :3].tolist())


def unit_axes(world: ArrayLike) -> tuple[list[float], list[float], list[float]]:
    """Return the directions of +X, +Y and +Z of a world matrix, at right angles and of length 1; Z is kept.

    A flat matrix keeps the axes that it has: a direction that is lost is made from the others.
    """
    x, y, z = map(_unit, np.asarray(world, np.float64)[:3, :3].tolist())
    if y and z:
        right = _unit(_cross(y, z), PARALLEL)
        if right:
            return right, _cross(z, right), z
    back = z or _unit(_cross(x, y), PARALLEL) or _unit(_across(y)) or _unit(_across(x)) or [0.0, 0.0, 1.0]
    right = (
        _unit(_cross(y, back), PARALLEL)
        or _unit(_cross(_cross(back, x), back), PARALLEL)
        or _unit(_across(back))
    )
    return right, _cross(back, right), back


def frame_origin(eye: ArrayLike) -> NDArray[np.float64]:
    """Return the origin [3] of a frame seen from `eye` [3]: the nearest corner of a grid of CELL metres.

    It is exact in float32, and rests while the eye moves within a cell.
    """
    corner = [round(value / CELL) * CELL for value in np.asarray(eye, np.float64).tolist()]
    return np.array(corner, np.float32).astype(np.float64)


def look_at(eye: ArrayLike, target: ArrayLike, up: ArrayLike = (0.0, 1.0, 0.0)) -> Matrix:
    """Return the view matrix [4, 4] from `eye` towards `target`.

    Chooses another `up` if it is parallel to the line of sight, and -Z if target and eye are equal.
    """
    from pyrr import matrix44  # imported when used: see engine.math

    start, end, upward = (np.asarray(vector, np.float64) for vector in (eye, target, up))
    sight = end - start
    if not np.linalg.norm(sight) > 0:
        end = start - np.array((0.0, 0.0, 1.0))
        sight = end - start
    if np.linalg.norm(np.cross(sight, upward)) <= 1e-9 * np.linalg.norm(sight):
        upward = np.array((0.0, 0.0, -1.0) if abs(sight[2]) <= abs(sight[1]) else (0.0, 1.0, 0.0))
    return np.asarray(matrix44.create_look_at(start, end, upward), np.float32)


def project(points: ArrayLike, view_projection: ArrayLike) -> NDArray[np.float32]:
    """Return normalized device coordinates [n, 3] of points [n, 3]: x right, y down, depth 1 near to 0 far.

    Points in the plane of the eye (w = 0) give values that are not finite.
    """
    p = np.asarray(points, np.float64)
    m = np.asarray(view_projection, np.float64)
    clip = p @ m[:3] + m[3]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(clip[..., :3] / clip[..., 3:], np.float32)


def _unit(vector: Sequence[float], least: float = 0.0) -> list[float]:
    """Return a vector at length 1; empty if it is not longer than `least`."""
    length = math.hypot(*vector)
    return [value / length for value in vector] if least < length < math.inf else []


def _across(vector: Sequence[float]) -> list[float]:
    """Return a vector perpendicular to this one and to the axis of space that is farthest from it."""
    if not vector:
        return []
    away = min(range(3), key=lambda axis: abs(vector[axis]))
    return _cross([float(axis == away) for axis in range(3)], vector)


def _cross(a: Sequence[float], b: Sequence[float]) -> list[float]:
    """Return the cross product; empty if one of them is."""
    if not (a and b):
        return []
    return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]


def _view(right: Sequence[float], up: Sequence[float], back: Sequence[float], eye: Sequence[float]) -> Matrix:
    (a, b, c), (d, e, f), (g, h, i), (x, y, z) = right, up, back, eye
    moved = -(x * a + y * b + z * c), -(x * d + y * e + z * f), -(x * g + y * h + z * i), 1.0
    return np.array(((a, d, g, 0.0), (b, e, h, 0.0), (c, f, i, 0.0), moved), np.float32)
