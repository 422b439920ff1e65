"""One wrong value of a camera, a light or of instances costs that value alone, and is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.gltf_features import FEATURES, cameras, instances, lights
from support.gltf_files import GltfFile
from support.gltf_reading import opened as read_document
from support.model_opening import OpenedScene, open_scene

from engine.gltf import GltfCode, read_nodes
from engine.humon import Severity

ABSENT = object()
"""In place of a value: it is left out of the file."""


def opened(file: GltfFile, tmp_path: Path) -> OpenedScene:
    return open_scene(file.write(tmp_path / "model.gltf"))


def put(file: GltfFile, pointer: str, value: object) -> None:
    *steps, last = pointer.removeprefix("/").split("/")
    holder: Any = file.root
    for step in steps:
        holder = holder[int(step) if isinstance(holder, list) else step]
    if value is ABSENT:
        del holder[last]
    else:
        holder[int(last) if isinstance(holder, list) else last] = value


def only_warning(scene: OpenedScene, pointer: str) -> str:
    """The message of the one problem, which is a warning at a pointer."""
    (problem,) = scene.problems
    assert problem.severity is Severity.WARNING
    assert f"(at {pointer}" in problem.message, problem.message
    return problem.message


LIGHTS = "/extensions/KHR_lights_punctual/lights"
WRONG_LIGHTS = [
    ("point", "/1/range", -1, "range", 0.0),
    ("point", "/1/range", 0, "range", 0.0),
    ("point", "/1/range", "far", "range", 0.0),
    ("point", "/1/range", None, "range", 0.0),
    ("point", "/1/intensity", "bright", "intensity", 1.0),
    ("point", "/1/intensity", -3, "intensity", 1.0),
    ("point", "/1/intensity", [1], "intensity", 1.0),
    ("directional", "/0/color", [1, 0.5], "color", (1.0, 1.0, 1.0)),
    ("directional", "/0/color", [1, 0.5, -1], "color", (1.0, 1.0, 1.0)),
    ("directional", "/0/color", "red", "color", (1.0, 1.0, 1.0)),
    ("directional", "/0/color", [1, "x", 1], "color", (1.0, 1.0, 1.0)),
    ("spot", "/2/spot", 3, "outerAngle", 45.0),
    ("spot", "/2/spot", ABSENT, "outerAngle", 45.0),
    ("spot", "/2/spot/innerConeAngle", "wide", "innerAngle", 0.0),
    ("spot", "/2/spot/innerConeAngle", -0.1, "innerAngle", 0.0),
    ("spot", "/2/spot/innerConeAngle", 0.7, "innerAngle", 0.0),
    ("spot", "/2/spot/innerConeAngle", True, "innerAngle", 0.0),
    ("spot", "/2/spot/outerConeAngle", {}, "outerAngle", 45.0),
    ("spot", "/2/spot/outerConeAngle", 0, "outerAngle", 45.0),
    ("spot", "/2/spot/outerConeAngle", -1, "outerAngle", 45.0),
]


@pytest.mark.parametrize(("name", "place", "value", "field", "expected"), WRONG_LIGHTS)
def test_a_wrong_value_of_a_light_costs_that_value(
    name: str, place: str, value: object, field: str, expected: Any, tmp_path: Path
) -> None:
    plain = opened(lights(), tmp_path).scene.tableau
    file = lights()
    put(file, LIGHTS + place, value)
    scene = opened(file, tmp_path)
    pointer = LIGHTS + (place.rpartition("/")[0] if value is ABSENT else place)
    only_warning(scene, pointer)
    found = scene.scene.tableau
    for path in ("model/directional", "model/point", "model/spot"):
        light, before = found[path]["light"], plain[path]["light"]
        for other in ("kind", "color", "intensity", "range", "innerAngle", "outerAngle"):
            is_inner = "/spot" in place and other == "innerAngle" and not place.endswith("outerConeAngle")
            if path.endswith(name) and (other == field or is_inner):
                continue
            assert np.array_equal(getattr(light, other), getattr(before, other)), (path, other)
    assert getattr(found[f"model/{name}"]["light"], field) == pytest.approx(expected)


@pytest.mark.parametrize("value", ["laser", 3, None, ABSENT])
def test_a_light_of_no_known_type_is_left_out_alone(value: object, tmp_path: Path) -> None:
    file = lights()
    put(file, f"{LIGHTS}/1/type", value)
    scene = opened(file, tmp_path)
    (problem,) = scene.problems
    assert f"(at {LIGHTS}/1" in problem.message
    assert "light" not in scene.scene.tableau["model/point"]
    assert "light" in scene.scene.tableau["model/spot"]


@pytest.mark.parametrize("value", [9, -1, "spot", 0.5, ABSENT])
def test_a_node_with_a_wrong_light_is_otherwise_as_it_was(value: object, tmp_path: Path) -> None:
    file = lights()
    file.root["nodes"][1]["translation"] = [1, 2, 3]
    put(file, "/nodes/1/extensions/KHR_lights_punctual/light", value)
    scene = opened(file, tmp_path)
    (problem,) = scene.problems
    assert "(at /nodes/1/extensions/KHR_lights_punctual" in problem.message
    assert scene.scene.tableau["model/point"].translation.tolist() == [1, 2, 3]
    assert "light" not in scene.scene.tableau["model/point"]


WRONG_CAMERAS = [
    ("eye", "/0/perspective/yfov", 0, "fovY", 45.0),
    ("eye", "/0/perspective/yfov", -0.5, "fovY", 45.0),
    ("eye", "/0/perspective/yfov", "wide", "fovY", 45.0),
    ("eye", "/0/perspective/yfov", ABSENT, "fovY", 45.0),
    ("eye", "/0/perspective/znear", 0, "near", 0.05),
    ("eye", "/0/perspective/znear", -1, "near", 0.05),
    ("eye", "/0/perspective/znear", [], "near", 0.05),
    ("eye", "/0/perspective/znear", ABSENT, "near", 0.05),
    ("eye", "/0/perspective/zfar", -1, "far", 0.0),
    ("eye", "/0/perspective/zfar", 0, "far", 0.0),
    ("eye", "/0/perspective/zfar", 0.1, "far", 0.0),
    ("eye", "/0/perspective/zfar", "far", "far", 0.0),
    ("plan", "/1/orthographic/ymag", 0, "height", 4.0),
    ("plan", "/1/orthographic/ymag", -3, "height", 4.0),
    ("plan", "/1/orthographic/ymag", "tall", "height", 4.0),
    ("plan", "/1/orthographic/ymag", ABSENT, "height", 4.0),
    ("plan", "/1/orthographic/zfar", 0, "depth", 1000.0),
    ("plan", "/1/orthographic/zfar", 0.1, "depth", 1000.0),
    ("plan", "/1/orthographic/zfar", True, "depth", 1000.0),
    ("plan", "/1/orthographic/zfar", ABSENT, "depth", 1000.0),
    ("plan", "/1/orthographic/znear", -1, "depth", 18.0),
    ("plan", "/1/orthographic/znear", "near", "depth", 18.0),
    ("eye", "/0/type", "fisheye", "near", 0.1),
    ("eye", "/0/type", ABSENT, "near", 0.1),
    ("plan", "/1/type", 7, "height", 6.0),
]


@pytest.mark.parametrize(("name", "place", "value", "field", "expected"), WRONG_CAMERAS)
def test_a_wrong_value_of_a_camera_costs_that_value(
    name: str, place: str, value: object, field: str, expected: float, tmp_path: Path
) -> None:
    plain = opened(cameras(), tmp_path).scene.tableau
    file = cameras()
    put(file, f"/cameras{place}", value)
    scene = opened(file, tmp_path)
    only_warning(scene, "/cameras" + (place.rpartition("/")[0] if value is ABSENT else place))
    camera, before = scene.scene.tableau[f"model/{name}"]["camera"], plain[f"model/{name}"]["camera"]
    for other in ("fovY", "near", "far", "height", "depth"):
        if other != field:
            assert getattr(camera, other) == getattr(before, other), other
    assert getattr(camera, field) == pytest.approx(expected)
    assert camera.projection == before.projection


@pytest.mark.parametrize(("name", "place"), [("eye", "/0/perspective"), ("plan", "/1/orthographic")])
@pytest.mark.parametrize("value", [3, ABSENT])
def test_a_camera_without_its_lens_has_that_of_the_feature(
    name: str, place: str, value: object, tmp_path: Path
) -> None:
    file = cameras()
    put(file, f"/cameras{place}", value)
    scene = opened(file, tmp_path)
    only_warning(scene, "/cameras" + (place.rpartition("/")[0] if value is ABSENT else place))
    camera = scene.scene.tableau[f"model/{name}"]["camera"]
    assert (camera.fovY, camera.near, camera.height, camera.depth) == pytest.approx((45, 0.05, 4, 1000))


def test_a_camera_of_no_kind_is_left_out(tmp_path: Path) -> None:
    file = cameras()
    file.root["cameras"][0] = {"type": "fisheye"}
    scene = opened(file, tmp_path)
    (problem,) = scene.problems
    assert "(at /cameras/0/type" in problem.message
    assert "camera" not in scene.scene.tableau["model/eye"]
    assert "camera" in scene.scene.tableau["model/plan"]


ATTRIBUTES = "/nodes/0/extensions/EXT_mesh_gpu_instancing/attributes"
DEFAULTS = {"TRANSLATION": (0.0,) * 3, "ROTATION": (0.0, 0.0, 0.0, 1.0), "SCALE": (1.0,) * 3}


def wrong_column(file: GltfFile, key: str, kind: str) -> object:
    """A value for an attribute that is wrong in some way."""
    width = 4 if key == "ROTATION" else 3
    made = np.ones((3, width), np.float32)
    if kind == "a text":
        return "all"
    if kind == "no accessor":
        return 99
    if kind == "another width":
        return file.accessor(np.ones((3, 2), np.float32))
    if kind == "not finite":
        made[1, 1] = np.nan
    if kind == "too far":
        made[2, 0] = 1e30
    return file.accessor(made)


@pytest.mark.parametrize("key", DEFAULTS)
@pytest.mark.parametrize("kind", ["a text", "no accessor", "another width", "not finite", "too far"])
def test_a_wrong_attribute_of_instances_costs_that_attribute(key: str, kind: str) -> None:
    plain = places_of(instances())
    file = instances()
    put(file, f"{ATTRIBUTES}/{key}", wrong_column(file, key, kind))
    document = read_document(file)
    node = read_nodes(document.root).by_number[0]
    (problem,) = document.warnings
    assert "(at /accessors/" in problem.message or f"(at {ATTRIBUTES}/{key}" in problem.message
    assert node.instances is not None
    for place, before in zip(node.instances, plain, strict=True):
        for other, field in zip(DEFAULTS, ("translation", "rotation", "scale"), strict=True):
            expected = DEFAULTS[key] if other == key else getattr(before, field)
            assert getattr(place, field) == pytest.approx(expected)


def places_of(file: GltfFile) -> Any:
    document = read_document(file)
    assert document.warnings == []
    return read_nodes(document.root).by_number[0].instances


@pytest.mark.parametrize("key", ["ROTATION", "SCALE"])
def test_an_attribute_of_another_count_is_left_out(key: str, tmp_path: Path) -> None:
    file = instances()
    put(file, f"{ATTRIBUTES}/{key}", file.accessor(np.ones((5, 4 if key == "ROTATION" else 3), np.float32)))
    scene = opened(file, tmp_path)
    assert "5 elements for 3 instances" in only_warning(scene, f"{ATTRIBUTES}/{key}")
    assert sum("visibleModel" in each for each in scene.scene.tableau["model/many"].children) == 3


def test_a_rotation_of_length_0_turns_its_instance_alone() -> None:
    file = instances()
    turns = np.array([[0, 0, 0, 0], [0, 2, 0, 0], [0, 0, 0, 1]], np.float32)
    put(file, f"{ATTRIBUTES}/ROTATION", file.accessor(turns))
    document = read_document(file)
    places = read_nodes(document.root).by_number[0].instances
    (problem,) = document.warnings
    assert "1 rotations are quaternions of length 0, the first of instance 0" in problem.message
    assert places is not None
    assert [place.rotation for place in places] == [(0, 0, 0, 1), (0, 1, 0, 0), (0, 0, 0, 1)]


@pytest.mark.parametrize("value", [3, {}, {"_ID": 0}, ABSENT])
def test_without_any_attribute_the_mesh_is_drawn_once(value: object, tmp_path: Path) -> None:
    file = instances()
    put(file, ATTRIBUTES, value)
    scene = opened(file, tmp_path)
    assert scene.problems
    for problem in scene.problems:
        assert problem.severity is Severity.WARNING
        assert "(at /nodes/0/extensions/EXT_mesh_gpu_instancing" in problem.message
        assert problem.code in (GltfCode.NODE, GltfCode.VALUE)
    assert "visibleModel" in scene.scene.tableau["model/many"]


def test_every_feature_with_lights_and_cameras_is_read_without_a_warning(tmp_path: Path) -> None:
    for name in ("lights", "cameras", "instances"):
        assert opened(FEATURES[name](), tmp_path).problems == []
