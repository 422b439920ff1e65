"""Claims about picking: what a frame shows at a pixel is what is picked there, to the pixel."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.assets.cache.cache import CacheMissError
from engine.math import project
from engine.planning.picking import picker
from engine.testing import OpenedScene, open_scene
from engine.testing.scene.simulated_host import NoPixels

pytestmark = pytest.mark.gpu

SCENE = """\
version: 1
tableau: {
    objects: {
        box: { euler: [20 30 0]  features: [{ @type: visibleModel  asset: [builtin placeholder] }] }
        group: {
            objects: {
                far: {
                    translation: [0.4 0.3 -3]
                    scale: [2 1 1]
                    features: [{ @type: visibleModel  asset: [builtin placeholder] }]
                }
            }
        }
        camera: { translation: [0 0.4 3]  euler: [-6 0 0]  features: [
            { @type: camera  antialiasing: none  background: [0 0 0]  toneMapping: none }
        ] }
        sun: { euler: [-50 -40 0]  features: [{ @type: light  sky: [1 1 1]  ground: [1 1 1] }] }
    }
}
"""
SIZE = (48, 36)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[OpenedScene]:
    path = tmp_path / "scene.hu"
    path.write_text(SCENE)
    with open_scene(path, size=SIZE) as opened:
        yield opened


def picked(scene: OpenedScene) -> np.ndarray:
    """The path of what is picked at every third pixel of one frame, empty for nothing."""
    scene.frame()
    pick = scene.host.pick
    return np.array(
        [
            [hit.object.path if (hit := pick(x, y)) is not None else "" for x in range(0, SIZE[0], 3)]
            for y in range(0, SIZE[1], 3)
        ]
    )


def shown(scene: OpenedScene) -> np.ndarray:
    """Which of these pixels show anything: the background is black, and everything else is lit."""
    return np.asarray(scene.frame())[::3, ::3, :3].any(axis=2)


def turned(scene: OpenedScene) -> None:
    scene["box"].euler = (70, 10, 130)


def mirrored(scene: OpenedScene) -> None:
    scene["box"].scale = (-1.4, 0.6, 1)
    scene["group"].scale = (1, -1, 1)


def flat(scene: OpenedScene) -> None:
    scene["box"].scale = (1, 0, 1)


def far_out(scene: OpenedScene) -> None:
    for path in ("box", "group", "camera"):
        scene[path].translation += np.array((3.0e6, -2.0e5, 7.0e6))


def orthographic(scene: OpenedScene) -> None:
    scene.set("camera.camera.projection=orthographic", "camera.camera.height=2.5")


def cut_off(scene: OpenedScene) -> None:
    scene.set("camera.camera.projection=orthographic", "camera.camera.depth=5")  # ends between the objects


def near(scene: OpenedScene) -> None:
    scene.set("camera.camera.near=2.6")  # cuts into the box


def inside(scene: OpenedScene) -> None:
    scene["camera"].translation = (0, 0, 0)  # its faces are culled from there


def spun(scene: OpenedScene) -> None:
    scene.tableau.add_feature("spin", scene["group"], {"axis": (0, 0, 1), "speed": 90.0})
    scene.clock.set(0.4)


CHANGES = [turned, mirrored, flat, far_out, orthographic, cut_off, near, inside, spun]


@pytest.mark.parametrize("change", [None, *CHANGES])
def test_something_is_picked_exactly_where_something_is_shown(scene, change):
    if change is not None:
        change(scene)
    here, there = shown(scene), picked(scene) != ""
    assert there.any() or change is inside
    assert not there.all()
    assert (here == there).all(), f"\n{here.astype(int)}\n{there.astype(int)}"


def test_the_object_in_front_is_picked(scene):
    all_paths = picked(scene)
    assert set(all_paths.ravel()) == {"", "box", "group/far"}
    scene["group"].enabled = False
    box = picked(scene) == "box"
    assert (box == (all_paths == "box")).all()  # the box is in front of the other one
    scene["group"].enabled = True
    scene["box"].enabled = False
    assert (picked(scene)[box] != "box").all()
    assert (picked(scene)[all_paths == "group/far"] == "group/far").all()


def test_a_hit_has_feature_triangle_and_a_place_that_is_shown_at_the_pixel(scene):
    for change in (None, mirrored, far_out, orthographic):
        if change is not None:
            change(scene)
        for x, y in ((24, 16), (20, 19), (27, 14)):
            hit = scene.pick(x, y)
            assert hit is not None
            assert (hit.object.path, hit.feature) == ("box", "visibleModel")
            assert 0 <= hit.triangle < 12
            eye = scene.host.runtime._values.eyes[""]
            ((right, down, _),) = project(np.array([hit.position]) - eye.origin, eye.matrix)
            assert ((right + 1) / 2 * SIZE[0], (down + 1) / 2 * SIZE[1]) == pytest.approx(
                (x + 0.5, y + 0.5), abs=0.01
            )


def test_the_triangle_and_the_place_of_a_face_are_known(scene):
    scene["box"].euler = (0, 0, 0)
    scene["camera"].translation, scene["camera"].euler = (0, 0, 3), (0, 0, 0)
    hit = scene.pick(24, 18)
    middle = scene.pick(23, 17)
    assert hit is not None
    assert middle is not None
    half = 0.5
    assert hit.position[2] == pytest.approx(half, abs=1e-6)
    assert hit.distance == pytest.approx(3 - half - 0.05, abs=1e-3)
    assert hit.triangle // 2 == middle.triangle // 2  # of one face


@pytest.mark.parametrize("place", [(-1, 0), (0, -1), (48, 0), (0, 36)])
def test_a_pixel_outside_of_the_frame_is_refused(scene, place):
    with pytest.raises(ValueError, match="outside of a picture of 48 x 36"):
        scene.pick(*place)


def test_no_frame_waits_for_a_pick(scene, monkeypatch):
    runtime = scene.host.runtime
    scene.frame()
    go, real, threads = threading.Event(), picker.read_triangles, []

    def slow(*arguments):
        threads.append(threading.current_thread())
        assert go.wait(60)
        return real(*arguments)

    monkeypatch.setattr(picker, "read_triangles", slow)
    found = runtime.pick(24, 16)
    for _ in range(5):
        runtime.frame()
    scene["box"].translation = (50, 0, 0)
    runtime.frame()
    assert not found.done()
    go.set()
    hit = found.result(60)
    assert hit is not None
    assert hit.object.path == "box"  # where it was when it was asked for
    assert abs(hit.position[0]) < 1.0
    assert threading.current_thread() not in threads


def test_before_the_first_frame_nothing_is_picked(tmp_path):
    path = tmp_path / "scene.hu"
    path.write_text(SCENE)
    with open_scene(path, size=SIZE, settle=False) as scene:
        assert scene.host.runtime.pick(24, 16).result() is None


def test_a_mesh_that_cannot_be_read_raises_in_the_result_alone(scene, monkeypatch):
    def broken(*_):
        raise CacheMissError("torn")

    monkeypatch.setattr(picker, "read_triangles", broken)
    scene.frame()
    found = scene.host.runtime.pick(24, 16)
    with pytest.raises(CacheMissError, match="torn"):
        found.result()
    scene.frame()


def test_meshes_are_kept_within_bounds(scene, monkeypatch):
    reads: list[tuple[int, ...]] = []
    real = picker.read_triangles

    def counted(library, *keys):
        reads.append(keys)
        return real(library, *keys)

    monkeypatch.setattr(picker, "read_triangles", counted)
    for _ in range(5):
        scene.pick(24, 16)
    assert len(reads) == 1


def test_a_scene_for_a_profile_has_no_pixels_to_pick(tmp_path):
    path = tmp_path / "scene.hu"
    path.write_text(SCENE)
    with open_scene(path, size=SIZE, profile="unified") as scene, pytest.raises(NoPixels):
        scene.pick(1, 1)
