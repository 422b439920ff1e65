"""Object transforms for whole arrays: compose, decompose, invert, apply to points."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.math.quaternion import from_matrix3

Matrices = NDArray[np.float32]

CHUNK = 4096
"""Rows per pass of `compose`: its temporaries and its output (256 KiB) stay in the processor's cache."""


def compose(
    translation: NDArray[np.floating],
    rotation: NDArray[np.floating],
    scale: NDArray[np.float32],
    out: Matrices | None = None,
) -> Matrices:
    """Return stored matrices [n, 4, 4] that scale [n, 3], then rotate (unit [n, 4]), then translate [n, 3].

    `out` is an optional array [n, 4, 4] to write into.
    """
    count = len(translation)
    if out is None:
        out = np.empty((count, 4, 4), np.float32)
    for start in range(0, count, CHUNK):
        rows = slice(start, start + CHUNK)
        _compose(translation[rows], rotation[rows], scale[rows], out[rows])
    return out


def _compose(
    translation: NDArray[np.floating],
    rotation: NDArray[np.floating],
    scale: NDArray[np.float32],
    out: Matrices,
) -> None:
    x, y, z, w = np.ascontiguousarray(rotation.T, np.float32)
    sx, sy, sz = np.ascontiguousarray(scale.T)
    x2, y2, z2 = x + x, y + y, z + z
    xx, yy, zz = x * x2, y * y2, z * z2
    xy, xz, yz = x * y2, x * z2, y * z2
    wx, wy, wz = w * x2, w * y2, w * z2
    one = np.float32(1.0)
    m = out.transpose(1, 2, 0)
    m[0, 0], m[0, 1], m[0, 2] = (one - (yy + zz)) * sx, (xy + wz) * sx, (xz - wy) * sx
    m[1, 0], m[1, 1], m[1, 2] = (xy - wz) * sy, (one - (xx + zz)) * sy, (yz + wx) * sy
    m[2, 0], m[2, 1], m[2, 2] = (xz + wy) * sz, (yz - wx) * sz, (one - (xx + yy)) * sz
    m[:3, 3] = 0.0
    out[:, 3, :3] = translation
    m[3, 3] = 1.0


def inverse(matrices: ArrayLike) -> Matrices:
    """Return inverses of matrices [..., 4, 4], computed in double precision.

    Raises numpy.linalg.LinAlgError for a singular matrix.
    """
    return np.linalg.inv(np.asarray(matrices, np.float64)).astype(np.float32)


def decompose(matrices: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]:
    """Return translation [..., 3], rotation [..., 4], scale [..., 3] of matrices [..., 4, 4] without shear.

    A mirroring matrix gets a negative X scale; if a scale is 0, the rotation is the identity.
    """
    m = np.asarray(matrices, np.float64)
    axes = m[..., :3, :3]
    scale = np.linalg.norm(axes, axis=-1)
    scale[..., 0] = np.copysign(scale[..., 0], np.linalg.det(axes))
    flat = (scale == 0).any(axis=-1)[..., None, None]
    turned = np.where(flat, np.identity(3), axes / np.where(scale == 0, 1.0, scale)[..., None])
    return m[..., 3, :3].copy(), from_matrix3(turned), scale.astype(np.float32)
