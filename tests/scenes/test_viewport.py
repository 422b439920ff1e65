"""Claims about what a camera fills of the picture, and which of several cameras shows it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support import images

from engine.testing import open_scene

pytestmark = pytest.mark.gpu

BACKGROUND = ("camera.camera.background=[1 0 0]",)


@pytest.mark.parametrize("antialiasing", ["msaa4", "fxaa", "none"])
def test_a_viewport_shows_a_picture_of_its_size_with_background_around_it(
    antialiasing: str,
) -> None:
    settings = (*BACKGROUND, f"camera.camera.antialiasing={antialiasing}")
    with open_scene("scenes/cube.hu", size=(120, 90), settings=settings) as scene:
        alone = np.array(scene.frame())
        scene.resize(240, 180)
        scene.settle()
        whole = np.array(scene.frame())
        scene.set("camera.camera.viewport=[0.25 0.5 0.5 0.5]")
        shown = np.array(scene.frame())
        inside = shown[90:, 60:180]
        inner = (slice(2, -2), slice(2, -2))  # FXAA smooths the border too
        images.assert_same(inside[inner], alone[inner], levels=3, share=0.005)
        around = np.ones(shown.shape[:2], bool)
        around[88:, 58:182] = False
        assert (shown[around][:, :3] == (255, 0, 0)).all()
        scene.set("camera.camera.viewport=[0 0 1 1]")
        images.assert_same(np.array(scene.frame()), whole, levels=0, share=0)
        assert scene.problems == ()


def test_moving_a_viewport_makes_no_new_plan() -> None:
    with open_scene("scenes/cube.hu", size=(64, 64)) as scene:
        scene.frame()
        plan = scene.plan
        scene.set("camera.camera.viewport=[0 0 0.5 0.5]")
        scene.frame()
        assert scene.plan is plan


def test_the_first_enabled_of_several_cameras_shows_the_picture() -> None:
    with open_scene("scenes/cube.hu", size=(96, 64)) as scene:
        own = np.array(scene.frame())
        second = {"camera": {"toneMapping": "none", "background": (0.0, 1.0, 0.0)}}
        scene.tableau.add_object("second", translation=(0, 1, 40), features=second)
        scene.settle()
        images.assert_same(np.array(scene.frame()), own)
        scene["camera"].camera.enabled = False
        far = np.array(scene.frame())
        assert (far[2, 2, :3] == (0, 255, 0)).all()
        scene["camera"].camera.enabled = True
        images.assert_same(np.array(scene.frame()), own)
        scene["camera"].camera.active = False
        scene.settle()
        images.assert_same(np.array(scene.frame()), far)


def test_wrong_numbers_of_a_camera_are_warnings_at_its_fields(tmp_path: Path) -> None:
    (tmp_path / "scene.hu").write_text(
        """version: 1
tableau: { name: t  objects: {
    eye: { features: [
        { @type: camera  near: 2  far: 1  viewport: [0 0 0 1] }
    ] }
} }
"""
    )
    with open_scene(tmp_path / "scene.hu", size=(32, 32)) as scene:
        found = [problem for problem in scene.problems if problem.code == "value.range"]
        places = [str(problem.position).split("/")[-1] for problem in found]
        assert places == ["scene.hu:4:40", "scene.hu:4:53"]
        assert all(problem.message.startswith("camera on 'eye': its ") for problem in found)
        assert [bool(problem.help) for problem in found] == [True, True]
        scene.set("eye.camera.far=3", "eye.camera.viewport=[0 0 1 1]")
        assert [problem for problem in scene.problems if problem.code == "value.range"] == []
