"""Claims about pictures that must not change by accident: compared on lavapipe, drawn everywhere."""

import shutil

import numpy as np
import pytest
from PIL import Image
from support.images import assert_same, averaged
from support.scenes import ROOT, running

pytestmark = pytest.mark.gpu

GOLDENS = ROOT / "tests" / "goldens"
# The driver they were drawn with. Later ones choose other mip levels on slanted faces: 6 % of the pixels of
# the cube differ on Mesa 25.0, and averages over 8 x 8 pixels by up to 3 levels; a shadow more or less is 70.
DRAWN_WITH = "Mesa 22.3"
CELL, CELL_LEVELS = 8, 4
VIEWS = {
    "cube": (),
    "cube-no-shadow": ("cube.shadowCaster.active=false",),
    "cube-orthographic": ("camera.camera.projection=orthographic", "camera.camera.height=2.6"),
    "cube-dark": ("sun.light.intensity=0",),
}


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_of_the_cube_is_its_golden_picture(name, request, tmp_path):
    with running(settings=VIEWS[name]) as runtime:
        pixels = runtime.read_pixels()[..., :3]
        driver = runtime.device.adapter.driver
    path = GOLDENS / f"{name}.png"
    if request.config.getoption("--update-goldens"):
        Image.fromarray(pixels).save(path)
    assert path.is_file(), f"there is no {path.relative_to(ROOT)}; run pytest --update-goldens and look at it"
    if "llvmpipe" in driver:
        actual = tmp_path / f"{name}.png"
        Image.fromarray(pixels).save(actual)
        shutil.copy(path, tmp_path / f"{name}-expected.png")
        expected = np.array(Image.open(path).convert("RGB"))
        if DRAWN_WITH in driver:
            assert_same(pixels, expected)
        else:
            assert_same(averaged(pixels, CELL), averaged(expected, CELL), CELL_LEVELS)
