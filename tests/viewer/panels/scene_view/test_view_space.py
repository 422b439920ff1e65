"""Places of the world in the window, and pixels of the picture under the mouse."""

from __future__ import annotations

import numpy as np
import pytest
from support.views import PLACE, seen

from viewer.panels.scene_view.view_space import picture_place


def test_a_picture_is_shown_as_large_as_it_fits_in_the_middle() -> None:
    assert picture_place((0, 0, 200, 100), (100, 100)) == (50, 0, 150, 100)
    assert picture_place((10, 20, 110, 220), (100, 100)) == (10, 70, 110, 170)
    assert picture_place((0, 0, 300.5, 100), (300, 100)) == (0, 0, 300.5, 100)


@pytest.mark.parametrize("parallel", [False, True])
def test_what_is_ahead_is_in_the_middle_and_up_is_up(parallel: bool) -> None:
    space = seen(parallel=parallel)
    (middle, above), w = space.project(np.array([[0.0, 0, 0], [0, 1, 0]]))
    assert (w > 0).all()
    np.testing.assert_allclose(middle, (200, 100), atol=1e-4)
    assert above[0] == pytest.approx(200)
    assert above[1] == pytest.approx(75 if parallel else 90, abs=1e-4)


def test_a_line_through_the_eye_is_cut_before_it() -> None:
    space = seen()
    (line,) = space.lines(np.array([[0.0, -1, 0]]), np.array([[0.0, -1, 50]]))
    assert np.isfinite(line).all()
    np.testing.assert_allclose(line[:2], (200, 110), atol=1e-3)
    assert line[3] > PLACE[3], "it leaves the picture at its lower edge"


def test_lines_behind_the_eye_or_beside_the_picture_are_left_out() -> None:
    space = seen()
    behind = space.lines(np.array([[0.0, 0, 6]]), np.array([[1.0, 0, 60]]))
    beside = space.lines(np.array([[-50.0, -1, 0]]), np.array([[-50.0, 1, 0]]))
    assert len(behind) == len(beside) == 0


def test_a_point_of_the_window_is_a_pixel_of_the_picture_or_none() -> None:
    space = seen()
    assert space.pixel_at(100, 50) == (0, 0)
    assert space.pixel_at(299.9, 149.9) == (399, 199)
    assert space.pixel_at(200, 100) == (200, 100)
    assert space.pixel_at(99.9, 60) is None
    assert space.pixel_at(200, 150) is None


def test_the_eye_is_a_place_in_a_perspective_and_a_direction_without() -> None:
    world = np.eye(4)[None].copy()
    world[0, 3, 0] = 2
    np.testing.assert_allclose(seen().eye_as_seen(world), [[-2, 0, 5, 1]], atol=1e-12)
    np.testing.assert_allclose(seen(parallel=True).eye_as_seen(world), [[0, 0, 1, 0]], atol=1e-12)


@pytest.mark.parametrize("parallel", [False, True])
def test_a_plain_projection_shows_the_same_places_with_y_up_and_depth_that_rises(parallel: bool) -> None:
    space = seen(parallel=parallel)
    points = np.array([[0.5, 1.0, 0], [-1, 0.3, -4]])
    matrix = space.view.view_from_frame.astype(np.float64) @ space.plain_projection(5.0)
    clip = np.concatenate((points, np.ones((2, 1))), axis=1) @ matrix
    places = clip[:, :3] / clip[:, 3:]
    x0, y0, x1, y1 = PLACE
    found = np.stack(
        ((places[:, 0] + 1) / 2 * (x1 - x0) + x0, (1 - places[:, 1]) / 2 * (y1 - y0) + y0), axis=1
    )
    np.testing.assert_allclose(found, space.project(points)[0], atol=1e-3)
    assert 0 < places[0, 2] < places[1, 2] < 1
