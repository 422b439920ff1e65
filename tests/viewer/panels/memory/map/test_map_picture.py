"""The picture of a map shows every byte in sight once, and the byte under the pointer is the right one."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.memory_maps import PALETTE, aliased_plan, random_plan
from support.plans import large_plan

from viewer.panels.memory.map.map_picture import COLUMN, NO_TILE, column_bounds, map_picture
from viewer.panels.memory.map.places import NO_PLACE, Places
from viewer.panels.memory.map.tile_colors import Presence, TileColors
from viewer.panels.memory.map.tiles import Tiles, TileState
from viewer.panels.memory.map.viewport import RowLayout, Viewport


@cache
def colored(seed: int, count: int = 60) -> TileColors:
    plan = random_plan(seed, count)
    tiles = Tiles.of(Places.of(plan), plan.waiting)
    codes = np.arange(len(tiles.places)) % len(PALETTE.categories)
    return TileColors.of(tiles, codes, PALETTE.categories, PALETTE)


def fitted(colors: TileColors, width: float = 320.0) -> Viewport:
    viewport = Viewport()
    viewport.resize(width, 200.0, int(colors.tiles.places.allocations["size"].max()), 1000.0)
    return viewport


def test_a_map_that_shows_all_does_so_when_memory_comes_and_goes_and_one_that_is_zoomed_stays() -> None:
    viewport = Viewport()
    for largest in (1 << 24, 1 << 20, 1 << 24):
        viewport.resize(320.0, 200.0, largest, 1000.0)
        assert (viewport.origin, viewport.scale) == (0.0, largest / 320)
    viewport.zoom(0.0, 4.0, 1 << 24, 1000.0)
    for largest in (1 << 25, 1 << 24):
        viewport.resize(320.0, 200.0, largest, 1000.0)
        assert (viewport.origin, viewport.scale) == (0.0, (1 << 22) / 320)


@pytest.mark.parametrize("seed", range(4))
def test_columns_share_out_every_byte_once(seed: int) -> None:
    colors = colored(seed)
    places = colors.tiles.places
    viewport = fitted(colors)
    bounds = column_bounds(places.bases[:-1], places.allocations["size"], viewport)
    assert int(np.diff(bounds, axis=1).sum()) == places.total
    sums = colors.between(bounds.ravel()).reshape(*bounds.shape, 3)
    whole = (colors.colors.astype(np.int64) * colors.tiles.sizes[:, None]).sum(axis=0)
    assert (np.diff(sums, axis=1).sum(axis=(0, 1)) == whole).all()


steps = st.lists(
    st.one_of(
        st.tuples(st.just("zoom"), st.floats(0, 320), st.floats(0.2, 40)),
        st.tuples(st.just("pan"), st.floats(-400, 400), st.floats(-50, 50)),
    ),
    max_size=12,
)


def moved(colors: TileColors, changes: list[tuple[str, float, float]], width: float = 320.0) -> Viewport:
    """A viewport after some zooming and panning."""
    viewport = fitted(colors, width)
    largest = int(colors.tiles.places.allocations["size"].max())
    for what, one, two in changes:
        if what == "zoom":
            viewport.zoom(one, two, largest, 1000.0)
        else:
            viewport.pan(one, two, largest, 1000.0)
    return viewport


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 1), changes=steps, width=st.sampled_from([16.0, 41.0, 320.0]))
def test_every_rectangle_lies_where_its_bytes_are(
    seed: int, changes: list[tuple[str, float, float]], width: float
) -> None:
    colors = colored(seed, 300)
    tiles, places = colors.tiles, colors.tiles.places
    viewport = moved(colors, changes, width)
    picture = map_picture(colors, np.arange(len(places.allocations)), viewport)
    exact = picture.tile != NO_TILE
    tile, row = picture.tile[exact], picture.row[exact]
    begin = viewport.point_of(tiles.starts[tile] - places.bases[row])
    end = viewport.point_of(tiles.starts[tile + 1] - places.bases[row])
    left, right = picture.left[exact], picture.right[exact]
    assert np.allclose(left, np.clip(begin, 0, viewport.width), atol=1e-6)
    shown = np.clip(end, 0, viewport.width)
    assert (right <= np.maximum(shown, left + 1.0) + 1e-6).all()
    assert (right >= shown - 1.0 - 1e-6).all()
    for each in np.unique(picture.row[~exact]).tolist():
        mine = np.flatnonzero((picture.row == each) & ~exact)
        assert (np.diff(picture.left[mine]) > 0).all()
        assert (picture.right[mine][:-1] <= picture.left[mine][1:]).all()
        bounds = column_bounds(places.bases[[each]], places.allocations["size"][[each]], viewport)[0]
        filled = np.flatnonzero(np.diff(bounds)) * COLUMN
        inside = (picture.left[mine] <= filled[:, None]) & (filled[:, None] < picture.right[mine])
        assert (inside.sum(axis=1) == 1).all()
        wide = float((picture.right[mine] - picture.left[mine]).sum())
        assert wide == pytest.approx(len(filled) * COLUMN, abs=COLUMN)


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 3), changes=steps, x=st.floats(0, 319.9))
def test_the_byte_under_the_pointer_is_in_the_tile_that_is_drawn_there(
    seed: int, changes: list[tuple[str, float, float]], x: float
) -> None:
    colors = colored(seed)
    tiles, places = colors.tiles, colors.tiles.places
    viewport = moved(colors, changes)
    picture = map_picture(colors, np.arange(len(places.allocations)), viewport)
    offset = viewport.byte_at(x)
    for row in range(len(places.allocations)):
        if not 0 <= offset < int(places.allocations["size"][row]):
            continue
        tile = tiles.find(int(places.bases[row]) + offset)
        assert tile is not None
        assert tiles.starts[tile] <= places.bases[row] + offset < tiles.starts[tile + 1]
        there = (picture.row == row) & (picture.left <= x) & (x < picture.right)
        drawn = picture.tile[there & (picture.tile != NO_TILE)]
        # A block narrower than a point may lie over it, and the line between two blocks shows none.
        if len(drawn) and (tiles.sizes[drawn] >= 2 * viewport.scale).all():
            assert drawn.tolist() == [tile]


@settings(max_examples=60, deadline=None)
@given(x=st.floats(1, 319), factor=st.floats(1.01, 30), times=st.integers(1, 20))
def test_zooming_keeps_the_byte_under_the_pointer(x: float, factor: float, times: int) -> None:
    largest = 1 << 34
    viewport = Viewport()
    viewport.resize(320.0, 200.0, largest, 1000.0)
    before = viewport.origin + x * viewport.scale
    for _ in range(times):
        viewport.zoom(x, factor, largest, 1000.0)
        assert abs(viewport.origin + x * viewport.scale - before) <= 2 * viewport.scale + 1e-3


def test_the_wheel_reaches_a_single_byte_of_a_large_heap() -> None:
    largest = 80 << 30
    viewport = Viewport()
    viewport.resize(1000.0, 200.0, largest, 200.0)
    for _ in range(200):
        viewport.zoom(333.0, 1.25, largest, 200.0)
    assert viewport.scale * 20 < 1  # a byte is more than twenty points wide
    assert viewport.byte_at(333.0) == pytest.approx(80 * (1 << 30) * 0.333, rel=1e-6)


def test_many_blocks_need_no_more_rectangles_than_columns() -> None:
    rectangles = []
    for count in (10, 20_000):
        plan = large_plan(count)
        tiles = Tiles.of(Places.of(plan))
        codes = np.arange(count) % len(PALETTE.categories)
        colors = TileColors.of(tiles, codes, PALETTE.categories, PALETTE)
        rectangles.append(len(map_picture(colors, np.arange(1), fitted(colors))))
    assert rectangles[0] == 10
    assert 1 <= rectangles[1] <= 320 / COLUMN


def test_a_mean_is_between_the_colors_it_stands_for() -> None:
    colors = colored(2, 300)
    viewport = fitted(colors, 40.0)
    picture = map_picture(colors, np.arange(len(colors.tiles.places.allocations)), viewport)
    means = picture.color[picture.tile == NO_TILE]
    assert len(means)
    low, high = colors.colors.min(axis=0), colors.colors.max(axis=0)
    assert (means >= (low & 0xF0)).all()
    assert (means <= np.minimum(high.astype(int) | 0x0F, 255)).all()


def test_what_is_missing_is_pale_and_gone_without_the_wanted_layer() -> None:
    tiles = colored(1).tiles
    codes = np.zeros(len(tiles.places), np.int64)
    presence = np.full(len(codes), Presence.RESIDENT, np.uint8)
    presence[0] = Presence.MISSING
    both = TileColors.of(tiles, codes, PALETTE.categories, PALETTE, presence)
    current = TileColors.of(tiles, codes, PALETTE.categories, PALETTE, presence, wanted=False)
    mine = np.flatnonzero((tiles.place == 0) & (tiles.states == TileState.USED))
    other = np.flatnonzero((tiles.place > 0) & (tiles.states == TileState.USED))
    assert (both.colors[other] == PALETTE.categories[0]).all()
    assert (current.colors[mine] == PALETTE.ground).all()
    distance = np.abs(both.colors[mine].astype(int) - PALETTE.ground).sum(axis=1)
    full = np.abs(np.array(PALETTE.categories[0]) - PALETTE.ground).sum()
    assert (distance > 0).all()
    assert (distance < full / 2).all()


def test_rows_lie_below_the_heading_of_their_heap() -> None:
    layout = RowLayout.of(np.array([0, 0, 1], np.int32), 10.0, 6.0)
    assert layout.tops.tolist() == [6.0, 16.0, 32.0]
    assert layout.headings == ((0, 0.0), (1, 26.0))
    assert layout.height == 42.0
    assert [layout.row_at(y) for y in (3.0, 6.0, 25.9, 27.0, 33.0, 50.0)] == [None, 0, 1, None, 2, None]
    assert layout.visible(17.0, 10.0).tolist() == [1]


def test_aliased_tiles_belong_to_a_key() -> None:
    plan = aliased_plan()
    tiles = Tiles.of(Places.of(plan))
    assert (tiles.place[tiles.states == TileState.ALIASED] != NO_PLACE).all()


@pytest.mark.parametrize("top", [0.0, 90.0, 185.0, 199.0, 500.0, 975.0])
def test_a_row_that_is_shown_is_whole_in_sight(top: float) -> None:
    viewport = Viewport()
    viewport.resize(320.0, 200.0, 1 << 20, 1000.0)
    viewport.show(0, 1 << 20, (top, top + 25.0), 1 << 20, 1000.0)
    assert viewport.scroll <= top
    assert top + 25.0 <= viewport.scroll + viewport.height
    assert (viewport.scroll == 0.0) == (top + 25.0 <= 200.0)
