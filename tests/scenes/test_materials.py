"""Claims about what materials look like: emission, occlusion, back faces, and surfaces with holes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.panes import LIT, Panes, pane

from engine.humon import Severity
from engine.testing import open_scene

pytestmark = pytest.mark.gpu

SIZE = (64, 64)
HALF = np.full((4, 4, 4), 255, np.uint8)
HALF[:, :2, 3] = 0  # the left half is a hole
MATTE = "parameters: { metallic: 0 roughness: 1 baseColor: [1 1 1 1]"


@pytest.fixture
def panes(root: Path, tmp_path: Path) -> Panes:
    return Panes(root, tmp_path)


def shown(scene: Path, settings: tuple[str, ...] = ()) -> np.ndarray[Any, Any]:
    """The picture of a scene, without any problem."""
    with open_scene(scene, size=SIZE, settings=settings) as opened:
        assert opened.problems == ()
        return np.asarray(opened.frame()).astype(int)[..., :3]


def test_a_surface_emits_its_factor_times_its_picture_in_the_dark(panes):
    texels = np.zeros((4, 4, 4), np.uint8)
    texels[:, 2:] = (255, 255, 255, 255)
    panes.picture("glow", texels)
    dark = "dark: { features: [{ @type: light  intensity: 0  sky: [0 0 0]  ground: [0 0 0] }] }\n"
    emissive = "parameters: { emissive: [0 0.25 0] }"
    picture = shown(panes.scene({"plain": emissive}, pane("p", "plain") + dark))
    assert (picture[32, 20:44] == (0, 137, 0)).all(), "linear 0.25, without a picture everywhere"
    picture = shown(
        panes.scene({"lamp": f"textures: {{ emissive: glow }} {emissive}"}, pane("p", "lamp") + dark)
    )
    assert (picture[32, 36:44] == (0, 137, 0)).all()
    assert (picture[32, 20:28] == 0).all()
    assert (picture[4] == 0).all(), "the background"


def test_the_occlusion_picture_goes_before_that_of_the_roughness_map_in_ambient_light(panes):
    panes.picture("halfOpen", np.full((2, 2, 4), (128, 0, 0, 255), np.uint8))
    panes.picture("closed", np.full((2, 2, 4), (0, 255, 0, 255), np.uint8))
    around = (
        "sky: { features: [{ @type: light  intensity: 0  sky: [0.5 0.5 0.5]  ground: [0.5 0.5 0.5] }] }\n"
    )
    found = {}
    for name, fields in {
        "open": f"{MATTE} }}",
        "half": f"textures: {{ occlusion: halfOpen }} {MATTE} }}",
        "both": f"textures: {{ occlusion: halfOpen roughness: closed }} {MATTE} }}",
        "rough": f"textures: {{ roughness: closed }} {MATTE} }}",
        "weak": f"textures: {{ roughness: closed }} {MATTE} occlusionStrength: 0 }}",
    }.items():
        found[name] = linear(shown(panes.scene({"m": fields}, pane("p", "m") + around))[32, 32, 0])
    assert found["open"] == pytest.approx(0.52, abs=0.03)
    assert found["half"] == pytest.approx(found["open"] * 128 / 255, rel=0.03)
    assert found["both"] == found["half"]
    assert found["rough"] == 0.0
    assert found["weak"] == found["open"]


def test_back_faces_of_a_double_sided_material_are_lit_from_behind_others_are_not_drawn(panes):
    turned = "euler: [0 180 0]"
    materials = {"single": f"{MATTE} }}", "double": f"{MATTE} }} doubleSided: true"}
    front = shown(panes.scene(materials, pane("p", "single") + LIT))
    assert front[32, 32, 0] > 200
    assert shown(panes.scene(materials, pane("p", "single", turned) + LIT)).max() == 0
    for scale in ("", "scale: [-1 1 1]", "scale: [1 1 -1]"):
        back = shown(panes.scene(materials, pane("p", "double", f"{turned} {scale}") + LIT))
        np.testing.assert_array_equal(back, front, scale)


def test_a_masked_surface_has_holes_below_its_cutoff(panes):
    panes.picture("holes", HALF)
    masked = f"textures: {{ albedo: holes }} {MATTE} }} alphaMode: mask"
    behind = pane("behind", "green", "translation: [0 0 -1]")
    materials = {
        "masked": masked,
        "low": f"{masked} alphaCutoff: 0",
        "opaque": f"textures: {{ albedo: holes }} {MATTE} }}",
        "green": "parameters: { emissive: [0 1 0] baseColor: [0 0 0 1] metallic: 0 roughness: 1 }",
    }
    picture = shown(panes.scene(materials, pane("p", "masked") + behind + LIT))
    assert (picture[32, 18:28, 0] < 40).all(), "through the hole"
    assert (picture[32, 18:28, 1] == 255).all()
    assert (picture[32, 36:46, 0] > 200).all()
    whole = shown(panes.scene(materials, pane("p", "opaque") + behind + LIT))
    assert (whole[32, 18:46, 0] > 200).all()
    np.testing.assert_array_equal(shown(panes.scene(materials, pane("p", "low") + behind + LIT)), whole)


def test_edges_of_holes_are_as_smooth_as_those_of_meshes(panes):
    ramp = np.full((64, 64, 4), 255, np.uint8)
    rows, columns = np.indices((64, 64))
    ramp[..., 3] = np.clip(128 + (columns + 0.3 * rows - 42) * 12, 0, 255)
    panes.picture("slanted", ramp)
    materials = {"masked": "textures: { albedo: slanted } parameters: { emissive: [1 1 1] } alphaMode: mask"}
    scene = panes.scene(materials, pane("p", "masked") + LIT.replace("3", "0"))
    with open_scene(scene, size=SIZE, settings=("camera.camera.antialiasing=msaa4",)) as opened:
        smooth = np.asarray(opened.frame()).astype(int)[20:44, 18:46, 0]
        can_cover_in_part = "alphaToOne" in opened.host.runtime.device.features
    rough = shown(scene)[20:44, 18:46, 0]
    assert set(np.unique(rough)) <= {0, 255}
    assert (len(np.unique(smooth)) > 3) == can_cover_in_part
    assert abs(linear(smooth).mean() - linear(rough).mean()) < 0.02, "the same is covered"


def test_a_parameter_beyond_its_limits_is_one_warning_at_its_place_and_the_nearest_is_drawn(panes):
    expected = shown(
        panes.scene({"m": MATTE.replace("roughness: 1", "roughness: 0") + " }"}, pane("p", "m") + LIT)
    )
    scene = panes.scene({"m": MATTE.replace("roughness: 1", "roughness: -1") + " }"}, pane("p", "m") + LIT)
    with open_scene(scene, size=SIZE) as opened:
        np.testing.assert_array_equal(np.asarray(opened.frame())[..., :3], expected)
        (problem,) = opened.problems
    assert (problem.code, problem.severity) == ("asset.parameter", Severity.WARNING)
    assert "'roughness' of material 'm' must be from 0 to 1" in problem.message
    assert problem.position is not None
    line = scene.read_text().splitlines()[problem.position.line - 1]
    assert line[problem.position.column - 1 :].startswith("-1 ")


def linear(value: Any) -> Any:
    """Linear light of 8-bit sRGB."""
    value = np.asarray(value) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("count", [4, 40])
def test_calls_follow_from_pipelines_and_views_and_not_from_objects_or_materials(panes, count):
    """All materials have a picture of one shape, so that they share a descriptor set."""
    materials, objects = {}, LIT
    for number in range(count):
        panes.picture(f"p{number}", np.full((4, 4, 4), number, np.uint8))
        materials[f"m{number}"] = f"textures: {{ albedo: p{number} }} {MATTE} }}"
        place = f"translation: [{number % 5} {number // 5} 0]"
        objects += pane(f"o{number}", f"m{number}", place).replace("] }\n", " { @type: shadowCaster }] }\n")
    with open_scene(panes.scene(materials, objects), size=SIZE) as scene:
        assert scene.problems == ()
        scene.frame()
        runtime = scene.host.runtime
        drawn = {(name, view): counts for name, view, *counts in runtime.renderer.rows_in_views()}
        assert drawn[("forward", "")] == [count, count]
        assert {counts[1] for counts in drawn.values()} == {count}
        pipelines = {row.pass_name for row in runtime.plan.pipelines}
        assert runtime.renderer.draws.calls == len(drawn) + len(pipelines - {name for name, _ in drawn})
