"""Orbit, pan, zoom, look and fly are maths that needs no window."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.window import orbit_camera as controls
from viewer.window.orbit_camera import View

ORIGIN = (0.0, 0.0, 0.0)
FRONT = View(target=ORIGIN, yaw=0.0, pitch=0.0, distance=5.0)
numbers = st.floats(-3.0, 3.0)
views = st.builds(
    View,
    target=st.tuples(numbers, numbers, numbers),
    yaw=st.floats(-3.1, 3.1),
    pitch=st.floats(-1.5, 1.5),
    distance=st.floats(0.1, 100.0),
)


def eye(view: View) -> np.ndarray:
    return np.array(controls.transform_of(view)[0])


def matrix(view: View) -> np.ndarray:
    x, y, z, w = controls.transform_of(view)[1]
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def on_screen(view: View, point: np.ndarray) -> np.ndarray:
    """Where a point lands, in window heights at the distance of the target, +Y up."""
    local = matrix(view).T @ (point - eye(view))
    return local[:2] / -local[2] * view.distance


@given(views)
def test_a_view_survives_a_round_trip_through_a_transform(view: View) -> None:
    translation, rotation = controls.transform_of(view)
    again = controls.view_of(translation, rotation, view.target)
    assert again.target == pytest.approx(view.target, abs=1e-4)
    assert again.distance == pytest.approx(view.distance, rel=1e-4)
    np.testing.assert_allclose(matrix(again), matrix(view), atol=1e-4)


@given(views)
def test_the_camera_looks_at_its_target_and_is_upright(view: View) -> None:
    axes = matrix(view)
    to_target = np.array(view.target) - eye(view)
    np.testing.assert_allclose(-axes[:, 2], to_target / np.linalg.norm(to_target), atol=1e-5)
    assert axes[1, 0] == pytest.approx(0.0, abs=1e-9), "the right-hand axis is level"
    assert axes[1, 1] > 0.0, "up is up"


@given(views, st.floats(-2, 2), st.floats(-2, 2))
def test_orbit_keeps_the_target_and_the_distance(view: View, right: float, down: float) -> None:
    turned = controls.orbit(view, right, down)
    assert turned.target == view.target
    assert np.linalg.norm(eye(turned) - np.array(view.target)) == pytest.approx(view.distance, rel=1e-6)
    assert abs(turned.pitch) <= controls.PITCH_LIMIT or turned.pitch == view.pitch


def test_dragging_right_moves_the_scene_to_the_right() -> None:
    front_of_target = np.array([0.0, 0.0, 1.0])
    turned = controls.orbit(FRONT, 0.05, 0.0)
    assert on_screen(turned, front_of_target)[0] > 0.1
    lowered = controls.orbit(FRONT, 0.0, 0.05)
    assert on_screen(lowered, front_of_target)[1] < -0.1


@given(views, st.floats(-1, 1), st.floats(-1, 1))
def test_pan_keeps_the_point_under_the_mouse(view: View, right: float, down: float) -> None:
    height = view.distance * 0.8
    moved = controls.pan(view, right, down, height)
    expected = np.array([right, -down]) * height
    np.testing.assert_allclose(on_screen(moved, np.array(view.target)), expected, atol=1e-4)
    np.testing.assert_allclose(matrix(moved), matrix(view), atol=1e-12)


@given(views, st.floats(-50, 50))
def test_zoom_moves_along_the_line_of_sight_and_never_through_the_target(view: View, notches: float) -> None:
    nearer = controls.zoom(view, notches)
    assert nearer.target == view.target
    assert nearer.distance > 0.0
    np.testing.assert_allclose(matrix(nearer), matrix(view), atol=1e-12)


def test_one_notch_forward_comes_a_tenth_nearer() -> None:
    assert controls.zoom(FRONT, 1.0).distance == pytest.approx(4.5)
    assert controls.zoom(controls.zoom(FRONT, 1.0), -1.0).distance == pytest.approx(5.0)


@given(views, st.floats(-2, 2), st.floats(-2, 2))
def test_look_leaves_the_eye_where_it_is(view: View, right: float, down: float) -> None:
    np.testing.assert_allclose(eye(controls.look(view, right, down)), eye(view), atol=1e-4)


@pytest.mark.parametrize(
    ("direction", "moved"),
    [((1, 0, 0), (2, 0, 0)), ((0, 1, 0), (0, 2, 0)), ((0, 0, 1), (0, 0, -2)), ((0, 0, 0), (0, 0, 0))],
)
def test_fly_moves_eye_and_target_together(direction: tuple[int, ...], moved: tuple[int, ...]) -> None:
    there = controls.fly(FRONT, *direction, metres=2.0)
    np.testing.assert_allclose(eye(there) - eye(FRONT), moved, atol=1e-12)
    np.testing.assert_allclose(there.target, moved, atol=1e-12)


def test_two_keys_at_once_are_not_faster_than_one() -> None:
    there = controls.fly(FRONT, 1, 0, 1, metres=3.0)
    assert np.linalg.norm(np.array(there.target)) == pytest.approx(3.0)


def test_a_camera_that_looks_straight_down_keeps_its_heading() -> None:
    down = View(target=ORIGIN, yaw=0.7, pitch=-math.pi / 2, distance=3.0)
    assert controls.view_of(*controls.transform_of(down), pivot=ORIGIN).yaw == pytest.approx(0.7)


def test_a_pivot_behind_the_camera_still_gives_a_target_ahead() -> None:
    view = controls.view_of((0, 0, 5), (0, 0, 0, 1), pivot=(0, 0, 9))
    assert view.target == pytest.approx((0, 0, 1))
    assert view.distance == pytest.approx(4.0)
