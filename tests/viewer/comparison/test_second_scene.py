"""Claims about the scene beside the first: its picture is there in every frame."""

from __future__ import annotations

import numpy as np
import pytest
from support.scenes import CUBE, ROOT

from engine.assets import open_library
from engine.graph.view_mode import ViewMode
from engine.runtime import spread_plan
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene
from viewer.comparison.second_scene import SecondScene

pytestmark = pytest.mark.gpu

TABLEAU = ROOT / "scenes" / "tableau.hu"
FRAMES = 40
"""More than a plan is spread over."""


def test_its_last_picture_is_shown_while_the_images_of_its_next_frame_are_not_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spread_plan, "QUICK_S", 1e9)  # every frame is a quick one, and does one step
    monkeypatch.setattr(spread_plan, "SHARE_MS", 0.0)
    monkeypatch.setattr(spread_plan, "BUSY", 0.0)
    scene, other = load_scene(CUBE), load_scene(CUBE)
    options = RuntimeOptions(size=(64, 48), validate=True, spreads=True)
    with open_library(scene.dbs) as library, Runtime(scene, library, options) as first:
        first.settle()
        second = SecondScene(first, other, open_library(other.dbs), "other")
        try:
            second.runtime.load()
            second.frame(ViewMode.LIT, grid=False)
            second.runtime.settle()
            for has_grid in (True, False, True):
                waited, pictures = 0, set()
                for _ in range(FRAMES):
                    second.frame(ViewMode.LIT, grid=has_grid)
                    waited += not second.runtime.renderer.ready
                    assert second.picture is not None
                    pictures.add(second.picture.resource)
                assert (waited > 0) == has_grid, "a frame that takes a plan with new images"
                assert len(pictures) == 1 + has_grid, "that without a grid until the other is drawn"
        finally:
            second.close()
        assert not len(first.instance.messages)


def test_overlays_of_its_own_camera_are_in_its_picture_as_the_first_sees_it() -> None:
    scene, other = load_scene(TABLEAU), load_scene(TABLEAU)
    options = RuntimeOptions(size=(320, 240), validate=True)
    with open_library(scene.dbs) as library, Runtime(scene, library, options) as first:
        camera = first.tableau["camera"]
        camera.translation, camera.camera.fovY = (-1.0, 1.5, 3.0), 60.0
        other.tableau["camera/healthBar"].healthBar.value = 20.0
        first.settle()
        second = SecondScene(first, other, open_library(other.dbs), "other")
        try:
            second.runtime.load()
            second.frame(ViewMode.LIT, grid=False)
            second.runtime.settle()
            second.frame(ViewMode.LIT, grid=False)
            first.frame()
            shown, beside = first.read_pixels(), second.runtime.read_pixels()
            bar = np.s_[200:232, :200]
            assert (shown[bar] != beside[bar]).any(), "it has its own value"
            beside[bar] = shown[bar]
            assert np.array_equal(shown, beside)
            camera.camera.enabled = False
            first.frame()
            second.frame(ViewMode.LIT, grid=False)
            assert np.array_equal(first.read_pixels(), second.runtime.read_pixels()), (
                "and nothing without one"
            )
        finally:
            second.close()
        assert not len(first.instance.messages)
