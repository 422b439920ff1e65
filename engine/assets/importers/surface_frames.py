"""Normals and tangents of triangle meshes that have none, for whole arrays.

Normals are the mean of the triangles around a place, weighted by their angles there (Thürmer and Wüthrich,
"Computing Vertex Normals from Polygonal Facets", 1998): smooth over seams of other attributes. Tangents are
those of MikkTSpace (Mikkelsen, "Simulation of Wrinkled Surfaces Revisited", 2008), in which normal maps are
baked: the corners of a vertex that are joined by edges, and whose texture is mirrored alike, have one
tangent, the mean of their triangles' directions in the vertex's plane, weighted by angle. A vertex with
several is split. Texture coordinates count downwards, so v is turned first: `cross(normal, tangent) * w`
points up in the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.assets.formats import Topology

Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_SMALLEST = 1e-30


@dataclass(frozen=True, slots=True)
class Tangents:
    """Tangents of the vertices of a mesh, some of which were split.

    Attributes
    ----------
    tangents : float64[vertices, 4]
        Direction, of length 1, and handedness w: 1, or -1 where the texture is mirrored.
    vertices : int64[vertices]
        The vertex of the source that each is a copy of: first all of them, then the copies.
    indices : int64[n]
        The indices of the triangle list, with the copies.
    """

    tangents: Doubles
    vertices: Ints
    indices: Ints


def triangles_of(indices: Ints, topology: Topology) -> Ints:
    """Return the corners of the triangles, int64[n, 3], all turned alike; none for lines and points."""
    if topology is Topology.TRIANGLE_LIST:
        return indices[: len(indices) // 3 * 3].reshape(-1, 3)
    if topology is not Topology.TRIANGLE_STRIP or len(indices) < 3:
        return np.zeros((0, 3), np.int64)
    corners = np.stack((indices[:-2], indices[1:-1], indices[2:]), axis=1)
    corners[1::2] = corners[1::2, [1, 0, 2]]
    return corners


def smooth_normals(positions: Doubles, triangles: Ints) -> Doubles:
    """Return the normals of vertices, float64[n, 3] of length 1; upwards where no triangle says otherwise."""
    place = _welded(positions)
    corners = positions[triangles]
    faces = _unit(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]))
    weights = _angles(corners)
    sums = np.zeros((int(place.max(initial=-1)) + 1, 3))
    for corner in range(3):
        np.add.at(sums, place[triangles[:, corner]], faces * weights[:, corner, None])
    normals = _unit(sums)[place]
    normals[(normals == 0).all(axis=1)] = (0.0, 1.0, 0.0)
    return normals


def tangents_of(positions: Doubles, normals: Doubles, uv: Doubles, indices: Ints) -> Tangents:
    """Return the tangents of a triangle list, by positions and normals [n, 3] and texture coordinates [n, 2].

    Where a triangle has no extent in the texture, it joins those around it, and its corners have their
    tangent; where there is none, any direction of the surface.
    """
    triangles = triangles_of(indices, Topology.TRIANGLE_LIST)
    normals = _unit(normals)
    vertex = _welded(np.concatenate((positions, normals, uv), axis=1))[triangles]
    direction, mirrored, has_extent = _directions(positions[triangles], uv[triangles])
    kind = _kinds(vertex, mirrored, has_extent)
    group = _groups(vertex, kind, has_extent)
    n = normals[triangles]
    along = _unit(direction[:, None] - n * (n * direction[:, None]).sum(axis=2, keepdims=True))
    weighted = (along * _angles(positions[triangles], n)[..., None]).reshape(-1, 3)
    sums = np.zeros((triangles.size, 3))
    counted = np.repeat(has_extent, 3)
    np.add.at(sums, group[counted], weighted[counted])
    handed = np.where(np.repeat(kind == 1, 3), -1.0, 1.0)
    found = np.concatenate((_unit(sums)[group], handed[group, None]), axis=1)
    _fill(found, n.reshape(-1, 3))
    return _split(triangles.reshape(-1), group, found, normals)


def _welded(rows: Doubles) -> Ints:
    """Return a number for each row, equal for equal rows."""
    exact = np.ascontiguousarray(rows + 0.0)  # of -0 and 0 one
    keys = exact.view(np.dtype((np.void, exact.dtype.itemsize * exact.shape[1]))).ravel()
    return np.unique(keys, return_inverse=True)[1].astype(np.int64).ravel()


def _directions(
    corners: Doubles, uv: Doubles
) -> tuple[Doubles, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return where u rises on each triangle (length 1), whether it is mirrored, whether it has an extent."""
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    s, t = uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]
    s, t = s * (1.0, -1.0), t * (1.0, -1.0)  # v counts upwards from here
    area = s[:, 0] * t[:, 1] - s[:, 1] * t[:, 0]
    mirrored = area < 0
    direction = t[:, 1, None] * first - s[:, 1, None] * second
    direction = _unit(np.where(mirrored[:, None], -direction, direction))
    return direction, mirrored, (np.abs(area) > _SMALLEST) & direction.any(axis=1)


