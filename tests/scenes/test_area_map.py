"""Claims about area maps: what they show and where, their marker, and that they cost nothing when off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from support.overlays import box, faults, runtime, shown

from engine.testing import OpenedScene, open_scene

pytestmark = pytest.mark.gpu

PLAIN = "border: 0  radius: 0  marker: 0  background: [0 0 0]"
SCENE = """version: 1
tableau: { name: t  objects: {
    cube: { translation: [2 0 -1]  features: [{ @type: visibleModel  asset: [builtin placeholder] }] }
    camera: { translation: [1 5 3]  euler: [0 -90 0]  features: [
            { @type: camera  toneMapping: none  background: [0 0 0] }
        ]
        objects: { map: { translation: [0 0 -2]  features: [{ @type: areaMap  FIELDS }] } }
    }
    sun: { euler: [-90 0 0]  features: [{ @type: light }] }
} }
"""


@contextmanager
def opened(folder: Path, fields: str) -> Iterator[OpenedScene]:
    """A cube, a camera far above that looks along +x and does not see it, and a map of 16 m and 64 points."""
    text = SCENE.replace("FIELDS", f"size: 64  extent: 16  offsetX: 4  offsetY: 4  {fields}")
    (folder / "scene.hu").write_text(text)
    with open_scene(folder / "scene.hu", size=(120, 80)) as scene:
        yield scene


def cube_at(scene: OpenedScene, scale: int = 1) -> tuple[float, ...]:
    """Middle and size of the cube in the map, in metres from its middle, to the right and up."""
    picture = shown(scene)
    height, width = picture.shape[:2]
    left, top = width - 68 * scale, 4 * scale
    inside = np.zeros((height, width), bool)
    inside[top : top + 64 * scale, left : left + 64 * scale] = True
    assert not picture[~inside].any()
    x, y, wide, high = box((picture > 40).any(axis=2))
    metres = 16 / (64 * scale)
    return (
        (x + wide / 2 - left) * metres - 8,
        8 - (y + high / 2 - top) * metres,
        wide * metres,
        high * metres,
    )


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ("", (1, 4)),  # from the camera at (1, 3): north is -z
        ("follow: object", (-1, 4)),  # which is 2 m ahead of the camera
        ("follow: nothing", (2, 1)),
        ("turned: true", (-4, 1)),  # ahead of the camera, +x, is up
        ("follow: object  turned: true", (-4, -1)),
    ],
)
def test_models_are_where_they_are_from_above(tmp_path: Path, fields: str, place) -> None:
    with opened(tmp_path, f"{PLAIN}  {fields}") as scene:
        assert cube_at(scene) == pytest.approx((*place, 1, 1), abs=0.05)
        scene["cube"].translation = (1, 0, -1)
        moved = cube_at(scene)
        assert np.subtract(moved[:2], place) == pytest.approx(
            (0, -1) if "turned: true" in fields else (-1, 0), abs=0.05
        )
        assert faults(scene) == []


def test_the_map_follows_the_camera_without_a_new_plan_at_any_content_scale(tmp_path: Path) -> None:
    with opened(tmp_path, PLAIN) as scene:
        plan = scene.plan
        scene["camera"].translation = (2, 50, 1)
        assert cube_at(scene) == pytest.approx((0, 2, 1, 1), abs=0.05)
        assert scene.plan is plan
        scene.resize(240, 160)
        runtime(scene).content_scale = 2.0
        scene.settle()
        assert cube_at(scene, 2) == pytest.approx((0, 2, 1, 1), abs=0.05)
        scene["camera/map"].areaMap.extent = 8.0
        x, y, width, height = cube_at(scene, 2)
        assert (x / 2, y / 2, width / 2, height / 2) == pytest.approx((0, 2, 1, 1), abs=0.05)


def test_the_view_from_far_away_is_as_precise(tmp_path: Path) -> None:
    with opened(tmp_path, PLAIN) as scene:
        scene["camera"].translation = (1e6 + 1, 5, 3)
        scene["cube"].translation = (1e6 + 2, 0, -1)
        assert cube_at(scene) == pytest.approx((1, 4, 1, 1), abs=0.05)


def test_the_frame_has_whole_pixels_and_the_arrow_points_where_the_camera_looks(tmp_path: Path) -> None:
    with opened(
        tmp_path, "borderColor: [0 0 1]  markerColor: [0 1 0]  radius: 0  background: [0 0 0]"
    ) as scene:
        scene["cube"].visibleModel.enabled = False
        picture = shown(scene)
        blue = picture[:, :, 2]
        assert ((blue <= 1) | (blue >= 254)).all()
        assert box(blue > 1) == (52, 4, 64, 64)
        arrow = picture[:, :, 1] > 128
        x, y, width, height = box(arrow)
        assert (x + width / 2, y + height / 2) == pytest.approx((84, 36), abs=2)
        columns = arrow.sum(axis=0)[x : x + width]
        assert columns[:3].sum() > 2 * columns[-3:].sum()  # it gets thinner to the right, +x
        scene.set("camera/map.areaMap.turned=true")
        rows = (shown(scene)[:, :, 1] > 128).sum(axis=1)
        rows = rows[rows > 0]
        assert rows[-5:].sum() > 2 * rows[:3].sum()
        scene.set("camera/map.areaMap.marker=0")
        assert not (shown(scene)[:, :, 1] > 128).any()


def test_a_camera_that_looks_straight_down_has_its_top_ahead(tmp_path: Path) -> None:
    with opened(tmp_path, f"{PLAIN}  turned: true") as scene:
        scene.set("camera.euler=[-90 0 0]")
        scene.frame()
        view = runtime(scene)._values.eyes["areaMap"]
        assert view is not None
        up = view.matrix[:3, 1]
        assert np.allclose(up / np.abs(up).max(), (0, 0, 1), atol=1e-6)  # clip y is down, north is -z


def test_light_is_shown_as_the_camera_shows_it(tmp_path: Path) -> None:
    with opened(tmp_path, PLAIN) as scene:
        bright = int(shown(scene).max())
        scene["camera"].camera.exposure = -3.0
        assert 0 < shown(scene).max() < bright


def test_of_several_maps_the_first_is_shown(tmp_path: Path) -> None:
    with opened(tmp_path, PLAIN) as scene:
        scene["camera"].camera.antialiasing = "none"  # a diagonal halves pixels in one place alone
        scene.settle()
        one = shown(scene)
        other = scene.tableau.add_object("other", "camera", features={"areaMap": {"anchor": "bottomLeft"}})
        scene.settle()
        assert abs(shown(scene).astype(int) - one).max() <= 1  # a driver may round otherwise in another place
        scene["camera/map"].areaMap.enabled = False
        assert box(shown(scene).any(axis=2))[0] == 20
        assert other.areaMap.enabled


def test_disabled_it_keeps_its_memory_and_draws_nothing(tmp_path: Path) -> None:
    with opened(tmp_path, PLAIN) as scene:
        picture, plan, calls = shown(scene), scene.plan, runtime(scene).renderer.draws.calls
        scene["camera/map"].areaMap.enabled = False
        assert not shown(scene).any()
        assert scene.plan is plan
        assert runtime(scene).renderer.draws.calls == calls - 1  # the models from above
        scene["camera/map"].areaMap.enabled = True
        assert (shown(scene) == picture).all()
        assert runtime(scene).renderer.draws.calls == calls


def test_inactive_it_has_no_images_pipelines_or_rings(tmp_path: Path) -> None:
    with opened(tmp_path, PLAIN) as scene:
        picture, live = shown(scene), scene.memory.live
        scene["camera/map"].areaMap.active = False
        scene.settle()
        assert not shown(scene).any()
        assert "areaMap" not in str(scene.plan)
        assert scene.memory.live == scene.memory.planned
        assert live - scene.memory.live >= 128 * 128 * 8
        scene["camera/map"].areaMap.active = True
        scene.settle()
        assert (shown(scene) == picture).all()
        assert scene.memory.live == scene.memory.planned


def test_what_lies_straight_below_the_eye_has_no_black_pixels() -> None:
    with open_scene("scenes/cube.hu", size=(640, 360)) as scene:
        fields = {"extent": 12.0, "marker": 0.0, "border": 0.0, "offsetX": 0.0, "offsetY": 0.0}
        scene.tableau.add_object("map", "camera", features={"areaMap": fields})
        scene.settle()
        assert shown(scene)[10:170, 470:630].max(axis=2).min() > 0
