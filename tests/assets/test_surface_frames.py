"""Claims about normals and tangents that are made: by hand, by their properties, and against a slow way."""

from __future__ import annotations

import json
import math
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike

from engine.assets import IndexFormat, Topology, VertexFormat, VerticesFacts
from engine.assets.importers.mesh import IndexSettings, VertexSettings, pack_indices, pack_vertices
from engine.assets.importers.mesh_source import read_mesh_source
from engine.assets.importers.surface_frames import Tangents, smooth_normals, tangents_of, triangles_of
from engine.humon import InputError, parse

QUAD = [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]
QUAD_UV = [[0, 1], [1, 1], [1, 0], [0, 0]]  # v counts downwards
QUAD_INDICES = [0, 1, 2, 0, 2, 3]


def tangents(positions: ArrayLike, normals: ArrayLike, uv: ArrayLike, indices: ArrayLike) -> Tangents:
    rows = [np.array(each, np.float64) for each in (positions, normals, uv)]
    return tangents_of(rows[0], rows[1], rows[2], np.array(indices, np.int64))


@pytest.mark.parametrize(
    ("uv", "tangent"),
    [
        (QUAD_UV, (1, 0, 0, 1)),
        ([[1, 1], [0, 1], [0, 0], [1, 0]], (-1, 0, 0, -1)),  # mirrored
        ([[0, 0], [0, 1], [1, 1], [1, 0]], (0, 1, 0, 1)),  # a quarter turn
        ([[1, 0], [0, 0], [0, 1], [1, 1]], (-1, 0, 0, 1)),  # half a turn
        ([[0, 3], [5, 3], [5, 0], [0, 0]], (1, 0, 0, 1)),  # stretched
    ],
)
def test_the_tangent_of_a_quad_points_right_in_its_picture(uv, tangent):
    made = tangents(QUAD, [[0, 0, 1]] * 4, uv, QUAD_INDICES)
    np.testing.assert_allclose(made.tangents, [tangent] * 4, atol=1e-12)
    assert made.vertices.tolist() == [0, 1, 2, 3]
    assert made.indices.tolist() == QUAD_INDICES


def test_vertices_on_a_line_where_the_picture_is_mirrored_are_split():
    positions = [*QUAD, [2, 0, 0], [2, 1, 0]]
    uv = [*QUAD_UV, [0, 1], [0, 0]]
    made = tangents(positions, [[0, 0, 1]] * 6, uv, [*QUAD_INDICES, 1, 4, 5, 1, 5, 2])
    assert made.vertices.tolist() == [0, 1, 2, 3, 4, 5, 1, 2]
    assert made.indices.tolist() == [0, 1, 2, 0, 2, 3, 6, 4, 5, 6, 5, 7]
    np.testing.assert_allclose(made.tangents[[0, 1, 2, 3]], [(1, 0, 0, 1)] * 4, atol=1e-12)
    np.testing.assert_allclose(made.tangents[[4, 5, 6, 7]], [(-1, 0, 0, -1)] * 4, atol=1e-12)


def test_the_tangent_of_a_vertex_is_the_mean_of_its_triangles_weighted_by_their_angles():
    """u rises along (1, 0) in a right angle at the origin, and along (1, -1) in half of one, as v stays.

    By hand: 2 (1, 0) + (1, -1) / sqrt 2 = (2.70711, -0.70711), of length 2.79793.
    """
    positions = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [-1, 1, 0]]
    uv = [[0, 0], [1, 0], [0, -1], [-1, 0]]
    made = tangents(positions, [[0, 0, 1]] * 4, uv, [0, 1, 2, 0, 2, 3])
    np.testing.assert_allclose(made.tangents[0], (0.967538, -0.252725, 0, 1), atol=1e-6)
    np.testing.assert_allclose(made.tangents[1], (1, 0, 0, 1), atol=1e-12)
    np.testing.assert_allclose(made.tangents[3, :2], np.array([1, -1]) / math.sqrt(2), atol=1e-12)


