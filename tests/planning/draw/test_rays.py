"""Claims about rays: which boxes they enter and where, which triangle of a mesh they hit first."""

from __future__ import annotations

import numpy as np
import pytest

from engine.plan.terms.drawing import CullMode
from engine.planning.draw.rays import Ray, Triangles, box_entries, nearest_triangle

AXES, PLACE = np.eye(3), np.zeros(3)
# Two triangles that face +Z, at z = 0 and z = 1, in front of each other.
SQUARES = Triangles(
    np.array([(-1, -1, 0), (1, -1, 0), (0, 1, 0), (-1, -1, 1), (1, -1, 1), (0, 1, 1)], np.float64),
    np.array([(0, 1, 2), (3, 4, 5)], np.int64),
)


def ray(*start: float, to: tuple[float, float, float] = (0, 0, -1), length: float = np.inf) -> Ray:
    direction = np.array(to, np.float64)
    return Ray(np.array(start, np.float64), direction / np.linalg.norm(direction), length)


def boxes(*corners: tuple[tuple[float, ...], tuple[float, ...]]) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.array(corners, np.float64).transpose(1, 0, 2)
    return (low + high) / 2, (high - low) / 2


UNIT = ((-1.0, -1.0, -1.0), (1.0, 1.0, 1.0))


def test_a_ray_enters_a_box_at_its_near_side_and_one_around_its_start_at_once():
    around = ((-9.0, -9.0, -9.0), (9.0, 9.0, 9.0))
    behind = ((-1.0, -1.0, 6.0), (1.0, 1.0, 8.0))
    aside = ((2.0, -1.0, -1.0), (4.0, 1.0, 1.0))
    entries = box_entries(ray(0, 0, 5), *boxes(UNIT, around, behind, aside))
    assert entries == pytest.approx([4.0, 0.0, np.inf, np.inf], abs=1e-3)


def test_flat_boxes_and_rays_along_an_axis_are_no_exception():
    flat = ((-1.0, -1.0, 0.0), (1.0, 1.0, 0.0))
    assert box_entries(ray(0.5, 0.5, 2), *boxes(flat)) == pytest.approx([2.0], abs=1e-3)
    assert box_entries(ray(0.5, 5, 0, to=(0, -1, 0)), *boxes(flat)) == pytest.approx([4.0], abs=1e-3)
    assert box_entries(ray(0.5, 5, 1, to=(0, -1, 0)), *boxes(flat))[0] == np.inf
    skew = box_entries(ray(3, 3, 3, to=(-1, -1, -1)), *boxes(UNIT))
    assert skew == pytest.approx([2 * 3**0.5], abs=1e-3)


def test_a_box_of_negative_size_and_one_behind_the_end_of_a_ray_are_missed():
    middle, half = boxes(UNIT)
    assert box_entries(ray(0, 0, 5), middle, -half)[0] == np.inf
    assert box_entries(ray(0, 0, 5, length=3.0), middle, half)[0] == np.inf
    assert box_entries(ray(0, 0, 5), middle[:0], half[:0]).shape == (0,)


@pytest.mark.parametrize(
    ("cull", "mirrored", "z", "down", "hit"),
    [
        (CullMode.BACK, False, 5, True, (4.0, 1)),
        (CullMode.BACK, False, -5, False, (np.inf, -1)),
        (CullMode.FRONT, False, -5, False, (5.0, 0)),
        (CullMode.FRONT, False, 5, True, (np.inf, -1)),
        (CullMode.NONE, False, -5, False, (5.0, 0)),
        (CullMode.NONE, True, 5, True, (4.0, 1)),
        (CullMode.BACK, True, 5, True, (np.inf, -1)),
        (CullMode.BACK, True, -5, False, (5.0, 0)),
    ],
)
def test_the_first_triangle_that_is_not_culled_is_hit(cull, mirrored, z, down, hit):
    found = nearest_triangle(ray(0, 0, z, to=(0, 0, -1 if down else 1)), SQUARES, AXES, PLACE, cull, mirrored)
    assert found == hit


def test_axes_and_place_are_those_of_the_object():
    axes = np.diag((2.0, 1.0, 3.0))
    place = np.array((10.0, 20, 30))
    found = nearest_triangle(ray(10.9, 20 - 0.9, 40), SQUARES, axes, place, CullMode.NONE, False)
    assert found == pytest.approx((7.0, 1))
    flat = nearest_triangle(ray(0, 0, 5), SQUARES, np.diag((1.0, 1.0, 0.0)), PLACE, CullMode.NONE, False)
    assert flat == (5.0, 0)


def test_a_triangle_without_area_a_miss_and_a_short_ray_hit_nothing():
    nothing = (np.inf, -1)
    assert nearest_triangle(ray(0, 0, 5), SQUARES, np.zeros((3, 3)), PLACE, CullMode.NONE, False) == nothing
    assert nearest_triangle(ray(3, 0, 5), SQUARES, AXES, PLACE, CullMode.NONE, False) == nothing
    assert nearest_triangle(ray(0, 0, -1), SQUARES, AXES, PLACE, CullMode.NONE, False) == nothing
    short = ray(0, 0, 5, length=3.0)
    assert nearest_triangle(short, SQUARES, AXES, PLACE, CullMode.NONE, False) == nothing


def test_no_ray_passes_between_two_triangles_that_share_an_edge():
    quad = Triangles(
        np.array([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)], np.float64),
        np.array([(0, 1, 2), (0, 2, 3)], np.int64),
    )
    rng = np.random.default_rng(7)
    for along in rng.uniform(-1, 1, 200).tolist():
        turned = rng.uniform(-0.3, 0.3, 3)
        target = np.array((along, along, 0.0))
        start = np.array((0.3, -0.2, 4.0)) + turned
        one = ray(*start, to=tuple(target - start))
        found = nearest_triangle(one, quad, AXES, PLACE, CullMode.NONE, False)
        assert found[1] >= 0
