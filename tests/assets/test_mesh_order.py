"""Claims about the order of triangles and vertices: what it keeps, how good it is, which caches have it."""

from __future__ import annotations

import meshopt
import numpy as np
import pytest
from support.grids import corner_rows, grid, source_of, transformed_per_triangle
from support.projects import Project

from engine.assets import IndexFormat, VertexFormat
from engine.assets.cook import cook_database
from engine.assets.importers.detail import packages
from engine.assets.importers.detail.ordering import ordered, ordered_triangles
from engine.assets.importers.mesh import IndexSettings, VertexSettings, pack_indices, pack_vertices
from engine.assets.recipes import recipes_of

FORMAT = (("pos", VertexFormat.R32G32B32_SFLOAT), ("normal", VertexFormat.R32G32B32_SFLOAT))


def test_what_a_mesh_shows_does_not_depend_on_its_order():
    lod = grid()
    made = ordered(lod)
    np.testing.assert_array_equal(corner_rows(made), corner_rows(lod))
    assert made.numbers is not None
    np.testing.assert_array_equal(lod.attributes["pos"][made.numbers], made.attributes["pos"])


def test_vertices_are_in_the_order_of_their_first_use_and_unused_ones_come_last():
    lod = grid()
    lod.indices[lod.indices == 7] = 8
    made = ordered(lod)
    _, first = np.unique(made.indices, return_index=True)
    assert (np.diff(first) > 0).all()
    assert made.indices.max() == lod.count - 2
    assert made.numbers is not None
    assert made.numbers[-1] == 7


@pytest.mark.parametrize("unused", [[0], [288], [286, 287, 288], [0, 144, 288], range(3, 289)])
def test_any_vertices_may_be_unused(unused: list[int]):
    lod, plain = grid(side=16), grid(side=16)
    used = next(number for number in range(lod.count) if number not in unused)
    for each in (lod, plain):
        each.indices[np.isin(each.indices, unused)] = used
    made = ordered(lod)
    np.testing.assert_array_equal(corner_rows(made), corner_rows(plain))
    assert made.numbers is not None
    assert sorted(made.numbers.tolist()) == list(range(lod.count))
    assert ordered_triangles(plain.indices).shape == plain.indices.shape


def test_triangles_of_which_very_many_meet_at_one_vertex_stay_in_their_order(
    monkeypatch: pytest.MonkeyPatch,
):
    rim = np.arange(1, 9001)
    cone = np.stack((np.zeros_like(rim), rim, rim % 9000 + 1), axis=1).reshape(-1)
    monkeypatch.setattr(meshopt, "reorder_mesh", lambda *_: pytest.fail("they are put in order"))
    assert ordered_triangles(cone) is cone


def test_a_shuffled_grid_is_transformed_at_a_third_of_the_cost():
    lod = grid()
    assert transformed_per_triangle(lod.indices) > 2.0
    assert transformed_per_triangle(ordered(lod).indices) < 0.75
    assert transformed_per_triangle(ordered_triangles(lod.indices)) < 0.75


def test_the_measure_counts_what_a_cache_of_the_first_that_came_lacks():
    assert transformed_per_triangle(np.array([0, 1, 2, 2, 1, 3])) == 2.0
    assert transformed_per_triangle(np.array([0, 1, 2, 3, 4, 5, 0, 1, 2]), cache=3) == 3.0
    assert transformed_per_triangle(np.array([0, 1, 2, 3, 4, 5, 0, 1, 2]), cache=6) == 2.0


def test_small_meshes_stay_as_they_are():
    lod = grid(side=8)
    assert ordered(lod) is lod


def test_vertices_and_indices_are_packed_in_one_order_with_tangents_and_without():
    given = (*FORMAT, ("tangent", VertexFormat.R32G32B32A32_SFLOAT))
    for form in (FORMAT, given):
        lod = grid(side=16)
        lod.attributes["uv_albedo"][:, 0] = np.abs(
            lod.attributes["uv_albedo"][:, 0] - 0.5
        )  # mirrored: splits
        source, plain = source_of(lod), source_of(grid(side=16))
        vertices = pack_vertices(source, VertexSettings(form, order="meshopt"))
        indices = pack_indices(
            source, IndexSettings(IndexFormat.UINT32, tangents=form is given, order="meshopt")
        )
        rows = np.frombuffer(vertices.data, np.float32).reshape(-1, 6 + 4 * (form is given))[:, :6]
        shown = rows[np.frombuffer(indices.data, np.uint32)].reshape(-1, 3, 6)
        expected = np.concatenate([plain.lods[0].attributes[name] for name, _ in FORMAT], axis=1)
        expected = expected.astype(np.float32)[plain.lods[0].indices].reshape(-1, 3, 6)
        assert {frozenset(map(bytes, each)) for each in shown} == {
            frozenset(map(bytes, each)) for each in expected
        }
        assert len(shown) == len(expected)
        assert transformed_per_triangle(np.frombuffer(indices.data, np.uint32)) < 0.85


