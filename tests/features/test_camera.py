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
