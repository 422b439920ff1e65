"""Unit quaternions (x y z w) for whole arrays: shapes are [..., 4] unless documented otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating[Any]]


def identity_quaternion() -> NDArray[np.float32]:
    """Return the identity rotation, 0 0 0 1."""
    return np.array((0.0, 0.0, 0.0, 1.0), np.float32)


def normalize(quaternions: ArrayLike) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Scale quaternions [..., 4] to unit length.

    Returns them and a mask [...] of invalid ones (length 0 or not finite), which become the identity.
    """
    single = np.asarray(quaternions, np.float32)
    squares = np.asarray(np.einsum("...i,...i->...", single, single))
    if squares.size and squares.min() > 1e-12 and squares.max() < 1e12:  # false for NaN
        return single / np.sqrt(squares)[..., None], np.zeros(squares.shape, np.bool_)
    q = np.asarray(quaternions, np.float64)
    length = np.sqrt(np.einsum("...i,...i->...", q, q))
    bad = ~(np.isfinite(length) & (length > 1e-20))
    unit = q / np.where(bad, 1.0, length)[..., None]
    unit[bad] = (0.0, 0.0, 0.0, 1.0)
    return unit.astype(np.float32), bad


def multiply(a: ArrayLike, b: ArrayLike) -> NDArray[np.float32]:
    """Return the rotation by b, then by a: [..., 4] with [..., 4]."""
    ax, ay, az, aw = np.moveaxis(np.asarray(a, np.float32), -1, 0)
    bx, by, bz, bw = np.moveaxis(np.asarray(b, np.float32), -1, 0)
    return np.stack(
        (
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
            aw * bw - ax * bx - ay * by - az * bz,
        ),
        axis=-1,
    )


def axis_angle(axis: ArrayLike, angle: ArrayLike) -> NDArray[np.float32]:
    """Return the rotation by `angle` radians [...] about `axis` [..., 3] of any length."""
    direction = np.asarray(axis, np.float64)
    direction = direction / np.linalg.norm(direction, axis=-1, keepdims=True)
    half = np.asarray(angle, np.float64)[..., None] * 0.5
    return np.concatenate((direction * np.sin(half), np.cos(half)), axis=-1).astype(np.float32)


def euler_xyz_degrees(angles: ArrayLike) -> NDArray[np.float32]:
    """Return the rotation about X, then Y, then Z of the parent's axes, by degrees [..., 3]."""
    half = np.radians(np.asarray(angles, np.float64)) * 0.5
    sx, sy, sz = np.moveaxis(np.sin(half), -1, 0)
    cx, cy, cz = np.moveaxis(np.cos(half), -1, 0)
    return np.stack(
        (
            sx * cy * cz - cx * sy * sz,
            cx * sy * cz + sx * cy * sz,
            cx * cy * sz - sx * sy * cz,
            cx * cy * cz + sx * sy * sz,
        ),
        axis=-1,
    ).astype(np.float32)


def to_euler_xyz_degrees(quaternions: ArrayLike) -> NDArray[np.float32]:
    """Return degrees [..., 3] about X, then Y, then Z for these rotations; at Y = ±90 the X angle is 0."""
    x, y, z, w = np.moveaxis(np.asarray(quaternions, np.float64), -1, 0)
    sine = np.clip(2 * (w * y - x * z), -1.0, 1.0)
    locked = np.abs(sine) > 1 - 1e-7
    about_x = np.where(locked, 0.0, np.arctan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y)))
    about_z = np.where(
        locked,
        np.arctan2(-2 * (x * y - w * z), 1 - 2 * (x * x + z * z)),
        np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)),
    )
    angles = np.stack((about_x, np.arcsin(sine), about_z), axis=-1)
    return np.asarray(np.degrees(angles), np.float32)


def to_matrix3(quaternions: ArrayLike) -> NDArray[np.float32]:
    """Return rotation matrices [..., 3, 3] as stored (column-major) of unit quaternions [..., 4]."""
    x, y, z, w = np.moveaxis(np.asarray(quaternions, np.float32), -1, 0)
    one, two = np.float32(1.0), np.float32(2.0)
    rows = (
        (one - two * (y * y + z * z), two * (x * y + w * z), two * (x * z - w * y)),
        (two * (x * y - w * z), one - two * (x * x + z * z), two * (y * z + w * x)),
        (two * (x * z + w * y), two * (y * z - w * x), one - two * (x * x + y * y)),
    )
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def rotate(quaternions: ArrayLike, vectors: ArrayLike) -> NDArray[np.float32]:
    """Return vectors [..., 3] rotated by unit quaternions [..., 4]."""
    q = np.asarray(quaternions, np.float32)
    v = np.asarray(vectors, np.float32)
    twice = 2 * np.cross(q[..., :3], v)
    return np.asarray(v + q[..., 3:] * twice + np.cross(q[..., :3], twice), np.float32)


def from_matrix3(matrices: ArrayLike) -> NDArray[np.float32]:
    """Return unit quaternions [..., 4] of stored rotation matrices [..., 3, 3].

    Each row of `outer` is the quaternion times one of its components; the row of the largest is used, which
    avoids dividing by a small number (Shepperd, "Quaternion from rotation matrix", 1978). pyrr's version
    loses the sign of w in some octants.
    """
    m = np.asarray(matrices, np.float64)
    trace = m[..., 0, 0] + m[..., 1, 1] + m[..., 2, 2]
    outer = np.empty((*trace.shape, 4, 4))
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        outer[..., i, i] = 1 - trace + 2 * m[..., i, i]
        outer[..., i, j] = outer[..., j, i] = m[..., i, j] + m[..., j, i]
        outer[..., i, 3] = outer[..., 3, i] = m[..., j, k] - m[..., k, j]
    outer[..., 3, 3] = 1 + trace
    largest = np.argmax(np.diagonal(outer, axis1=-2, axis2=-1), axis=-1)
    q = np.take_along_axis(outer, largest[..., None, None], axis=-2)[..., 0, :]
    return np.asarray(q / np.linalg.norm(q, axis=-1, keepdims=True), np.float32)


def slerp(a: ArrayLike, b: ArrayLike, t: float) -> NDArray[np.float32]:
    """Return the rotation [4] at `t` (0 to 1) on the shorter arc from a to b, at constant speed."""
    from pyrr import quaternion  # imported when used: see engine.math

    start = np.asarray(a, np.float64)
    end = np.asarray(b, np.float64)
    if np.dot(start, end) < 0:
        end = -end
    return np.asarray(quaternion.slerp(start, end, t), np.float32)
