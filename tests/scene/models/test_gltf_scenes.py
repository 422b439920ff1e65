"""Claims about glTF files opened as scenes: objects, features and assets are those of the file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.gltf_features import (
    FEATURES,
    animations,
    cameras,
    clip,
    instances,
    lights,
    morph,
    skin,
    triangle,
    weights,
)
from support.gltf_files import GltfFile, Plain
from support.model_opening import OpenedScene, open_scene
from support.sampling import Sample

from engine.assets import AnimationFacts, Material, SkeletonFacts, VerticesFacts, open_library
from engine.assets.cache.facts import MorphTargetsFacts
from engine.feature.skins import Skins
from engine.gltf.limits import MAX_DEPTH
from engine.scene import load_scene


def scene_of(file: GltfFile, tmp_path: Path, name: str = "model.glb") -> OpenedScene:
    folder = tmp_path / "assets"
    folder.mkdir(exist_ok=True)
    return open_scene(file.write(folder / name))


@pytest.mark.parametrize("name", sorted(FEATURES))
def test_a_file_of_each_feature_opens_without_a_problem(name: str, sample: Sample, tmp_path: Path) -> None:
    """As one file or as several; a proof opens both."""
    for number in sample.of(range(2), 1):
        opened = scene_of(FEATURES[name](), tmp_path, f"model{('.glb', '.gltf')[number]}")
        assert opened.problems == []
        assert opened.results
        assert all(result.entry.failure == () for result in opened.results.values())


def test_nodes_are_objects_below_model_with_their_transforms(tmp_path: Path) -> None:
    tableau = scene_of(FEATURES["nodes"](), tmp_path).scene.tableau
    assert tableau["model/outer"].translation.tolist() == [1, 2, 3]
    assert "visibleModel" in tableau["model/outer/inner"]
    assert "visibleModel" in tableau["model/outer_2"]


def test_the_camera_frames_the_model_and_those_of_the_file_are_not_enabled(tmp_path: Path) -> None:
    tableau = scene_of(cameras(), tmp_path).scene.tableau
    assert [tableau[path]["camera"].enabled for path in ("camera", "model/eye", "model/plan")] == [
        True,
        False,
        False,
    ]
    assert tableau["model/eye"]["camera"].fovY == pytest.approx(np.degrees(0.8), abs=1e-4)
    assert tableau["model/plan"]["camera"].height == 6
    distance = np.linalg.norm(tableau["camera"].translation - np.array([0.5, 0.5, 0]))
    assert 1.5 < distance < 4


def test_lights_are_those_of_the_file_and_no_sun_is_added(tmp_path: Path) -> None:
    tableau = scene_of(lights(), tmp_path).scene.tableau
    assert "sun" not in tableau
    assert tableau["model/point"]["light"].range == 9
    assert tableau["model/directional"]["light"].intensity == 3
    assert tableau["model/spot"]["light"].outerAngle == pytest.approx(np.degrees(0.6), abs=1e-4)


def test_values_beyond_those_of_features_are_limited_with_a_warning(tmp_path: Path) -> None:
    file = lights()
    file.root["extensions"]["KHR_lights_punctual"]["lights"][1] |= {"intensity": 1e9, "range": 1e7}
    opened = scene_of(file, tmp_path)
    light = opened.scene.tableau["model/point"]["light"]
    assert (light.intensity, light.range) == (1e6, 1e4)
    assert [str(problem.code) for problem in opened.problems] == ["gltf.value"] * 2


def test_instances_are_objects_below_their_node(tmp_path: Path) -> None:
    tableau = scene_of(instances(), tmp_path).scene.tableau
    parts = list(tableau.children(tableau["model/many"]))
    assert [part.translation.tolist() for part in parts] == [[0, 0, 0], [2, 0, 0], [4, 0, 0]]
    assert all("visibleModel" in part for part in parts)


def test_a_skin_finds_its_joints_below_model_and_its_skeleton_is_bound(tmp_path: Path) -> None:
    opened = scene_of(skin(), tmp_path)
    facts = opened.facts("skeleton", "rig")
    assert isinstance(facts, SkeletonFacts)
    assert (facts.names, facts.bound) == (("lower", "upper"), True)
    rows = np.frombuffer(opened.content("skeleton", "rig"), "<f4").reshape(2, 3, 4)
    assert rows[1, :, 3].tolist() == [0, -1, 0]
    assert opened.scene.tableau["model/body"]["skin"].bones == "model"


def test_a_broken_skin_leaves_the_mesh_as_it_is(tmp_path: Path) -> None:
    file = skin()
    file.root["skins"][0]["joints"] = [99]
    opened = scene_of(file, tmp_path)
    body = opened.scene.tableau["model/body"]
    assert ("visibleModel" in body, "skin" in body) == (True, False)
    assert opened.made("vertices", "mesh0")


def test_the_first_clip_plays_and_targets_are_paths(tmp_path: Path) -> None:
    opened = scene_of(animations(), tmp_path)
    assert opened.scene.tableau["model"]["animation"].clip is not None
    facts = opened.facts("animation", "bend")
    assert isinstance(facts, AnimationFacts)
    assert [(channel.target, channel.moves.value) for channel in facts.channels] == [
        ("lower/upper", "rotation"),
        ("lower/upper", "translation"),
        ("lower/upper", "scale"),
    ]
    assert facts.duration == 2


def test_morph_targets_are_named_and_weights_are_those_of_the_node(tmp_path: Path) -> None:
    opened = scene_of(morph(), tmp_path)
    facts = opened.made("morphTargets", "face").entry.facts
    assert {"tall", "pulled"} <= set(json.dumps(facts).replace('"', " ").split())
    weights_ = np.asarray(opened.scene.tableau["model/face"]["morph"].weights)
    assert weights_[:2].tolist() == [0.5, 0.0]


def test_clips_of_weights_move_what_draws_the_mesh(tmp_path: Path) -> None:
    facts = scene_of(weights(), tmp_path).facts("animation", "swell")
    assert isinstance(facts, AnimationFacts)
    assert [(channel.target, channel.moves.value, channel.width) for channel in facts.channels] == [
        ("face", "weights", 2)
    ]


def test_triangles_without_normals_are_flat_and_split(tmp_path: Path) -> None:
    file = GltfFile()
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    corners = file.accessor(np.array([0, 1, 2, 0, 3, 1], np.uint16))
    file.node(mesh=file.mesh({"attributes": {"POSITION": file.positions(points)}, "indices": corners}))
    content = scene_of(file, tmp_path).content("vertices", "mesh0")
    normals = np.frombuffer(content, "<f4").reshape(6, -1)[:, 3:6]
    np.testing.assert_allclose(normals, [[0, 0, 1]] * 3 + [[0, 1, 0]] * 3, atol=1e-6)


def test_a_chain_of_as_many_nodes_as_are_read_can_be_written(tmp_path: Path) -> None:
    file = GltfFile()
    below = file.node(top=False, mesh=file.mesh(file.quad(), file.quad()))
    for _ in range(MAX_DEPTH):
        below = file.node(top=False, children=[below])
    file.root["scenes"][0]["nodes"].append(below)
    assert scene_of(file, tmp_path).problems == []


@pytest.mark.parametrize(
    "name", ["a b", "ä/ö", 'q"uo"te', "x.y@z", "\ud800", "}{", "// c", "", "model", "1", "\n"]
)
def test_any_name_becomes_one_of_an_object_and_of_assets(name: str, tmp_path: Path) -> None:
    file = GltfFile()
    material = file.add("materials", {"name": name})
    file.node(name=name, mesh=file.mesh(file.quad(material=material), name=name))
    file.node(name=name, mesh=0)
    opened = scene_of(file, tmp_path)
    assert opened.problems == []
    objects = list(opened.scene.tableau.children(opened.scene.tableau["model"]))
    assert len({each.name for each in objects}) == 2


def test_positions_beyond_all_measure_do_not_move_the_camera_there(tmp_path: Path) -> None:
    file = triangle()
    file.node(mesh=file.mesh({"attributes": {"POSITION": file.positions(np.full((3, 3), 3e38, np.float32))}}))
    opened = scene_of(file, tmp_path)
    assert [str(problem.code) for problem in opened.problems] == ["gltf.accessor"]
    assert np.abs(opened.scene.tableau["camera"].translation).max() < 10


def test_several_skins_share_their_joints(tmp_path: Path) -> None:
    file = skin()
    file.node(name="twin", mesh=0, skin=0)
    scene = scene_of(file, tmp_path).scene
    with open_library(scene.dbs) as library:
        bones = Skins(scene.tableau, library, "skin", ("visibleModel",)).bones
    joints = [scene.tableau[path].row for path in ("model/lower", "model/lower/upper")]
    assert bones.objects.tolist() == joints * 2
    assert (bones.missing, bones.lost, list(bones.bare)) == ({}, {}, [])


def one_bad(
    tmp_path: Path, change: Callable[[Plain, Plain], None], build: Callable[[], GltfFile]
) -> OpenedScene:
    """The scene of a file after a change of its JSON and of its last primitive; its meshes are all made."""
    file = build()
    change(file.root, file.root["meshes"][-1]["primitives"][0])
    opened = scene_of(file, tmp_path)
    for kind, name in opened.results:
        if kind.value in ("vertices", "indices"):
            opened.made(kind.value, name)
    return opened


def plain() -> GltfFile:
    """A file of a square."""
    file = GltfFile()
    file.node(name="square", mesh=file.mesh(file.quad()))
    return file


def attributes_of(opened: OpenedScene) -> dict[str, list[Any]]:
    """The attributes of the last vertices of a scene, by name."""
    name = [name for kind, name in opened.results if kind.value == "vertices"][-1]
    facts, content = opened.facts("vertices", name), opened.content("vertices", name)
    assert isinstance(facts, VerticesFacts)
    found = {}
    for (what, form), offset in zip(facts.vertex_format, facts.offsets, strict=True):
        shape, strides = (facts.count, form.components), (facts.stride, form.dtype.itemsize)
        found[what] = np.ndarray(shape, form.dtype, content, offset, strides).tolist()
    return found


@pytest.mark.parametrize(
    ("name", "of", "expected"),
    [
        ("COLOR_0", "color", [1, 1, 1, 1]),
        ("TEXCOORD_0", "uv_albedo", [0, 0]),
        ("TEXCOORD_3", "uv_albedo", None),
        ("NORMAL", "normal", [0, 0, 1]),
        ("TANGENT", "normal", [0, 0, 1]),
    ],
)
@pytest.mark.parametrize("wrong", [999, "x", "scalar"])
def test_an_attribute_that_is_wrong_costs_that_attribute_alone(
    name: str, of: str, expected: list[float] | None, wrong: object, tmp_path: Path
) -> None:
    def change(root: Plain, primitive: Plain) -> None:
        root["accessors"].append({"componentType": 5126, "count": 4, "type": "SCALAR"})
        number = len(root["accessors"]) - 1
        primitive["attributes"][name] = number if wrong == "scalar" else wrong

    opened = one_bad(tmp_path, change, plain)
    [message] = {problem.message for problem in opened.problems}
    assert ("/accessors/4/type" if wrong == "scalar" else f"/attributes/{name}") in message
    rows = attributes_of(opened)[of]
    assert len(rows) == 4 if name != "NORMAL" else 6
    assert expected is None or rows == [pytest.approx(expected)] * len(rows)


@pytest.mark.parametrize("name", ["JOINTS_0", "WEIGHTS_0"])
def test_joints_that_are_wrong_leave_the_mesh_as_it_is(name: str, tmp_path: Path) -> None:
    def change(root: Plain, primitive: Plain) -> None:
        primitive["attributes"][name] = 999

    found = attributes_of(one_bad(tmp_path, change, skin))
    assert found["frameIdxs"] == [[0, 0, 0, 0]] * 4
    assert found["frameWeights"] == [[1, 0, 0, 0]] * 4


@pytest.mark.parametrize("mode", [0, 1])
def test_points_and_lines_are_drawn_without_normals_that_are_wrong(mode: int, tmp_path: Path) -> None:
    def change(root: Plain, primitive: Plain) -> None:
        primitive["attributes"]["NORMAL"] = 999
        primitive["mode"] = mode

    assert attributes_of(one_bad(tmp_path, change, plain))["normal"] == [[0, 1, 0]] * 4


def test_a_target_that_is_wrong_keeps_its_number_and_moves_nothing(tmp_path: Path) -> None:
    def change(root: Plain, primitive: Plain) -> None:
        root["accessors"].append({"componentType": 5126, "count": 3, "type": "VEC3"})
        primitive["targets"][0]["POSITION"] = len(root["accessors"]) - 1

    opened = one_bad(tmp_path, change, morph)
    facts = opened.facts("morphTargets", "face")
    assert isinstance(facts, MorphTargetsFacts)
    assert facts.names == ("tall", "pulled")
    assert facts.maximum == ((0, 0, 0), (0, 0, 1))
    assert {"/targets/0/POSITION" in problem.message for problem in opened.problems} == {True}


@pytest.mark.parametrize("targets", [{}, [{}] * 129])
def test_targets_that_are_no_list_or_too_many_cost_the_targets_alone(targets: object, tmp_path: Path) -> None:
    opened = one_bad(tmp_path, lambda root, primitive: primitive.update(targets=targets), morph)
    assert "visibleModel" in opened.scene.tableau["model/face"]
    assert "morph" not in opened.scene.tableau["model/face"]
    assert {"/targets" in problem.message for problem in opened.problems} == {True}


def test_a_primitive_whose_material_is_not_there_is_drawn_with_the_default_one(tmp_path: Path) -> None:
    opened = one_bad(tmp_path, lambda root, primitive: primitive.update(material=99), plain)
    assert "visibleModel" in opened.scene.tableau["model/square"]
    assert ["/material" in problem.message for problem in opened.problems] == [True]


def test_a_texture_that_is_wrong_leaves_the_others_of_its_material(tmp_path: Path) -> None:
    file = GltfFile()
    used = {"baseColorTexture": {"index": file.add("textures", {})}}
    used["metallicRoughnessTexture"] = {"index": file.texture()}
    primitive = file.quad(material=file.add("materials", {"name": "red", "pbrMetallicRoughness": used}))
    file.node(mesh=file.mesh(primitive))
    opened = scene_of(file, tmp_path)
    (db,) = opened.scene.dbs
    (material,) = (asset for asset in db.assets if isinstance(asset, Material))
    assert set(material.textures) == {"roughness"}
    assert [problem.code for problem in opened.problems] == ["gltf.image"]


def test_a_channel_that_is_wrong_leaves_the_others_moving(tmp_path: Path) -> None:
    def change(root: Plain, primitive: Plain) -> None:
        root["animations"][0]["channels"][0]["target"]["path"] = "color"

    opened = one_bad(tmp_path, change, animations)
    facts = opened.facts("animation", "bend")
    assert isinstance(facts, AnimationFacts)
    assert [channel.moves.value for channel in facts.channels] == ["translation", "scale"]
    assert ["/channels/0/target/path" in problem.message for problem in opened.problems] == [True]


def test_a_clip_of_wrong_channels_alone_says_what_is_wrong_with_them(tmp_path: Path) -> None:
    def change(root: Plain, primitive: Plain) -> None:
        root["animations"][1]["samplers"][0]["interpolation"] = "SPLINE"

    opened = one_bad(tmp_path, change, animations)
    assert ["/samplers/0/interpolation" in problem.message for problem in opened.problems] == [True]


def test_a_warning_is_of_the_part_that_it_is_about_and_given_once(tmp_path: Path) -> None:
    file = GltfFile()
    file.uses("KHR_materials_sheen")
    material = file.add(
        "materials", {"pbrMetallicRoughness": {"baseColorTexture": {"index": file.texture()}}}
    )
    file.root["images"][0]["mimeType"] = "image/jpeg"
    file.node(mesh=file.mesh(file.quad(material=material)))
    file.node(mesh=file.mesh(file.quad(attributes={"COLOR_0": 99})))
    clip(file, (0, "scale", "STEP", [0], [[1, 1, 1]]))
    folder = tmp_path / "assets"
    folder.mkdir()
    scene = load_scene(file.write(folder / "model.glb"))
    with open_library(scene.dbs) as library:
        found = [problem.message.partition(":")[0] for problem in library.problems]
    assert sorted(found) == ["texture2d 'image0'", "vertices 'mesh1'"]
    assert [problem.code for problem in scene.warnings] == ["gltf.extension"]


def test_a_texture_whose_coordinates_a_primitive_lacks_is_a_warning(tmp_path: Path) -> None:
    file = GltfFile()
    use = {"index": file.texture(), "texCoord": 2}
    material = file.add("materials", {"pbrMetallicRoughness": {"baseColorTexture": use}})
    file.node(mesh=file.mesh(file.quad(material=material)))
    [problem] = scene_of(file, tmp_path).problems
    assert problem.code == "gltf.mesh"
    assert "TEXCOORD_2 for the material's baseColorTexture" in problem.message
    assert "/meshes/0/primitives/0/attributes" in problem.message


def test_flat_triangles_with_more_corners_than_16_bits_count_are_drawn(tmp_path: Path) -> None:
    side = 105
    x, y = np.meshgrid(np.arange(side + 1), np.arange(side + 1))
    places = np.stack([x.ravel(), y.ravel(), 0 * x.ravel()], axis=1).astype(np.float32)
    first = (np.arange(side)[:, None] * (side + 1) + np.arange(side)).ravel()
    corners = np.stack(
        [first, first + 1, first + side + 2, first, first + side + 2, first + side + 1], axis=1
    )
    file = GltfFile()
    attributes = {"POSITION": file.positions(places)}
    indices = file.accessor(corners.ravel().astype(np.uint16))
    file.node(mesh=file.mesh({"attributes": attributes, "indices": indices}))
    facts = scene_of(file, tmp_path).facts("vertices", "mesh0")
    assert isinstance(facts, VerticesFacts)
    assert facts.count == 6 * side * side > 0xFFFF
    scene_of(file, tmp_path).made("indices", "mesh0")


def test_several_clips_that_are_broken_alike_are_one_warning_in_the_plural(tmp_path: Path) -> None:
    file = animations()
    file.root["animations"] = [file.root["animations"][1]] * 2
    file.root["accessors"][file.root["animations"][0]["samplers"][0]["output"]]["type"] = "VEC2"
    folder = tmp_path / "assets"
    folder.mkdir()
    with open_library(load_scene(file.write(folder / "model.glb")).dbs) as library:
        [problem] = library.problems
    assert "animation 'walk' and 1 more are broken and move nothing: " in problem.message
