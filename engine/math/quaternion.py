"""Unit quaternions (x y z w) for whole arrays: shapes are [..., 4] unless documented otherwise.

They are float64: what is a million metres from a parent moves by 0.1 m with the last bit of a float32.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

_ROUNDING = 1e-15
"""By how much the length of a quaternion differs from 1 through rounding alone."""


def normalize(quaternions: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Scale quaternions [..., 4] to unit length.

    Returns them and a mask [...] of invalid ones (length 0 or not finite), which become the identity. What
    has been normalized stays as it is, bit by bit.
    """
    q = np.asarray(quaternions, np.float64)
    length = np.sqrt(np.asarray(np.einsum("...i,...i->...", q, q)))
    bad = np.asarray(~((length > 1e-20) & (length < np.inf)))  # also where it is NaN
    unit = q / np.where(bad | (np.abs(length - 1) < _ROUNDING), 1.0, length)[..., None]
    if bad.any():
        unit[bad] = (0.0, 0.0, 0.0, 1.0)
    return unit, bad


def multiply(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Return the rotation by b, then by a: [..., 4] with [..., 4]."""
    ax, ay, az, aw = np.moveaxis(np.asarray(a, np.float64), -1, 0)
    bx, by, bz, bw = np.moveaxis(np.asarray(b, np.float64), -1, 0)
    return np.stack(
        (
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
            aw * bw - ax * bx - ay * by - az * bz,
        ),
        axis=-1,
    )


def axis_angle(axis: ArrayLike, angle: ArrayLike) -> NDArray[np.float64]:
    """Return the rotation by `angle` radians [...] about `axis` [..., 3] of any length."""
    direction = np.asarray(axis, np.float64)
    direction = direction / np.linalg.norm(direction, axis=-1, keepdims=True)
    half = np.asarray(angle, np.float64)[..., None] * 0.5
    return np.concatenate((direction * np.sin(half), np.cos(half)), axis=-1)


def euler_xyz_degrees(angles: ArrayLike) -> NDArray[np.float64]:
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
    )


def to_euler_xyz_degrees(quaternions: ArrayLike) -> NDArray[np.float64]:
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
    return np.asarray(np.degrees(angles))


def to_matrix3(quaternions: ArrayLike) -> NDArray[np.float64]:
    """Return rotation matrices [..., 3, 3] as stored (column-major) of unit quaternions [..., 4]."""
    x, y, z, w = np.ascontiguousarray(np.moveaxis(np.asarray(quaternions, np.float64), -1, 0))
    x2, y2, z2 = x + x, y + y, z + z
    xx, yy, zz = x * x2, y * y2, z * z2
    xy, xz, yz = x * y2, x * z2, y * z2
    wx, wy, wz = w * x2, w * y2, w * z2
    m = np.empty((*x.shape, 3, 3))
    m[..., 0, 0], m[..., 0, 1], m[..., 0, 2] = 1 - (yy + zz), xy + wz, xz - wy
    m[..., 1, 0], m[..., 1, 1], m[..., 1, 2] = xy - wz, 1 - (xx + zz), yz + wx
    m[..., 2, 0], m[..., 2, 1], m[..., 2, 2] = xz + wy, yz - wx, 1 - (xx + yy)
    return m


def rotate(quaternions: ArrayLike, vectors: ArrayLike) -> NDArray[np.float32]:
    """Return vectors [..., 3] rotated by unit quaternions [..., 4]."""
    q = np.asarray(quaternions, np.float32)
    v = np.asarray(vectors, np.float32)
    twice = 2 * np.cross(q[..., :3], v)
    return np.asarray(v + q[..., 3:] * twice + np.cross(q[..., :3], twice), np.float32)


def from_matrix3(matrices: ArrayLike) -> NDArray[np.float64]:
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
    return np.asarray(q / np.linalg.norm(q, axis=-1, keepdims=True))


def slerp(a: ArrayLike, b: ArrayLike, t: float) -> NDArray[np.float64]:
    """Return the rotation [4] at `t` (0 to 1) on the shorter arc from a to b, at constant speed."""
    from pyrr import quaternion  # imported when used: see engine.math

    start = np.asarray(a, np.float64)
    end = np.asarray(b, np.float64)
    if np.dot(start, end) < 0:
        end = -end
    return np.asarray(quaternion.slerp(start, end, t), np.float64)
