"""Claims about odd scales: mirrored objects look right from both sides; what has no extent is not seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.testing import OpenedScene, assert_changed, assert_problems, assert_same_pixels, open_scene

pytestmark = pytest.mark.gpu

SIZE = (96, 72)
SCENE = """version: 1
tableau: { objects: {
    outer: { objects: {
        box: { translation: [0 0.5 0]  features: [
            { @type: visibleModel  asset: [builtin placeholder] }
            { @type: shadowCaster  asset: [builtin placeholder] }
        ] }
    } }
    other: { translation: [-1.5 0.5 -1]  features: [{ @type: visibleModel  asset: [builtin placeholder] }] }
    ground: { translation: [0 -0.5 0]  scale: [20 1 20]  features: [
        { @type: visibleModel  asset: [builtin placeholder] }
    ] }
    camera: { translation: [1.7 1.5 2.9]  euler: [-18.1 28.6 0]  features: [
        { @type: camera  toneMapping: exponential  antialiasing: none }
    ] }
    sun: { euler: [-54.8 -57.4 0]  features: [{ @type: light }] }
} }
"""
PLACES = [((1.7, 1.5, 2.9), (-18.1, 28.6, 0)), ((-2, 0.8, -3), (-6, 214, 0)), ((0.4, 3, 0.3), (-80, 50, 0))]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[OpenedScene]:
    (tmp_path / "odd.hu").write_text(SCENE)
    with open_scene(tmp_path / "odd.hu", size=SIZE) as made:
        yield made


def pictures(scene: OpenedScene) -> list[np.ndarray]:
    """The scene from several places."""
    found = []
    for scene["camera"].translation, scene["camera"].euler in PLACES:
        found.append(scene.frame())
    return found


def test_a_mirrored_box_looks_like_the_box_from_every_side(scene):
    plain = pictures(scene)
    for scale in [(-1, 1, 1), (1, -1, 1), (1, 1, -1), (-1, -1, -1), (-1, -1, 1)]:
        scene["outer/box"].scale = scale
        for expected, found in zip(plain, pictures(scene), strict=True):
            assert_same_pixels(found, expected)
    scene["outer/box"].scale = (1, 1, 1)
    for expected, found in zip(plain, pictures(scene), strict=True):
        assert_same_pixels(found, expected, levels=0, share=0)


def test_with_several_samples_a_mirrored_box_differs_at_edges_of_its_triangles_alone_and_by_little(scene):
    """There the shading of a pixel is taken where a triangle covers it, and diagonals of faces are others."""
    scene["camera"].camera.antialiasing = "msaa4"
    scene.settle()
    plain = pictures(scene)
    scene["outer/box"].scale = (-1, 1, 1)
    for expected, found in zip(plain, pictures(scene), strict=True):
        assert_same_pixels(found, expected, share=0.005)
        assert_same_pixels(found, expected, levels=8, share=0)


def test_a_box_whose_parent_is_mirrored_looks_like_the_box(scene):
    plain = pictures(scene)
    scene["outer"].scale = (1, 1, -1)
    for expected, found in zip(plain, pictures(scene), strict=True):
        assert_same_pixels(found, expected)
    scene["outer/box"].scale = (-1, 1, 1)  # twice mirrored
    for expected, found in zip(plain, pictures(scene), strict=True):
        assert_same_pixels(found, expected)


def test_mirrored_instances_of_a_batch_cost_one_more_call(scene):
    renderer = scene.host.runtime.renderer
    scene.frame()
    calls = renderer.draws.calls
    scene["other"].scale = (-1, 1, 1)
    scene.frame()
    assert renderer.draws.calls == calls + 1
    scene["ground"].scale = (-20, 1, 20)
    scene.frame()
    assert (renderer.draws.calls, renderer.draws.instances) == (calls + 1, 4)


def test_a_mirrored_scene_gives_the_mirrored_picture():
    """The bricks are not symmetric: their relief, its light and the shadow turn over with them."""
    with open_scene("scenes/cube.hu", size=SIZE) as plain:
        expected = plain.frame()[:, ::-1]
        plain["cube"].scale, plain["ground"].scale = (-1, 1, 1), (-50, 1, 50)
        plain["cube"].euler = (0, 32, 0)
        plain["camera"].translation, plain["camera"].euler = (-1.7, 1.5, 2.9), (-18.1, -28.6, 0)
        plain["sun"].euler = (-54.8, 57.4, 0)
        assert_same_pixels(plain.frame(), expected, levels=12, share=0.02)


@pytest.mark.parametrize("scale", [(0, 0, 0), (0, 0, 3), (1e-13,) * 3, (1e-38,) * 3])
def test_what_has_no_extent_is_not_seen_and_nothing_else_changes(scene, scale):
    scene["outer"].translation = (0.3, 0.2, 0.1)
    scene["outer"].enabled = False
    without = pictures(scene)
    scene["outer"].enabled = True
    scene["outer/box"].scale = scale
    for expected, found in zip(without, pictures(scene), strict=True):
        assert_same_pixels(found, expected, levels=0, share=0)
    assert_problems(scene)


def test_a_flat_box_is_a_sheet_at_its_place(scene):
    scene["outer"].enabled = False
    without = scene.frame()
    scene["outer"].enabled = True
    scene["outer/box"].scale = (1, 0.01, 1)
    thin = scene.frame()
    for flat in [(1, 0, 1), (-1, 0, 1), (1, 1e-30, 1)]:
        scene["outer/box"].scale = flat
        found = scene.frame()
        assert_changed(found, without)
        assert_same_pixels(found, thin, levels=8, share=0.02)


def test_what_is_too_large_for_a_float_is_not_drawn_and_is_said_once(scene):
    scene["outer"].enabled = False
    without = scene.frame()
    scene["outer"].enabled = True
    scene["outer"].scale = (1e10,) * 3
    for scale in [(1e10,) * 3, (-1e38, 1, 1)]:
        scene["outer/box"].scale = scale
        assert_same_pixels(scene.frame(), without, levels=0, share=0)
    assert_problems(scene, "transform.range")
    scene["outer"].scale, scene["outer/box"].scale = (1, 1, 1), (1, 1, 1)
    assert_changed(scene.frame(), without)


def test_a_camera_and_a_light_without_extent_still_look_somewhere(scene):
    expected = scene.frame()
    scene["camera"].scale, scene["sun"].scale = (0, 1, 1), (1, 0, 1)
    assert_same_pixels(scene.frame(), expected)
    scene["camera"].scale, scene["sun"].scale = (0, 0, 0), (0, 0, 0)
    assert_changed(scene.frame(), expected)
    assert_problems(scene, "camera.scale")
