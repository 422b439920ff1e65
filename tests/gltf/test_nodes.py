"""Claims about nodes, skins, clips, and materials: values equal those written; what is wrong costs itself."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from support.gltf_features import FEATURES, animations, materials, skin, weights
from support.gltf_files import GltfFile
from support.gltf_reading import document, opened, refused

from engine.gltf import (
    Cover,
    GltfMaterial,
    Sampling,
    Transform,
    image_bytes,
    image_of,
    read_clip,
    read_material,
    read_nodes,
    read_skin,
    sampling_of,
)
from engine.gltf.limits import MAX_DEPTH, MAX_NODES
from engine.gltf.naming import Names, node_names, node_paths
from engine.math import compose
from engine.scene.models.placement import matrix_of


def test_transforms_are_those_written_and_matrices_are_taken_apart() -> None:
    found = read_nodes(opened(FEATURES["nodes"]()).root)
    assert found.problems == ()
    inner, outer = found.by_number[0].transform, found.by_number[1].transform
    assert outer == Transform((1, 2, 3), (0, 0, 0.6, 0.8), (1, 2, 3))
    assert inner.translation == (5, 6, 7)
    np.testing.assert_allclose(np.abs(inner.rotation), [0, 0, math.sqrt(0.5), math.sqrt(0.5)], atol=1e-6)
    np.testing.assert_allclose(inner.scale, 1)


def test_the_transform_of_a_matrix_gives_the_matrix() -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        turn = rng.normal(size=4)
        scale = rng.uniform(0.5, 2, 3) * (rng.choice([-1, 1]), 1, 1)
        matrix = compose(
            rng.normal(size=(1, 3)), (turn / np.linalg.norm(turn))[None], scale[None].astype(np.float32)
        )[0]
        gltf = document({"nodes": [{"matrix": matrix.reshape(-1).tolist()}]})
        found = read_nodes(gltf.root).by_number[0].transform
        again = matrix_of(found)
        np.testing.assert_allclose(again, matrix, atol=1e-5)
        assert gltf.warnings == []


def test_a_rotation_gets_length_1() -> None:
    gltf = document({"nodes": [{"rotation": [0, 0, 3, 4]}]})
    assert read_nodes(gltf.root).by_number[0].transform.rotation == (0, 0, 0.6, 0.8)


def test_paths_and_names_are_unique_also_without_regard_to_case() -> None:
    gltf = document(
        {"nodes": [{"name": "A", "children": [1, 2]}, {"name": "a"}, {"name": "a"}, {}, {"name": "x/y.z"}]}
    )
    nodes = read_nodes(gltf.root)
    names, _ = node_names(nodes.by_number)
    assert list(names.values()) == ["A", "a_2", "a_3", "node3", "x_y_z"]
    assert node_paths(nodes, names)[2] == "A/a_3"


def test_equal_names_cost_no_more_than_different_ones() -> None:
    names = Names()
    found = [names.free("same", "") for _ in range(20_000)]
    assert found[-1] == "same_20000"


def test_instances_have_the_transforms_written() -> None:
    [node] = read_nodes(opened(FEATURES["instances"]()).root).by_number.values()
    assert node.instances is not None
    assert [place.translation for place in node.instances] == [(0, 0, 0), (2, 0, 0), (4, 0, 0)]
    assert [place.scale for place in node.instances] == [(1, 1, 1), (2, 2, 2), (1, 3, 1)]
    assert node.instances[1].rotation == (0, 1, 0, 0)


def test_a_mesh_with_a_skin_is_drawn_once_as_its_instances_are_all_where_its_joints_are() -> None:
    file = skin()
    [skinned] = [node for node in file.root["nodes"] if "skin" in node]
    places = file.accessor(np.arange(60_000, dtype=np.float32).reshape(-1, 3))
    skinned["extensions"] = {"EXT_mesh_gpu_instancing": {"attributes": {"TRANSLATION": places}}}
    file.uses("EXT_mesh_gpu_instancing")
    gltf = opened(file)
    found = read_nodes(gltf.root)
    assert [node.instances for node in found.by_number.values()] == [None] * len(file.root["nodes"])
    (warning,) = gltf.root.document.warnings
    assert warning.code == "gltf.node"
    assert "where its joints are" in warning.message
    assert "a node, and a skin" in (warning.help or "")
    assert found.problems == ()
    skinned["skin"] = 7
    found = read_nodes(opened(file).root)
    assert {len(node.instances) for node in found.by_number.values() if node.instances} == {20_000}, "no skin"


def test_a_broken_part_of_a_node_costs_that_part_alone() -> None:
    gltf = document({"nodes": [{"mesh": 5, "translation": [1, 2, 3], "children": [9, 1]}, {"scale": "all"}]})
    found = read_nodes(gltf.root)
    assert [problem.code for problem in found.problems] == ["gltf.reference", "gltf.reference", "gltf.value"]
    assert found.by_number[0].transform.translation == (1, 2, 3)
    assert found.by_number[0].children == (1,)
    assert found.by_number[1].transform == Transform()


def test_nodes_that_lead_back_stay_where_they_are_met_first() -> None:
    found = read_nodes(
        document({"scenes": [{"nodes": [0]}], "nodes": [{"children": [1]}, {"children": [0]}]}).root
    )
    assert (found.roots, found.by_number[0].children, found.by_number[1].children) == ((0,), (1,), ())
    assert [problem.code for problem in found.problems] == ["gltf.node"]


def test_nodes_below_the_limit_of_depth_are_read_and_one_more_is_not() -> None:
    for count, rest in ((MAX_DEPTH + 1, 0), (MAX_DEPTH + 2, 1)):
        nodes = [{"children": [at + 1]} for at in range(count - 1)] + [{}]
        found = read_nodes(document({"scenes": [{"nodes": [0]}], "nodes": nodes}).root)
        assert (len(found.by_number), len(found.problems)) == (count - rest, rest)


def test_more_instances_than_nodes_may_be_are_refused() -> None:
    file = GltfFile()
    many = file.add("accessors", {"componentType": 5126, "count": MAX_NODES + 1, "type": "VEC3"})
    file.node(extensions={"EXT_mesh_gpu_instancing": {"attributes": {"TRANSLATION": many}}})
    found = read_nodes(opened(file).root)
    assert [problem.code for problem in found.problems] == ["gltf.limit"]
    assert found.by_number[0].instances == ()


def test_without_a_scene_all_nodes_that_are_no_child_are_shown() -> None:
    assert read_nodes(document({"nodes": [{"children": [1]}, {}, {}]}).root).roots == (0, 2)


def test_bind_matrices_are_those_written_transposed() -> None:
    found = read_skin(opened(skin()).at("/skins/0"))
    assert found.joints == (1, 0)
    np.testing.assert_array_equal(found.bind[0], np.eye(4))
    np.testing.assert_array_equal(found.bind[1][:, 3], [0, -1, 0, 1])


def test_channels_have_the_times_and_values_written() -> None:
    turn, move, size = read_clip(opened(animations()).at("/animations/0"))
    assert (turn.way, turn.values.shape, turn.times.tolist()) == ("CUBICSPLINE", (2, 3, 4), [0, 2])
    np.testing.assert_allclose(turn.values[1, 1], [0, 0, 0.6, 0.8], atol=1e-7)
    assert (move.way, move.values[1].tolist()) == ("LINEAR", [0.5, 1, 0])
    assert (size.way, size.path, size.values[1].tolist()) == ("STEP", "scale", [2, 2, 2])


def test_weights_are_rows_of_one_number_for_each_target() -> None:
    gltf = opened(weights())
    [plain], [cubic] = read_clip(gltf.at("/animations/0")), read_clip(gltf.at("/animations/1"))
    assert plain.values.tolist() == [[0, 0], [1, 0.5]]
    assert cubic.values[1].tolist() == [[0, 0], [0.5, 1], [0, 0]]


def test_values_of_another_type_than_the_property_s_cost_their_channel_alone() -> None:
    file = animations()
    whole = read_clip(opened(file).at("/animations/0"))
    output = file.root["animations"][0]["samplers"][0]["output"]
    file.root["accessors"][output] |= {"type": "VEC3", "count": 8}
    gltf = opened(file)
    found = read_clip(gltf.at("/animations/0"))
    assert [channel.path for channel in found] == [channel.path for channel in whole[1:]]
    assert [(warning.code, warning.severity) for warning in gltf.warnings] == [("gltf.accessor", "warning")]


def test_a_rotation_of_length_0_costs_its_channel_alone() -> None:
    file = animations()
    file.root["accessors"][file.root["animations"][0]["samplers"][0]["output"]].pop("bufferView")
    gltf = opened(file)
    assert [channel.path for channel in read_clip(gltf.at("/animations/0"))] == ["translation", "scale"]
    assert ["a rotation" in warning.message for warning in gltf.warnings] == [True]


def test_materials_have_the_values_written() -> None:
    gltf = opened(materials())
    found = read_material(gltf.at("/materials/0"))
    assert found.base_color == (0.5, 0.25, 0.125, 0.75)
    assert (found.metallic, found.roughness, found.normal_scale, found.occlusion_strength) == (
        0.25,
        0.75,
        0.5,
        0.5,
    )
    assert (found.emissive, found.cover, found.double_sided) == ((1, 0.5, 0), Cover.BLEND, True)
    assert read_material(gltf.at("/materials/1")).cover is Cover.MASK
    assert read_material(gltf.at("/materials/1")).cutoff == 0.25
    assert bytes(image_bytes(image_of(found.textures["baseColorTexture"].texture)))[:4] == b"\x89PNG"
    sampling = sampling_of(found.textures["emissiveTexture"].texture)
    assert (sampling.wrap, sampling.nearest, sampling.mips) == (("clamp", "mirror"), True, False)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("KHR_materials_emissive_strength", {"emissive": (4, 4, 4)}),
        ("KHR_materials_unlit", {"unlit": True}),
        ("KHR_materials_ior", {"ior": 1.8}),
        ("KHR_materials_specular", {"specular": 0.5, "specular_color": (1, 0.5, 0.25)}),
        ("KHR_materials_clearcoat", {"clearcoat": 0.5, "clearcoat_roughness": 0.25}),
    ],
)
def test_extensions_of_materials_have_the_values_written(name: str, values: dict[str, object]) -> None:
    file = FEATURES[name]()
    found = read_material(opened(file).at("/materials/0"))
    assert {key: getattr(found, key) for key in values} == values
    given = file.root["materials"][0]["extensions"][name]
    assert set(found.textures) == {key for key in given if key.endswith("Texture")}


def test_the_transform_of_a_texture_and_its_set_of_coordinates_are_read() -> None:
    use = read_material(opened(FEATURES["KHR_texture_transform"]()).at("/materials/0")).textures[
        "baseColorTexture"
    ]
    assert (use.coordinates, use.offset, use.scale) == (1, (0.5, 0.25), (2, 3))
    assert use.rotation == pytest.approx(0.5)


@pytest.mark.parametrize("value", [0.5, -1, "glass"])
def test_an_index_of_refraction_below_1_is_left_out_unless_it_is_0(value: object) -> None:
    given = {"materials": [{"extensions": {"KHR_materials_ior": {"ior": value}}}]}
    gltf = document(given)
    assert read_material(gltf.at("/materials/0")).ior == 1.5
    assert [warning.code for warning in gltf.warnings] == ["gltf.value"]
    given["materials"][0]["extensions"]["KHR_materials_ior"]["ior"] = 0
    assert read_material(document(given).at("/materials/0")).ior == 0


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (("pbrMetallicRoughness", "roughnessFactor"), "x", "roughness"),
        (("pbrMetallicRoughness", "baseColorFactor"), [1, 2, 3], "base_color"),
        (("pbrMetallicRoughness", "baseColorTexture", "index"), 99, "textures"),
        (("normalTexture", "scale"), None, "normal_scale"),
        (("occlusionTexture", "strength"), 2, "occlusion_strength"),
        (("emissiveFactor",), [0, -1, 0], "emissive"),
        (("alphaMode",), "GLASS", "cover"),
        (("doubleSided",), 1, "double_sided"),
    ],
)
def test_what_is_wrong_with_a_material_costs_that_value_alone(
    path: tuple[str, ...], value: object, field: str
) -> None:
    file = materials()
    whole = read_material(opened(file).at("/materials/0"))
    place = file.root["materials"][0]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    gltf = opened(file)
    found = read_material(gltf.at("/materials/0"))
    pointer = "/".join(("/materials/0", *path))
    assert [pointer in warning.message for warning in gltf.warnings] == [True]
    lost = {"baseColorTexture"} if field == "textures" else set()
    assert set(whole.textures) - set(found.textures) == lost
    kept = [one.name for one in dataclasses.fields(found) if one.name not in ("textures", field)]
    assert [getattr(found, name) for name in kept] == [getattr(whole, name) for name in kept]
    if field != "textures":
        assert getattr(found, field) == getattr(GltfMaterial(), field) != getattr(whole, field)


@pytest.mark.parametrize(
    ("sampler", "kept"),
    [
        ({"wrapS": 5, "wrapT": 33071}, Sampling(("repeat", "clamp"))),
        ({"magFilter": 9728, "minFilter": 1}, Sampling(nearest=True)),
        ("none", Sampling()),
    ],
)
def test_what_is_wrong_with_a_sampler_costs_that_value_alone(sampler: object, kept: Sampling) -> None:
    gltf = document({"samplers": [sampler], "textures": [{"sampler": 0}]})
    assert sampling_of(gltf.at("/textures/0")) == kept
    assert {warning.code for warning in gltf.warnings} == {"gltf.value"}


def test_a_texture_without_an_image_says_which_extensions_have_it() -> None:
    gltf = document({"textures": [{}, {"extensions": {"EXT_texture_avif": {"source": 0}}}]})
    plain, other = (refused(lambda at=at: image_of(gltf.at(f"/textures/{at}"))) for at in (0, 1))
    assert plain.code == other.code == "gltf.image"
    assert "EXT_texture_avif" in other.message
    assert "`source`" in plain.help


def test_a_node_with_a_matrix_and_a_translation_is_a_warning() -> None:
    matrix = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 5, 0, 0, 1]
    gltf = document({"nodes": [{"matrix": matrix, "translation": [1, 0, 0]}]})
    assert read_nodes(gltf.root).by_number[0].transform.translation == (5, 0, 0)
    assert [warning.code for warning in gltf.warnings] == ["gltf.node"]