def test_normals_of_a_cube_with_welded_corners_point_along_its_diagonals():
    positions = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float64)
    faces = []
    for axis in range(3):
        for side in (-1, 1):
            corners = [i for i in range(8) if positions[i, axis] == side]
            a, b, c, d = corners
            quad = [a, b, d, c]
            normal = np.cross(positions[b] - positions[a], positions[d] - positions[a])
            if normal[axis] * side < 0:
                quad.reverse()
            faces += [quad[:3], [quad[0], quad[2], quad[3]]]
    normals = smooth_normals(positions, np.array(faces))
    np.testing.assert_allclose(normals, positions / math.sqrt(3), atol=1e-12)


def test_normals_are_smooth_over_vertices_at_one_place_and_weighted_by_angle():
    """A right angle that faces up and half of one that faces right meet at two places: weights 2 to 1."""
    positions = [[0, 0, 0], [0, 0, 1], [1, 0, 0], [0, 0, 0], [0, -1, 1], [0, 0, 1]]
    normals = smooth_normals(np.array(positions, np.float64), np.array([[0, 1, 2], [3, 4, 5]]))
    up, side = np.array([0, 1.0, 0]), normals[4]
    assert abs(side[0]) == 1.0
    expected = (up * 2 + side) / math.sqrt(5)
    np.testing.assert_allclose(normals[[0, 3]], [expected] * 2, atol=1e-12)
    np.testing.assert_allclose(normals[2], up, atol=1e-12)


def test_vertices_without_a_triangle_have_some_normal_and_tangent():
    positions = np.array([*QUAD, [9, 9, 9]], np.float64)
    normals = smooth_normals(positions, triangles_of(np.array(QUAD_INDICES), Topology.TRIANGLE_LIST))
    assert normals[4].tolist() == [0, 1, 0]
    made = tangents(positions, normals, [*QUAD_UV, [0, 0]], QUAD_INDICES)
    assert abs(made.tangents[4, :3] @ normals[4]) < 1e-12
    assert np.linalg.norm(made.tangents[4, :3]) == pytest.approx(1)


def test_triangles_without_an_extent_have_the_tangent_of_their_neighbours():
    positions = [*QUAD, [2, 0, 0], [3, 3, 3]]
    uv = [*QUAD_UV, QUAD_UV[1], [0.5, 0.5]]
    made = tangents(positions, [[0, 0, 1]] * 6, uv, [*QUAD_INDICES, 1, 4, 2, 5, 5, 5])
    assert np.isfinite(made.tangents).all()
    np.testing.assert_allclose(made.tangents[:4], [(1, 0, 0, 1)] * 4, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(made.tangents[:, :3], axis=1), 1)
    assert made.vertices.tolist() == [0, 1, 2, 3, 4, 5]


def test_a_strip_has_the_normals_of_its_triangles():
    rng = np.random.default_rng(4)
    positions = rng.uniform(-1, 1, (8, 3))
    strip = triangles_of(np.arange(8), Topology.TRIANGLE_STRIP)
    assert strip.tolist() == [[0, 1, 2], [2, 1, 3], [2, 3, 4], [4, 3, 5], [4, 5, 6], [6, 5, 7]]
    listed = triangles_of(strip.reshape(-1), Topology.TRIANGLE_LIST)
    np.testing.assert_array_equal(smooth_normals(positions, strip), smooth_normals(positions, listed))
    assert len(triangles_of(np.arange(8), Topology.LINE_LIST)) == 0


GOLDEN = json.loads((Path(__file__).parent / "data/mikktspace.json").read_text())
"""Meshes, and for each corner the tangent that Mikkelsen's own mikktspace.c (2011) gives, v counted
upwards."""


@pytest.mark.parametrize("name", GOLDEN)
def test_tangents_are_those_of_the_reference_implementation(name):
    mesh = GOLDEN[name]
    made = tangents(*(mesh[part] for part in ("pos", "normal", "uv", "indices")))
    np.testing.assert_allclose(made.tangents[made.indices], mesh["tangents"], atol=2e-5)