def test_a_warning_names_the_vertex_by_its_number_in_the_source():
    count = 17 * 17
    weights = np.tile([1.0, 0.0], (count, 1))
    lod = grid(side=16, frameIdxs=np.zeros((count, 2)), frameWeights=weights)
    lod.attributes["frameWeights"][123] = (0.5, 0.1)
    form = (*FORMAT[:1], ("frameIdxs", VertexFormat.R8G8_UINT), ("frameWeights", VertexFormat.R32G32_SFLOAT))
    settings = VertexSettings(form, num_blend_weights=2, num_bones=1, order="meshopt")
    (warning,) = pack_vertices(source_of(lod), settings).warnings
    assert "vertex 123 " in warning.message


MESHES = """assetDb: { name: db assets: [
    { @type: mesh  name: thing  source: thing.hu
        lods: [{ topology: TOPOLOGY  vertices: thing  indices: thing }] }
    { @type: vertices  name: thing  source: thing  vertexFormat: [[pos r32g32b32_sfloat]] }
    { @type: indices  name: thing  source: thing  indexFormat: uint16 }
    MORE
] }"""
BLENDED = """{ @type: model  name: thing  mesh: thing  material: glass }
    { @type: material  name: glass  shaders: [vs]  alphaMode: blend }
    { @type: shader  name: vs  source: vs.glsl  stage: vertex_shader_bit }"""
OTHER = """{ @type: mesh  name: other  source: thing.hu
        lods: [{ topology: line_list  vertices: thing  indices: edges }] }
    { @type: indices  name: edges  source: thing  indexFormat: uint16 }"""


@pytest.mark.parametrize(
    ("topology", "more", "orders"),
    [
        ("triangle_list", "", {True}),
        ("triangle_strip", "", {False}),
        ("triangle_list", BLENDED, {False}),
        ("triangle_list", BLENDED.replace("blend ", "opaque "), {True}),
        ("triangle_list", OTHER, {False}),
    ],
)
def test_what_blends_and_what_is_drawn_as_lines_too_keeps_its_order(
    project: Project, topology: str, more: str, orders: set[bool]
) -> None:
    for name in ("thing.hu", "vs.glsl"):
        project.write(f"scenes/{name}", "")
    db = project.db(MESHES.replace("TOPOLOGY", topology).replace("MORE", more))
    found = {
        bool(recipe.parameters["order"]) for recipe in recipes_of(db).values() if "order" in recipe.parameters
    }
    assert found == orders


def test_a_cache_is_stale_where_another_package_or_none_orders_meshes(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    triangle = "mesh: { vertices: { pos: [[0 0 0] [1 0 0] [0 1 0]] }  indices: [0 1 2] }"
    project.write("scenes/thing.hu", triangle)
    db = project.db(MESHES.replace("TOPOLOGY", "triangle_list").replace("MORE", ""))
    cooked = []
    for identity in ("meshopt 1", "meshopt 1", "", "", "meshopt 2", "meshopt 1"):
        monkeypatch.setattr(packages, "identity_of", lambda package, identity=identity: identity)
        one = cook_database(db)
        cooked.append(one.cooked)
        one.image.close()
    assert cooked == [2, 0, 2, 0, 2, 2]


def test_without_the_package_a_mesh_is_cooked_in_the_order_of_its_source(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lod = grid()
    monkeypatch.setattr("engine.assets.importers.detail.ordering.load", lambda package: None)
    assert ordered(lod) is lod
    assert ordered_triangles(lod.indices) is lod.indices


def test_the_identity_of_a_package_is_its_name_and_version() -> None:
    name, version = packages.identity_of("numpy").split()
    assert (name, version) == ("numpy", np.__version__)
    assert packages.identity_of("no_such_package") == ""


def test_cooking_twice_gives_the_same_bytes() -> None:
    lod = grid()
    one, other = (
        pack_indices(source_of(lod), IndexSettings(IndexFormat.UINT16, order="meshopt")) for _ in range(2)
    )
    assert one.data == other.data
