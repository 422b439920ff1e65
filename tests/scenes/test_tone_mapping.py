"""Claims about the picture that the camera's last passes make of the scene's light."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from engine.testing import OpenedScene, open_scene

pytestmark = pytest.mark.gpu

CURVES = ("neutral", "aces", "agx", "exponential", "none")


@pytest.fixture(scope="module")
def cube() -> Iterator[OpenedScene]:
    with open_scene("scenes/cube.hu", size=(160, 120)) as scene:
        yield scene


def encoded(linear: float) -> int:
    return round(255 * (linear * 12.92 if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055))


def test_each_curve_shows_another_picture_that_brightens_with_exposure(cube: OpenedScene) -> None:
    pictures = {}
    for curve in CURVES:
        cube["camera"].camera.toneMapping = curve
        means = []
        for stops in (-3.0, 0.0, 3.0):
            cube["camera"].camera.exposure = stops
            pictures[curve, stops] = cube.frame().astype(int)[40:, :, :3]
            means.append(pictures[curve, stops].mean())
        assert means == sorted(means)
        assert means[0] < 0.6 * means[2]
    cube["camera"].camera.exposure = 0.0
    for number, one in enumerate(CURVES):
        for other in CURVES[number + 1 :]:
            assert abs(pictures[one, 0.0] - pictures[other, 0.0]).max() > 8, (one, other)


def test_the_background_is_shown_as_it_is_whatever_curve_and_exposure(cube: OpenedScene) -> None:
    cube["camera"].camera.background = (0.5, 0.02, 0.1)
    for curve in CURVES:
        cube["camera"].camera.toneMapping = curve
        cube["camera"].camera.exposure = 4.0
        corner = cube.frame()[2, 2, :3]
        assert corner == pytest.approx([encoded(0.5), encoded(0.02), encoded(0.1)], abs=1)
    cube["camera"].camera.exposure = 0.0
    cube["camera"].camera.background = (0.105, 0.125, 0.15)


def linear(picture: np.ndarray) -> np.ndarray:
    value = picture[:, :, :3] / 255.0
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def test_antialiasing_comes_nearer_to_many_samples_and_its_memory_comes_and_goes(cube: OpenedScene) -> None:
    cube["camera"].camera.background = (1.0, 1.0, 1.0)
    cube["ground"].visibleModel.active = False
    cube["cube"].shadowCaster.active = False
    cube.resize(8 * 160, 8 * 120)
    cube.settle()
    reference = linear(cube.frame()).reshape(120, 8, 160, 8, 3).mean(axis=(1, 3))
    edges = (abs(np.diff(reference.sum(axis=2), axis=1)) > 0.5)[1:-1]
    cube.resize(160, 120)
    error, planned = {}, {}
    for way in ("msaa4", "fxaa", "none"):
        cube["camera"].camera.antialiasing = way
        cube.settle()
        found = abs(linear(cube.frame()) - reference).sum(axis=2)[1:-1, 1:]
        error[way], planned[way] = found[edges].mean(), cube.memory.planned
    assert error["msaa4"] < 0.6 * error["none"], error
    assert error["fxaa"] < 0.85 * error["none"], error
    texels = 160 * 120
    assert planned["msaa4"] - planned["none"] > texels * 30
    assert 0 < planned["fxaa"] - planned["none"] < texels * 8
    assert cube.problems == ()
