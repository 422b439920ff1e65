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


def test_a_point_of_the_window_is_a_pixel_of_the_picture_or_none() -> None:
    space = seen()
    assert space.pixel_at(100, 50) == (0, 0)
    assert space.pixel_at(299.9, 149.9) == (399, 199)
    assert space.pixel_at(200, 100) == (200, 100)
    assert space.pixel_at(99.9, 60) is None
    assert space.pixel_at(200, 150) is None


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
