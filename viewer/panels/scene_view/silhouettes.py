"""Silhouettes of meshes: the edges between what faces an eye and what does not, without drawing anything."""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.assets import AssetLibrary
from engine.planning.draw.rays import Triangles, read_triangles

Doubles = NDArray[np.float64]
Mesh = tuple[int, int]
KEPT_BYTES = 64 << 20
MAX_TRIANGLES = 200_000
"""Meshes with more have no silhouette: finding it would take too long in a frame."""


@dataclass(frozen=True, eq=False)
class Edges:
    """The edges of a mesh.

    Attributes
    ----------
    positions : float64[n, 3]
    ends : int32[e, 2]
        Two positions each.
    faces : int32[e, 2]
        The triangles on both sides; -1 where there is none.
    planes : float64[f, 4]
        Of each triangle: positive times a point in front of it.
    """

    positions: Doubles
    ends: NDArray[np.int32]
    faces: NDArray[np.int32]
    planes: Doubles

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        return sum(each.nbytes for each in (self.positions, self.ends, self.faces, self.planes))

    def silhouette(self, eye: Doubles) -> NDArray[np.bool_]:
        """Which edges an eye [4], a place (x y z 1) or a direction (x y z 0), sees as part of the outline."""
        is_front = np.append(self.planes @ eye > 0.0, np.False_)  # the last one for faces that do not exist
        first, second = self.faces.T
        found: NDArray[np.bool_] = (is_front[first] != is_front[second]) | (second < 0)
        return found


def edges_of(mesh: Triangles) -> Edges:
    """Return the edges of a mesh, whose vertices are one where they are at one place."""
    positions, same = np.unique(mesh.positions, axis=0, return_inverse=True)
    corners = same.reshape(-1)[mesh.corners]
    a, b, c = corners.T
    corners = corners[(a != b) & (b != c) & (c != a)]
    places = positions[corners]
    normals = np.cross(places[:, 1] - places[:, 0], places[:, 2] - places[:, 0])
    planes = np.concatenate((normals, -(normals * places[:, 0]).sum(axis=1)[:, None]), axis=1)
    pairs = np.sort(np.concatenate([corners[:, (i, (i + 1) % 3)] for i in range(3)]), axis=1)
    face = np.tile(np.arange(len(corners)), 3)
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    pairs, face = pairs[order], face[order]
    starts = np.flatnonzero(np.append(True, (pairs[1:] != pairs[:-1]).any(axis=1)))[: len(pairs)]
    counts = np.diff(np.append(starts, len(pairs)))
    other = np.where(counts > 1, face[np.minimum(starts + 1, max(len(face) - 1, 0))], -1)
    faces = np.stack((face[starts], other), axis=1)
    return Edges(positions, pairs[starts].astype(np.int32), faces.astype(np.int32), planes)


class SilhouetteMeshes:
    """Reads the edges of meshes on a thread of its own, and keeps KEPT_BYTES of them. Close it."""

    def __init__(self, library: AssetLibrary) -> None:
        self._library = library
        self._kept: OrderedDict[Mesh, Edges | None] = OrderedDict()
        self._coming: dict[Mesh, Future[Edges | None]] = {}
        self._pool: ThreadPoolExecutor | None = None

    @property
    def pending(self) -> bool:
        """Whether meshes are being read."""
        return bool(self._coming)

    def find(self, mesh: Mesh) -> Edges | None:
        """Return the edges of a mesh by its keys; None while they are read, or where there are none."""
        if mesh in self._kept:
            self._kept.move_to_end(mesh)
            return self._kept[mesh]
        future = self._coming.get(mesh)
        if future is None:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(1, "silhouettes")
            self._coming[mesh] = self._pool.submit(self._read, mesh)
        elif future.done():
            del self._coming[mesh]
            self._kept[mesh] = future.result() if future.exception() is None else None
            self._drop()
            return self._kept[mesh]
        return None

    def close(self) -> None:
        """Wait for the thread."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _read(self, mesh: Mesh) -> Edges | None:
        """Read the edges of a mesh; None for one without triangles, or with too many."""
        triangles = read_triangles(self._library, *mesh)
        return edges_of(triangles) if 0 < len(triangles.corners) <= MAX_TRIANGLES else None

    def _drop(self) -> None:
        total = sum(edges.nbytes for edges in self._kept.values() if edges is not None)
        while total > KEPT_BYTES and len(self._kept) > 1:
            _, gone = self._kept.popitem(last=False)
            total -= gone.nbytes if gone is not None else 0
