"""Claims about coarser levels: what they are made of, how far off they are, and why there is none."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from support.grids import SIDE, grid, source_of, uv_sphere
from support.projects import Project

from engine.assets import IndexFormat, IndicesFacts, Mesh, Simplify
from engine.assets.cache.fact_checks import checked_facts
from engine.assets.cache.facts import IndexLevel, facts_to_json
from engine.assets.importers.detail.deviation import nearest_shares
from engine.assets.importers.detail.simplifying import Simplified, simplified
from engine.assets.importers.mesh import IndexSettings, pack_indices
from engine.assets.importers.mesh_source import SourceLod
from engine.assets.importers.morph.source import COUNT_BITS, MORPH, SourceDeltas
from engine.assets.recipes import recipes_of
from engine.humon import Severity

COUNT = (SIDE + 1) ** 2
FLAT = {"waves": 0.0}


def made(
    lod: SourceLod, morph: SourceDeltas | None = None, error: float = 0.5, levels: int = 3
) -> Simplified:
    return simplified(lod, morph, Simplify(levels, 0.5, error), order=False)


def areas(lod: SourceLod, indices: np.ndarray) -> np.ndarray:
    corners = lod.attributes["pos"][indices].reshape(-1, 3, 3)
    return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) / 2


def test_each_level_has_half_of_the_triangles_of_the_one_before():
    found = made(grid(), levels=4)
    counts = [len(level.indices) // 3 for level in found.levels]
    assert all(most - 1 <= count <= most for count, most in zip(counts, (400, 200, 100, 50), strict=True))
    assert np.all(np.diff([level.error for level in found.levels]) > 0)


def test_a_level_covers_what_the_mesh_covers_and_faces_as_it_does():
    lod = grid()
    for level in made(lod).levels:
        covered = areas(lod, level.indices)
        assert (covered[:, 1] > 0).all(), "no triangle is turned over"
        assert covered[:, 1].sum() == pytest.approx(1.0, abs=0.02), "the square metre, seen from above"


def test_the_error_is_how_far_the_height_is_off():
    """It is compared with the heights of both surfaces at every vertex, found by looking at all triangles."""
    lod = grid()
    pos = lod.attributes["pos"]
    for level in made(lod, levels=2).levels:
        corners = pos[level.indices].reshape(-1, 3, 3)
        nearest = np.full(len(pos), np.inf)
        for triangle in corners:
            shares = nearest_shares(pos, np.broadcast_to(triangle, (len(pos), 3, 3)))
            nearest = np.minimum(nearest, np.linalg.norm(pos - shares @ triangle, axis=1))
        assert nearest.max() <= level.error * 1.0001
        assert level.error < 4 * nearest.max() + 0.01


def test_a_flat_square_is_drawn_with_few_triangles_without_an_error():
    found = made(grid(**FLAT), levels=6)
    assert len(found.levels[-1].indices) // 3 <= 12
    assert found.levels[-1].error < 1e-6


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("color", lambda u, v: np.stack((u**2, v, v * 0 + 1, v * 0 + 1), axis=1)),
        ("color", lambda u, v: np.stack(((u > 0.5) * 1.0, v, v, v), axis=1)),
        ("uv_albedo", lambda u, v: np.stack((u**3, v), axis=1)),
        ("normal", lambda u, v: np.stack((np.sin(7 * u), np.cos(7 * u), v * 0), axis=1)),
    ],
)
def test_what_is_seen_on_a_flat_square_counts_as_an_error(name, change):
    lod = grid(**FLAT)
    u, v = lod.attributes["uv_albedo"].T
    lod.attributes[name] = change(u, v)
    plain, found = made(grid(**FLAT)), made(lod)
    assert plain.levels[-1].error < 1e-6
    assert found.levels == () or found.levels[-1].error > 0.003


def test_a_flat_strip_that_bones_bend_has_an_error_and_one_that_a_bone_carries_has_none():
    """With a radian between its ends, a strip of one quad cuts the corner by a quarter of its length."""
    errors = []
    for bend in (0.0, 1.0):
        lod = grid(**FLAT, frameIdxs=np.tile([0.0, 1.0], (COUNT, 1)), frameWeights=np.ones((COUNT, 2)))
        along = lod.attributes["uv_albedo"][:, 0] * bend
        lod.attributes["frameWeights"][:] = np.stack((1 - along, along), axis=1)
        errors.append(made(lod, levels=6).levels[-1].error)
    assert errors[0] < 1e-6
    assert 0.1 < errors[1] < 0.4


def test_a_morph_target_that_raises_a_bump_counts_as_it_would_be_raised():
    lod = grid(**FLAT)
    middle = np.linalg.norm(lod.attributes["uv_albedo"] - 0.5, axis=1) < 0.2
    raised = np.flatnonzero(middle)
    deltas = np.zeros((len(raised), 9))
    deltas[:, 1] = 0.2 - np.linalg.norm(lod.attributes["uv_albedo"][raised] - 0.5, axis=1)
    codes = np.zeros(lod.count)
    codes[raised] = np.arange(len(raised)) << COUNT_BITS | 1
    lod.attributes[MORPH] = codes[:, None]
    morph = SourceDeltas(("bump",), (0.0,), np.zeros(len(raised), np.int64), deltas)
    found = made(lod, morph)
    assert found.levels == () or found.levels[-1].error > 0.01


@pytest.mark.parametrize(
    ("segments", "counts"), [(48, (1104, 552)), (64, (1984, 992, 496)), (96, (4512, 2256, 1128))]
)
def test_a_sphere_with_a_pole_vertex_for_each_segment_gets_levels(segments, counts):
    """Its picture is pressed together at the poles, and slides little there."""
    found = made(uv_sphere(segments), error=0.02)
    assert tuple(len(level.indices) // 3 for level in found.levels) == counts


def test_a_level_of_a_sphere_keeps_its_poles_and_its_picture():
    """At each place of the level the picture is nearly that of the sphere: u and v are angles."""
    lod = uv_sphere(96)
    level = made(lod, error=0.02).levels[-1]
    corners = level.indices.reshape(-1, 3)
    assert np.ptp(lod.attributes["pos"][level.indices], axis=0) == pytest.approx([2, 2, 2], abs=0.01)
    middles = lod.attributes["pos"][corners].mean(axis=1)
    u, v = lod.attributes["uv_albedo"][corners].mean(axis=1).T
    middles /= np.linalg.norm(middles, axis=1, keepdims=True)
    wanted = np.arctan2(middles[:, 2], middles[:, 0]) / (2 * np.pi)
    around = np.abs((u - wanted + 0.5) % 1 - 0.5) * 2 * np.pi * np.sqrt(1 - middles[:, 1] ** 2)
    along = np.abs(v - np.arccos(middles[:, 1]) / np.pi) * np.pi
    corner = lod.attributes["pos"][corners]
    area = np.linalg.norm(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1)
    slid = np.hypot(around, along)
    assert area[slid > 2 * level.error].sum() < 0.02 * area.sum()
    assert slid.max() < 0.15


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("color", lambda u, v: np.stack((u**2, v, v * 0 + 1, v * 0 + 1), axis=1), "its colours are off by"),
        ("uv_albedo", lambda u, v: np.stack((u**3, v), axis=1), "its texture coordinates slide by"),
        (
            "normal",
            lambda u, v: np.stack((np.sin(7 * u), np.cos(7 * u), v * 0), axis=1),
            "its normals are off like a bump of",
        ),
    ],
)
def test_the_reason_says_what_is_off(name, change, words):
    lod = grid(**FLAT)
    lod.attributes[name] = change(*lod.attributes["uv_albedo"].T)
    assert words in made(lod, error=1e-4, levels=6).reason
    assert "its shape is off by" in made(grid(), error=1e-4).reason


def test_seams_of_texture_coordinates_stay_closed():
    """Two halves with pictures of their own meet in vertices of which each half has one."""
    lod = grid()
    triangles = lod.indices.reshape(-1, 3)
    u = lod.attributes["uv_albedo"][:, 0]
    right = u[triangles].mean(axis=1) > 0.5
    copies = np.flatnonzero(np.abs(u - 0.5) < 1e-9)
    number = np.arange(lod.count)
    number[copies] = lod.count + np.arange(len(copies))
    triangles[right] = number[triangles[right]]
    attributes = {name: np.concatenate((each, each[copies])) for name, each in lod.attributes.items()}
    attributes["uv_albedo"][np.unique(triangles[right]), 0] += 5.0
    cut = SourceLod(attributes, triangles.reshape(-1), {}, lod.index_node, lod.count + len(copies))
    for level in made(cut).levels:
        corners = level.indices.reshape(-1, 3)
        side = attributes["uv_albedo"][corners][..., 0]
        assert (np.ptp(side, axis=1) <= 1.0).all(), "no triangle reaches from one picture into the other"
        assert areas(cut, level.indices)[:, 1].sum() == pytest.approx(1.0, abs=0.02)


def test_indices_of_all_levels_follow_each_other_and_use_the_vertices_of_the_finest():
    lod, settings = grid(), Simplify(3, 0.5, 0.5)
    packed = pack_indices(source_of(lod), IndexSettings(IndexFormat.UINT16, simplify=settings))
    facts = packed.facts
    assert isinstance(facts, IndicesFacts)
    counts = [level.count for level in facts.levels]
    assert len(counts) == 4
    assert [level.first for level in facts.levels] == [0, *np.cumsum(counts[:-1])]
    assert (facts.count, facts.finest, facts.highest) == (sum(counts), 2400, lod.count - 1)
    rows = np.frombuffer(packed.data, np.uint16)
    np.testing.assert_array_equal(rows[:2400], lod.indices)
    assert facts.levels[0].error == 0.0
    assert packed.warnings == ()


@pytest.mark.parametrize(
    ("lod", "settings", "message"),
    [
        (grid(side=1), Simplify(3, 0.1, 0.1), "more than the error 0.1"),
        (grid(), Simplify(3, 0.5, 1e-6), "more than the error 1e-06"),
        (grid(), Simplify(3, 0.95, 0.5), "cannot be made fewer"),
    ],
)
def test_where_no_level_is_made_the_mesh_is_whole_and_a_warning_says_why(lod, settings, message):
    packed = pack_indices(source_of(lod), IndexSettings(IndexFormat.UINT32, simplify=settings))
    assert isinstance(packed.facts, IndicesFacts)
    assert packed.facts.levels == ()
    np.testing.assert_array_equal(np.frombuffer(packed.data, np.uint32), lod.indices)
    (warning,) = packed.warnings
    assert (warning.code, warning.severity) == ("mesh.simplify", Severity.WARNING)
    assert message in warning.message
    assert warning.help


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        (lambda levels: levels, True),
        (lambda levels: levels[:1], False),
        (lambda levels: levels[:-1], False),
        (lambda levels: [levels[0], replace(levels[1], first=0), *levels[2:]], False),
        (lambda levels: [levels[0], replace(levels[1], error=9.0), *levels[2:]], False),
        (lambda levels: [*levels[:-1], replace(levels[-1], error=float("inf"))], False),
        (lambda levels: [*levels[:-1], replace(levels[-1], error=float("nan"))], False),
        (lambda levels: [replace(levels[0], error=0.001), *levels[1:]], False),
        (lambda levels: [*levels, IndexLevel(sum(each.count for each in levels), 0, 9.0)], False),
    ],
)
def test_facts_of_a_cache_whose_levels_do_not_follow_each_other_are_not_believed(project, change, fits):
    project.write("scenes/thing.hu", "")
    db = project.db(RECORD.replace("LODS", LOD).replace("SIMPLIFY", "{ levels: 3 error: 0.5 }"))
    recipe = recipes_of(db)[2]
    settings = IndexSettings(IndexFormat.UINT16, simplify=recipe.parameters["simplify"])
    packed = pack_indices(source_of(grid()), settings)
    facts = replace(packed.facts, levels=tuple(change(list(packed.facts.levels))))
    found = checked_facts(recipe, json.loads(json.dumps(facts_to_json(facts))), len(packed.data))
    assert (found is not None) == fits
    none = replace(recipe, parameters={**recipe.parameters, "simplify": None})
    assert checked_facts(none, json.loads(json.dumps(facts_to_json(facts))), len(packed.data)) is None


@pytest.mark.parametrize(
    "positions",
    [
        [[0, 0, 0], [1, 0, 0], [0, 1, 0]],
        [[0, 0, 0]] * 3,
        [[0, 0, 0], [1, 0, 0], [2, 0, 0]],
        [[0, 0, 0], [1e-30, 0, 0], [0, 1e-30, 0]],
        [[0, 0, 0], [3e38, 0, 0], [0, -3e38, 0]],
    ],
)
def test_a_mesh_of_one_triangle_or_of_none_that_is_seen_stays_as_it_is(positions):
    nodes = {"pos": grid(side=1).index_node}
    lod = SourceLod({"pos": np.array(positions, np.float64)}, np.array([0, 1, 2] * 2), nodes, nodes["pos"], 3)
    packed = pack_indices(source_of(lod), IndexSettings(IndexFormat.UINT16, simplify=Simplify()))
    assert np.frombuffer(packed.data, np.uint16).tolist() == [0, 1, 2, 0, 1, 2]
    assert [warning.code for warning in packed.warnings] == ["mesh.simplify"]


def test_a_mesh_of_which_very_many_triangles_meet_at_one_place_is_drawn_in_full_detail():
    around = np.linspace(0, 2 * np.pi, 5001)
    rim = np.stack((np.cos(around), np.sin(around), 0 * around), axis=1)
    tip = np.broadcast_to((0.0, 0.0, 1.0), (5000, 3))
    corners = np.stack((rim[:-1], rim[1:], tip), axis=1).reshape(-1, 3)  # no triangle shares one
    numbers = np.arange(15_000)
    cone = replace(grid(), attributes={"pos": corners}, indices=numbers, count=15_000, numbers=numbers)
    found = made(cone)
    assert not found.levels
    assert found.reason == "too many of its triangles meet at one place"


def test_a_missing_package_is_named_with_how_to_get_it(monkeypatch):
    monkeypatch.setattr("engine.assets.importers.detail.simplifying.load", lambda package: None)
    found = made(grid())
    assert found.levels == ()
    assert "opengl_decimate" in found.reason
    assert "pip install 'diorama[import]'" in found.hint


def test_the_nearest_place_of_a_triangle_is_inside_on_an_edge_or_at_a_corner():
    triangle = np.array([[0.0, 0, 0], [4, 0, 0], [0, 4, 0]])
    for place, expected in (
        ((1, 1, 5), (1, 1, 0)),
        ((2, -3, 1), (2, 0, 0)),
        ((4, 4, -1), (2, 2, 0)),
        ((-2, -1, 0), (0, 0, 0)),
        ((9, -1, 0), (4, 0, 0)),
        ((-1, 9, 2), (0, 4, 0)),
    ):
        shares = nearest_shares(np.array([place], np.float64), triangle[None])
        np.testing.assert_allclose(shares[0] @ triangle, expected, atol=1e-12)
        assert shares.sum() == pytest.approx(1.0)
    flat = np.array([[[0.0, 0, 0], [2, 0, 0], [4, 0, 0]]])
    np.testing.assert_allclose(nearest_shares(np.array([[3.0, 1, 0]]), flat) @ flat[0], [[3, 0, 0]])


RECORD = """assetDb: { name: db assets: [
    { @type: mesh  name: thing  source: thing.hu  lods: [LODS]
        simplify: SIMPLIFY }
    { @type: vertices  name: thing  source: thing  vertexFormat: [[pos r32g32b32_sfloat]] }
    { @type: indices  name: thing  source: thing  indexFormat: uint16 }
] }"""
LOD = "{ topology: triangle_list  vertices: thing  indices: thing }"


def record(project: Project, simplify: str, lods: str = LOD) -> tuple[Mesh, list[str]]:
    project.write("scenes/thing.hu", "")
    db = project.db(RECORD.replace("LODS", lods).replace("SIMPLIFY", simplify))
    mesh = db.assets[0]
    assert isinstance(mesh, Mesh)
    assert all(problem.severity is Severity.WARNING and problem.help for problem in db.warnings)
    assert all(str(problem.position).startswith("scenes/db.hu:3:") for problem in db.warnings)
    return mesh, [f"{problem.code}: {problem.message}" for problem in db.warnings]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", Simplify(3, 0.5, 0.02)),
        ("{ levels: 15 ratio: 0.25 error: 0.1 }", Simplify(15, 0.25, 0.1)),
        ("{ ratio: 0.01 error: 1 }", Simplify(3, 0.01, 1.0)),
    ],
)
def test_a_record_says_how_many_levels_of_which_size_and_error(project, text, expected):
    assert record(project, text) == (record(project, text)[0], [])
    assert record(project, text)[0].simplify == expected


@pytest.mark.parametrize(
    ("text", "lods", "message"),
    [
        ("{ levels: 0 }", LOD, "value.range: 'levels' must be from 1 to 15"),
        ("{ levels: 16 }", LOD, "value.range: 'levels' must be from 1 to 15"),
        ("{ levels: 1.5 }", LOD, "value.number: 'levels' must be a whole number"),
        ("{ ratio: 1.5 }", LOD, "value.range: 'ratio' must be from 0.01 to 0.95"),
        ("{ ratio: 0 }", LOD, "value.range: 'ratio' must be"),
        ("{ ratio: nan }", LOD, "value.range: 'ratio' must be finite"),
        ("{ error: inf }", LOD, "value.range: 'error' must be finite"),
        ("{ error: -1 }", LOD, "value.range: 'error' must be"),
        ("{ errors: 1 }", LOD, "asset.field: a simplify has no field 'errors'"),
        ("[3]", LOD, "value.kind"),
        ("3", LOD, "value.kind"),
        ("{}", f"{LOD} {LOD}", "asset.simplify: the mesh has 2 levels of detail"),
        ("{}", LOD.replace("list", "strip"), "asset.simplify: a triangle_strip cannot"),
    ],
)
def test_a_wrong_simplify_is_a_warning_at_its_place_and_the_mesh_is_drawn_in_full(
    project, text, lods, message
):
    mesh, warnings = record(project, text, lods)
    assert mesh.simplify is None
    assert len(warnings) == 1
    assert message in warnings[0]
    assert len(mesh.lods) == lods.count("topology")
