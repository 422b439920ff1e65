"""Divides polygons into triangles: convex ones into fans, concave ones by cutting off ears.

An ear is a corner whose triangle holds no other corner (Meisters, "Polygons have ears", 1975). All polygons
of as many corners are cut at once, corner by corner, in their own plane.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

MOST_CORNERS = 256
"""Most corners of a concave polygon that is cut: the work grows with their cube."""

_MOST_WORK = 1 << 26
"""Most work for the polygons of a part, as sum of the cubes of their corners: some seconds."""

_AT_ONCE = 1 << 14
"""Numbers of a temporary array: of some ten, which stay in a cache."""

_REFLEX = -1e-5
"""The sine of the least angle by which a corner counts as turned inwards."""

_FLAT = 1e-12
"""The area of a triangle that counts as none, as a part of the square around its polygon."""


def fans(lengths: Ints) -> Ints:
    """Return the corners of triangles [n, 3] of polygons with so many corners: fans around the first."""
    starts, steps = np.cumsum(lengths) - lengths, lengths - 2
    owner = np.repeat(np.arange(len(lengths)), steps)
    inner = np.arange(int(steps.sum())) - np.repeat(np.cumsum(steps) - steps, steps)
    first = starts[owner]
    return np.stack([first, first + inner + 1, first + inner + 2], axis=1)


def triangulated(lengths: Ints, places: Floats) -> tuple[Ints, Ints]:
    """Return the corners of triangles [n, 3] of polygons, and the numbers of those that could not be cut.

    `places` [corners, 3] are those of all polygons, one after another. Convex polygons are fans, and so are
    the concave ones that could not be cut: those that cross themselves, and too large or too many ones.
    """
    triangles = fans(lengths)
    starts, rows = np.cumsum(lengths) - lengths, np.cumsum(lengths - 2) - (lengths - 2)
    uncut: list[Ints] = []
    work = 0
    for count, polygons in _by_length(lengths):
        corners = starts[polygons][:, None] + np.arange(count)
        found, flat = _concave(places[corners])
        polygons, corners = polygons[found], corners[found]
        room = (_MOST_WORK - work) // count**3 if count <= MOST_CORNERS else 0
        many = min(len(polygons), room)
        work += many * count**3
        uncut.append(polygons[many:])
        parts = min(many, -(-many * count**2 // _AT_ONCE))
        for some in np.array_split(np.arange(many), parts) if parts else ():
            cut, good = _cut(flat[:, some])
            chosen = some[good]
            of_corner = np.take_along_axis(
                corners[chosen], cut[good].reshape(len(chosen), 3 * count - 6), axis=1
            )
            places_of = rows[polygons[chosen]][:, None] + np.arange(count - 2)
            triangles[places_of] = of_corner.reshape(len(chosen), count - 2, 3)
            uncut.append(polygons[some[~good]])
    return triangles, np.sort(np.concatenate([np.zeros(0, np.int64), *uncut]))


def _by_length(lengths: Ints) -> Iterator[tuple[int, Ints]]:
    """Yield the numbers of polygons of four corners and more by how many they have, some at a time."""
    order = np.argsort(lengths, kind="stable")
    order = order[np.searchsorted(lengths[order], 4) :]
    ends = np.flatnonzero(np.diff(lengths[order])) + 1
    for alike in np.split(order, ends) if len(order) else ():
        count = int(lengths[alike[0]])
        for some in np.array_split(alike, 1 + len(alike) * count // _AT_ONCE):
            yield count, some


def _concave(places: Floats) -> tuple[Flags, Floats]:
    """Return which polygons [m, n, 3] are concave, and the corners of these in their plane [2, k, n].

    There a polygon runs counter-clockwise.
    """
    local = [places[..., axis] - places[:, :1, axis] for axis in range(3)]
    edges = [np.roll(values, -1, axis=1) - values for values in local]
    before = [np.roll(values, 1, axis=1) for values in edges]
    crossed = [_product(local, edges, axis) for axis in range(3)]
    normal = [values.sum(axis=1) for values in crossed]
    turns = sum(_product(before, edges, axis) * normal[axis][:, None] for axis in range(3))
    sizes = np.sqrt(sum(values * values for values in edges))
    limits = sizes * np.roll(sizes, 1, axis=1) * np.sqrt(sum(part * part for part in normal))[:, None]
    found: Flags = (turns < _REFLEX * limits).any(axis=1)
    # Along the longest axis of the normal, the other two in the order that keeps the direction.
    flat = np.zeros((2, int(found.sum()), places.shape[1]))
    longest = np.abs(normal).argmax(axis=0)[found]
    for axis in range(3):
        some = longest == axis
        first, second = (local[(axis + step) % 3][found][some] for step in (1, 2))
        turned = (normal[axis][found][some] < 0.0)[:, None]
        flat[:, some] = np.where(turned, second, first), np.where(turned, first, second)
    return found, flat


def _product(one: list[Floats], two: list[Floats], axis: int) -> Floats:
    """Return one axis of the vector products of vectors, each given by axes."""
    second, third = (axis + 1) % 3, (axis + 2) % 3
    return one[second] * two[third] - one[third] * two[second]


def _cut(points: Floats) -> tuple[Ints, Flags]:
    """Return the triangles [m, n - 2, 3] of polygons [2, m, n] that run counter-clockwise, and which are cut.

    The others cross themselves.
    """
    many, count = points.shape[1:]
    good = ~_crosses(points)
    extent = points.max(axis=2) - points.min(axis=2)
    least = (_FLAT * extent[0] * extent[1])[:, None]
    left = np.tile(np.arange(count), (many, 1))
    cut: list[Ints] = []
    each = np.arange(many)
    at = points
    while left.shape[1] > 3:
        area, holds = _corners(at)
        is_ear, is_flat = (area > least) & ~holds, np.abs(area) <= least
        ear = np.where(is_ear.any(axis=1), is_ear.argmax(axis=1), is_flat.argmax(axis=1))
        good &= is_ear.any(axis=1) | is_flat.any(axis=1)
        steps = (ear[:, None] + np.array([-1, 0, 1])) % left.shape[1]
        cut.append(np.take_along_axis(left, steps, axis=1))
        keep = np.ones(left.shape, np.bool_)
        keep[each, ear] = False
        left, at = left[keep].reshape(many, -1), at[:, keep].reshape(2, many, -1)
    cut.append(left)
    return np.stack(cut, axis=1), good


def _corners(at: Floats) -> tuple[Floats, Flags]:
    """Return of each corner [2, m, n] twice the area of its triangle, and whether that holds another corner.

    The area is above 0 where the corner is turned outwards.
    """
    before, after = np.roll(at, 1, axis=2), np.roll(at, -1, axis=2)
    x, y = at[:, :, None]
    inside: Flags = np.ones((*at.shape[1:], at.shape[2]), np.bool_)
    for one, two in ((before, at), (at, after), (after, before)):
        (from_x, from_y), (ahead_x, ahead_y) = one[..., None], (two - one)[..., None]
        over_x, over_y = x - from_x, y - from_y
        inside &= ahead_x * over_y >= ahead_y * over_x
        inside &= (over_x != 0.0) | (over_y != 0.0)  # is no corner of the triangle
    ahead, across = at - before, after - before
    holds: Flags = np.logical_or.reduce(inside, axis=2)
    return ahead[0] * across[1] - ahead[1] * across[0], holds


def _crosses(points: Floats) -> Flags:
    """Return which polygons [2, m, n] have two edges that cross, each with its ends beside the other."""
    x, y = points[:, :, None]
    (from_x, from_y), (ahead_x, ahead_y) = (
        points[..., None],
        (np.roll(points, -1, axis=2) - points)[..., None],
    )
    side = ahead_x * (y - from_y) - ahead_y * (x - from_x)
    divides = side * np.roll(side, -1, axis=2) < 0.0
    found: Flags = (divides & divides.transpose(0, 2, 1)).any(axis=(1, 2))
    return found
