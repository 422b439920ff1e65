"""Claims about points and lines of models: those without normals shine by themselves, the others are lit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from support.gltf_files import GltfFile, png
from support.small_gltf import linear

from engine.assets.files import FileGate
from engine.assets.roots import project_root
from engine.graph.view_mode import ViewMode
from engine.humon import write
from engine.scene.models.opening import model_scene
from engine.testing import OpenedScene, open_scene

pytestmark = pytest.mark.gpu

SIDE = 48
PIXEL = 1 / 40
"""A pixel in metres: the picture is 1.2 m high."""
PLACES = (np.arange(40) - 19.5) * PIXEL
POINTS, LINES, LOOP, STRIP = range(4)
MODES = {POINTS: "points", LINES: "lines", LOOP: "line loop", STRIP: "line strip"}
BASE, GLOW = (0.25, 0.5, 0.125), (0.5, 0.0, 0.25)
MATERIAL = {"pbrMetallicRoughness": {"baseColorFactor": [*BASE, 1]}, "emissiveFactor": list(GLOW)}
UNLIT = {**MATERIAL, "extensions": {"KHR_materials_unlit": {}}}
SHINING = tuple(base + glow for base, glow in zip(BASE, GLOW, strict=True))
DARK = [{"@type": "light", "intensity": 0, "sky": [0, 0, 0], "ground": [0, 0, 0]}]
LIGHT = [{"@type": "light", "intensity": 3, "sky": [0, 0, 0], "ground": [0, 0, 0]}]


def square(mode: int) -> npt.NDArray[np.float32]:
    """A square of a metre, filled by points at the middles of pixels, or by lines along their rows."""
    if mode == POINTS:
        return np.array([[x, y, 0] for y in PLACES for x in PLACES], np.float32)
    rows = [[[-0.5, y, 0], [0.5, y, 0]][:: -1 if row % 2 else 1] for row, y in enumerate(PLACES)]
    return np.array(rows, np.float32).reshape(-1, 3)


def drawn(file: GltfFile, mode: int, material: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A primitive that is that square, with these attributes beside its positions."""
    attributes = {"POSITION": file.positions(square(mode)), **more.pop("attributes", {})}
    if material is not None:
        more["material"] = file.add("materials", material)
        file.uses(*material.get("extensions", {}))
    return {"attributes": attributes, "mode": mode, **more}


def scene_of(model: Path, light: list[dict[str, Any]]) -> Path:
    """Write the scene around a model, with this light, that is seen from the front as it is."""
    found = model_scene(model, FileGate(project_root(model)), model.name)
    assert found.warnings == ()
    lens = {"@type": "camera", "projection": "orthographic", "height": 1.2, "toneMapping": "none"}
    lens |= {"antialiasing": "none", "background": [0, 0, 0]}
    objects = {
        "model": found.values["tableau"]["objects"]["model"],
        "camera": {"translation": [0, 0, 100], "features": [lens]},
        "sun": {"features": light},
    }
    scene = model.with_suffix(".hu")
    scene.write_text(write({**found.values, "tableau": {**found.values["tableau"], "objects": objects}}))
    return scene


def opened(file: GltfFile, folder: Path, light: list[dict[str, Any]] | None = None) -> OpenedScene:
    (folder / "assets").mkdir(exist_ok=True)
    return open_scene(scene_of(file.write(folder / "drawn.gltf"), light or DARK), size=(SIDE, SIDE))


def middle_of(scene: OpenedScene) -> npt.NDArray[np.float64]:
    """The linear light of all pixels well within the square, without any problem: [n, 3]."""
    picture = np.asarray(scene.frame())
    assert scene.problems == ()
    return linear(picture[8:40, 8:40, :3].astype(int)).reshape(-1, 3)


def light_of(file: GltfFile, folder: Path, light: list[dict[str, Any]] | None = None) -> npt.NDArray[Any]:
    with opened(file, folder, light) as scene:
        return middle_of(scene)


def assert_all(found: npt.NDArray[np.float64], expected: npt.ArrayLike) -> None:
    np.testing.assert_allclose(found, np.broadcast_to(np.asarray(expected), found.shape), atol=0.01)


@pytest.mark.parametrize("mode", MODES, ids=MODES.get)
def test_without_normals_base_colour_and_emission_are_seen_in_the_dark(mode: int, tmp_path: Path) -> None:
    file = GltfFile()
    file.node(mesh=file.mesh(drawn(file, mode, MATERIAL)))
    assert_all(light_of(file, tmp_path), SHINING)


