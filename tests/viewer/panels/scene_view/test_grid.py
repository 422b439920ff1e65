"""The grid on the ground."""

from __future__ import annotations

import numpy as np
import pytest

from viewer.panels.scene_view.grid import HALF_LINES, POINTS, grid_lines, grid_step


@pytest.mark.parametrize("metres", [1e-4, 0.003, 0.025, 1.0, 700.0])
def test_lines_are_a_power_of_ten_apart_and_neither_dense_nor_sparse_in_the_window(metres: float) -> None:
    step = grid_step(metres)
    assert np.isclose(np.log10(step), np.round(np.log10(step)))
    assert step / metres * 1.0001 >= POINTS
    assert step / metres < POINTS * 10.001


def test_lines_lie_at_multiples_of_the_step_around_a_place_and_tens_are_seen_more() -> None:
    starts, ends, shares = grid_lines((103.4, -7.0), 1.0)
    assert len(starts) == 2 * (2 * HALF_LINES + 1)
    assert (starts[:, 1] == 0).all()
    across = starts[:, 0] == ends[:, 0]
    assert across.sum() == 2 * HALF_LINES + 1
    x = starts[across, 0]
    assert (x == np.round(x)).all()
    assert (x.min(), x.max()) == (103 - HALF_LINES, 103 + HALF_LINES)
    assert (shares[across] == np.where(x % 10 == 0, 1.0, 0.4)).all()
    assert starts[across, 2].min() == -7 - HALF_LINES
    assert ends[across, 2].max() == -7 + HALF_LINES
