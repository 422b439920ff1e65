"""Claims about scenes with a broken asset: one placeholder, one warning with its place, the rest is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from engine.graph import DepthTarget, DrawPass, Extent, Pass
from engine.testing import (
    Faults,
    OpenedScene,
    assert_color,
    assert_problems,
    assert_same_pixels,
    open_scene,
)
from features._shadow_maps import SHADOW_MAP, cascade_passes
from features.light import Light
from features.shadow_caster import ShadowCaster

pytestmark = pytest.mark.gpu

MATERIAL = "assets/builtin/material"
MAGENTA = (150, 0, 150)


@pytest.fixture
def project(faults: Faults) -> Path:
    """A copy of the scenes and assets to break."""
    return faults.copy("scenes/cube.hu").parents[1]


def opened(project: Path) -> OpenedScene:
    return open_scene(project / "scenes" / "cube.hu", size=(64, 48))


def edit(path: Path, *changes: tuple[str, str]) -> str:
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text)
    return text


def line_of(text: str, part: str) -> int:
    return text.split(part)[0].count("\n") + 1


def test_a_missing_texture_costs_one_placeholder_and_is_reported_with_its_line(project):
    (project / MATERIAL / "brick-albedo.png").unlink()
    line = line_of((project / "scenes/cube.assets.hu").read_text(), "brick-albedo.png")
    with opened(project) as scene:
        assert_problems(scene, ("asset.broken", f"cube.assets.hu:{line}:"))
        frame = scene.frame()
    assert_color(frame, MAGENTA, levels=50, at_least=0.02)
    grey = np.asarray(frame).astype(int)
    assert (
        (grey[..., 0] > 90) & (abs(grey[..., 0] - grey[..., 1]) < 12)
    ).mean() > 0.3  # the ground is unchanged


def test_a_glsl_error_is_reported_at_its_line_and_the_placeholder_material_draws(project):
    shader = project / MATERIAL / "surface.fs.glsl"
    text = edit(shader, ("vec3 n = normalize(", "vec3 n = normalise("))
    with opened(project) as scene:
        place = f"surface.fs.glsl:{line_of(text, 'normalise')}"
        wrong = ("shader.compile", "no matching overloaded function found")
        assert_problems(scene, "asset.broken", wrong, ("shader.compile", place))
        assert_color(scene.frame(), MAGENTA, levels=50, at_least=0.02)


def test_a_shader_input_that_the_mesh_lacks_is_named(project):
    edit(
        project / MATERIAL / "surface.vs.glsl",
        ("in vec3 normal;", "in vec3 normals;"),
        ("formedNormal = normal,", "formedNormal = normals,"),
    )
    with opened(project) as scene:
        meshes = "vertices #2 with material 'brick', vertices 'plane' with material 'paving'"
        lacks = f"reads the vertex attribute 'normals', which meshes do not have: {meshes}"
        assert_problems(scene, ("shader.interface", lacks))
        assert_color(scene.frame(), MAGENTA, levels=50, at_least=0.02)


def test_stages_that_disagree_about_a_binding_are_reported_once_for_all_materials(project):
    edit(
        project / MATERIAL / "surface.vs.glsl",
        (
            '#include "../shader/skin.glsl"',
            '#include "../shader/skin.glsl"\n'
            "layout(set = 0, binding = 4) uniform Wrong { vec4 x; } shadowMap;",
        ),
        ("material = row.y;", "material = row.y + uint(shadowMap.x.x);"),
    )
    with opened(project) as scene:
        assert_problems(scene, ("shader.interface", "binding 4 is Wrong 'shadowMap' in one stage"))
        assert scene.problems[0].message.endswith("in another: material 'brick', material 'paving'")


def test_a_binding_that_nothing_provides_is_named_once_for_all_materials(project):
    binding = "layout(set = 0, binding = 3, std430)"
    edit(
        project / MATERIAL / "surface.fs.glsl",
        (binding, f"layout(set = 0, binding = 15) uniform Weather {{ vec4 rain; }} weather;\n{binding}"),
        ("colour = drawn(sum", "colour = weather.rain + drawn(sum"),
    )
    with opened(project) as scene:
        assert_problems(scene, ("shader.interface", "'weather'"))
        assert scene.problems[0].message.endswith("provide: material 'brick', material 'paving'")


def test_a_feature_that_raises_is_switched_off_and_reported_once_while_frames_go_on(project, monkeypatch):
    def broken(self, frame):
        raise RuntimeError("no bulb")

    monkeypatch.setattr(Light, "frame_values", broken)
    with opened(project) as scene:
        scene.step(count=3)
        assert_problems(scene, ("feature.failed", "no bulb"))
        assert "light on 'sun'" in scene.problems[0].render()
        assert scene.frames[-1].drawn


def raises(*_: object) -> NoReturn:
    raise RuntimeError("no bulb")


def gives_nothing(*_: object) -> None:
    return None


def gives_rubbish(*_: object) -> dict[str, str]:
    return {"skyAmbient": "north"}


def gives_too_much(*_: object) -> dict[str, list[float]]:
    return {"shadow": [1.0] * 99}


def contradicts(*_: object) -> tuple[Pass, ...]:
    first, second = shadow_pass("own", 2048), shadow_pass("own", 64)
    return (first, replace(second, name="own too"))


def contradicts_the_light(*_: object) -> tuple[Pass, ...]:
    return (shadow_pass(SHADOW_MAP.name, 64),)


def shadow_pass(image: str, texels: int) -> DrawPass:
    """A pass that draws the casters into an image of so many texels."""
    other = replace(SHADOW_MAP, name=image, extent=Extent(width=texels, height=texels))
    return replace(cascade_passes(1)[0], name="own", depth=DepthTarget(other))


@pytest.mark.parametrize(
    ("method", "code"),
    [
        *product(
            ("requirements", "passes", "drawables", "frame_values"), (raises, gives_nothing, gives_rubbish)
        ),
        ("frame_values", gives_too_much),
        ("passes", contradicts),
        ("passes", contradicts_the_light),
    ],
)
def test_whatever_a_feature_does_wrong_it_is_off_and_reported_once_and_the_picture_is_that_without_it(
    monkeypatch: pytest.MonkeyPatch, method: str, code: Callable[..., Any]
):
    with open_scene("scenes/cube.hu", size=(64, 48), settings=["cube.shadowCaster.active=false"]) as scene:
        without = scene.frame()
    monkeypatch.setattr(ShadowCaster, method, code)
    with open_scene("scenes/cube.hu", size=(64, 48)) as scene:
        scene.step(count=3)
        scene.settle()
        assert_same_pixels(scene.frame(), without, levels=0, share=0)
        assert_problems(scene, ("feature.failed", "shadowCaster on 'cube' is switched off"))
        assert "cube.hu:13:19" in scene.problems[0].render()
        assert scene["cube"].shadowCaster.failed
        assert "shadowMap" not in scene.memory


@pytest.mark.parametrize("code", [raises, gives_nothing, contradicts])
def test_a_light_whose_passes_are_wrong_is_off_and_the_rest_is_drawn_without_it(
    monkeypatch: pytest.MonkeyPatch, code: Callable[..., Any]
):
    with open_scene("scenes/cube.hu", size=(64, 48), settings=["sun.light.active=false"]) as scene:
        without = scene.frame()
    monkeypatch.setattr(Light, "passes", code)
    with open_scene("scenes/cube.hu", size=(64, 48)) as scene:
        scene.step(count=3)
        scene.settle()
        assert_same_pixels(scene.frame(), without, levels=0, share=0)
        assert_problems(scene, ("feature.failed", "light on 'sun' is switched off"))
        assert scene["sun"].light.failed
        assert not scene["cube"].shadowCaster.failed
        assert "shadowMap" not in scene.memory
