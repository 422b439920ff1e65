"""Input moves the first enabled camera, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from engine.tableau.schema import FeatureSchema, angle_field, asset_field, choice_field, float_field
from engine.tableau.tableau import Tableau
from viewer.window.camera_controller import CameraController
from viewer.window.camera_input import CameraInput

SCHEMAS = (
    FeatureSchema(
        "camera",
        (
            choice_field("projection", "perspective", choices=("perspective", "orthographic")),
            angle_field("fovY", 90.0),
            float_field("height", 4.0),
        ),
    ),
    FeatureSchema("visibleModel", (asset_field("asset", types=("model",)),)),
)
DRAG = CameraInput(left_button=True, right=0.1, down=0.05)


@pytest.fixture
def tableau() -> Tableau:
    made = Tableau(SCHEMAS)
    made.add_object("camera", translation=(0, 0, 5), features={"camera": {}})
    made.add_object("cube", features={"visibleModel": {"asset": 3}})
    made.add_object("sun", translation=(100, 100, 100))
    made.update_world()
    return made


def test_a_drag_orbits_around_what_the_scene_shows(tableau: Tableau) -> None:
    assert CameraController(tableau).apply(DRAG)
    eye = tableau["camera"].translation
    assert np.linalg.norm(eye) == pytest.approx(5.0, rel=1e-5)
    assert eye[0] < -0.5
    assert eye[1] > 0.2


def test_without_a_button_the_camera_stays(tableau: Tableau) -> None:
    version = tableau.world_version
    assert not CameraController(tableau).apply(CameraInput(right=0.5, down=0.5, keys=frozenset("w")))
    tableau.update_world()
    assert tableau.world_version == version


def test_the_wheel_comes_nearer(tableau: Tableau) -> None:
    CameraController(tableau).apply(CameraInput(wheel=1.0))
    np.testing.assert_allclose(tableau["camera"].translation, (0, 0, 4.5), atol=1e-6)


def test_the_wheel_shows_less_with_an_orthographic_camera(tableau: Tableau) -> None:
    tableau["camera"].camera.projection = "orthographic"
    CameraController(tableau).apply(CameraInput(wheel=1.0))
    assert tableau["camera"].camera.height == pytest.approx(3.6)


@pytest.mark.parametrize(
    "pointer",
    [
        CameraInput(middle_button=True, right=0.1),
        CameraInput(left_button=True, shift=True, right=0.1),
    ],
)
def test_middle_and_shifted_left_drag_pan_by_what_the_window_shows(
    tableau: Tableau, pointer: CameraInput
) -> None:
    CameraController(tableau).apply(pointer)
    np.testing.assert_allclose(tableau["camera"].translation, (-1.0, 0, 5), atol=1e-5)


def test_keys_fly_only_while_the_right_button_is_held(tableau: Tableau) -> None:
    control = CameraController(tableau)
    keys = frozenset("w")
    assert control.apply(CameraInput(right_button=True, keys=keys, seconds=0.5))
    np.testing.assert_allclose(tableau["camera"].translation, (0, 0, 4), atol=1e-6)
    control.apply(CameraInput(right_button=True, keys=keys, seconds=0.5, shift=True))
    np.testing.assert_allclose(tableau["camera"].translation, (0, 0, 0), atol=1e-6)


def test_a_camera_that_was_moved_by_something_else_is_read_again(tableau: Tableau) -> None:
    control = CameraController(tableau)
    control.apply(DRAG)
    tableau["camera"].translation = (0, 0, 10)
    tableau["camera"].rotation = (0, 0, 0, 1)
    control.apply(CameraInput(wheel=1.0))
    np.testing.assert_allclose(tableau["camera"].translation, (0, 0, 9), atol=1e-5)


def test_a_disabled_camera_is_left_alone(tableau: Tableau) -> None:
    tableau["camera"].camera.enabled = False
    assert not CameraController(tableau).apply(DRAG)


def test_a_scene_without_cameras_is_left_alone() -> None:
    assert not CameraController(Tableau()).apply(DRAG)


def test_a_camera_below_a_moved_object_orbits_around_the_scene_too(tableau: Tableau) -> None:
    tableau["camera"].camera.enabled = False
    tableau.add_object("rig", translation=(10, 0, 0))
    child = tableau.add_object("eye", "rig", translation=(-10, 0, 5), features={"camera": {}})
    tableau.update_world()
    CameraController(tableau).apply(DRAG)
    tableau.update_world()
    assert np.linalg.norm(child.world[3, :3]) == pytest.approx(5.0, rel=1e-4)


def test_an_orbit_about_a_pivot_keeps_it_where_it_is_in_the_picture(tableau: Tableau) -> None:
    pivot = np.array((1.0, 0.5, 2.0))
    camera = tableau["camera"]

    def as_seen() -> np.ndarray:
        tableau.update_world()
        return np.append(pivot, 1.0) @ np.linalg.inv(camera.world)

    before = as_seen()
    assert CameraController(tableau, lambda: pivot).apply(DRAG)
    np.testing.assert_allclose(as_seen(), before, atol=1e-5)
    assert np.linalg.norm(camera.translation - (0, 0, 5)) > 0.5
