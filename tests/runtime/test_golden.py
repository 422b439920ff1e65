"""Claims about pictures that must not change by accident: compared on lavapipe, drawn everywhere."""

import shutil

import numpy as np
import pytest
from PIL import Image
from support.images import assert_same
from support.scenes import ROOT, running

pytestmark = pytest.mark.gpu

GOLDENS = ROOT / "tests" / "goldens"
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
        on_lavapipe = "llvmpipe" in runtime.device.adapter.name
    path = GOLDENS / f"{name}.png"
    if request.config.getoption("--update-goldens"):
        Image.fromarray(pixels).save(path)
    assert path.is_file(), f"there is no {path.relative_to(ROOT)}; run pytest --update-goldens and look at it"
    if on_lavapipe:
        actual = tmp_path / f"{name}.png"
        Image.fromarray(pixels).save(actual)
        shutil.copy(path, tmp_path / f"{name}-expected.png")
        assert_same(pixels, np.array(Image.open(path).convert("RGB")))
