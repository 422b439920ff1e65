"""Rays against boxes and triangles, for whole arrays."""

from __future__ import annotations

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


def nearest_triangle(
    ray: Ray, mesh: Triangles, axes: Doubles, place: Doubles, cull: CullMode, mirrored: bool
) -> tuple[float, int]:
    """Return where a ray first hits a mesh, in metres from its start (inf: nowhere), and the triangle.

    The mesh has these axes [3, 3] (as stored) and lies at `place`. Of culled faces, those are hit that are
    drawn; the front of a mirrored mesh is that of the mesh. After Möller and Trumbore, "Fast, minimum storage
    ray/triangle intersection", 1997.
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
        t = np.where(hit, t, np.inf)
        if len(t) and t.min() < best:
            best, found = float(t.min()), first + int(t.argmin())
    return best, found


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
    found = next(i for i, (name, _) in enumerate(facts.vertex_format) if name == "pos")
    form, offset = facts.vertex_format[found][1], facts.offsets[found]
    width = min(form.components, 3)
    shape, strides = (facts.count, width), (facts.stride, form.dtype.itemsize)
    numbers = np.ndarray(shape, form.dtype, content, offset, strides)
    positions = np.zeros((facts.count, 3))
    positions[:, :width] = numbers
    if form.kind in ("unorm", "snorm"):
        largest = np.iinfo(form.dtype).max
        positions = np.maximum(positions / largest, -1.0)
    return positions
