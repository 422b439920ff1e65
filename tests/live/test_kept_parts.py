"""One thing that becomes wrong in a model keeps that one as it was, and is listed once."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.gltf_features import skin
from support.gltf_files import GltfFile, glb
from support.live_scene import LiveScene, fresh_picture, live_file
from support.saves import renamed_over

from engine.assets import open_library
from engine.assets.problems import listed_once
from engine.humon import InputError, Problem
from engine.scene import load_scene

pytestmark = pytest.mark.gpu

Json = dict[str, Any]


def two_scenes() -> Json:
    """A model of a pane in each of two scenes, the second of which is shown."""
    file = GltfFile()
    for number in range(2):
        file.node(name=f"pane{number}", mesh=file.mesh(file.quad()), scale=[1, 1 + number, 1])
    root = json.loads(file.text())
    return root | {"scenes": [{"nodes": [0]}, {"nodes": [1]}], "scene": 1}


def names(live: LiveScene) -> set[str]:
    """The names of the objects of a model."""
    return {child.name for child in live.runtime.tableau["model"].children}


def saved(live: LiveScene, path: Path, root: Json) -> None:
    """Save what is wrong, and draw until all has come of it."""
    renamed_over(path, json.dumps(root, indent=1).encode())
    live.until_reported()
    for _ in range(20):
        live.step()


@pytest.mark.parametrize(
    "wrong",
    [
        {"scene": 7},
        {"scene": "x"},
        {"scene": -1},
        {"scenes": [{"nodes": [0]}, 5]},
        {"scenes": [{"nodes": [0]}, {"nodes": "x"}]},
        {"scenes": 3},
        {"scenes": []},
    ],
)
def test_a_model_whose_scene_is_wrong_shows_the_roots_that_it_had(tmp_path: Path, wrong: Json) -> None:
    model = tmp_path / "model.gltf"
    model.write_text(json.dumps(two_scenes()))
    with live_file(model) as live:
        assert names(live) == {"pane1"}
        before = live.picture()
        saved(live, model, two_scenes() | wrong)
        assert names(live) == {"pane1"}
        assert (live.picture() == before).all()
        assert len(live.live.problems) == 1
        assert opened(model) == list(live.live.problems), "the rest of the file opens"
        moved = two_scenes()
        moved["nodes"][1]["scale"] = [2, 1, 1]
        renamed_over(model, json.dumps(moved | wrong).encode())
        live.until(lambda: bool((live.picture() != before).any()))
        renamed_over(model, json.dumps(moved | {"scene": 0}).encode())
        live.until(lambda: names(live) == {"pane0"} and not live.live.problems)
        assert (live.picture() == fresh_picture(model)).all()


@pytest.mark.parametrize("nodes", [[5, 5], [0, None], [[], 1], 5])
def test_a_model_with_what_is_no_node_stays_whole(tmp_path: Path, nodes: object) -> None:
    model, right = tmp_path / "model.gltf", two_scenes()
    model.write_text(json.dumps(right))
    with live_file(model) as live:
        before = live.picture()
        wrong = nodes
        if isinstance(nodes, list):
            wrong = [right["nodes"][each] if each in (0, 1) else each for each in nodes]
        saved(live, model, right | {"nodes": wrong})
        assert names(live) == {"pane1"}
        assert (live.picture() == before).all()
        assert len(live.live.problems) == 1
        right["nodes"][1]["scale"] = [2, 1, 1]
        renamed_over(model, json.dumps(right).encode())
        live.until(lambda: bool((live.picture() != before).any()) and not live.live.problems)
        assert (live.picture() == fresh_picture(model)).all()


@pytest.mark.parametrize("wrong", [{"joints": []}, {"joints": [99]}, {"inverseBindMatrices": 99}])
def test_the_camera_stays_where_it_is_while_a_skin_is_wrong(tmp_path: Path, wrong: Json) -> None:
    model, right = tmp_path / "model.gltf", json.loads(skin().text())
    (upper,) = (node for node in right["nodes"] if node["name"] == "upper")
    upper |= {"translation": [0, -2, 0], "rotation": [0, 0, 0.6, 0.8]}  # it lies elsewhere than unbent
    model.write_text(json.dumps(right))
    with live_file(model) as live:
        before, camera = live.picture(), live.runtime.tableau["camera"].translation.copy()
        broken = copy.deepcopy(right)
        broken["skins"][0] |= wrong
        saved(live, model, broken)
        assert live.runtime.tableau["camera"].translation.tolist() == camera.tolist()
        assert (live.picture() == before).all()
        renamed_over(model, json.dumps(right).encode())
        live.until(lambda: not live.live.problems)
        assert (live.picture() == before).all()


def test_what_is_drawn_by_an_object_that_was_kept_is_kept_with_it(tmp_path: Path) -> None:
    file = GltfFile()
    quad = file.quad()
    child = file.node(top=False, name="below", mesh=file.mesh(quad, dict(quad)), translation=[0, 1.2, 0])
    file.node(name="above", mesh=file.mesh(file.quad()), children=[child])
    right, model = json.loads(file.text()), tmp_path / "model.gltf"
    model.write_text(json.dumps(right))
    with live_file(model) as live:
        before = live.picture()
        wrong = copy.deepcopy(right)
        next(node for node in wrong["nodes"] if node["name"] == "above")["children"] = ["x"]
        saved(live, model, wrong)
        wrong = copy.deepcopy(right)
        wrong["meshes"][0]["primitives"][1]["attributes"] = {}
        saved(live, model, wrong)
        assert (live.picture() == before).all()
        renamed_over(model, json.dumps(right).encode())
        live.until(lambda: not live.live.problems)
        assert (live.picture() == before).all()


OBJ = """mtllib m.mtl
v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
v 2 0 0
v 3 0 0
v 3 1 0
v 2 1 0
vt 0 0
vt 1 0
vt 1 1
vt 0 1
o left
usemtl left
f 1/1 2/2 3/3 4/4
o right
usemtl right
f 5/1 6/2 7/3 8/4
"""
MTL = "newmtl left\nmap_Kd left/pic.png\nnewmtl right\nmap_Kd right/pic.png\n"


@pytest.mark.parametrize("wrong", ["../../pic.png", "none.png", "left/none.png", "none/pic.png"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_pictures_of_one_name_in_two_folders_are_kept_apart_where_one_is_wrong(
    tmp_path: Path, side: str, wrong: str
) -> None:
    for folder, color in (("left", (250, 20, 20)), ("right", (20, 20, 250))):
        (tmp_path / folder).mkdir()
        Image.new("RGB", (4, 4), color).save(tmp_path / folder / "pic.png")
    model, materials = tmp_path / "m.obj", tmp_path / "m.mtl"
    model.write_text(OBJ)
    materials.write_text(MTL)
    with live_file(model) as live:
        before = live.picture()
        materials.write_text(MTL.replace(f"{side}/pic.png", wrong))
        live.until_reported()
        for _ in range(20):
            live.step()
        assert (live.picture() == before).all()
        assert len(live.live.problems) == 1
        materials.write_text(MTL.replace(f"{side}/pic.png", "left/pic.png"))
        live.until(lambda: not (live.live.pending or live.live.problems))
        assert (live.picture() == fresh_picture(model)).all()


def rich() -> Json:
    """A model of meshes, a clip and a picture, each with data of its own."""
    file = GltfFile()
    file.root["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": {"index": file.texture()}}}]
    for number in range(2):
        file.node(name=f"pane{number}", mesh=file.mesh(file.quad(material=0)), translation=[number, 0, 0])
    times, places = np.array([0, 1], np.float32), np.array([[0, 0, 0], [0, 1, 0]], np.float32)
    sampler = {"input": file.accessor(times), "output": file.accessor(places)}
    channel = {"sampler": 0, "target": {"node": 0, "path": "translation"}}
    file.add("animations", {"samplers": [sampler], "channels": [channel]})
    found: Json = json.loads(file.text())
    return found


def opened(path: Path) -> list[Problem]:
    """The problems of a model that is opened now."""
    try:
        scene = load_scene(path)
    except InputError as error:
        return list(error.problems)
    with open_library(scene.dbs) as library:
        return [*scene.warnings, *scene.asset_problems(library)]


@pytest.mark.parametrize("lost", ["buffers", "bufferViews", "accessors", "meshes"])
@pytest.mark.parametrize(
    "change", [dict.pop, lambda root, key: root.update({key: []})], ids=["gone", "empty"]
)
def test_an_array_that_others_name_and_that_is_not_there_is_one_problem(
    tmp_path: Path, lost: str, change: Callable[[Json, str], object]
) -> None:
    model = tmp_path / "model.gltf"
    whole = rich()
    model.write_text(json.dumps(whole))
    with live_file(model) as live:
        assert not live.live.problems
        before, broken = live.picture(), copy.deepcopy(whole)
        change(broken, lost)
        saved(live, model, broken)
        assert (live.picture() == before).all()
        (problem,) = live.live.problems
        assert problem.code == "gltf.reference"
        assert f"the file has 0 {lost}" in problem.message
        assert [each.code for each in listed_once(opened(model))] == ["gltf.reference"]


@pytest.mark.parametrize(
    "change",
    [
        lambda root: root["meshes"][0]["primitives"][0].update(mode=99),
        lambda root: root["meshes"][0]["primitives"][0].update(indices=99),
        lambda root: root["meshes"][0]["primitives"][0]["attributes"].update(POSITION="x"),
        lambda root: root["animations"][0]["samplers"][0].update(input=99),
    ],
)
@pytest.mark.parametrize("suffix", ["gltf", "glb"])
def test_a_wrong_part_of_a_model_is_listed_once_though_data_of_it_is_kept(
    tmp_path: Path, change: Callable[[Json], None], suffix: str
) -> None:
    def written(root: Json) -> bytes:
        text = json.dumps(root).encode()
        return text if suffix == "gltf" else glb(text, b"")

    model, broken = tmp_path / f"model.{suffix}", rich()
    model.write_bytes(written(broken))
    with live_file(model) as live:
        before = live.picture()
        change(broken)
        renamed_over(model, written(broken))
        live.until_reported()
        for _ in range(20):
            live.step()
        assert (live.picture() == before).all()
        assert len(live.live.problems) == 1, live.live.problems
        assert list(live.live.problems) == list(live.runtime.problems)
