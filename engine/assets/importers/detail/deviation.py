"""How far a coarser level of detail is from the mesh that it was made of, in metres.

Each vertex of the mesh is compared with the place nearest to it on the triangles around the vertex that it
was merged into. What differs there is taken as a distance:

- positions, and what morph targets of weight 1 add to them, as they are;
- texture coordinates by how far the picture slides: the length on the mesh that they span around the vertex,
  and at most the one that they span on the average. So at a pole, where a picture is pressed together, they
  count as little as is seen of it;
- normals and colours by the extent of the triangle: half the height of a bump of that slope, and how far a
  colour is seen where another one should be;
- blend weights by how far a vertex is moved from where it should be, while its bones turn by a radian.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from engine.assets.importers.detail.picture_slides import Picture

Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

WITHIN = 0.99
"""The part of the surface whose differences other than in position are within the deviation."""

_MOST, _MOST_PAIRS = 1 << 13, 1 << 17
"""How many vertices of a mesh are compared at most, spread evenly, and with how many triangles."""

_STEPS, _NEARER = 16, 1.0 - 1e-9
"""How often a nearer triangle is looked for at most, and by which part it must be nearer."""

_SLOPE = 0.5


@dataclass(frozen=True, slots=True)
class Surface:
    """What of the vertices of a mesh is seen: each array has a row for each vertex.

    Attributes
    ----------
    positions : float64[n, 3]
    areas : float64[n]
        Of the triangles around each vertex, of which all have the same unit.
    pictures : tuple of Picture
        Texture coordinates.
    deltas : tuple of float64[n, 3]
        Differences of these are lengths in metres: deltas of morph targets.
    slopes : float64[n, k]
        Differences of these are slopes: normals.
    shades : float64[n, k]
        Differences of these are contrasts: colours.
    bones, weights : [n, w]
        Bones that a vertex follows, and how much, of sum 1. w is 0 where there are none.
    """

    positions: Doubles
    areas: Doubles
    pictures: tuple[Picture, ...]
    deltas: tuple[Doubles, ...]
    slopes: Doubles
    shades: Doubles
    bones: Ints
    weights: Doubles


class Seen(StrEnum):
    """What of a mesh differs most on a coarser level; the values say by how much of its size."""

    SHAPE = "its shape is off by {}"
    PICTURE = "its texture coordinates slide by {}"
    MORPH = "a morph target is off by {}"
    NORMAL = "its normals are off like a bump of {}"
    COLOR = "its colours are off by {}"
    BONES = "bones that bend leave it off by {}"


@dataclass(frozen=True, slots=True, order=True)
class Deviation:
    """How far a coarser level is from its mesh, in metres, and what differs so much."""

    metres: float = 0.0
    of: Seen = Seen.SHAPE


def deviation(surface: Surface, vertices: Ints, merged: Ints, triangles: Ints, points: Ints) -> Deviation:
    """Return how far a coarser level is from its mesh.

    That is the largest distance of a position, and the difference of anything else that all but a
    hundredth of the surface keeps within. `vertices` are those of the mesh to compare, and `merged` the
    points which they are in the coarser level. `triangles`, int64[m, 3], has the vertices of its corners,
    and `points`, int64[m, 3], their points.
    """
    around = _Around(points)
    present = around.counts(merged) > 0
    vertices, merged = vertices[present], merged[present]
    if not len(vertices):
        return Deviation()
    pairs = int(around.counts(merged).sum())
    step = max(-(-len(vertices) // _MOST), -(-pairs // _MOST_PAIRS))
    vertices, merged = vertices[::step], merged[::step]
    nearest, away = _nearest_triangles(surface, vertices, merged, triangles, around)
    shape = Deviation(float(away.max()))
    differences, areas = _differences(surface, vertices, triangles[nearest]), surface.areas[vertices]
    most: Doubles = np.max([values for _, values in differences], axis=0)
    kinds = [(_kept_by_most(values, areas), of) for of, values in differences]
    return max(shape, Deviation(_kept_by_most(most, areas), max(kinds)[1]))


def _kept_by_most(seen: Doubles, areas: Doubles) -> float:
    """Return the difference that WITHIN of the area, or of the number without any area, has at most."""
    order = np.argsort(seen, kind="stable")
    covered = np.cumsum(areas[order] if areas.any() else np.ones(len(seen)))
    return float(seen[order][np.searchsorted(covered, WITHIN * covered[-1])])


class _Around:
    """The triangles around each point, by the points of their corners, int64[m, 3]."""

    def __init__(self, points: Ints) -> None:
        self.points = points
        order = np.argsort(points.reshape(-1), kind="stable")
        self._triangles = order // 3
        self._count = int(points.max()) + 1
        self._starts = np.searchsorted(points.reshape(-1)[order], np.arange(self._count + 1))

    def counts(self, points: Ints) -> Ints:
        """Return how many triangles are around each of these points."""
        known = np.minimum(points, self._count - 1)
        counts: Ints = np.where(points == known, self._starts[known + 1] - self._starts[known], 0)
        return counts

    def of(self, points: Ints) -> Ints:
        """Return the triangles around these points, one point after the other."""
        counts = self.counts(points)
        within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        starts = self._starts[np.minimum(points, self._count - 1)]
        found: Ints = self._triangles[np.repeat(starts, counts) + within]
        return found


def _nearest_triangles(
    surface: Surface, vertices: Ints, merged: Ints, triangles: Ints, around: _Around
) -> tuple[Ints, Doubles]:
    """Return the triangle of the coarser level that each vertex is compared with, and how far it is from all.

    It is looked for around the point that a vertex was merged into, and from there on around the corners of
    the nearest one, as long as that brings it nearer.
    """
    nearest, away = np.zeros(len(vertices), np.int64), np.full(len(vertices), np.inf)
    least = np.full(len(vertices), np.inf)
    moving, faces, counts = np.arange(len(vertices)), around.of(merged), around.counts(merged)
    for _ in range(_STEPS):
        cost, distance = _costs(surface, np.repeat(vertices[moving], counts), triangles[faces])
        starts = np.cumsum(counts) - counts
        lowest = np.minimum.reduceat(cost, starts)
        away[moving] = np.minimum(away[moving], np.sqrt(np.minimum.reduceat(distance, starts)))
        fitting = np.flatnonzero(cost == np.repeat(lowest, counts))
        first = np.unique(np.repeat(np.arange(len(moving)), counts)[fitting], return_index=True)[1]
        better = lowest < least[moving] * _NEARER
        nearest[moving[better]] = faces[fitting[first]][better]
        least[moving[better]] = lowest[better]
        moving = moving[better & (lowest > 0)]
        corners = around.points[nearest[moving]].reshape(-1)
        counts = around.counts(corners).reshape(-1, 3).sum(axis=1)
        if not 0 < counts.sum() <= _MOST_PAIRS:
            break
        faces = around.of(corners)
    return nearest, away


def _costs(surface: Surface, vertices: Ints, corners: Ints) -> tuple[Doubles, Doubles]:
    """Return how unlike vertices are to the nearest places of triangles, and the squares of the distances."""
    at = surface.positions[vertices]
    shares = nearest_shares(at, surface.positions[corners])
    distance = _squared(at - _mixed(surface.positions, corners, shares))
    cost, extent = distance.copy(), _extent(surface, vertices, corners, shares)
    for picture in surface.pictures[:1]:  # which differs on the two sides of a seam, as normals do
        cost += picture.slide(vertices, _mixed(picture.lengths, corners, shares)) ** 2
    slopes = surface.slopes
    cost += _squared(slopes[vertices] - _mixed(slopes, corners, shares)) * (_SLOPE * extent) ** 2
    return cost, distance


def _differences(surface: Surface, vertices: Ints, corners: Ints) -> list[tuple[Seen, Doubles]]:
    """Return how much else than positions of vertices differs from the nearest places of triangles."""
    shares = nearest_shares(surface.positions[vertices], surface.positions[corners])
    extent = _extent(surface, vertices, corners, shares)

    def off(values: Doubles) -> Doubles:
        return np.sqrt(_squared(values[vertices] - _mixed(values, corners, shares)))

    found = [
        (Seen.PICTURE, each.slide(vertices, _mixed(each.lengths, corners, shares)))
        for each in surface.pictures
    ]
    found += [(Seen.MORPH, off(values)) for values in surface.deltas]
    found += [
        (Seen.NORMAL, off(surface.slopes) * extent * _SLOPE),
        (Seen.COLOR, off(surface.shades) * extent),
    ]
    if surface.weights.shape[1]:
        found.append((Seen.BONES, _bent_apart(surface, vertices, corners, shares)))
    return found


def _bent_apart(surface: Surface, vertices: Ints, corners: Ints, shares: Doubles) -> Doubles:
    """Return how far vertices are from where their triangles are while bones turn by a radian.

    A corner that follows other bones by the part d of its weights, at the distance r, takes the place on the
    triangle d r away; corners do so by their shares of it.
    """
    apart = np.zeros(len(vertices))
    for corner in range(3):
        other = corners[:, corner]
        same = surface.bones[vertices][:, :, None] == surface.bones[other][:, None, :]
        both = np.minimum(surface.weights[vertices][:, :, None], surface.weights[other][:, None, :])
        differing = 1.0 - np.minimum((both * same).sum(axis=(1, 2)), 1.0)
        away = np.sqrt(_squared(surface.positions[other] - surface.positions[vertices]))
        apart += shares[:, corner] * differing * away
    return apart


def nearest_shares(places: Doubles, corners: Doubles) -> Doubles:
    """Return the shares of corners, float64[n, 3] of sum 1, of the place of each triangle nearest to a place.

    `places` are [n, 3] and `corners` [n, 3, 3].
    """
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    ab, ac, ap = b - a, c - a, places - a
    aa, bb, mixed = _squared(ab), _squared(ac), (ab * ac).sum(axis=1)
    along, across = (ap * ab).sum(axis=1), (ap * ac).sum(axis=1)
    size = aa * bb - mixed * mixed
    divisor = np.where(size > 0, size, 1.0)
    v, w = (bb * along - mixed * across) / divisor, (aa * across - mixed * along) / divisor
    choices = [np.stack((1.0 - v - w, v, w), axis=1)]
    inside = (size > 0) & (v >= 0) & (w >= 0) & (v + w <= 1)
    choices[0][~inside] = (1.0, 0.0, 0.0)
    for one, other in ((0, 1), (1, 2), (2, 0)):
        start, edge = corners[:, one], corners[:, other] - corners[:, one]
        length = _squared(edge)
        part = ((places - start) * edge).sum(axis=1) / np.where(length > 0, length, 1.0)
        shares = np.zeros((len(places), 3))
        shares[:, other] = np.clip(part, 0.0, 1.0)
        shares[:, one] = 1.0 - shares[:, other]
        choices.append(shares)
    away = [_squared(places - np.einsum("nc,ncx->nx", each, corners)) for each in choices]
    nearest = np.argmin(away, axis=0)
    found: Doubles = np.choose(nearest[:, None], choices)
    return found


def _extent(surface: Surface, vertices: Ints, corners: Ints, shares: Doubles) -> Doubles:
    """Return how far corners are from vertices, on the average of their shares."""
    away = surface.positions[corners] - surface.positions[vertices][:, None]
    found: Doubles = (np.sqrt((away * away).sum(axis=2)) * shares).sum(axis=1)
    return found


def _mixed(values: Doubles, corners: Ints, shares: Doubles) -> Doubles:
    """Return values [n, k] of vertices between corners [m, 3] by their shares."""
    found: Doubles = np.einsum("mc,mck->mk", shares, values[corners])
    return found


def _squared(vectors: Doubles) -> Doubles:
    found: Doubles = np.einsum("nk,nk->n", vectors, vectors)
    return found


def columns(parts: Sequence[Doubles], count: int) -> Doubles:
    """Return arrays [count, k] side by side; no columns where there are none."""
    return np.concatenate([np.zeros((count, 0)), *parts], axis=1)
