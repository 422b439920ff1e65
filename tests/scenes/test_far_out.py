"""Claims about scenes far from the world's origin: their pictures are those at the origin, and rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.testing import OpenedScene, assert_same_pixels, open_scene

pytestmark = pytest.mark.gpu

SIZE = (160, 120)
FAR = [(1e6, 0, 0), (0, -1e5, 1e5), (-1e6 - 0.3, 123456.7, 1e6 + 31.9)]
STEPS = np.random.default_rng(2).normal(0, 0.004, (5, 3))
WORLD = """version: 1
tableau: {{ objects: {{
    world: {{ translation: [{}]  objects: {{
        near: {{ translation: [0 0.5 0]  features: [
            {{ @type: visibleModel  asset: [builtin placeholder] }}
            {{ @type: shadowCaster  asset: [builtin placeholder] }}
        ] }}
        far: {{ translation: [2000 0.5 2000]  features: [
            {{ @type: visibleModel  asset: [builtin placeholder] }}
            {{ @type: shadowCaster  asset: [builtin placeholder] }}
        ] }}
        ground: {{ translation: [0 -0.5 0]  scale: [20 1 20]  features: [
            {{ @type: visibleModel  asset: [builtin placeholder] }}
        ] }}
        camera: {{ translation: [1.7 1.5 2.9]  euler: [-18.1 28.6 0]  features: [
            {{ @type: camera  toneMapping: exponential }}
        ] }}
        sun: {{ euler: [-54.8 -57.4 0]  features: [{{ @type: light }}] }}
    }} }}
}} }}
"""


def walk(scene: OpenedScene, camera: str) -> Iterator[np.ndarray]:
    """Pictures while the camera makes small steps."""
    start = scene[camera].translation.copy()
    for step in STEPS:
        scene[camera].translation = start + step
        yield scene.frame()


@pytest.fixture(scope="module")
def at_the_origin() -> list[np.ndarray]:
    with open_scene("scenes/cube.hu", size=SIZE) as scene:
        return list(walk(scene, "camera"))


@pytest.mark.parametrize("far", FAR)
def test_a_scene_far_out_gives_the_pictures_of_the_scene_at_the_origin(at_the_origin, far):
    with open_scene("scenes/cube.hu", size=SIZE) as scene:
        for name in ("cube", "ground", "camera", "sun"):
            scene[name].translation = scene[name].translation + far
        for expected, found in zip(at_the_origin, walk(scene, "camera"), strict=True):
            assert_same_pixels(found, expected)


@pytest.fixture
def opened(tmp_path: Path):
    def open_at(*place: float) -> OpenedScene:
        path = tmp_path / f"at{len(list(tmp_path.iterdir()))}.hu"
        path.write_text(WORLD.format(" ".join(map(repr, map(float, place)))))
        return open_scene(path, size=SIZE)

    return open_at


@pytest.mark.parametrize("far", FAR)
def test_a_scene_below_a_parent_far_out_gives_the_same_pictures_and_shadows(opened, far):
    with opened(0, 0, 0) as scene:
        expected = list(walk(scene, "world/camera"))
    with opened(*far) as scene:
        for there, found in zip(expected, walk(scene, "world/camera"), strict=True):
            assert_same_pixels(found, there)


def test_one_caster_two_kilometres_away_leaves_the_near_shadow_sharp(opened):
    with opened(0, 0, 0) as scene:
        found = scene.frame().astype(int).sum(axis=2)
        scene["world/far"].enabled = False
        alone = scene.frame().astype(int).sum(axis=2)
        scene["world/near"].shadowCaster.enabled = False
        unshadowed = scene.frame().astype(int).sum(axis=2)
    shadow, there = unshadowed - alone > 120, unshadowed - found > 120
    assert shadow.sum() > 200
    assert (shadow & ~there).sum() < 0.2 * shadow.sum()
    assert (there & ~shadow).sum() < 0.2 * shadow.sum()


def test_a_moving_camera_writes_its_own_row_and_no_other(opened):
    with opened(1e6, 0, 0) as scene:
        scene.frame()
        instances = scene.host.runtime.renderer.ring("instances")
        noted: list[list[list[int]]] = []
        changed = instances.changed
        instances.changed = lambda ranges: noted.append(np.asarray(ranges).tolist()) or changed(ranges)
        scene["world/camera"].translation = (300, 1, 2)
        scene.frame()
        row = scene["world/camera"].row
        assert noted == [[[row, row + 1]]]