def _kinds(vertex: Ints, mirrored: npt.NDArray[np.bool_], has_extent: npt.NDArray[np.bool_]) -> Ints:
    """Return the kind of each triangle: 0, or 1 where the texture is mirrored, or a number of its own from 2
    on.

    One without an extent in the texture is of the kind of the first triangle that edges lead to. Those with a
    corner twice join none.
    """
    count = len(vertex)
    kind = np.where(has_extent, mirrored.astype(np.int64), 2 + np.arange(count))
    lacking = ~has_extent & (vertex != np.roll(vertex, 1, axis=1)).all(axis=1)
    if not lacking.any():
        return kind
    ends = _ends(vertex)
    order = np.lexsort(ends.T)
    joined = np.flatnonzero((ends[order[1:]] == ends[order[:-1]]).all(axis=1))
    pairs = np.stack((order[joined], order[joined + 1]), axis=1) // 3
    pairs = np.concatenate((pairs, pairs[:, ::-1]))
    pairs = pairs[lacking[pairs[:, 0]]]
    first = np.where(has_extent, np.arange(count), count)
    while True:
        before = first.copy()
        np.minimum.at(first, pairs[:, 0], before[pairs[:, 1]])
        if np.array_equal(first, before):
            break
    found = lacking & (first < count)
    kind[found] = kind[first[found]]
    return kind


def _ends(vertex: Ints) -> Ints:
    """Return the vertices at the ends of each edge, the lower first, int64[3 n, 2]."""
    return np.sort(np.stack((vertex, np.roll(vertex, -1, axis=1)), axis=2), axis=2).reshape(-1, 2)


def _groups(vertex: Ints, kind: Ints, has_extent: npt.NDArray[np.bool_]) -> Ints:
    """Return a corner that stands for the group of each corner, int64[3 n].

    Corners of one vertex are in one group if edges lead from the triangle of one to that of the other, all of
    one kind. Where none of a group has an extent, it is the first other group at the vertex.
    """
    count = len(vertex)
    corner = np.arange(3 * count).reshape(-1, 3)
    ends = _ends(vertex)
    edges = np.stack((ends[:, 0], ends[:, 1], np.repeat(kind, 3)), axis=1)
    order = np.lexsort(edges.T)
    joined = np.flatnonzero((edges[order[1:]] == edges[order[:-1]]).all(axis=1))
    one, other = order[joined], order[joined + 1]
    pairs = []
    for end in (0, 1):  # of each end of a shared edge the corners of both triangles
        at = np.stack((corner, np.roll(corner, -1, axis=1)), axis=2).reshape(-1, 2)
        low_first = (vertex <= np.roll(vertex, -1, axis=1)).reshape(-1)
        chosen = np.where(low_first, at[:, end], at[:, 1 - end])
        pairs.append(np.stack((chosen[one], chosen[other]), axis=1))
    group = _components(3 * count, np.concatenate(pairs))
    flat, extent = vertex.reshape(-1), np.repeat(has_extent, 3)
    first = np.full(int(flat.max(initial=-1)) + 1, 3 * count)
    np.minimum.at(first, flat[extent], group[extent])
    alone = np.ones(3 * count, np.bool_)
    alone[group[extent]] = False
    lacking = alone[group] & (first[flat] < 3 * count)
    group[lacking] = first[flat[lacking]]
    return group


def _components(count: int, pairs: Ints) -> Ints:
    """Return the least member of the connected component of each of so many things."""
    label = np.arange(count)
    while len(pairs):
        low = np.minimum(label[pairs[:, 0]], label[pairs[:, 1]])
        before = label.copy()
        np.minimum.at(label, label[pairs[:, 0]], low)
        np.minimum.at(label, label[pairs[:, 1]], low)
        np.minimum.at(label, pairs.reshape(-1), np.repeat(low, 2))
        while True:
            shorter = label[label]
            if np.array_equal(shorter, label):
                break
            label = shorter
        if np.array_equal(label, before):
            break
    return label


def _split(corners: Ints, group: Ints, found: Doubles, normals: Doubles) -> Tangents:
    """Give each vertex the tangent of its first group, and each further group a copy of the vertex."""
    count = len(normals)
    pairs, inverse = np.unique(corners * len(corners) + group, return_inverse=True)
    inverse = inverse.ravel()
    owner = pairs // max(len(corners), 1)
    is_first = np.diff(owner, prepend=-1) != 0
    number = np.empty(len(pairs), np.int64)
    number[is_first] = owner[is_first]
    copies = np.flatnonzero(~is_first)
    number[copies] = count + np.arange(len(copies))
    tangents = np.zeros((count + len(copies), 4))
    tangents[:, 3] = 1.0
    tangents[number[inverse]] = found
    vertices = np.concatenate((np.arange(count), owner[copies]))
    _fill(tangents, normals[vertices])
    return Tangents(tangents, vertices, number[inverse])


def _fill(tangents: Doubles, normals: Doubles) -> None:
    """Give those of no length a direction at right angles to the normal."""
    lacking = np.flatnonzero((tangents[:, :3] == 0).all(axis=1))
    n = normals[lacking]
    axis = np.where(np.abs(n[:, :1]) < 0.9, (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    tangents[lacking, :3] = _unit(axis - n * (n * axis).sum(axis=1, keepdims=True))


def _angles(corners: Doubles, normals: Doubles | None = None) -> Doubles:
    """Return the angles of triangles at their corners, [n, 3], in the planes of `normals` there."""
    before = np.roll(corners, 1, axis=1) - corners
    after = np.roll(corners, -1, axis=1) - corners
    if normals is not None:
        before = before - normals * (normals * before).sum(axis=2, keepdims=True)
        after = after - normals * (normals * after).sum(axis=2, keepdims=True)
    cosine = (_unit(before) * _unit(after)).sum(axis=2)
    angles: Doubles = np.arccos(np.clip(cosine, -1.0, 1.0))
    return angles


def _unit(vectors: Doubles) -> Doubles:
    """Return vectors of length 1, and 0 for those without a length."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: Doubles = np.where(length > _SMALLEST, vectors / np.maximum(length, _SMALLEST), 0.0)
    return unit
