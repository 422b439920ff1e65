"""Claims about views: a pass draws the scene as each of its views sees it, into layers of one image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.assets import open_library
from engine.feature import Feature, discover
from engine.graph import (
    SCENE_COLOR,
    ColorTarget,
    DepthTarget,
    Extent,
    FullscreenPass,
    ImageDecl,
    ImageRead,
)
from engine.math import orthographic_reversed
from engine.plan.terms.formats import Format
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene
from engine.tableau.schema import float_field
from features.visible_model import FORWARD

pytestmark = pytest.mark.gpu

COVER = """#version 450
layout(set = 0, binding = 0) uniform sampler2DArray eyes;
layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;
void main() {
    float a = texture(eyes, vec3(uv, 0)).a, b = texture(eyes, vec3(uv, 1)).a;
    colour = vec4(a, b, 0.0, 1.0);
}
"""
SCENE = """version: 1
assetDb: { name: own  assets: [
    { @type: shader  name: cover  source: cover.fs.glsl  stage: fragment_shader_bit }
] }
tableau: { name: t  objects: {
    cube: { translation: [0 0 -2]  features: [{ @type: visibleModel  asset: [builtin placeholder] }] }
    camera: { features: [{ @type: camera  toneMapping: none  antialiasing: none }] }
    sun: { features: [{ @type: light }] }
    eyes: { features: [{ @type: eyes  apart: 1 }] }
} }
"""
EYES = ImageDecl(
    "eyes", Format.R16G16B16A16_SFLOAT, Extent(width=64, height=64), clear=(0.0, 0.0, 0.0, 0.0), layers=2
)
DEPTH = ImageDecl("eyesDepth", Format.D32_SFLOAT, EYES.extent, clear=(0.0, 0.0, 0.0, 0.0), layers=2)


class Eyes(Feature):
    """Shows the scene as two eyes see it, one in red and one in green."""

    type_name = "eyes"
    fields = (float_field("apart", 1.0, help="metres between the eyes"),)

    def passes(self, rows):
        return (
            replace(
                FORWARD,
                name="eyes",
                color=(ColorTarget(EYES),),
                depth=DepthTarget(DEPTH),
                views=("left", "right"),
            ),
            FullscreenPass(
                "cover",
                color=(ColorTarget(SCENE_COLOR),),
                reads=(ImageRead(EYES, "eyes"),),
                after=("forward",),
                shader="own/cover",
            ),
        )

    def views(self, frame):
        rows = frame.enabled("eyes")
        apart = float(rows["apart"][0]) if len(rows) else 0.0
        found = {}
        for name, side in (("left", -0.5), ("right", 0.5)):
            moved = np.eye(4, dtype=np.float32)
            moved[3, :3] = frame.origin - np.array([side * apart, 0.0, 0.0])
            found[name] = {"viewProjection": moved @ orthographic_reversed(-2, 2, -2, 2, 0.1, 10)}
        return found


def covered(picture: np.ndarray, channel: int) -> tuple[float, float]:
    """The first and last column of a picture where a channel is full, in parts of its width."""
    columns = np.flatnonzero((picture[:, :, channel] > 250).any(axis=0))
    return columns[0] / picture.shape[1], (columns[-1] + 1) / picture.shape[1]


def test_each_view_draws_the_scene_into_its_own_layer_and_follows_its_values(tmp_path: Path) -> None:
    (tmp_path / "cover.fs.glsl").write_text(COVER)
    (tmp_path / "scene.hu").write_text(SCENE)
    registry = discover()
    registry.register(Eyes())
    scene = load_scene(tmp_path / "scene.hu", registry)
    options = RuntimeOptions(size=(64, 64), validate=True, trials=False)
    with open_library(scene.dbs) as library, Runtime(scene, library, options) as runtime:
        runtime.settle()
        runtime.frame()
        shown = runtime.read_pixels()
        # The cube is 1 m wide in a view of 4 m, half a metre to the right of the left eye.
        assert covered(shown, 0) == pytest.approx((0.5, 0.75), abs=0.02)
        assert covered(shown, 1) == pytest.approx((0.25, 0.5), abs=0.02)
        plan = runtime.plan
        runtime.tableau["eyes"].eyes.apart = 0.0
        runtime.frame()
        shown = runtime.read_pixels()
        assert covered(shown, 0) == covered(shown, 1) == pytest.approx((0.375, 0.625), abs=0.02)
        assert runtime.plan is plan
        runtime.tableau["eyes"].eyes.active = False
        runtime.settle()
        assert runtime.plan is not None
        assert "eyes" not in {row.pass_name for row in runtime.plan.pipelines}
        assert runtime.memory.live_bytes == runtime.plan.planned_bytes
        assert runtime.problems == ()
        messages = runtime.instance.messages
    assert [str(message) for message in messages.all] == []


class Wink(Eyes):
    """Eyes of which only those that are enabled see."""

    type_name = "eyes"

    def views(self, frame):
        return super().views(frame) if len(frame.enabled("eyes")) else {}


def test_nothing_is_drawn_in_a_view_that_no_feature_makes(tmp_path: Path) -> None:
    (tmp_path / "cover.fs.glsl").write_text(COVER)
    (tmp_path / "scene.hu").write_text(SCENE)
    registry = discover()
    registry.register(Wink())
    scene = load_scene(tmp_path / "scene.hu", registry)
    options = RuntimeOptions(size=(64, 64), validate=True, trials=False)
    with open_library(scene.dbs) as library, Runtime(scene, library, options) as runtime:
        runtime.settle()
        runtime.frame()
        shown, calls, plan = runtime.read_pixels(), runtime.renderer.draws.calls, runtime.plan
        assert shown[:, :, :2].any()
        runtime.tableau["eyes"].eyes.enabled = False
        runtime.frame()
        assert not runtime.read_pixels()[:, :, :2].any()
        assert runtime.renderer.draws.calls == calls - 2
        runtime.tableau["eyes"].eyes.enabled = True
        runtime.frame()
        assert (runtime.read_pixels() == shown).all()
        assert runtime.renderer.draws.calls == calls
        assert runtime.plan is plan
        messages = runtime.instance.messages
    assert [str(message) for message in messages.all] == []
