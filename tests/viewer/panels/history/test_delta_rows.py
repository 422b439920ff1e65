"""A delta's table shows the rows that are chosen, in order; a search looks at every name."""

from __future__ import annotations

from itertools import count

import numpy as np
import pytest
from support.random_scenes import profile
from support.scenes import CUBE, ROOT

from engine.planning.offline import plan_scene
from viewer.panels.history import key_names
from viewer.panels.history.delta_rows import CHANGE, FIRST, DeltaRows
from viewer.panels.history.key_names import KeyNames
from viewer.panels.history.memory_delta import Change, MemoryDelta, delta
from viewer.panels.history.memory_image import MemoryImage
from viewer.panels.history.memory_strips import FREE, MemoryStrips
from viewer.panels.history.strips_view import legend_entries, tip_texts
from viewer.panels.memory.map.color_modes import ColorMode, coloring, usage_codes
from viewer.panels.memory.map.places import Places
from viewer.panels.memory.map.tiles import Tiles, TileState
from viewer.panels.memory.map_palette import map_palette
from viewer.panels.memory.request_columns import RequestColumns


def image(*settings: str) -> MemoryImage:
    return MemoryImage.of(plan_scene(CUBE, profile("unified"), (64, 64), settings).plan)


@pytest.fixture(scope="module")
def found() -> MemoryDelta:
    return delta(image(), image("cube.shadowCaster.active=false"))


def test_rows_are_those_that_changed_largest_difference_first(found: MemoryDelta) -> None:
    rows = DeltaRows(found)
    assert sorted(rows.rows.tolist()) == np.flatnonzero(found.change != Change.SAME).tolist()
    differences = np.abs(np.diff(found.sizes[rows.rows])[:, 0])
    assert (np.diff(differences) <= 0).all()
    assert found.name(int(rows.rows[0])) == "shadowMap"
    rows.set_same(True)
    assert len(rows.rows) == len(found.rows)
    rows.set_order(FIRST, descending=False)
    assert (np.diff(found.sizes[rows.rows, 0]) >= 0).all()
    rows.set_order(CHANGE, descending=True)
    assert (np.diff(found.change[rows.rows]) <= 0).all()


def test_a_search_finds_names_of_both_sides_whatever_their_case(found: MemoryDelta) -> None:
    rows = DeltaRows(found)
    rows.set_same(True)
    rows.set_search("SHADOW")
    assert rows.is_searched
    expected = {row for row in range(len(found.rows)) if "shadow" in found.name(row).lower()}
    assert set(rows.rows.tolist()) == expected
    assert expected
    rows.set_search("no such name")
    assert not len(rows.rows)
    rows.set_search("")
    assert len(rows.rows) == len(found.rows)


def test_names_are_made_a_little_at_a_time_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    clock = count()
    monkeypatch.setattr(key_names.time, "thread_time", lambda: next(clock) * 0.0015)

    def name_of(key: int) -> str:
        made.append(key)
        return f"Name {key}"

    names, keys = KeyNames(name_of), np.arange(1000)
    found, is_all = names.matching(keys, "name 99")
    assert not is_all
    calls = 1
    while not is_all:
        found, is_all = names.matching(keys, "name 99")
        calls += 1
    assert calls > 3
    assert found == [99, *range(990, 1000)]
    assert made == list(range(1000)), "each once"


def test_a_strip_shows_what_is_kept_new_and_free() -> None:
    before, now = image("cube.shadowCaster.active=false"), image()
    strips = MemoryStrips(now, None)
    for row in range(len(now.allocations)):
        size = int(now.allocations["size"][row])
        mine = np.flatnonzero(now.allocation_of[now.resource_of] == row)
        starts, ends = now.start_of[mine], now.start_of[mine] + now.bytes_of[mine]
        for width in (1, 7, 300):
            drawn = np.full(width, FREE)
            for first, last, usage, is_new in strips.runs(row, width):
                assert (drawn[first:last] == FREE).all()
                assert is_new
                drawn[first:last] = usage
            for start, end in zip(starts, ends, strict=True):
                middle = min(width - 1, int((start + end) / 2 / size * width))
                assert drawn[middle] != FREE
        for place, start, end in zip(mine.tolist(), starts, ends, strict=True):
            assert place in strips.places_at(row, int((start + end) / 2 / size * 300), 300)
    same = MemoryStrips(now, now)
    assert not any(is_new for row in range(len(now.allocations)) for *_, is_new in same.runs(row, 300))
    assert not same.is_new_allocation.any()
    assert (same.new_bytes, strips.new_bytes) == (0, now.used)
    assert MemoryStrips(now, before).is_new_allocation.any() or len(before.allocations) == len(
        now.allocations
    )