@pytest.mark.parametrize("mode", MODES, ids=MODES.get)
def test_unlit_ones_without_normals_are_their_base_colour(mode: int, tmp_path: Path) -> None:
    file = GltfFile()
    file.node(mesh=file.mesh(drawn(file, mode, UNLIT)))
    assert_all(light_of(file, tmp_path), BASE)


def test_without_a_material_they_are_white(tmp_path: Path) -> None:
    file = GltfFile()
    file.node(mesh=file.mesh(drawn(file, LINES)))
    assert_all(light_of(file, tmp_path), (1, 1, 1))


@pytest.mark.parametrize("mode", [POINTS, LINES], ids=MODES.get)
def test_with_normals_they_are_lit(mode: int, tmp_path: Path) -> None:
    file = GltfFile()
    white = {"pbrMetallicRoughness": {"metallicFactor": 0}}
    facing = file.accessor(np.tile(np.float32([0, 0, 1]), (len(square(mode)), 1)))
    file.node(mesh=file.mesh(drawn(file, mode, white, attributes={"NORMAL": facing})))
    assert_all(light_of(file, tmp_path), 0)
    lit = light_of(file, tmp_path, LIGHT)
    assert 0.5 < lit.min() <= lit.max() < 0.99


@pytest.mark.parametrize("mode", [POINTS, LINES], ids=MODES.get)
def test_a_normal_texture_is_seen_on_those_with_tangents_alone(mode: int, tmp_path: Path) -> None:
    """They are oblique, so that derivatives along lines are no zeros; the texture leans far to the side."""
    turn = np.float32([[0.8, 0.6, 0], [-0.6, 0.8, 0], [0, 0, 1]])
    count = len(square(mode))
    found = []
    for has_texture, has_tangents in ((False, False), (True, False), (True, True)):
        file = GltfFile()
        material: dict[str, Any] = {"pbrMetallicRoughness": {"metallicFactor": 0}}
        if has_texture:
            material["normalTexture"] = {"index": file.texture(png((255, 128, 140)))}
        attributes = {"NORMAL": file.accessor(np.tile(np.float32([0, 0, 1]), (count, 1)))}
        attributes["TEXCOORD_0"] = file.accessor(np.random.default_rng(1).random((count, 2), np.float32))
        if has_tangents:
            attributes["TANGENT"] = file.accessor(np.tile(np.float32([1, 0, 0, 1]), (count, 1)))
        part = drawn(file, mode, material, attributes=attributes)
        part["attributes"]["POSITION"] = file.positions(square(mode) @ turn)
        file.node(mesh=file.mesh(part))
        light = light_of(file, tmp_path, LIGHT).max(axis=1)
        found.append(light[light > 0.0])
    plain, ignored, leaning = found
    assert plain.min() > 0.5
    np.testing.assert_allclose(ignored, plain, atol=0.01)
    assert leaning.mean() < 0.3


@pytest.mark.parametrize("mode", [POINTS, LINES], ids=MODES.get)
@pytest.mark.parametrize("material", [MATERIAL, UNLIT], ids=("plain", "unlit"))
def test_colours_of_vertices_multiply_the_base_colour_alone(
    mode: int, material: dict[str, Any], tmp_path: Path
) -> None:
    file = GltfFile()
    color = (0.5, 0.25, 1.0)
    colors = file.accessor(np.tile(np.float32(color), (len(square(mode)), 1)))
    file.node(mesh=file.mesh(drawn(file, mode, material, attributes={"COLOR_0": colors})))
    glow = GLOW if material is MATERIAL else (0, 0, 0)
    assert_all(light_of(file, tmp_path), np.multiply(BASE, color) + glow)


@pytest.mark.parametrize("mode", [POINTS, LINES], ids=MODES.get)
@pytest.mark.parametrize("extensions", [{}, UNLIT["extensions"]], ids=("plain", "unlit"))
def test_a_base_colour_texture_is_seen_where_its_coordinates_say(
    mode: int, extensions: dict[str, Any], tmp_path: Path
) -> None:
    file = GltfFile()
    texture = file.texture(png((188, 0, 255)))
    material = {"pbrMetallicRoughness": {"baseColorTexture": {"index": texture}}, "extensions": extensions}
    at = file.accessor(np.full((len(square(mode)), 2), 0.5, np.float32))
    file.node(mesh=file.mesh(drawn(file, mode, material, attributes={"TEXCOORD_0": at})))
    assert_all(light_of(file, tmp_path), linear((188, 0, 255)))


