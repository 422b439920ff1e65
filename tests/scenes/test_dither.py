"""Claims about dithering: tone-mapped pictures have no bands and are off by less than a level."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from support.shared_runtime import shared_runtime

from engine.assets import open_library
from engine.feature import discover
from engine.graph import PICTURE, SCENE_COLOR
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene

pytestmark = pytest.mark.gpu

GROUND = slice(80, 120), slice(0, 160)
"""Rows and columns of smooth ground in cube.hu at 160 x 120, apart from the shadow."""


@contextmanager
def opened(root: Path, curve: str) -> Iterator[Runtime]:
    """cube.hu with a tone curve, of which the scene's light can be read, too."""
    scene = load_scene(root / "scenes" / "cube.hu", discover())
    scene.apply_setting(f"camera.camera.toneMapping={curve}")
    scene.apply_setting("camera.camera.antialiasing=none")
    options = RuntimeOptions(size=(160, 120), validate=True, trials=False, outputs=(PICTURE, SCENE_COLOR))
    with open_library(scene.dbs) as library, shared_runtime(scene, library, options) as runtime:
        runtime.settle()
        runtime.frame()
        yield runtime


def encoded(linear: np.ndarray) -> np.ndarray:
    """Levels of sRGB, not rounded."""
    linear = np.clip(linear, 0, 1)
    return 255 * np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def light(runtime: Runtime) -> np.ndarray:
    """The scene's light, and where it covers the background."""
    found = np.asarray(runtime.read_pixels(SCENE_COLOR))
    if found.dtype != np.float16:
        found = found.view(np.float16)
    return found.astype(np.float64).reshape(120, 160, 4)


def test_a_tone_mapped_picture_is_dithered_by_half_a_level_in_each_frame_alike(root: Path) -> None:
    with opened(root, "exponential") as runtime:
        picture = runtime.read_pixels()[:, :, :3].astype(float)
        found = light(runtime)
        exact = encoded(1 - np.exp(-np.maximum(found[:, :, :3], 0)))
        covered = found[:, :, 3] == 1
        off = (picture - exact)[covered]
        assert abs(off).max() < 1.2  # half a level of dither, half of rounding; drivers encode less exactly
        assert abs(off.mean(axis=0)).max() < 0.1
        rounded = np.round(exact)
        assert 0.2 < (picture != rounded)[covered].any(axis=1).mean() < 0.9
        # On smooth ground the mean of a few texels is what it should be, where rounding makes a band of them.
        whole = blocks(covered[:, :, None] * 1.0)[:, :, 0] == 1
        dithered, banded = (abs(blocks(one - exact)[whole]).mean() for one in (picture, rounded))
        assert dithered < 0.6 * banded
        runtime.frame()
        assert (runtime.read_pixels()[:, :, :3] == picture).all()


def blocks(values: np.ndarray) -> np.ndarray:
    """The means of blocks of 8 x 8 texels of the ground."""
    ground = values[GROUND]
    return ground.reshape(5, 8, 20, 8, -1).mean(axis=(1, 3))


def test_a_colour_that_is_a_level_stays_as_it_is_and_so_does_the_background(root: Path) -> None:
    with opened(root, "neutral") as runtime:
        picture = runtime.read_pixels()
        empty = light(runtime)[:, :, 3] == 0
        assert len(np.unique(picture[empty], axis=0)) == 1
        runtime.tableau["camera"].camera.exposure = -20.0
        runtime.frame()
        black = runtime.read_pixels()[~empty & (light(runtime)[:, :, 3] == 1)]
        # Some devices write a little more than the shader returns, which the dither can lift to one level.
        assert np.quantile(black[:, :3], 0.75) == 0
        assert black[:, :3].max() <= 1


def test_without_a_tone_curve_equal_light_has_equal_levels_wherever_it_is(root: Path) -> None:
    levels = {}
    for curve in ("none", "exponential"):
        with opened(root, curve) as runtime:
            found = light(runtime)
            covered = found[:, :, 3] == 1
            _, groups = np.unique(found[covered][:, :3], axis=0, return_inverse=True)
            pairs = np.concatenate((groups.reshape(-1, 1), runtime.read_pixels()[covered][:, :3]), axis=1)
            levels[curve] = len(np.unique(pairs, axis=0)) / (groups.max() + 1)
            exact = encoded(np.maximum(found[:, :, :3], 0))[covered]
            if curve == "none":
                assert abs(pairs[:, 1:] - exact).max() < 0.7
    assert levels["none"] == 1.0
    assert levels["exponential"] > 1.2
