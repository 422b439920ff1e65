"""Transforms, compared with single ones in double precision."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.math import (
    axis_angle,
    compose,
    decompose,
    euler_xyz_degrees,
    inverse,
    multiply,
    normalize,
    rotate,
    slerp,
    to_euler_xyz_degrees,
    to_matrix3,
)
from engine.math.transform import CHUNK

angles = st.floats(-180, 180, allow_nan=False, width=32)


def axis_matrix(axis, degrees):
    """The textbook rotation matrix about one axis, for column vectors."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return {
        "x": np.array([[1, 0, 0], [0, c, -s], [0, s, c]]),
        "y": np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]),
        "z": np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]),
    }[axis]


def random_transforms(count, seed=7):
    rng = np.random.default_rng(seed)
    rotation, _ = normalize(rng.normal(size=(count, 4)))
    translation = rng.normal(size=(count, 3)).astype(np.float32)
    return translation, rotation, rng.uniform(0.2, 3, (count, 3)).astype(np.float32)


@given(angles, angles, angles)
def test_euler_degrees_rotate_about_x_then_y_then_z_of_the_parent(x, y, z):
    expected = axis_matrix("z", z) @ axis_matrix("y", y) @ axis_matrix("x", x)
    stored = to_matrix3(euler_xyz_degrees((x, y, z)))
    np.testing.assert_allclose(stored.T, expected, atol=1e-6)


@given(angles, angles, angles)
def test_euler_angles_read_back_give_the_same_rotation(x, y, z):
    rotation = euler_xyz_degrees((x, y, z))
    again = euler_xyz_degrees(to_euler_xyz_degrees(rotation))
    assert abs(np.dot(rotation.astype(np.float64), again)) > 1 - 1e-6


def test_compose_scales_then_rotates_then_translates():
    translation, rotation, scale = random_transforms(5)
    stored = compose(translation, rotation, scale)
    for i in range(5):
        x, y, z, w = rotation[i].astype(np.float64)
        vector = np.array((0.3, -0.7, 1.1))
        scaled = vector * scale[i]
        twice = 2 * np.cross((x, y, z), scaled)
        turned = scaled + w * twice + np.cross((x, y, z), twice)
        moved = np.append(vector, 1.0) @ stored[i]
        np.testing.assert_allclose(moved, [*(turned + translation[i]), 1.0], atol=1e-5)


def test_a_stored_matrix_is_what_a_shader_reads():
    stored = compose(
        np.array([[1, 2, 3]], np.float32), np.array([[0, 0, 0, 1]], np.float32), np.ones((1, 3), np.float32)
    )
    assert np.frombuffer(stored.tobytes(), np.float32)[12:].tolist() == [1, 2, 3, 1]


def test_compose_is_the_same_in_one_and_in_many_chunks():
    translation, rotation, scale = random_transforms(2 * CHUNK + 3)
    whole = compose(translation, rotation, scale)
    for row in (0, CHUNK - 1, CHUNK, 2 * CHUNK + 2):
        one = compose(translation[row : row + 1], rotation[row : row + 1], scale[row : row + 1])
        np.testing.assert_array_equal(whole[row], one[0])


def test_compose_writes_into_a_given_array():
    translation, rotation, scale = random_transforms(3)
    out = np.full((3, 4, 4), np.nan, np.float32)
    assert compose(translation, rotation, scale, out) is out
    np.testing.assert_array_equal(out, compose(translation, rotation, scale))


def test_decompose_undoes_compose():
    translation, rotation, scale = random_transforms(500)
    scale[::3, 0] *= -1
    moved, turned, scaled = decompose(compose(translation, rotation, scale))
    np.testing.assert_allclose(moved, translation, atol=1e-5)
    np.testing.assert_allclose(scaled, scale, rtol=1e-4)
    assert (np.abs(np.einsum("ni,ni->n", turned, rotation)) > 1 - 1e-5).all()


def test_decompose_of_a_singular_matrix_is_finite():
    flat = np.identity(4)
    flat[1] = 0
    _, rotation, scale = decompose(flat)
    assert rotation.tolist() == [0, 0, 0, 1]
    assert scale.tolist() == [1, 0, 1]


def test_inverse_undoes_a_chain_and_a_singular_matrix_has_none():
    translation, rotation, scale = random_transforms(4)
    world = compose(translation, rotation, scale)
    np.testing.assert_allclose(world @ inverse(world), np.tile(np.identity(4), (4, 1, 1)), atol=1e-5)
    world[2, 1, :3] = 0
    with pytest.raises(np.linalg.LinAlgError):
        inverse(world)


def test_a_normalized_quaternion_is_normalized_already():
    unit, _ = normalize(np.random.default_rng(3).normal(size=(10_000, 4)))
    np.testing.assert_array_equal(normalize(unit)[0], unit)
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), 1, rtol=0, atol=5e-16)


def test_normalize_replaces_and_reports_invalid_quaternions():
    unit, bad = normalize([[0, 0, 0, 0], [0, 0, 0, 2], [np.nan, 0, 0, 1], [np.inf, 0, 0, 1]])
    assert bad.tolist() == [True, False, True, True]
    assert unit.tolist() == [[0, 0, 0, 1]] * 4


def test_multiply_rotates_by_the_second_first():
    a = axis_angle((0, 1, 0), np.radians(90))
    b = axis_angle((1, 0, 0), np.radians(90))
    turned = rotate(multiply(a, b), (0, 0, 1))
    np.testing.assert_allclose(turned, axis_matrix("y", 90) @ axis_matrix("x", 90) @ (0, 0, 1), atol=1e-6)


def test_slerp_takes_the_shorter_arc_at_constant_speed():
    start, end = axis_angle((0, 0, 1), 0.0), axis_angle((0, 0, 1), 1.0)
    for sign in (1, -1):
        quarter = slerp(start, sign * end, 0.25)
        assert abs(np.dot(quarter, axis_angle((0, 0, 1), 0.25))) == pytest.approx(1, abs=1e-6)
