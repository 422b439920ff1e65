"""Claims about pictures without a model, a camera or a light, and while they come and go."""

from __future__ import annotations

import numpy as np
import pytest

from engine.testing import OpenedScene, assert_problems, assert_silent, open_scene

pytestmark = pytest.mark.gpu

BACKGROUND = (91, 99, 108)
NAMES = {"visibleModel": "cube", "camera": "camera", "light": "sun"}


def is_background(scene: OpenedScene) -> bool:
    scene.step(count=2)
    return bool((abs(np.asarray(scene.frame()).astype(int)[..., :3] - BACKGROUND) <= 1).all())


@pytest.mark.parametrize("text", ["tableau: { name: t objects: {} }", "assetDb: { name: db assets: [] }"])
def test_an_empty_scene_is_the_background_and_says_what_it_lacks(text, tmp_path):
    path = tmp_path / "scene.hu"
    path.write_text(text)
    with open_scene(path, size=(32, 24)) as scene:
        assert is_background(scene)
        assert_problems(scene, *(("feature.absent", f"no {name} ") for name in NAMES))
        assert_silent(scene)


@pytest.mark.parametrize("flag", ["active", "enabled"])
def test_what_comes_and_goes_by_switching_is_reported_while_it_is_off_and_the_picture_comes_back(flag):
    with open_scene("scenes/cube.hu", size=(48, 32)) as scene:
        before = np.asarray(scene.frame())
        for _ in range(3):
            setattr(scene.tableau, flag, False)
            assert is_background(scene)
            assert_problems(scene, *(("feature.absent", f"no {name} is switched on") for name in NAMES))
            setattr(scene.tableau, flag, True)
            scene.settle()
            np.testing.assert_array_equal(np.asarray(scene.frame()), before)
            assert_problems(scene)


def test_without_a_camera_the_default_view_is_shown_and_without_a_light_the_shapes_are_black(tmp_path):
    with open_scene("scenes/cube.hu", size=(48, 32)) as scene:
        scene["camera"].active = False
        scene.step(count=2)
        seen = np.asarray(scene.frame()).astype(int)[..., :3]
        assert (abs(seen[0] - BACKGROUND) <= 1).all()
        assert (abs(seen - BACKGROUND).max(axis=2) > 20).mean() > 0.2, "the ground, from the default view"
        assert_problems(scene, ("feature.absent", "the scene is seen in the default view"))
        scene["sun"].active = False
        scene.step(count=2)
        dark = np.asarray(scene.frame()).astype(int)[..., :3]
        assert ((dark.max(axis=2) == 0) == (abs(seen - BACKGROUND).max(axis=2) > 20)).mean() > 0.9


def test_the_code_of_a_camera_that_raises_is_one_problem(monkeypatch):
    from features.camera import Camera

    def broken(self, frame):
        raise RuntimeError("no lens")

    monkeypatch.setattr(Camera, "frame_values", broken)
    with open_scene("scenes/cube.hu", size=(32, 24)) as scene:
        scene.step(count=2)
        assert_problems(scene, ("feature.failed", "no lens"))
