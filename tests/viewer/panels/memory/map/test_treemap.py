"""Areas of a treemap are in proportion to bytes, disjoint, and stay few."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.memory_maps import PALETTE, aliased_plan, random_plan

from viewer.panels.memory.map.composition import MOST_LANES, compose_treemap
from viewer.panels.memory.map.places import Places
from viewer.panels.memory.map.quads import packed_colors
from viewer.panels.memory.map.tile_colors import TileColors
from viewer.panels.memory.map.tiles import Tiles, TileState
from viewer.panels.memory.map.treemap import MEAN_OF_SMALL, Boxes, squarified, treemap


def overlap(boxes: Boxes) -> float:
    """The largest area that two boxes share."""
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0.0), axis=2)
    np.fill_diagonal(shared, 0.0)
    return float(shared.max(initial=0.0))


def area(boxes: Boxes) -> np.ndarray:
    return np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)


@settings(max_examples=80, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 1 << 40), min_size=1, max_size=80),
    width=st.floats(10, 2000),
    height=st.floats(10, 2000),
)
def test_areas_are_proportional_and_disjoint(sizes: list[int], width: float, height: float) -> None:
    ordered = np.sort(np.array(sizes, np.int64))[::-1]
    boxes = squarified(ordered, (5.0, 7.0, 5.0 + width, 7.0 + height))
    expected = ordered / ordered.sum() * width * height
    assert np.allclose(area(boxes), expected, rtol=1e-6, atol=1e-6 * width * height)
    assert overlap(boxes) <= 1e-6 * width * height
    assert boxes[:, :2].min() >= 5.0 - 1e-9
    assert (boxes[:, 2] <= 5.0 + width + 1e-6).all()
    assert (boxes[:, 3] <= 7.0 + height + 1e-6).all()


def test_equal_sizes_are_nearly_square() -> None:
    boxes = squarified(np.ones(100), (0.0, 0.0, 500.0, 300.0))
    sides = boxes[:, 2:] - boxes[:, :2]
    assert (sides.max(axis=1) / sides.min(axis=1)).max() < 1.7


@pytest.mark.parametrize("most", [20, 2000])
def test_every_byte_has_its_area_and_small_ones_share(most: int) -> None:
    plan = random_plan(3, 200)
    tiles = Tiles.of(Places.of(plan), plan.waiting)
    colors = TileColors.of(tiles, np.zeros(len(tiles.places), np.int64), PALETTE.categories, PALETTE)
    rows = np.arange(len(tiles.places.allocations))
    found = treemap(colors, rows, 400.0, 300.0, most=most, least=1.0)
    assert int(found.size.sum()) == tiles.places.total
    assert int(found.count.sum()) == len(tiles)
    assert np.allclose(area(found.boxes), found.size / tiles.places.total * 400.0 * 300.0, atol=1e-4)
    assert overlap(found.boxes) < 1e-4
    assert len(found.boxes) <= most + 2 * len(rows)
    own = found.tile != MEAN_OF_SMALL
    assert (tiles.sizes[found.tile[own]] == found.size[own]).all()
    x, y = (found.boxes[0, :2] + found.boxes[0, 2:]) / 2
    assert found.at(float(x), float(y)) == 0
    assert found.at(-1.0, 5.0) is None


def test_bytes_that_several_images_share_are_drawn_in_the_colour_of_each() -> None:
    plan = aliased_plan()
    tiles = Tiles.of(Places.of(plan), plan.waiting)
    codes = np.arange(len(tiles.places))
    categories = tuple((1 + code // 200, code % 200, 77) for code in codes.tolist())
    colors = TileColors.of(tiles, codes, categories, PALETTE)
    rows = np.arange(len(tiles.places.allocations))
    found = treemap(colors, rows, 4000.0, 3000.0, least=1.0)
    shared = [tile for tile in found.tile.tolist() if tile >= 0 and tiles.states[tile] == TileState.ALIASED]
    assert shared
    _, packed = compose_treemap(found, colors, PALETTE, 16.0, codes, categories)
    drawn = set(packed.tolist())
    for tile in shared:
        owners = tiles.owners(tile)[:MOST_LANES]
        own = packed_colors(np.array([categories[owner] for owner in owners], np.uint8))
        assert drawn.issuperset(own.tolist())
