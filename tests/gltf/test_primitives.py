"""Claims about primitives: attributes equal those written, as views, and corners those of a plain reading."""

from __future__ import annotations

import meshopt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.gltf_features import FEATURES, MODES
from support.gltf_files import CORNER_UVS, FACING, QUAD, QUAD_CORNERS, GltfFile
from support.gltf_reading import no_file, opened, refused

from engine.gltf import Draws, Primitive, read_gltf, read_primitive


def first(file: GltfFile) -> Primitive:
    return read_primitive(opened(file).at("/meshes/0/primitives/0"))


def of_feature(name: str) -> Primitive:
    return first(FEATURES[name]())


def listed(mode: str, corners: list[int]) -> list[tuple[int, ...]]:
    """The points, lines or triangles of a mode, each by hand (glTF 2.0, 3.7.2.1)."""
    n = len(corners)
    p = corners
    if mode == "points":
        return [(one,) for one in p]
    if mode == "lines":
        return [(p[i], p[i + 1]) for i in range(0, n - 1, 2)]
    if mode == "line_strip":
        return [(p[i], p[i + 1]) for i in range(n - 1)]
    if mode == "line_loop":
        return [(p[i], p[(i + 1) % n]) for i in range(n)]
    if mode == "triangles":
        return [(p[i], p[i + 1], p[i + 2]) for i in range(0, n - 2, 3)]
    if mode == "triangle_strip":
        return [(p[i], p[i + 1 + i % 2], p[i + 2 - i % 2]) for i in range(n - 2)]
    return [(p[i + 1], p[i + 2], p[0]) for i in range(n - 2)]


@pytest.mark.parametrize("mode", MODES)
def test_corners_are_those_of_a_plain_reading(mode: str) -> None:
    for count in range(3, 9):
        check_corners(mode, list(range(count)))


@given(st.sampled_from(MODES), st.lists(st.integers(0, 7), min_size=3, max_size=12))
def test_corners_that_stand_twice_are_read_like_others(mode: str, corners: list[int]) -> None:
    check_corners(mode, corners)


def check_corners(mode: str, corners: list[int]) -> None:
    file = GltfFile()
    points = file.positions(np.arange(24, dtype=np.float32).reshape(8, 3))
    indices = file.accessor(np.array(corners, np.uint8))
    file.mesh({"attributes": {"POSITION": points}, "indices": indices, "mode": MODES.index(mode)})
    found = first(file)
    expected = listed(mode, corners)
    assert found.indices.reshape(-1, len(expected[0])).tolist() == [list(each) for each in expected]
    assert found.draws == {1: Draws.POINTS, 2: Draws.LINES, 3: Draws.TRIANGLES}[len(expected[0])]


def test_plain_attributes_are_views_of_the_file() -> None:
    content = FEATURES["attributes"]().glb()
    found = read_primitive(read_gltf(content, "a.glb", no_file).at("/meshes/0/primitives/0"))
    whole = np.frombuffer(content, np.uint8)
    for name in ("POSITION", "NORMAL", "TANGENT", "TEXCOORD_0"):
        assert np.shares_memory(found.attributes[name], whole)
        assert not found.attributes[name].flags.writeable
    assert np.shares_memory(found.indices, whole)
    np.testing.assert_array_equal(found.attributes["POSITION"], QUAD)
    np.testing.assert_array_equal(found.attributes["NORMAL"], FACING)
    assert found.attributes["TANGENT"].tolist() == [[1, 0, 0, 1]] * 4


def test_normalized_attributes_are_fractions_and_own_ones_are_left_out() -> None:
    found = of_feature("attributes")
    np.testing.assert_allclose(found.attributes["TEXCOORD_1"], CORNER_UVS, atol=1e-5)
    np.testing.assert_allclose(found.attributes["COLOR_0"][3], np.array([9, 9, 9, 128]) / 255, atol=1e-6)
    assert "_OWN" not in found.attributes


def test_interleaved_attributes_are_views_with_the_stride_of_their_view() -> None:
    found = of_feature("interleaved")
    assert found.attributes["POSITION"].strides == found.attributes["NORMAL"].strides == (24, 4)
    np.testing.assert_array_equal(found.attributes["POSITION"], QUAD)
    np.testing.assert_array_equal(found.attributes["NORMAL"], FACING)


def test_quantized_attributes_are_those_that_were_rounded() -> None:
    found = of_feature("quantized")
    np.testing.assert_allclose(found.attributes["POSITION"], QUAD, atol=1e-4)
    np.testing.assert_allclose(found.attributes["NORMAL"], FACING, atol=1e-6)
    np.testing.assert_allclose(found.attributes["TEXCOORD_0"], CORNER_UVS, atol=1e-6)


def test_the_lowest_signed_number_means_minus_one() -> None:
    file = GltfFile()
    file.mesh(
        {
            "attributes": {
                "POSITION": file.positions(QUAD),
                "NORMAL": file.accessor(
                    np.array([[-128, 127, -127]] * 4, np.int8), stride=4, normalized=True
                ),
            }
        }
    )
    assert first(file).attributes["NORMAL"][0].tolist() == [-1, 1, -1]


def test_sparse_elements_replace_those_of_the_view_and_leave_the_file_as_it_is() -> None:
    found = of_feature("sparse")
    expected = QUAD.copy()
    expected[[1, 3]] = [[2, 0, 0], [0, 2, 0]]
    np.testing.assert_array_equal(found.attributes["POSITION"], expected)


