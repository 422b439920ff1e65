"""Claims about pictures that must not change by accident: compared on the driver they were made on."""

from __future__ import annotations

import pytest

from engine.testing import open_scene
from engine.testing.goldens.goldens import Goldens

pytestmark = pytest.mark.gpu

VIEWS = {
    "cube": (),
    "cube-no-shadow": ("cube.shadowCaster.active=false",),
    "cube-orthographic": ("camera.camera.projection=orthographic", "camera.camera.height=2.6"),
    "cube-dark": ("sun.light.intensity=0",),
}


# At 320x180 Mesa's software driver takes 10 s for the horizon of lod.hu: anisotropic lookups get long there.
SIZES = {"lod": (160, 90)}


@pytest.mark.parametrize(
    "name", ["lights", "transparent", "lod", "skin", "crowd", "morph", "tableau", "materials"]
)
def test_a_scene_is_its_golden_picture(name: str, goldens: Goldens):
    with open_scene(f"scenes/{name}.hu", size=SIZES.get(name, (320, 180))) as scene:
        assert scene.problems == ()
        goldens.picture(name, scene.frame(), scene.driver)


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_of_the_cube_is_its_golden_picture(view: str, goldens: Goldens):
    with open_scene("scenes/cube.hu", settings=VIEWS[view]) as scene:
        goldens.picture(view, scene.frame(), scene.driver)
