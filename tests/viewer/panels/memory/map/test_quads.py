"""Rectangles and hatching as vertices: hatching stays inside, and is where the rectangle is."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from viewer.panels.memory.map.quads import VERTEX, hatching, indices, packed_colors, rectangles, vertices

boxes = st.lists(
    st.tuples(st.floats(-50, 500), st.floats(-50, 500), st.floats(1, 300), st.floats(1, 40)),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(boxes=boxes, falling=st.booleans())
def test_hatching_stays_inside_and_covers_its_share(
    boxes: list[tuple[float, float, float, float]], falling: bool
) -> None:
    left, top, width, height = (np.array(column) for column in zip(*boxes, strict=True))
    right, bottom = left + width, top + height
    corners, owner = hatching(left, top, right, bottom, 6.0, 1.5, falling=falling)
    x, y = corners[:, :, 0], corners[:, :, 1]
    assert (x >= left[owner][:, None] - 1e-3).all()
    assert (x <= right[owner][:, None] + 1e-3).all()
    assert (y >= top[owner][:, None] - 1e-3).all()
    assert (y <= bottom[owner][:, None] + 1e-3).all()
    following = np.roll(corners, -1, axis=1)
    area = np.abs((x * following[:, :, 1] - following[:, :, 0] * y).sum(axis=1)) / 2
    shares = np.bincount(owner, area, len(boxes)) / (width * height)
    large = (width > 40) & (height > 10)
    assert (np.abs(shares[large] - 1.5 / 6.0) < 0.1).all()
    assert (area > 0).all()


def test_quads_become_four_vertices_and_six_indices() -> None:
    one = np.array([1.0]), np.array([2.0]), np.array([4.0]), np.array([8.0])
    colors = packed_colors(np.array([[1, 2, 3]], np.uint8))
    made = vertices(rectangles(*one), colors, (0.5, 0.25))
    assert VERTEX.itemsize == 20
    assert made["position"].tolist() == [[1, 2], [4, 2], [4, 8], [1, 8]]
    assert made["color"].tolist() == [0xFF030201] * 4
    assert made["uv"][0].tolist() == [0.5, 0.25]
    assert indices(2).tolist() == [0, 1, 2, 0, 2, 3, 4, 5, 6, 4, 6, 7]
