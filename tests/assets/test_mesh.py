"""Mesh sources: layouts to the byte, and sources that are rejected before they reach a GPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.assets import IndexFormat, IndicesFacts, SkeletonFacts, Topology, VertexFormat, VerticesFacts
from engine.assets.importers.blend_weights import read_blend_weights
from engine.assets.importers.mesh import (
    BONE,
    IndexSettings,
    VertexSettings,
    pack_indices,
    pack_skeleton,
    pack_vertices,
    vertex_layout,
)
from engine.assets.importers.mesh_source import MeshSource, read_mesh_source
from engine.humon import InputError, Problem, Severity, parse

SEED_FORMAT = (
    ("pos", VertexFormat.R32G32B32_SFLOAT),
    ("normal", VertexFormat.R32G32B32_SFLOAT),
    ("uv_albedo", VertexFormat.R32G32_SFLOAT),
    ("uv_normal", VertexFormat.R32G32_SFLOAT),
    ("uv_tangent", VertexFormat.R32G32_SFLOAT),
    ("uv_roughness", VertexFormat.R32G32_SFLOAT),
    ("frameIdxs", VertexFormat.R8_UINT),
    ("frameWeights", VertexFormat.R32G32_SFLOAT),
)
POS = (("pos", VertexFormat.R32G32B32_SFLOAT),)


def source_of(text: str) -> MeshSource:
    return read_mesh_source(parse(text, "mesh.hu"))


def mesh(vertices: str = "pos: [[0 0 0] [1 0 0] [0 1 0]]", indices: str = "[0 1 2]", more: str = "") -> str:
    return f"mesh: {{\n vertices: {{ {vertices} }}\n indices: {indices}\n {more} }}"


def problem_of(text: str, *, lod: int = 0, form: tuple[tuple[str, VertexFormat], ...] = POS) -> Problem:
    def pack() -> None:
        source = source_of(text)
        pack_vertices(source, VertexSettings(form, lod, num_blend_weights=2, num_bones=2))
        pack_indices(source, IndexSettings(IndexFormat.UINT16, Topology.TRIANGLE_LIST, lod))

    with pytest.raises(InputError) as caught:
        pack()
    assert caught.value.problems[0].position is not None
    return caught.value.problems[0]


def test_the_seed_s_vertex_is_68_bytes_and_24_of_them_1632(root: Path) -> None:
    offsets, stride = vertex_layout(SEED_FORMAT)
    assert stride == 68
    assert offsets == (0, 12, 24, 32, 40, 48, 56, 60)
    cube = source_of((root / "assets/builtin/mesh/cube.hu").read_text(encoding="utf-8"))
    vertices = pack_vertices(cube, VertexSettings(SEED_FORMAT, num_blend_weights=2, num_bones=2))
    assert len(vertices.data) == 1632
    assert len(pack_indices(cube, IndexSettings(IndexFormat.UINT16, Topology.TRIANGLE_LIST)).data) == 72
    assert len(pack_skeleton(cube).data) == 68


def test_attributes_are_packed_in_order_each_aligned_to_four() -> None:
    source = source_of(mesh("pos: [[1 2 3] [4 5 6] [7 8 9]]  id: [1 2 3]  tint: [[0 1] [1 0] [0.5 0.25]]"))
    form = (
        ("id", VertexFormat.R8_UINT),
        ("pos", VertexFormat.R32G32B32_SFLOAT),
        ("tint", VertexFormat.R8G8_UNORM),
    )
    imported = pack_vertices(source, VertexSettings(form))
    facts = imported.facts
    assert isinstance(facts, VerticesFacts)
    assert (facts.count, facts.stride, facts.offsets) == (3, 20, (0, 4, 16))
    assert (facts.minimum, facts.maximum) == ((1.0, 2.0, 3.0), (7.0, 8.0, 9.0))
    first, last = imported.data[:20], imported.data[40:]
    assert first == b"\x01\0\0\0" + np.array([1, 2, 3], "<f4").tobytes() + b"\x00\xff\0\0"
    assert last == b"\x03\0\0\0" + np.array([7, 8, 9], "<f4").tobytes() + b"\x80\x40\0\0"


def test_indices_are_packed_in_the_requested_format() -> None:
    source = source_of(mesh(indices="[[0 1 2] [2 1 0]]"))
    short = pack_indices(source, IndexSettings(IndexFormat.UINT16, Topology.TRIANGLE_LIST))
    assert short.data == np.array([0, 1, 2, 2, 1, 0], "<u2").tobytes()
    long = pack_indices(source, IndexSettings(IndexFormat.UINT32, Topology.LINE_LIST))
    assert long.data == np.array([0, 1, 2, 2, 1, 0], "<u4").tobytes()
    assert long.facts == IndicesFacts(6, IndexFormat.UINT32, Topology.LINE_LIST, 2)


def test_a_bone_is_34_bytes_and_has_its_parent_first() -> None:
    bones = "bones: [{ name: a  translation: [1 2 3]  scale: 2 } { name: b  parent: a  rotation: [0 3 0 4] }]"
    imported = pack_skeleton(source_of(mesh(more=bones)))
    assert BONE.itemsize == 34
    assert imported.facts == SkeletonFacts(2, ("a", "b"))
    rows = np.frombuffer(imported.data, BONE)
    assert rows["parent"].tolist() == [0xFFFF, 0]
    assert rows["translation"][0].tolist() == [1, 2, 3]
    assert rows["scale"].tolist() == [2, 1]
    np.testing.assert_allclose(rows["rotation"][1], [0, 0.6, 0, 0.8], rtol=1e-6)
    assert imported.data[:2] == b"\xff\xff"
    assert imported.data[2:6] == np.float32(0).tobytes()


def test_levels_of_detail_are_packed_separately() -> None:
    text = """mesh: { lods: [
        { vertices: { pos: [[0 0 0] [1 0 0] [0 1 0] [1 1 0]] }  indices: [0 1 2 1 2 3] }
        { vertices: { pos: [[0 0 0] [1 0 0] [0 1 0]] }  indices: [0 1 2] }
    ] }"""
    source = source_of(text)
    assert len(pack_vertices(source, VertexSettings(POS, lod=0)).data) == 48
    assert len(pack_vertices(source, VertexSettings(POS, lod=1)).data) == 36
    assert problem_of(text, lod=2).code == "mesh.lod"


def test_numbers_with_comments_and_commas_read_like_plain_ones() -> None:
    plain = source_of(mesh("pos: [[0 0 0] [1 0 0] [0 1 0]]"))
    fancy = source_of(mesh("pos: [[0, 0, 0] // one\n [1 0 0] /* two */ ['0' 1 0]]"))
    np.testing.assert_array_equal(plain.lods[0].attributes["pos"], fancy.lods[0].attributes["pos"])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (mesh(indices="[0 1 3]"), "mesh.index"),
        (mesh(indices="[[0 1 2] [0 1 3]]"), "mesh.index"),
        (mesh(indices="[0 1 -1]"), "mesh.index"),
        (mesh(indices="[0 1 1.5]"), "mesh.index"),
        (mesh(indices="[0 1 18446744073709551615]"), "mesh.index"),
        (mesh(indices="[0 1 2 0]"), "mesh.count"),
        (mesh(indices="[]"), "mesh.empty"),
        (mesh("pos: []"), "mesh.empty"),
        ("mesh: { lods: [] }", "mesh.empty"),
        (mesh("pos: [[nan 0 0] [1 0 0] [0 1 0]]"), "value.range"),
        (mesh("pos: [[0 0 0] [inf 0 0] [0 1 0]]"), "value.range"),
        (mesh("pos: [[0 0 0] [1e999 0 0] [0 1 0]]"), "value.range"),
        (mesh("pos: [[0 0 0] [" + "9" * 5000 + " 0 0] [0 1 0]]"), "value.range"),
        (mesh("pos: [[0 0 0] [1e300 0 0] [0 1 0]]"), "mesh.range"),
        (mesh("pos: [[0 0 0] [1_0 0 0] [0 1 0]]"), "value.number"),
        (mesh("pos: [[0 0 0] [1 0] [0 1 0]]"), "value.count"),
        (mesh("pos: [[0 0 0] 1 0 0 [0 1 0]]"), "value.count"),
        (mesh("pos: [[0 0 0] [[1 0 0]] [0 1 0]]"), "value.kind"),
        (mesh("pos: [[0 0] [1 0] [0 1]]"), "mesh.attribute"),
        (mesh("pos: [0 1 2]"), "mesh.attribute"),
        (mesh("normal: [[0 0 1]]"), "mesh.attribute"),
        (mesh("pos: [[0 0 0] [1 0 0] [0 1 0]]  uv: [[0 0] [1 1]]"), "mesh.attribute"),
        (mesh("pos: { x: 1 }"), "value.kind"),
        (mesh(more="bones: [{ name: a  parent: b } { name: b }]"), "mesh.bone"),
        (mesh(more="bones: [{ name: a  parent: a }]"), "mesh.bone"),
        (mesh(more="bones: [{ name: a } { name: a }]"), "mesh.bone"),
        (mesh(more="bnes: []"), "mesh.key"),
        ("mesh: 7", "value.kind"),
        ("other: {}", "value.missing"),
        ("[]", "value.kind"),
    ],
)
def test_meshes_that_cannot_be_drawn_are_rejected_with_the_position(text: str, code: str) -> None:
    assert problem_of(text).code == code


def test_a_wrong_index_is_reported_at_its_position() -> None:
    problem = problem_of(
        "mesh: {\n vertices: { pos: [[0 0 0] [1 0 0] [0 1 0]] }\n indices: [[0 1 2]\n [0 9 2]] }"
    )
    assert "index 9" in problem.message
    assert problem.position is not None
    assert (problem.position.line, problem.position.column) == (4, 5)


def test_an_index_of_65535_does_not_fit_into_sixteen_bits() -> None:
    rows = "[0 0 0] " * 65536
    text = mesh(f"pos: [{rows}]", "[0 1 65535]")
    assert problem_of(text).code == "mesh.range"
    source = source_of(text)
    assert len(pack_indices(source, IndexSettings(IndexFormat.UINT32, Topology.TRIANGLE_LIST)).data) == 12


@pytest.mark.parametrize(
    ("attribute", "form", "code"),
    [
        ("id: [0 1 256]", VertexFormat.R8_UINT, "mesh.range"),
        ("id: [0 1 -1]", VertexFormat.R8_UINT, "mesh.range"),
        ("id: [0 1 0.5]", VertexFormat.R8_UINT, "mesh.range"),
        ("id: [0 1 1.5]", VertexFormat.R8_UNORM, "mesh.range"),
        ("id: [0 1 70000]", VertexFormat.R16_UINT, "mesh.range"),
        ("id: [0 1 2]", VertexFormat.R32G32_SFLOAT, "mesh.attribute"),
        ("di: [0 1 2]", VertexFormat.R32_SFLOAT, "mesh.attribute"),
    ],
)
def test_values_that_do_not_fit_their_format_are_rejected(
    attribute: str, form: VertexFormat, code: str
) -> None:
    text = mesh(f"pos: [[0 0 0] [1 0 0] [0 1 0]]  {attribute}")
    assert problem_of(text, form=(*POS, ("id", form))).code == code


@pytest.mark.parametrize(
    "skin",
    [
        "frameIdxs: [0 0 32]  frameWeights: [[1 0] [1 0] [1 0]]",
        "frameIdxs: [0 0 2]  frameWeights: [[1 0] [1 0] [1 0]]",
        "frameIdxs: [0 0 0]  frameWeights: [[1 0] [0 0] [1 0]]",
        "frameIdxs: [0 0 0]  frameWeights: [[1 0] [2 -1] [1 0]]",
    ],
)
def test_skin_with_a_missing_bone_is_rejected(skin: str) -> None:
    bones = "bones: [{ name: a } { name: b }]"
    form = (*POS, ("frameIdxs", VertexFormat.R8_UINT), ("frameWeights", VertexFormat.R32G32_SFLOAT))
    text = mesh(f"pos: [[0 0 0] [1 0 0] [0 1 0]]  {skin}", more=bones)
    assert problem_of(text, form=form).code == "mesh.skin"


def test_a_bone_beyond_all_whole_numbers_is_rejected() -> None:
    form = (*POS, ("frameIdxs", VertexFormat.R8_UINT), ("frameWeights", VertexFormat.R32G32_SFLOAT))
    skin = "pos: [[0 0 0] [1 0 0] [0 1 0]]  frameIdxs: [0 0 1e300]  frameWeights: [[1 0] [1 0] [1 0]]"
    assert problem_of(mesh(skin, more="bones: [{ name: a } { name: b }]"), form=form).code == "mesh.range"


def test_a_zero_quaternion_and_a_zero_scale_become_the_identity_with_a_warning() -> None:
    source = source_of(mesh(more="bones: [{ name: a  rotation: [0 0 0 0]  scale: 0 }]"))
    rows = np.frombuffer(pack_skeleton(source).data, BONE)
    assert rows["rotation"][0].tolist() == [0, 0, 0, 1]
    assert rows["scale"][0] == 1
    assert [problem.code for problem in source.warnings] == ["mesh.transform"] * 2
    assert all(problem.severity is Severity.WARNING for problem in source.warnings)


def test_a_mesh_without_bones_has_no_skeleton() -> None:
    with pytest.raises(InputError) as caught:
        pack_skeleton(source_of(mesh()))
    assert caught.value.problems[0].code == "mesh.bone"


def skinned(skin: str, *form: tuple[str, VertexFormat], weights: int, bones: int = 8) -> bytes:
    """The bytes of three vertices after their positions, of a mesh with so many bones."""
    names = " ".join(f"{{ name: b{number} }}" for number in range(bones))
    source = source_of(mesh(f"pos: [[0 0 0] [1 0 0] [0 1 0]]  {skin}", more=f"bones: [{names}]"))
    packed = pack_vertices(source, VertexSettings((*POS, *form), 0, weights, bones))
    assert not packed.warnings
    facts = packed.facts
    assert isinstance(facts, VerticesFacts)
    found = read_blend_weights(facts, packed.data)
    assert found is not None
    numbers, parts = found
    assert numbers.shape == parts.shape == (3, weights)
    np.testing.assert_allclose(parts.sum(axis=1), 1.0)
    return np.frombuffer(packed.data, np.uint8).reshape(3, -1)[:, 12:].tobytes()


EIGHT = "[0.3 0.2 0.1 0.1 0.1 0.1 0.05 0.05]"


FOUR = (("frameIdxs", VertexFormat.R8G8B8A8_UINT), ("frameWeights", VertexFormat.R32G32B32A32_SFLOAT))


@pytest.mark.parametrize("given", [0, 2, 4, 8])
def test_the_format_says_how_many_weights_there_are_whatever_num_blend_weights_says(given: int) -> None:
    row, part = "[7 6 5 4]", "[0.4 0.3 0.2 0.1]"
    text = f"frameIdxs: [{row} {row} {row}]  frameWeights: [{part} {part} {part}]"
    names = " ".join(f"{{ name: b{number} }}" for number in range(8))
    source = source_of(mesh(f"pos: [[0 0 0] [1 0 0] [0 1 0]]  {text}", more=f"bones: [{names}]"))
    packed = pack_vertices(source, VertexSettings((*POS, *FOUR), 0, given, 8))
    assert not packed.warnings
    assert packed.data == pack_vertices(source, VertexSettings((*POS, *FOUR), 0, 4, 8)).data


@pytest.mark.parametrize("last", ["0.05 0.05", "0 0"])
def test_of_more_weights_than_the_format_holds_the_largest_are_used(last: str) -> None:
    row = "[0 1 2 3 4 5 6 7]"
    part = f"[0.1 0.3 {'0.05 0.05' if last != '0 0' else '0 0'} 0.2 0.2 {last}]"
    text = f"frameIdxs: [{row} {row} {row}]  frameWeights: [{part} {part} {part}]"
    names = " ".join(f"{{ name: b{number} }}" for number in range(8))
    source = source_of(mesh(f"pos: [[0 0 0] [1 0 0] [0 1 0]]  {text}", more=f"bones: [{names}]"))
    packed = pack_vertices(source, VertexSettings((*POS, *FOUR), 0, 0, 8))
    assert isinstance(packed.facts, VerticesFacts)
    found = read_blend_weights(packed.facts, packed.data)
    assert found is not None
    assert found[0].tolist() == [[0, 1, 4, 5]] * 3
    np.testing.assert_allclose(found[1], [np.array([0.1, 0.3, 0.2, 0.2]) / 0.8] * 3, rtol=1e-6)
    messages = [problem.message for problem in packed.warnings if "the vertex format 4" in problem.message]
    assert len(messages) == (last != "0 0")
    if messages:
        assert "8 weights per vertex" in messages[0]
        assert "at least 0.80 of the sum" in messages[0]


def test_fewer_weights_than_the_format_holds_are_followed_by_zeros() -> None:
    text = "frameIdxs: [[1 2] [3 4] [5 6]]  frameWeights: [[0.5 0.5] [1 0] [0.25 0.75]]"
    names = " ".join(f"{{ name: b{number} }}" for number in range(8))
    source = source_of(mesh(f"pos: [[0 0 0] [1 0 0] [0 1 0]]  {text}", more=f"bones: [{names}]"))
    packed = pack_vertices(source, VertexSettings((*POS, *FOUR), 0, 0, 8))
    assert isinstance(packed.facts, VerticesFacts)
    found = read_blend_weights(packed.facts, packed.data)
    assert found is not None
    assert found[1].tolist() == [[0.5, 0.5, 0, 0], [1, 0, 0, 0], [0.25, 0.75, 0, 0]]
    assert found[0][:, :2].tolist() == [[1, 2], [3, 4], [5, 6]]


def test_numbers_of_bones_are_packed_into_few_channels_the_first_in_the_lowest_bits() -> None:
    each = "frameIdxs: [[1 2] [3 4] [5 6]]  frameWeights: [[0.5 0.5] [1 0] [0.25 0.75]]"
    packed = "frameIdxs: [33 67 101]  frameWeights: [[0.5 0.5] [1 0] [0.25 0.75]]"
    form = ("frameIdxs", VertexFormat.R8_UINT), ("frameWeights", VertexFormat.R32G32_SFLOAT)
    assert skinned(each, *form, weights=2) == skinned(packed, *form, weights=2)
    assert skinned(each, *form, weights=2)[::12] == bytes((0x21, 0x43, 0x65))


def test_eight_weights_lie_in_two_attributes_and_their_bones_in_one() -> None:
    row = "[0 1 2 3 4 5 6 7]"
    text = f"frameIdxs: [{row} {row} {row}]  frameWeights: [{EIGHT} {EIGHT} {EIGHT}]"
    made = skinned(
        text,
        ("frameIdxs", VertexFormat.R16G16B16A16_UINT),
        ("frameWeights", VertexFormat.R8G8B8A8_UNORM),
        ("frameWeights2", VertexFormat.R8G8B8A8_UNORM),
        weights=8,
    )
    assert made[:8] == bytes((0, 1, 2, 3, 4, 5, 6, 7))
    assert [round(part / 255, 2) for part in made[8:16]] == [0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05]


def test_a_bone_that_does_not_fit_into_its_bits_is_rejected() -> None:
    form = ("frameIdxs", VertexFormat.R8_UINT), ("frameWeights", VertexFormat.R32G32_SFLOAT)
    text = "frameIdxs: [[1 2] [3 16] [5 6]]  frameWeights: [[0.5 0.5] [1 0] [0.25 0.75]]"
    with pytest.raises(InputError) as caught:
        skinned(text, *form, weights=2, bones=20)
    problem = caught.value.problems[0]
    assert (problem.code, problem.help) == ("mesh.skin", "give frameIdxs a wider format")
    assert "bone 16 does not fit into the 4 bits" in problem.message


def test_weights_that_do_not_add_up_are_divided_by_their_sum_with_a_warning() -> None:
    form = (
        *POS,
        ("frameIdxs", VertexFormat.R8_UINT),
        ("frameWeights", VertexFormat.R32G32_SFLOAT),
    )
    text = "pos: [[0 0 0] [1 0 0] [0 1 0]]  frameIdxs: [0 0 0]  frameWeights: [[1 0] [3 1] [0.5 0.5]]"
    packed = pack_vertices(source_of(mesh(text, more="bones: [{ name: a }]")), VertexSettings(form, 0, 2, 1))
    weights = np.frombuffer(packed.data, np.float32).reshape(3, 6)[:, 4:]
    assert weights.tolist() == [[1, 0], [0.75, 0.25], [0.5, 0.5]]
    (warning,) = packed.warnings
    assert (warning.code, warning.severity) == ("mesh.skin", Severity.WARNING)
    assert "vertex 1 add up to 4" in warning.message
    assert warning.position is not None


def test_bones_that_are_each_other_s_parents_are_rejected() -> None:
    with pytest.raises(InputError) as caught:
        source_of(mesh(more="bones: [{ name: a  parent: b } { name: b  parent: a }]"))
    problem = caught.value.problems[0]
    assert problem.code == "mesh.bone"
    assert problem.position is not None
    assert "'a' comes before its parent 'b'" in problem.message
