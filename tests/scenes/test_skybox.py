"""Claims about skies: where they are seen, what they light, and what they cost while they are on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.skies import BACKGROUND, CAMERA, Skies, ball, sides, skybox

from engine.humon import Severity
from engine.scene import load_scene
from engine.testing import OpenedScene, assert_same_pixels, open_scene
from engine.testing.goldens.goldens import Goldens

pytestmark = pytest.mark.gpu

SIZE = (96, 96)
WHITE = np.ones((8, 16, 3), np.float32)
RED, GREEN, BLUE, GREY = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.25, 0.25, 0.25)
MIRROR = "baseColor: [1 1 1 1] metallic: 1 roughness: 0"
ROUGH = "baseColor: [1 1 1 1] metallic: 0 roughness: 1"


@pytest.fixture
def skies(root: Path, tmp_path: Path) -> Skies:
    return Skies(root, tmp_path)


def linear(picture: np.ndarray) -> np.ndarray:
    value = picture[..., :3] / 255.0
    return np.asarray(np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4))


def middle(scene: OpenedScene) -> list[int]:
    return [int(number) for number in scene.frame()[48, 48, :3]]


def test_a_golden_sky(goldens: Goldens) -> None:
    with open_scene("scenes/sky.hu", size=(320, 180)) as scene:
        assert scene.problems == ()
        goldens.picture("sky", scene.frame(), scene.driver)


@pytest.mark.parametrize(("metallic", "roughness"), [(0, 1), (0, 0.3), (1, 1), (1, 0.5), (1, 0)])
def test_white_is_white_under_a_white_sky(skies: Skies, metallic: float, roughness: float) -> None:
    """Nothing is lost and nothing is added: the sphere looks as the sky does."""
    skies.sky("white", WHITE * 0.5)
    material = f"baseColor: [1 1 1 1] metallic: {metallic} roughness: {roughness}"
    path = skies.scene({"ball": material}, skybox("sky", "white") + "\n" + ball("ball", "ball"))
    with open_scene(path, size=SIZE) as scene:
        light = linear(scene.frame())
        assert np.abs(light / 0.5 - 1).max() < 0.03
        assert scene.problems == ()


def test_the_sky_is_seen_where_nothing_else_is_in_the_direction_of_its_sides(skies: Skies) -> None:
    skies.sky("sides", sides(nz=RED, px=GREEN, py=BLUE, pz=GREY))
    path = skies.scene({"ball": MIRROR}, skybox("sky", "sides"))
    with open_scene(path, size=SIZE) as scene:
        assert middle(scene) == [255, 0, 0]
        for euler, seen in (("0 -90 0", [0, 255, 0]), ("90 0 0", [0, 0, 255]), ("0 180 0", [137] * 3)):
            scene["camera"].euler = tuple(float(angle) for angle in euler.split())
            assert middle(scene) == pytest.approx(seen, abs=1)
        scene["camera"].euler = (0.0, 0.0, 0.0)
        scene["sky"].skybox.rotation = 90.0  # what was to the right is ahead
        assert middle(scene) == [0, 255, 0]
        scene["sky"].skybox.intensity = 0.25
        assert middle(scene) == pytest.approx([0, 137, 0], abs=1)


def test_a_mirror_shows_what_is_behind_the_camera_and_a_rough_ball_the_light_of_its_side(
    skies: Skies,
) -> None:
    skies.sky("sides", sides(nz=RED, px=GREEN, nx=BLUE, pz=GREY))
    objects = [skybox("sky", "sides"), ball("ball", "mirror")]
    with open_scene(skies.scene({"mirror": MIRROR}, "\n".join(objects)), size=SIZE) as scene:
        assert middle(scene) == pytest.approx([137] * 3, abs=4)
    objects[1] = ball("ball", "rough")
    with open_scene(skies.scene({"rough": ROUGH}, "\n".join(objects)), size=SIZE) as scene:
        light = linear(scene.frame())
        right, left = light[48, 66], light[48, 30]
        assert right[1] > 2 * right[2]
        assert left[2] > 2 * left[1]


def test_rough_metal_reflects_less_of_a_small_light_ahead_and_more_around_it(skies: Skies) -> None:
    skies.sky("sides", sides(pz=(0.8, 0.8, 0.8)))
    found = []
    for roughness in (0, 0.4, 0.8):
        material = {"ball": f"baseColor: [1 1 1 1] metallic: 1 roughness: {roughness}"}
        path = skies.scene(material, skybox("sky", "sides", "visible: false") + "\n" + ball("ball", "ball"))
        with open_scene(path, size=SIZE, settings=("camera.camera.background=[0 0 0]",)) as scene:
            light = linear(scene.frame())[..., 0]
            found.append((light[48, 48], light[48, 70]))
    assert found[0][0] > found[1][0] > found[2][0]
    assert found[0][1] < found[1][1] < found[2][1]


def test_without_a_skybox_that_is_seen_there_is_the_background(skies: Skies) -> None:
    skies.sky("white", WHITE)
    path = skies.scene({"ball": ROUGH}, skybox("sky", "white") + "\n" + ball("ball", "ball"))
    with open_scene(path, size=SIZE) as scene:
        assert scene.frame()[2, 2, :3].tolist() == [255] * 3
        scene["sky"].skybox.visible = False
        scene.settle()
        lit = scene.frame()
        assert lit[2, 2, :3].tolist() == pytest.approx(BACKGROUND, abs=1)
        assert lit[48, 48, :3].tolist() == pytest.approx([255] * 3, abs=4)
        scene["sky"].skybox.enabled = False
        dark = scene.frame()
        assert dark[2, 2, :3].tolist() == pytest.approx(BACKGROUND, abs=1)
        assert dark[48, 48, :3].tolist() == [0] * 3


def test_a_disabled_sky_comes_back_in_the_next_frame_and_an_inactive_one_costs_nothing(skies: Skies) -> None:
    light = np.random.default_rng(0).random((256, 512, 3)).astype(np.float32)
    skies.sky("noise", light)
    path = skies.scene({"ball": ROUGH}, skybox("sky", "noise") + "\n" + ball("ball", "ball"))
    with open_scene(path, size=SIZE) as scene:
        shown, plan, before = scene.frame(), scene.plan_text, scene.memory
        scene["sky"].skybox.enabled = False
        without = scene.frame()
        assert scene.plan_text == plan
        scene["sky"].skybox.enabled = True
        assert_same_pixels(scene.frame(), shown, levels=0, share=0)
        scene["sky"].skybox.active = False
        scene.settle()
        assert_same_pixels(scene.frame(), without, levels=0, share=0)
        assert "sky" not in {row.pass_name for row in scene.plan.pipelines}
        assert "environment 'noise'" not in scene.plan_text
        assert before.planned - scene.memory.planned > 1_000_000
        assert scene.memory.live == scene.memory.planned
        scene["sky"].skybox.active = True
        scene.settle()
        assert_same_pixels(scene.frame(), shown, levels=0, share=0)
        assert set(scene.memory.assets) == set(before.assets)


def test_only_the_first_enabled_skybox_is_seen_and_lights(skies: Skies) -> None:
    skies.sky("red", WHITE * np.array(RED, np.float32))
    skies.sky("green", WHITE * np.array(GREEN, np.float32))
    objects = "\n".join((skybox("one", "red"), skybox("two", "green"), ball("ball", "ball")))
    with open_scene(skies.scene({"ball": ROUGH}, objects), size=SIZE) as scene:
        for name, colour in (("", [255, 0, 0]), ("one", [0, 255, 0]), ("two", None)):
            if name:
                scene[name].skybox.enabled = False
            picture = scene.frame()
            assert picture[2, 2, :3].tolist() == pytest.approx(colour or BACKGROUND, abs=1)
            assert picture[48, 48, :3].tolist() == pytest.approx(colour or [0, 0, 0], abs=4)


@pytest.mark.parametrize("antialiasing", ["none", "msaa2", "msaa4", "fxaa"])
def test_the_sky_is_behind_everything_with_any_number_of_samples(skies: Skies, antialiasing: str) -> None:
    skies.sky("white", WHITE)
    camera = CAMERA.replace("toneMapping: none", f"toneMapping: none  antialiasing: {antialiasing}")
    black = "baseColor: [0 0 0 1] metallic: 1 roughness: 1"
    objects = skybox("sky", "white") + "\n" + ball("ball", "ball", "translation: [0 0 -40]")
    with open_scene(skies.scene({"ball": black}, objects, camera), size=SIZE) as scene:
        picture = scene.frame()
        assert picture[48, 48, :3].max() < 30
        assert picture[2, 2, :3].tolist() == [255] * 3
        between = {int(shade) for shade in picture[44:53, 44:53, 1].ravel() if 70 < shade < 250}
        assert bool(between) == (antialiasing != "none")


def test_what_blends_is_drawn_over_the_sky(skies: Skies) -> None:
    skies.sky("green", WHITE * np.array(GREEN, np.float32))
    glass = (
        "{ @type: material name: glass shaders: [vs fs] alphaMode: blend"
        " parameters: { baseColor: [0 0 0 0.5] metallic: 0 roughness: 1 } }"
        "{ @type: model name: glass mesh: ball material: glass }"
    )
    objects = skybox("sky", "green") + "\n" + ball("ball", "glass")
    with open_scene(skies.scene({}, objects, assets=glass), size=SIZE) as scene:
        light = linear(scene.frame())[48, 48]
        assert 0.4 < light[1] < 0.6
        assert scene.problems == ()


def test_until_its_cube_has_arrived_the_sky_is_its_irradiance(skies: Skies) -> None:
    skies.sky("sides", sides(nz=(0.0, 0.8, 0.0), pz=(0.0, 0.0, 0.8)))
    path = skies.scene({"ball": MIRROR}, skybox("sky", "sides") + "\n" + ball("ball", "ball"))
    with open_scene(path, size=SIZE) as scene:
        for _ in range(4):  # every frame in flight is recorded with the cube
            assert linear(scene.frame())[2, 2].tolist() == pytest.approx([0.0, 0.8, 0.0], abs=0.01)
        runtime = scene.host.runtime
        key = runtime.library.find("db", "sides", ("environment",)).key
        runtime.memory.published.withdraw(np.array([key], np.int64))
        seen = linear(scene.frame())
        assert 0.1 < seen[2, 2, 1] < 0.5
        assert 0.1 < seen[48, 48, 2] < 0.5


@pytest.mark.parametrize("content", [b"", b"#?RADIANCE\n\n-Y 8 +X 16\n\2\2", b"\x76\x2f\x31\x01" + bytes(9)])
def test_a_broken_sky_is_grey_and_everything_else_is_drawn(skies: Skies, content: bytes) -> None:
    skies.sky("sky", content)
    path = skies.scene({"ball": ROUGH}, skybox("sky", "sky") + "\n" + ball("ball", "ball"))
    with open_scene(path, size=SIZE) as scene:
        (problem,) = scene.problems
        assert problem.code == "asset.broken"
        assert problem.severity is Severity.WARNING
        assert problem.help
        assert problem.position is not None
        assert problem.position.line > 1
        grey = scene.frame()
        assert grey[2, 2, :3].tolist() == pytest.approx([124] * 3, abs=1)
        assert grey[48, 48, :3].tolist() == pytest.approx([124] * 3, abs=3)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (skybox("sky", "white"), "asset.reference"),
        (skybox("sky", "5"), "asset.reference"),
        ("sky: { features: [{ @type: skybox }] }", "value.missing"),
        (skybox("sky", "nothing"), "asset.reference"),
    ],
)
def test_a_skybox_of_something_else_is_left_out_and_reported_at_its_place(
    skies: Skies, text: str, code: str
) -> None:
    skies.sky("sky", WHITE)
    scene = load_scene(skies.scene({"ball": ROUGH}, text))
    assert not len(scene.tableau["sky"].features)
    (problem,) = scene.left_out
    assert problem.code == code, problem
    assert problem.position is not None
    assert problem.position.line > 10


def test_the_shader_of_a_material_may_sample_the_environment(skies: Skies) -> None:
    skies.sky("sides", sides(pz=RED, px=GREEN))
    shader = """#version 450
    layout(set = 0, binding = 5) uniform samplerCube environment;
    layout(location = 0) out vec4 colour;
    void main() { colour = vec4(textureLod(environment, vec3(1, 0, 0), 0.0).rgb, 1.0); }
    """
    (skies.folder / "own.fs.glsl").write_text(shader)
    own = (
        "{ @type: shader name: own source: own.fs.glsl stage: fragment_shader_bit }"
        "{ @type: material name: own shaders: [vs own] }"
        "{ @type: model name: own mesh: ball material: own }"
    )
    path = skies.scene({}, skybox("sky", "sides") + "\n" + ball("ball", "own"), assets=own)
    with open_scene(path, size=SIZE) as scene:
        scene.settle()
        assert scene.problems == ()
        assert middle(scene) == [0, 255, 0]
