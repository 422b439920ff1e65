"""Claims about glTF files opened as scenes: objects, features and assets are those of the file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.gltf_features import (
    FEATURES,
    animations,
    cameras,
    instances,
    lights,
    morph,
    skin,
    triangle,
    weights,
)
from support.gltf_files import GltfFile
from support.model_opening import OpenedScene, open_scene
from support.sampling import Sample

from engine.assets import AnimationFacts, SkeletonFacts, open_library
from engine.feature.skins import Skins
from engine.gltf.limits import MAX_DEPTH


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
