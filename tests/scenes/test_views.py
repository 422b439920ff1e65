"""Claims about views: a pass draws the scene as each of its views sees it, into layers of one image."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.shared_runtime import shared_runtime
from support.two_eyes import Eyes, covered

from engine.assets import open_library
from engine.feature import discover
from engine.runtime.options import RuntimeOptions
from engine.scene import load_scene

pytestmark = pytest.mark.gpu

SCENE = """version: 1
tableau: { name: t  objects: {
    cube: { translation: [0 0 -2]  features: [{ @type: visibleModel  asset: [builtin placeholder] }] }
    camera: { features: [{ @type: camera  toneMapping: none  antialiasing: none }] }
    sun: { features: [{ @type: light }] }
    eyes: { features: [{ @type: eyes  apart: 1 }] }
} }
"""


def test_each_view_draws_the_scene_into_its_own_layer_and_follows_its_values(tmp_path: Path) -> None:
    (tmp_path / "scene.hu").write_text(SCENE)
    registry = discover()
    registry.register(Eyes())
    scene = load_scene(tmp_path / "scene.hu", registry)
    options = RuntimeOptions(size=(64, 64), validate=True, trials=False)
    with open_library(scene.dbs) as library, shared_runtime(scene, library, options) as runtime:
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


class Wink(Eyes):
    """Eyes of which only those that are enabled see."""

    type_name = "eyes"

    def views(self, frame):
        return super().views(frame) if len(frame.enabled("eyes")) else {}


def test_nothing_is_drawn_in_a_view_that_no_feature_makes(tmp_path: Path) -> None:
    (tmp_path / "scene.hu").write_text(SCENE)
    registry = discover()
    registry.register(Wink())
    scene = load_scene(tmp_path / "scene.hu", registry)
    options = RuntimeOptions(size=(64, 64), validate=True, trials=False)
    with open_library(scene.dbs) as library, shared_runtime(scene, library, options) as runtime:
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
