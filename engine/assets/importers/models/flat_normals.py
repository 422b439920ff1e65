"""Normals of triangles whose corners share nothing, for meshes that have none and are not smooth."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def flat_normals(corners: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return the normals of triangles, three corners [n, 3] each, for each corner (glTF 2.0, 3.7.2.1).

    A triangle without an area has one that points up.
    """
    triangles = corners.reshape(-1, 3, 3).astype(np.float64)
    across = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    length = np.linalg.norm(across, axis=1, keepdims=True)
    normals = np.where(length > 0.0, across / np.where(length > 0.0, length, 1.0), (0.0, 1.0, 0.0))
    return np.repeat(normals.astype(np.float32), 3, axis=0)
