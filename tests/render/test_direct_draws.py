"""Claims about devices without indirect draws: each command is one draw, and the picture the same."""

from __future__ import annotations

import numpy as np
import pytest
from support import images

from engine.testing import OpenedScene, open_scene

pytestmark = pytest.mark.gpu


def pictures(scene: OpenedScene) -> list[np.ndarray]:
    """The scene, without the cube, with its shadow alone, and as at first."""
    cube, taken = scene["cube"], []
    for model, caster in ((True, True), (False, False), (False, True), (True, True)):
        cube.visibleModel.enabled, cube.shadowCaster.enabled = model, caster
        scene.step(count=3)
        taken.append(scene.host.runtime.read_pixels())
    return taken


def test_without_indirect_draws_every_change_shows_in_the_same_pictures() -> None:
    with open_scene("scenes/cube.hu", size=(96, 64)) as scene:
        scene.step()
        expected = pictures(scene)
        images.assert_different(expected[0], expected[1])
        images.assert_different(expected[1], expected[2])
        renderer = scene.host.runtime.renderer
        calls = renderer.draws.calls
        renderer._recorder.indirect = False
        for picture, wanted in zip(pictures(scene), expected, strict=True):
            images.assert_same(picture, wanted)
        assert renderer.draws.calls == calls == 4  # the picture itself is one
        scene["cube"].visibleModel.enabled = False
        scene.step(count=3)
        assert renderer.draws.calls == 3