def test_triangles_of_the_same_material_stay_lit(tmp_path: Path) -> None:
    """Lines shine in the dark before a square that is black there, and white in the light behind them."""
    file = GltfFile()
    material = file.add("materials", {"pbrMetallicRoughness": {"metallicFactor": 0}})
    lines = drawn(file, LINES, material=None)
    lines["attributes"]["POSITION"] = file.positions(square(LINES)[:40] + np.float32([0, 0, 0.5]))
    wide = np.array([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0.5, 0.5, 0], [-0.5, 0.5, 0]], np.float32)
    face = file.quad(attributes={"POSITION": file.positions(wide)})
    file.node(mesh=file.mesh({**face, "material": material}, {**lines, "material": material}))
    with opened(file, tmp_path) as scene:
        found = middle_of(scene).reshape(32, 32, 3)
    assert_all(found[:16], 0)
    assert_all(found[16:], 1)
    found = light_of(file, tmp_path, LIGHT).reshape(32, 32, 3)
    assert 0.5 < found[:16].min() <= found[:16].max() < 0.99
    assert_all(found[16:], 1)


@pytest.mark.parametrize("mode", [POINTS, LINES], ids=MODES.get)
def test_a_skin_a_morph_target_and_instances_move_them(mode: int, tmp_path: Path) -> None:
    """Positions are a metre off: a joint, a target and an instance each take them back."""
    off = np.float32([1, 0, 0])
    count = len(square(mode))
    for way in ("skin", "morph", "instances"):
        file = GltfFile()
        part = drawn(file, mode, MATERIAL)
        part["attributes"]["POSITION"] = file.positions(square(mode) + off)
        node: dict[str, Any] = {}
        if way == "skin":
            part["attributes"]["JOINTS_0"] = file.accessor(np.zeros((count, 4), np.uint8))
            weights = np.tile(np.float32([1, 0, 0, 0]), (count, 1))
            part["attributes"]["WEIGHTS_0"] = file.accessor(weights)
            joint = file.node(translation=(-off).tolist())
            node["skin"] = file.add("skins", {"joints": [joint]})
        elif way == "morph":
            part["targets"] = [{"POSITION": file.positions(np.tile(-off, (count, 1)))}]
            node["weights"] = [1.0]
        else:
            file.uses("EXT_mesh_gpu_instancing", required=True)
            places = file.accessor(np.array([-off, 3 * off], np.float32))
            node["extensions"] = {"EXT_mesh_gpu_instancing": {"attributes": {"TRANSLATION": places}}}
        file.node(mesh=file.mesh(part), **node)
        assert_all(light_of(file, tmp_path), SHINING)


def test_holes_and_what_is_behind_are_seen_through_them(tmp_path: Path) -> None:
    for cover, alpha, expected in (
        ("MASK", 0.4, (0, 0, 0)),
        ("MASK", 0.6, SHINING),
        ("BLEND", 0.5, 0.5 * np.array(SHINING)),
    ):
        file = GltfFile()
        base = {"baseColorFactor": [*BASE, alpha]}
        material = {**MATERIAL, "pbrMetallicRoughness": base, "alphaMode": cover}
        file.node(mesh=file.mesh(drawn(file, POINTS, material)))
        assert_all(light_of(file, tmp_path), expected)


def test_view_modes_show_what_they_have_and_no_normal(tmp_path: Path) -> None:
    file = GltfFile()
    file.node(mesh=file.mesh(drawn(file, LINES, MATERIAL)))
    with opened(file, tmp_path) as scene:
        show: Callable[[ViewMode], None] = scene.host.runtime.planner.show  # type: ignore[attr-defined]
        for shown, expected in (
            (ViewMode.ALBEDO, BASE),
            (ViewMode.EMISSIVE, GLOW),
            (ViewMode.NORMAL, linear((128,) * 3)),
        ):
            show(shown)
            scene.settle()
            assert_all(middle_of(scene), expected)


@pytest.mark.parametrize("kind", ["p", "l"])
def test_points_and_lines_of_an_obj_file_are_seen_in_the_dark(kind: str, tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    places = square(POINTS if kind == "p" else LINES)
    text = [f"v {x:g} {y:g} {z:g}" for x, y, z in places]
    step = 1 if kind == "p" else 2
    text += [
        f"{kind} " + " ".join(str(first + each) for each in range(step))
        for first in range(1, len(places) + 1, step)
    ]
    model = tmp_path / "drawn.obj"
    model.write_text("\n".join(["mtllib drawn.mtl", *text[: len(places)], "usemtl a", *text[len(places) :]]))
    (tmp_path / "drawn.mtl").write_text("newmtl a\nKd 1 1 1\nKe 0 0 0\n")
    with open_scene(scene_of(model, DARK), size=(SIDE, SIDE)) as scene:
        assert_all(middle_of(scene), 1)
