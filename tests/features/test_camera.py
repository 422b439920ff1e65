"""Claims about cameras: projection with reversed depth; the first enabled camera is used."""

import numpy as np
import pytest

from engine.feature import FrameView
from engine.tableau import Tableau
from features.camera import DEFAULT_EYE, Camera


def values(tableau: Tableau, size=(640, 480)) -> dict:
    tableau.update_world()
    return Camera().frame_values(FrameView(tableau, size, lambda feature: None))


def project(matrix: np.ndarray, point: tuple[float, float, float]) -> np.ndarray:
    clip = np.array([*point, 1], np.float32) @ matrix
    return clip[:3] / clip[3]


def scene(**fields) -> Tableau:
    tableau = Tableau([Camera().schema])
    tableau.add_object("camera", translation=(0, 1, 5), features={"camera": fields})
    return tableau


@pytest.mark.parametrize("projection", ["perspective", "orthographic"])
def test_a_point_ahead_is_in_the_middle_and_nearer_points_have_greater_depth(projection):
    matrix = values(scene(projection=projection))["viewProjection"]
    near, far = project(matrix, (0, 1, 3)), project(matrix, (0, 1, -3))
    assert np.allclose(near[:2], 0, atol=1e-6)
    assert 1 > near[2] > far[2] > 0


def test_up_in_the_world_is_up_in_the_picture_and_right_is_right():
    matrix = values(scene())["viewProjection"]
    assert project(matrix, (0, 1.5, 0))[1] < 0
    assert project(matrix, (0.5, 1, 0))[0] > 0


def test_the_field_of_view_is_vertical_whatever_the_width():
    tableau = scene(fovY=90.0)
    for size in [(100, 100), (300, 100)]:
        matrix = values(tableau, size)["viewProjection"]
        assert project(matrix, (0, 6, 0))[1] == pytest.approx(-1, abs=1e-5)


def test_an_orthographic_height_is_what_the_picture_shows():
    matrix = values(scene(projection="orthographic", height=4.0), (200, 100))["viewProjection"]
    assert project(matrix, (4, 3, 0))[:2] == pytest.approx((1, -1), abs=1e-6)


def test_the_first_enabled_camera_is_used():
    tableau = scene(enabled=False)
    tableau.add_object("second", translation=(1, 2, 3), features={"camera": {"exposure": 3.0}})
    found = values(tableau)
    assert np.asarray(found["cameraPosition"]).tolist() == [1, 2, 3, 1]
    assert found["exposure"] == 8.0


def test_a_scene_without_a_camera_is_seen_from_a_default_place():
    assert np.asarray(values(Tableau([Camera().schema]))["cameraPosition"]).tolist() == pytest.approx(
        [*DEFAULT_EYE, 1.0]
    )


def test_nothing_is_seen_behind_the_far_plane():
    matrix = values(scene(near=1.0, far=3.0))["viewProjection"]
    assert project(matrix, (0, 1, 4))[2] == pytest.approx(1)
    assert project(matrix, (0, 1, 2))[2] == pytest.approx(0, abs=1e-6)
    assert project(matrix, (0, 1, 1))[2] < 0


@pytest.mark.parametrize("projection", ["perspective", "orthographic"])
def test_the_view_lies_in_the_viewport_whose_shape_decides_its_width(projection):
    whole = values(scene(projection=projection), (100, 100))["viewProjection"]
    tableau = scene(projection=projection, viewport=(0.5, 0.0, 0.25, 0.25))
    found = values(tableau, (400, 400))
    assert found["viewport"] == (0.5, 0.0, 0.25, 0.25)
    for point in [(0, 1, 0), (0.4, 0.3, 1), (-2, 2, -5)]:
        expected = project(whole, point)
        seen = project(found["viewProjection"], point)
        assert seen[:2] == pytest.approx((0.25 * expected[0] + 0.25, 0.25 * expected[1] - 0.75), abs=1e-5)
        assert seen[2] == pytest.approx(expected[2])
    tableau["camera"].camera.viewport = (0.0, 0.0, 1.0, 0.5)
    wide = values(tableau, (400, 400))["viewProjection"]
    assert project(wide, (0.4, 1, 0))[0] == pytest.approx(project(whole, (0.4, 1, 0))[0] / 2, abs=1e-5)


@pytest.mark.parametrize(
    ("viewport", "shown"),
    [
        ((0.0, 0.0, 0.0, 1.0), (0.0, 0.0, 1.0, 1.0)),
        ((1.0, 0.0, 0.5, 0.5), (0.0, 0.0, 1.0, 1.0)),
        ((0.5, 0.5, 1.0, 1.0), (0.5, 0.5, 0.5, 0.5)),  # cut off at the picture's edges
        ((0.001, 0.0, 0.001, 1.0), (0.0, 0.0, 0.1, 1.0)),  # at least a texel
        ((0.26, 0.0, 0.5, 1.0), (0.3, 0.0, 0.5, 1.0)),  # whole texels
    ],
)
def test_a_viewport_is_whole_texels_of_the_picture(viewport, shown):
    assert values(scene(viewport=viewport), (10, 10))["viewport"] == pytest.approx(shown)


def faults(tableau: Tableau) -> list:
    return list(Camera().faults(FrameView(tableau, (640, 480), lambda feature: None)))


def test_a_far_plane_before_the_near_one_is_reported_and_not_used():
    tableau = scene(near=2.0, far=1.0)
    (fault,) = faults(tableau)
    assert (fault.code, fault.row) == ("value.range", 0)
    assert "its far plane, at 1 m, is not behind its near one, at 2 m" in fault.message
    assert (values(tableau)["viewProjection"] == values(scene(near=2.0))["viewProjection"]).all()
    assert faults(scene(near=2.0, far=1.0, projection="orthographic")) == []


@pytest.mark.parametrize("viewport", [(0, 0, 0, 1), (0, 0, 1, 0), (1, 0, 1, 1), (0, 1, 1, 1)])
def test_a_viewport_without_area_is_reported(viewport):
    (fault,) = faults(scene(viewport=viewport))
    assert fault.code == "value.range"
    assert "has no area within the picture" in fault.message
    assert "viewport: [0 0 1 1]" in fault.help
