"""Rays against boxes and triangles, for whole arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.assets import AssetLibrary, AssetRef, IndicesFacts, VerticesFacts
from engine.assets.importers.blend_weights import read_blend_weights
from engine.assets.importers.morph.packing import DELTA, vertex_deltas
from engine.plan.terms.drawing import CullMode

Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TRIANGLES_AT_ONCE = 1 << 16
"""Triangles that are tested together, which bounds what the test takes of memory."""

EDGE = 1e-9
"""How far outside of a triangle, in parts of it, a ray still hits, so that none passes between two."""

COVERS_AT_ONCE = 64
"""Hits that are asked together whether they cover."""

BOX_SLACK = 1e-5
"""By how much boxes are larger than they are, in parts of their size and distance, as they are rounded."""


@dataclass(frozen=True)
class Ray:
    """A ray in metres: float64[3] each, `direction` of length 1, and how long it is at most."""

    start: Doubles
    direction: Doubles
    length: float = np.inf


@dataclass(frozen=True)
class Triangles:
    """A mesh in the space of its object: positions float64[n, 3], corners int64[m, 3]."""

    positions: Doubles
    corners: Ints

    @property
    def size(self) -> int:
        """The bytes that it takes."""
        return self.positions.nbytes + self.corners.nbytes


def box_entries(ray: Ray, middle: Doubles, half: npt.NDArray[np.floating]) -> Doubles:
    """Return where a ray enters boxes, in metres from its start; inf where it misses one.

    `middle` and `half` are their centres and half sizes, [n, 3] each; a box of negative size is missed. After
    Kay and Kajiya, "Ray tracing complex scenes", 1986.
    """
    away, sizes = (middle - ray.start).T, np.asarray(half, np.float64).T  # by axis, which is faster
    slack = BOX_SLACK * np.maximum(np.maximum(np.abs(away[0]), np.abs(away[1])), np.abs(away[2]))
    near, far = np.zeros(len(middle)), np.full(len(middle), ray.length)
    hit = np.ones(len(middle), np.bool_)
    for axis in range(3):
        reach = sizes[axis] * (1.0 + BOX_SLACK) + slack
        hit &= sizes[axis] >= 0.0
        if ray.direction[axis] == 0.0:
            hit &= np.abs(away[axis]) <= reach
            continue
        middle_at, half_at = away[axis] / ray.direction[axis], reach / abs(ray.direction[axis])
        np.maximum(near, middle_at - half_at, out=near)
        np.minimum(far, middle_at + half_at, out=far)
    return np.where(hit & (near <= far), near, np.inf)


Covers = Callable[[Ints, Doubles], npt.NDArray[np.bool_]]
"""Says whether triangles, by their numbers [n], with corners [n, 3, 3], cover the point that is hit."""


def nearest_triangle(
    ray: Ray,
    mesh: Triangles,
    axes: Doubles,
    place: Doubles,
    cull: CullMode,
    mirrored: bool,
    covers: Covers | None = None,
) -> tuple[float, int]:
    """Return where a ray first hits a mesh, in metres from its start (inf: nowhere), and the triangle.

    The mesh has these axes [3, 3] (as stored) and lies at `place`. Of culled faces, those are hit that are
    drawn; the front of a mirrored mesh is that of the mesh; where a triangle does not cover, the ray goes on.
    After Möller and Trumbore, "Fast, minimum storage ray/triangle intersection", 1997.
    """
    positions = mesh.positions @ axes + place
    best, found = np.inf, -1
    for first in range(0, len(mesh.corners), TRIANGLES_AT_ONCE):
        a, b, c = (positions[mesh.corners[first : first + TRIANGLES_AT_ONCE, i]] for i in range(3))
        one, two, away = b - a, c - a, ray.start - a
        across = np.cross(ray.direction, two)
        volume = np.einsum("ij,ij->i", one, across)  # above 0 where the ray meets the front
        turned = np.cross(away, one)
        is_solid = volume != 0.0  # neither seen from its edge nor without area
        divisor = np.where(is_solid, volume, 1.0)
        u = np.einsum("ij,ij->i", away, across) / divisor
        v = turned @ ray.direction / divisor
        t = np.einsum("ij,ij->i", two, turned) / divisor
        hit = is_solid & (u >= -EDGE) & (v >= -EDGE) & (u + v <= 1.0 + EDGE) & (t >= 0.0) & (t <= ray.length)
        facing = (volume < 0.0) if mirrored else (volume > 0.0)
        if cull is CullMode.BACK:
            hit &= facing
        elif cull is CullMode.FRONT:
            hit &= ~facing
        at = np.flatnonzero(hit & (t < best))
        if covers is not None:
            at = _first_cover(at[np.argsort(t[at])], first, (a, b, c), covers)
        if len(at):
            nearest = int(at[t[at].argmin()])
            best, found = float(t[nearest]), first + nearest
    return best, found


def _first_cover(at: Ints, first: int, corners: tuple[Doubles, ...], covers: Covers) -> Ints:
    """Return the first of these rows of corners that covers, or none."""
    for start in range(0, len(at), COVERS_AT_ONCE):
        rows = at[start : start + COVERS_AT_ONCE]
        found = covers(first + rows, np.stack([one[rows] for one in corners], axis=1))
        if found.any():
            return rows[found][:1]
    return at[:0]


def barycentric(ray: Ray, corners: Doubles) -> Doubles:
    """Return where the planes of triangles [n, 3, 3] are met by a ray: the weights [n, 3] of their corners.

    Those of a triangle that is seen from its edge are its middle.
    """
    a, one, two = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    across = np.cross(ray.direction, two)
    volume = np.einsum("ij,ij->i", one, across)
    divisor = np.where(volume != 0.0, volume, 1.0)
    away = ray.start - a
    u = np.where(volume != 0.0, np.einsum("ij,ij->i", away, across) / divisor, 1 / 3)
    v = np.where(volume != 0.0, np.cross(away, one) @ ray.direction / divisor, 1 / 3)
    return np.stack((1.0 - u - v, u, v), axis=1)


def read_triangles(library: AssetLibrary, vertices: int, indices: int) -> Triangles:
    """Read the triangles of a mesh, by the keys of its parts, from the cache; none for lines and points.

    Of levels that were made they are those of the finest. Raises CacheMissError.
    """
    of_vertices, of_indices = AssetRef.from_key(vertices), AssetRef.from_key(indices)
    layout, order = library.facts(of_vertices), library.facts(of_indices)
    assert isinstance(layout, VerticesFacts)
    assert isinstance(order, IndicesFacts)
    positions = read_positions(layout, library.read(of_vertices))
    numbers = np.frombuffer(library.read(of_indices), order.type.dtype, order.finest).astype(np.int64)
    if order.topology.value == "triangle_list":
        return Triangles(positions, numbers.reshape(-1, 3))
    if order.topology.value == "triangle_strip":
        corners = np.stack((numbers[:-2], numbers[1:-1], numbers[2:]), axis=1)
        corners[1::2] = corners[1::2, [1, 0, 2]]
        return Triangles(positions, corners)
    return Triangles(positions, np.zeros((0, 3), np.int64))


def bent_triangles(library: AssetLibrary, vertices: int, mesh: Triangles, bones: Doubles) -> Triangles | None:
    """Return a mesh as its bones have it, by their matrices [n, 4, 3]; None where it follows no bones.

    Raises CacheMissError.
    """
    ref = AssetRef.from_key(vertices)
    facts = library.facts(ref)
    assert isinstance(facts, VerticesFacts)
    found = read_blend_weights(facts, library.read(ref))
    if found is None:
        return None
    numbers, weights = found
    positions = np.zeros_like(mesh.positions)
    for of, part in zip(np.minimum(numbers, len(bones) - 1).T, weights.T, strict=True):
        matrices = bones[of]
        moved = np.einsum("ni,nij->nj", mesh.positions, matrices[:, :3]) + matrices[:, 3]
        positions += part[:, None] * moved
    return Triangles(positions, mesh.corners)


def morphed_triangles(
    library: AssetLibrary,
    vertices: int,
    mesh: Triangles,
    targets: AssetRef,
    weights: npt.NDArray[np.floating],
) -> Triangles:
    """Return a mesh with its targets added by their weights. Raises CacheMissError."""
    ref = AssetRef.from_key(vertices)
    facts = library.facts(ref)
    assert isinstance(facts, VerticesFacts)
    found = vertex_deltas(facts, library.read(ref))
    if found is None:
        return mesh
    first, count = found
    deltas = np.frombuffer(library.read(targets), DELTA)
    vertex = np.repeat(np.arange(len(count)), count)
    of = np.repeat(first - np.cumsum(count) + count, count) + np.arange(len(vertex))
    moves = weights[deltas["target"][of], None].astype(np.float64) * deltas["position"][of]
    positions = mesh.positions.copy()
    np.add.at(positions, vertex, moves)
    return Triangles(positions, mesh.corners)


def read_positions(facts: VerticesFacts, content: bytes) -> Doubles:
    """Return the positions of vertices, float64[n, 3]; what the format lacks is 0."""
    numbers = read_attribute(facts, content, "pos")[:, :3]
    positions = np.zeros((facts.count, 3))
    positions[:, : numbers.shape[1]] = numbers
    return positions


def read_attribute(facts: VerticesFacts, content: bytes, name: str) -> Doubles:
    """Return the numbers of an attribute of vertices as shaders read them, float64[n, channels]."""
    found = [one for one, _ in facts.vertex_format].index(name)
    form, offset = facts.vertex_format[found][1], facts.offsets[found]
    shape, strides = (facts.count, form.components), (facts.stride, form.dtype.itemsize)
    numbers = np.ndarray(shape, form.dtype, content, offset, strides).astype(np.float64)
    if form.kind in ("unorm", "snorm"):
        numbers = np.maximum(numbers / np.iinfo(form.dtype).max, -1.0)
    return numbers
