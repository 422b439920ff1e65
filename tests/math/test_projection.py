"""Projections and views: points in Vulkan's clip space, compared with geometry."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.math import (
    axis_angle,
    compose,
    euler_xyz_degrees,
    frame_origin,
    look_at,
    orthographic_reversed,
    perspective_reversed,
    project,
    view_from_world,
)
from engine.math.projection import CELL


@given(st.floats(0.2, 2.5), st.floats(0.3, 3), st.floats(0.01, 10), st.floats(1, 1e5))
def test_perspective_depth_is_near_over_distance(fov_y, aspect, near, times):
    distance = near * times
    ndc = project([(0, 0, -distance)], perspective_reversed(fov_y, aspect, near))[0]
    assert ndc == pytest.approx((0, 0, near / distance), rel=1e-5)


def test_perspective_depth_is_one_at_the_near_plane_and_approaches_zero():
    matrix = perspective_reversed(1.0, 1.0, 0.05)
    depths = project([(0, 0, -0.05), (0, 0, -1), (0, 0, -100), (0, 0, -1e8)], matrix)[:, 2]
    assert depths[0] == pytest.approx(1)
    assert (np.diff(depths) < 0).all()
    assert 0 < depths[-1] < 1e-8


def test_perspective_maps_the_edge_of_the_field_of_view_to_the_edge_of_the_picture():
    fov_y, aspect, depth = 0.9, 16 / 9, 5.0
    half = depth * np.tan(fov_y / 2)
    corners = project(
        [(half * aspect, half, -depth), (-half * aspect, -half, -depth)],
        perspective_reversed(fov_y, aspect, 0.1),
    )
    np.testing.assert_allclose(corners[:, :2], [(1, -1), (-1, 1)], rtol=1e-5)


def test_orthographic_maps_its_box_to_clip_space_with_reversed_depth():
    matrix = orthographic_reversed(-2, 4, -1, 3, 0.5, 9)
    corners = project([(-2, -1, -0.5), (4, 3, -9), (1, 1, -4.75)], matrix)
    np.testing.assert_allclose(corners, [(-1, 1, 1), (1, -1, 0), (0, 0, 0.5)], atol=1e-6)


@pytest.mark.parametrize(
    "arguments", [(0, 1, 0.1), (4, 1, 0.1), (1, 0, 0.1), (1, 1, 0), (1, float("nan"), 1)]
)
def test_an_invalid_perspective_is_rejected(arguments):
    with pytest.raises(ValueError, match="no perspective"):
        perspective_reversed(*arguments)


def test_a_camera_looks_along_its_minus_z_with_y_up():
    world = compose(
        np.array([[1, 2, 3]], np.float32),
        euler_xyz_degrees([[0, 90, 0]]),
        np.full((1, 3), 2.5, np.float32),
    )[0]
    view = view_from_world(world)
    # turned by 90 degrees about Y, -Z points along -X and +X along -Z
    seen = np.array([(1 - 4, 2, 3, 1), (1, 2 + 1, 3, 1), (1, 2, 3 - 1, 1)], np.float32) @ view
    np.testing.assert_allclose(seen[:, :3], [(0, 0, -4), (0, 1, 0), (1, 0, 0)], atol=1e-5)


def test_look_at_has_its_target_on_the_view_axis():
    view = look_at((2.6, 1.9, 3.4), (0, 0.5, 0))
    distance = np.linalg.norm((2.6, 1.4, 3.4))
    seen = np.array((0, 0.5, 0, 1), np.float32) @ view
    np.testing.assert_allclose(seen, (0, 0, -distance, 1), atol=1e-5)
    above = np.array((0, 0.6, 0, 1), np.float32) @ view
    assert above[1] > 0


@pytest.mark.parametrize("target", [(0, -1, 0), (0, 1, 0), (0, 0, 0)])
def test_look_at_straight_up_or_at_the_eye_is_a_rigid_view(target):
    view = look_at((0, 0, 0), target).astype(np.float64)
    np.testing.assert_allclose(view[:3, :3] @ view[:3, :3].T, np.identity(3), atol=1e-6)


@pytest.mark.parametrize("flat", [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("scale", [1.0, -3.0, 1e-30])
def test_a_flattened_camera_keeps_the_axes_that_it_has(flat, scale):
    turned = axis_angle((0.3, 1.0, -0.2), 1.1)
    world = compose(np.array([[1, 2, 3]], np.float32), turned[None], np.full((1, 3), scale, np.float32))[0]
    whole = view_from_world(world)
    world[list(flat), :3] = 0
    view = view_from_world(world)
    np.testing.assert_allclose(view[:3, :3] @ view[:3, :3].T, np.identity(3), atol=1e-6)
    assert np.linalg.det(view[:3, :3]) == pytest.approx(1, abs=1e-6)
    if len(flat) == 1 and scale > 0:
        np.testing.assert_allclose(view, whole, atol=1e-5)
    elif 2 not in flat:
        np.testing.assert_allclose(view[:3, 2], whole[:3, 2], atol=1e-6)


@given(st.lists(st.floats(-1e12, 1e12), min_size=3, max_size=3))
def test_the_origin_of_a_frame_is_near_the_eye_and_exact_in_float32(eye):
    origin = frame_origin(eye)
    assert (origin == origin.astype(np.float32)).all()
    assert (np.abs(origin - eye) <= np.maximum(CELL / 2, np.abs(eye) * 2**-23)).all()
    assert (frame_origin(np.clip(eye, -CELL / 2.1, CELL / 2.1)) == 0).all()


def test_importing_the_package_does_not_import_pyrr():
    code = "import sys, engine.math; sys.exit('pyrr' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