def test_no_byte_in_use_is_said_to_be_free_where_resources_share_bytes() -> None:
    now = MemoryImage.of(plan_scene(ROOT / "scenes/tableau.hu", profile("unified"), (64, 64)).plan)
    assert now.resources["aliased"].any()
    strips, width = MemoryStrips(now, None), 250
    several = 0
    for row in range(len(now.allocations)):
        drawn = np.zeros(width, bool)
        for first, last, *_ in strips.runs(row, width):
            drawn[first:last] = True
        begin = np.arange(width) * int(now.allocations["size"][row]) // width
        mine = np.flatnonzero(now.allocation_of[now.resource_of] == row)
        starts, ends = now.start_of[mine], now.start_of[mine] + now.bytes_of[mine]
        for pixel, byte in enumerate(begin.tolist()):
            texts = tip_texts(strips, row, pixel, width)
            assert drawn[pixel] == (not texts[0].startswith("free")), (row, pixel)
            covering = mine[(starts <= byte) & (byte < ends)]
            assert set(covering.tolist()) <= set(strips.places_at(row, pixel, width).tolist())
            names = {now.names.name(int(now.places["key"][place])) for place in covering.tolist()}
            assert names <= set(texts) or any("more in this pixel" in text for text in texts)
            several += len(covering) > 1
    assert several, "some bytes are shared"


def test_strips_are_as_long_as_their_bytes_and_the_longest_takes_all_room() -> None:
    now = image()
    strips = MemoryStrips(now, None)
    sizes = now.allocations["size"].astype(np.int64)
    widths = np.array([strips.width(row, 1000) for row in range(len(sizes))])
    assert widths.max() == 1000
    exact = sizes * 1000 / sizes.max()
    assert (np.abs(widths - exact) <= 1)[exact >= 2].all()
    assert (widths[exact < 2] == 2).all(), "the smallest can still be seen"


def test_strips_have_the_colours_and_bytes_that_the_map_has_for_usages() -> None:
    plan = plan_scene(ROOT / "scenes/tableau.hu", profile("unified"), (64, 64)).plan
    places = Places.of(plan, staging=False)
    tiles, palette = Tiles.of(places), map_palette()
    of_map = coloring(ColorMode.USAGE, plan, tiles, RequestColumns(plan.requirements), palette)
    now = MemoryImage.of(plan)
    strips = MemoryStrips(now, None)
    shown = {entry.text: entry for entry in legend_entries(strips, palette)}
    colors = dict(zip(of_map.labels, of_map.colors, strict=True))
    assert {text: entry.color for text, entry in shown.items() if text != "free"} == colors
    assert sum(strips.usage_bytes) == now.used
    for row in range(len(now.allocations)):
        for first, last, usage, _ in strips.runs(row, 400):
            found = strips.places_at(row, (first + last - 1) // 2, 400)
            kinds = now.resources["kind"][now.resource_of[found]]
            assert usage in usage_codes(now.places["usage"][found], kinds)
    nothing = (TileState.PADDING, TileState.FREE, TileState.FREE_IN_PAGE, TileState.WAITING)
    least = tiles.state_bytes[[TileState.FREE, TileState.FREE_IN_PAGE, TileState.WAITING]].sum()
    assert least <= strips.free_bytes <= tiles.state_bytes[list(nothing)].sum()
    assert shown["free"].size == strips.free_bytes


def test_what_is_new_has_a_band_that_the_legend_names_where_not_everything_is() -> None:
    before, now = image("cube.shadowCaster.active=false"), image()

    def named(strips: MemoryStrips) -> dict[str, int]:
        return {entry.text: entry.size for entry in legend_entries(strips, map_palette())}

    assert "new (band)" not in named(MemoryStrips(now, None))
    assert "new (band)" not in named(MemoryStrips(now, now))
    changed = MemoryStrips(now, before)
    assert named(changed)["new (band)"] == changed.new_bytes > 16 << 20
    assert changed.new_bytes < now.used