def test_sparse_elements_without_a_view_replace_zeros() -> None:
    targets = of_feature("morph").targets
    assert targets[0]["POSITION"][:, 1].tolist() == [0, 0, 1, 1]
    assert targets[1]["POSITION"].tolist() == [[0, 0, 0], [0, 0, 0], [0, 0, 1], [0, 0, 0]]


def test_joints_stay_whole_numbers() -> None:
    found = of_feature("skin")
    assert found.attributes["JOINTS_0"].dtype.kind == "u"
    assert found.attributes["WEIGHTS_0"].tolist() == [[1, 0, 0, 0]] * 2 + [[0, 1, 0, 0]] * 2


@pytest.mark.parametrize("name", ["EXT_meshopt_compression", "KHR_draco_mesh_compression"])
def test_compressed_primitives_are_those_that_were_packed(name: str) -> None:
    found = of_feature(name)
    corners = found.attributes["POSITION"][found.indices].reshape(-1, 3, 3)
    expected = QUAD[QUAD_CORNERS].reshape(-1, 3, 3)
    turned = {
        tuple(np.round(np.roll(triangle, turn, 0), 3).ravel()) for triangle in corners for turn in range(3)
    }
    assert len(corners) == 2
    for triangle in expected:
        assert tuple(np.round(triangle, 3).ravel()) in turned


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("EXT_meshopt_compression", {"mode": "TRIANGLES", "count": 7}),
        ("EXT_meshopt_compression", {"filter": "OCTAHEDRAL"}),
        ("EXT_meshopt_compression", {"byteStride": 5}),
        ("EXT_meshopt_compression", {"count": 2**24, "byteStride": 128}),
        ("EXT_meshopt_compression", {"byteLength": 3}),
    ],
)
def test_wrong_parameters_of_compression_are_refused_where_they_are(
    name: str, change: dict[str, object]
) -> None:
    file = FEATURES[name]()
    file.root["bufferViews"][0]["extensions"][name] |= change
    problem = refused(lambda: first(file))
    assert problem.code in ("gltf.buffer", "gltf.limit")
    assert f"(at /bufferViews/0/extensions/{name}" in problem.message


def test_more_elements_than_compressed_data_can_hold_are_refused_before_it_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = FEATURES["EXT_meshopt_compression"]()
    file.root["bufferViews"][0]["extensions"]["EXT_meshopt_compression"] |= {"count": 1 << 20}
    monkeypatch.setattr(meshopt, "decode_gltf_buffer", lambda *_: pytest.fail("it was decoded"))
    assert "cannot hold" in refused(lambda: first(file)).message


@pytest.mark.parametrize("stride", [4, 32])
def test_elements_that_are_all_alike_are_read_however_few_bytes_hold_them(
    stride: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    alike = np.zeros(((1 << 20) // stride, stride), np.uint8)
    for level in range(4):
        packed = meshopt.encode_vertex_buffer_level(alike, level)
        extension = {"buffer": 0, "byteLength": len(packed), "byteStride": stride, "count": len(alike)}
        file = GltfFile()
        file.data += packed
        file.root["buffers"] = [{"byteLength": len(packed)}]
        described = {"EXT_meshopt_compression": extension | {"mode": "ATTRIBUTES"}}
        file.root["bufferViews"] = [{"buffer": 0, "byteLength": alike.nbytes, "extensions": described}]
        gltf = opened(file)
        assert bytes(gltf.view(gltf.at("/bufferViews/0"))) == alike.tobytes()


def test_damaged_draco_data_is_refused_where_it_is() -> None:
    file = FEATURES["KHR_draco_mesh_compression"]()
    file.data[:8] = bytes(8)
    problem = refused(lambda: first(file))
    assert problem.code == "gltf.buffer"
    assert "(at /meshes/0/primitives/0/extensions/KHR_draco_mesh_compression" in problem.message


def test_a_draco_attribute_of_a_number_that_is_not_there_is_refused() -> None:
    file = FEATURES["KHR_draco_mesh_compression"]()
    extension = file.root["meshes"][0]["primitives"][0]["extensions"]["KHR_draco_mesh_compression"]
    extension["attributes"]["POSITION"] = 5
    assert refused(lambda: first(file)).code == "gltf.reference"


def test_columns_of_small_matrices_begin_at_multiples_of_four() -> None:
    from engine.gltf import read_accessor

    file = GltfFile()
    columns = np.zeros((2, 3, 4), np.uint8)
    columns[:, :, :3] = np.arange(18).reshape(2, 3, 3)
    file.add(
        "accessors",
        {"bufferView": file.view(columns.tobytes()), "componentType": 5121, "count": 2, "type": "MAT3"},
    )
    found = read_accessor(opened(file).at("/accessors/0"), "MAT3")
    np.testing.assert_array_equal(found, np.arange(18).reshape(2, 3, 3))


def test_corners_that_are_no_whole_number_of_triangles_are_a_warning() -> None:
    file = GltfFile()
    file.mesh({"attributes": {"POSITION": file.positions(QUAD)}})
    gltf = opened(file)
    found = read_primitive(gltf.at("/meshes/0/primitives/0"))
    assert found.indices.tolist() == [0, 1, 2]
    assert [warning.code for warning in gltf.warnings] == ["gltf.mesh"]
