"""The ruler of the map says what a row shows, from whole heaps to single bytes."""

from __future__ import annotations

import pytest

from viewer.panels.memory.map.viewport import NARROWEST, Viewport
from viewer.panels.memory.map_ruler import marks, span_text

APART = 90.0


@pytest.mark.parametrize("width", [120.0, 640.0, 1900.0])
def test_marks_are_round_apart_and_in_sight_at_every_zoom(width: float) -> None:
    largest = 16 << 30
    view = Viewport()
    view.resize(width, 200.0, largest, 200.0)
    steps = []
    while view.scale > NARROWEST:
        step, offsets = marks(view, APART)
        steps.append(step)
        assert step & (step - 1) == 0
        assert step / view.scale >= APART or step == 1
        assert step / view.scale < 2 * APART or step == 1, "no wider apart than the next power of two is"
        for offset in offsets:
            assert offset % step == 0
            assert 0 <= view.point_of(offset) <= width + 1e-6
        assert len(offsets) >= int(width / (2 * APART))
        view.zoom(width * 0.3, 1.25, largest, 200.0)
    assert steps == sorted(steps, reverse=True)
    assert steps[0] >= 1 << 30
    assert steps[-1] <= 8


def test_a_row_says_how_many_bytes_it_shows() -> None:
    view = Viewport()
    view.resize(512.0, 200.0, 16 << 20, 200.0)
    assert span_text(view) == "16.0 MiB a row"
    view.zoom(0.0, 1024.0, 16 << 20, 200.0)
    assert span_text(view) == "16.0 KiB a row"
    view.zoom(0.0, 1e9, 16 << 20, 200.0)
    assert span_text(view) == "21 B a row"