@pytest.mark.parametrize("seed", range(12))
def test_tangents_are_those_of_the_slow_way(seed):
    """Random bumpy grids, in which the picture is mirrored in places and some vertices are double."""
    rng = np.random.default_rng(seed)
    side = int(rng.integers(2, 6))
    x, y = np.meshgrid(np.arange(side + 1.0), np.arange(side + 1.0))
    positions = np.stack((x, y, rng.uniform(-0.4, 0.4, x.shape)), axis=2).reshape(-1, 3)
    uv = np.stack((np.abs(x - side // 2) + 0.2 * y, side - y), axis=2).reshape(-1, 2)
    uv += rng.uniform(-0.1, 0.1, uv.shape)
    indices = []
    for row in range(side):
        for column in range(side):
            a = row * (side + 1) + column
            b, c, d = a + 1, a + side + 2, a + side + 1
            indices += [a, b, c, a, c, d] if rng.random() < 0.5 else [a, b, d, b, c, d]
    indices = np.array(indices)
    double = len(positions)  # copies of some vertices, which are welded
    copied = rng.integers(0, double, 4)
    positions, uv = np.concatenate((positions, positions[copied])), np.concatenate((uv, uv[copied]))
    for number, vertex in enumerate(copied):
        at = np.flatnonzero(indices == vertex)
        indices[at[: len(at) // 2]] = double + number
    normals = smooth_normals(positions, indices.reshape(-1, 3))
    made = tangents_of(positions, normals, uv, indices)
    expected = slow_tangents(positions, normals, uv, indices.reshape(-1, 3))
    np.testing.assert_allclose(made.tangents[made.indices], expected, atol=1e-9)
    np.testing.assert_array_equal(made.vertices[made.indices], indices)
    np.testing.assert_allclose((made.tangents[:, :3] * normals[made.vertices]).sum(axis=1), 0, atol=1e-9)
    pairs = {(int(vertex), *row) for vertex, row in zip(made.vertices, made.tangents.round(6), strict=True)}
    assert len(pairs) == len(made.vertices), "no vertex is split for nothing"


def slow_tangents(positions, normals, uv, triangles) -> np.ndarray:
    """The tangent of each corner, by following edges from triangle to triangle around each vertex."""
    uv = uv * (1, -1)
    same = [tuple(row) for row in np.concatenate((positions, normals, uv), axis=1)]
    corners = [{same[i] for i in triangle} for triangle in triangles]
    sides = [orientation(uv, triangle) for triangle in triangles]
    found = np.zeros((triangles.size, 4))
    for f, triangle in enumerate(triangles):
        for k in range(3):
            group, grown = {f}, True
            while grown:
                grown = False
                for g in range(len(triangles)):
                    if g in group or sides[g] != sides[f] or same[triangle[k]] not in corners[g]:
                        continue
                    for h in list(group):
                        shared = corners[g] & corners[h]
                        if len(shared) >= 2 and same[triangle[k]] in shared:
                            group.add(g)
                            grown = True
            total = np.zeros(3)
            n = normals[triangle[k]]
            for g in group:
                corner = next(i for i in range(3) if same[triangles[g][i]] == same[triangle[k]])
                p = [positions[triangles[g][(corner + i) % 3]] for i in range(3)]
                w = [uv[triangles[g][(corner + i) % 3]] for i in range(3)]
                s, t = w[1] - w[0], w[2] - w[0]
                along = (t[1] * (p[1] - p[0]) - s[1] * (p[2] - p[0])) * sides[f]
                edges = [flat(p[1] - p[0], n), flat(p[2] - p[0], n)]
                total += flat(along, n) * math.acos(np.clip(edges[0] @ edges[1], -1, 1))
            found[3 * f + k] = [*(total / np.linalg.norm(total)), sides[f]]
    return found


def orientation(uv, triangle) -> int:
    a, b, c = uv[triangle]
    return 1 if (b - a)[0] * (c - a)[1] - (b - a)[1] * (c - a)[0] > 0 else -1


def flat(vector, normal) -> np.ndarray:
    within = vector - normal * (normal @ vector)
    return within / np.linalg.norm(within)


FORMAT = (
    ("pos", VertexFormat.R32G32B32_SFLOAT),
    ("normal", VertexFormat.R32G32B32_SFLOAT),
    ("tangent", VertexFormat.R32G32B32A32_SFLOAT),
    ("id", VertexFormat.R32_UINT),
)
MIRRORED = """mesh: {
    vertices: {
        pos: [[0 0 0] [1 0 0] [1 1 0] [0 1 0] [2 0 0] [2 1 0]]
        uv_albedo: [[0 1] [1 1] [1 0] [0 0] [0 1] [0 0]]
        id: [0 1 2 3 4 5]
    }
    indices: [[0 1 2] [0 2 3] [1 4 5] [1 5 2]]
}
"""


def test_a_source_without_them_is_packed_with_normals_tangents_and_split_vertices():
    source = read_mesh_source(parse(MIRRORED, "mesh.hu"))
    vertices = pack_vertices(source, VertexSettings(FORMAT))
    indices = pack_indices(source, IndexSettings(IndexFormat.UINT16, tangents=True))
    assert isinstance(vertices.facts, VerticesFacts)
    assert vertices.facts.count == 8
    rows = np.frombuffer(vertices.data, [("pos", "<f4", 3), ("n", "<f4", 3), ("t", "<f4", 4), ("id", "<u4")])
    assert rows["id"].tolist() == [0, 1, 2, 3, 4, 5, 1, 2]
    assert (rows["n"] == (0, 0, 1)).all()
    assert rows["t"][:, 0].tolist() == rows["t"][:, 3].tolist() == [1, 1, 1, 1, -1, -1, -1, -1]
    assert np.frombuffer(indices.data, "<u2").tolist() == [0, 1, 2, 0, 2, 3, 6, 4, 5, 6, 5, 7]
    plain = pack_indices(source, IndexSettings(IndexFormat.UINT16))
    assert np.frombuffer(plain.data, "<u2").max() == 5
    assert pack_vertices(source, VertexSettings((*FORMAT[:2], FORMAT[3]))).facts.count == 6


@pytest.mark.parametrize(
    ("text", "topology", "message"),
    [
        (MIRRORED.replace("uv_albedo", "uv_other"), Topology.TRIANGLE_LIST, "'uv_normal'"),
        (MIRRORED.replace("[0 1] [1 1]", "[0 1 0] [1 1 0]"), Topology.TRIANGLE_LIST, "this row"),
        (MIRRORED, Topology.TRIANGLE_STRIP, "triangle_list"),
        (MIRRORED, Topology.LINE_LIST, "no attribute 'normal'"),
    ],
)
def test_what_cannot_be_made_is_an_error_at_its_place(text, topology, message):
    def pack() -> None:
        source = read_mesh_source(parse(text, "mesh.hu"))
        pack_vertices(source, VertexSettings(FORMAT, topology=topology))

    with pytest.raises(InputError) as raised:
        pack()
    (problem,) = raised.value.problems
    assert problem.position is not None
    assert message in problem.message


def test_components_are_found_however_they_are_joined():
    from engine.assets.importers.surface_frames import _components

    rng = np.random.default_rng(1)
    for _ in range(50):
        count = int(rng.integers(1, 30))
        pairs = rng.integers(0, count, (int(rng.integers(0, 40)), 2))
        sets = [{i} for i in range(count)]
        for a, b in pairs.tolist():
            one, other = (next(s for s in sets if i in s) for i in (a, b))
            if one is not other:
                one |= other
                sets.remove(other)
        label = _components(count, pairs)
        assert all(len({int(label[i]) for i in s}) == 1 for s in sets)
        assert all(label[min(a)] != label[min(b)] for a, b in combinations(sets, 2))
