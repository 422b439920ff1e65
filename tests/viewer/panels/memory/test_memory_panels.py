"""The memory panels under a mouse: odd names, choices, copies, exports, and a map as cheap as it claims."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imgui_bundle import imgui
from support.mouse import Mouse, drawn, middle, mouse, session_of, workspace_of
from support.plans import large_plan
from support.random_scenes import profile

from engine.plan.model.plan import Plan
from engine.plan.placement.planner import make_plan
from engine.plan.requirements.coalesce import coalesce
from engine.plan.requirements.requirements import Requirement, RequirementTable
from engine.plan.terms.keys import Keys
from engine.plan.terms.vocabulary import BufferUsage, Kind
from engine.tableau.tableau import Tableau
from viewer.panels.memory.legend import flowed
from viewer.panels.memory.map.color_modes import ColorMode
from viewer.panels.memory.map_panel import MapPanel
from viewer.panels.memory.plan_models import SharedModels
from viewer.panels.memory.table.memory_table import Level
from viewer.panels.memory.table.table_filter import parse_filter
from viewer.panels.memory.table.table_panel import TablePanel
from viewer.panels.memory.why_panel import WhyPanel
from viewer.panels.panel import Dock, Placed
from viewer.session.session import Session
from viewer.ui import style

__all__ = ["mouse"]

ODD = ("a##b", "100%s %d%%", "x,y;'z'", "שלום עולם", "立方体", "🧱🔥", "=1+1", " two  spaces ")


def odd_plan() -> Plan:
    """A plan whose keys, features and objects have names that text formats and ids trip over."""
    table = RequirementTable(Keys(lambda key: ODD[key & 0xFF]))
    for number, name in enumerate(ODD):
        requester = table.requesters.add(name, f"object/{name}")
        size = 1 << 20 if number else 3 << 20
        table.add(Requirement(number, Kind.BUFFER, size=size, usage=BufferUsage.VERTEX_BUFFER), requester)
    return make_plan(coalesce(table), profile("nvidia-h200"))


class Window:
    """The three panels side by side, drawn under a mouse."""

    def __init__(self, mouse: Mouse, plan: Plan) -> None:
        self.mouse = mouse
        self.session: Session = session_of(Tableau(), plan)
        shared = SharedModels(self.session)
        self.map = MapPanel(self.session, shared)
        self.table = TablePanel(self.session, shared)
        self.why = WhyPanel(self.session, shared)
        docks = ((self.map, Dock.BOTTOM), (self.table, Dock.LEFT), (self.why, Dock.RIGHT))
        placed = [Placed(panel, dock) for panel, dock in docks]
        self.draw: Callable[[], None] = drawn(workspace_of(self.session, placed), self.session)
        self.frames(6)

    def frames(self, count: int = 2) -> None:
        for _ in range(count):
            self.mouse.frame(self.draw)

    def click(self, name: str) -> None:
        self.mouse.click(self.draw, *middle(self.session.places[name]))


def test_odd_names_are_drawn_selected_and_copied_as_they_are(mouse: Mouse) -> None:
    window = Window(mouse, odd_plan())
    keys = window.session.runtime.plan.memory.subresources["key"].tolist()  # type: ignore[union-attr]
    for key in keys:
        window.session.selection.select_memory((Level.SUBRESOURCE, key))
        window.frames()
    for mode in ColorMode:
        window.map.state.choices.mode = mode
        for is_treemap in (False, True):
            window.map.state.choices.is_treemap = is_treemap
            window.frames()
    x0, y0, x1, y1 = window.session.places["memory map"]
    for share in (0.1, 0.5, 0.9):  # tool tips of blocks and of what is free
        imgui.get_io().add_mouse_pos_event(x0 + (x1 - x0) * share, y0 + (y1 - y0) * share)
        window.frames()
    copied: list[str] = []
    imgui.get_platform_io().platform_set_clipboard_text_fn = lambda _context, text: copied.append(text)
    window.click("table copy")
    text = copied[-1] if copied else imgui.get_clipboard_text()
    for name in ODD:
        assert name in text


def test_a_click_in_the_map_selects_and_why_names_the_requester(mouse: Mouse) -> None:
    window = Window(mouse, odd_plan())
    x0, y0, _, _ = window.session.places["memory map"]
    state = window.map.state
    row_top = float(state.layout.tops[0]) + state.layout.row_height / 2
    window.mouse.click(window.draw, x0 + 3, y0 + row_top)
    selected = window.session.selection.memory
    assert selected is not None
    assert selected[0] == Level.SUBRESOURCE
    assert window.why.found.tolist() == [0]
    model = window.why._model
    assert model is not None
    assert model.row(0).object_path == f"object/{ODD[selected[1] & 0xFF]}"


def test_the_map_keeps_its_height_whatever_is_in_its_legend(mouse: Mouse) -> None:
    window = Window(mouse, odd_plan())
    boxes, hidden = set(), 0
    for mode in ColorMode:
        window.map.state.choices.mode = mode
        window.session.places.pop("memory legend more", None)
        window.frames()
        boxes.add(window.session.places["memory map"])
        hidden += "memory legend more" in window.session.places
    assert len(boxes) == 1
    assert hidden, "some legends are longer than their place"
    _, y0, _, y1 = window.session.places["memory map"]
    assert y1 - y0 > 3 * (window.session.places["panel memory"][3] - y1), "most of it is the map"


@given(st.lists(st.floats(1, 400), min_size=1, max_size=20), st.integers(1, 3), st.floats(50, 900))
def test_a_legend_fits_into_its_lines_and_shows_as_much_as_there_is_room_for(
    widths: list[float], lines: int, room: float
) -> None:
    more, gaps = 40.0, [8.0] * len(widths)
    found = flowed(widths, gaps, room, lines, more)
    ends = [x + width for (_, x), width in zip(found, widths, strict=False)]
    assert found == sorted(found)
    assert all(line < lines for line, _ in found)
    for (line, x), end in zip(found, ends, strict=True):
        assert end <= room or (x == 0 and line < lines - 1)
    for (line, _), (after, x), end in zip(found, found[1:], ends, strict=False):
        assert after > line or x >= end + 8.0
    if len(found) < len(widths):
        assert all(
            end <= room - more for (line, _), end in zip(found, ends, strict=True) if line == lines - 1
        )
    elif sum(widths) + 8.0 * len(widths) <= room:
        assert {line for line, _ in found} == {0}


def test_choices_change_what_the_table_shows_and_exports(mouse: Mouse, tmp_path: Path) -> None:
    window = Window(mouse, odd_plan())
    assert len(window.table.rows) == len(ODD)
    window.click("table allocations")
    window.frames()
    count = len(window.session.runtime.plan.memory.allocations)  # type: ignore[union-attr]
    assert window.table.level is Level.ALLOCATION
    assert len(window.table.rows) == count
    window.click("table blocks")
    window.frames()
    window.table._path = str(tmp_path / "rows.json")
    window.click("table export")
    window.frames()
    window.click("table write")
    written = json.loads((tmp_path / "rows.json").read_text(encoding="utf-8"))
    assert {row["name"] for row in written} == set(ODD)
    sizes = [row["size"] for row in written]
    assert sizes == sorted(sizes, reverse=True)  # as the table is sorted at first
    for nowhere in (str(tmp_path / "missing" / "rows.csv"), "~no.such.user/rows.csv"):
        window.table._path, window.table._exported = nowhere, ""
        window.click("table write")
        assert window.table._exported.startswith("not written: ")


def test_a_filter_that_leaves_no_row_says_why(mouse: Mouse) -> None:
    window = Window(mouse, odd_plan())
    window.table._filter = parse_filter("+sampled")
    window.frames()
    assert window.table.empty == "no block has the usage sampled; there are vertex_buffer"
    window.table._filter = parse_filter("+vertex")
    window.frames()
    assert (len(window.table.rows), window.table.empty) == (len(ODD), "")


def test_a_frame_draws_as_few_vertices_for_many_blocks_as_the_map_is_wide(mouse: Mouse) -> None:
    window = Window(mouse, large_plan(20_000))
    few = len(window.map._quads)
    assert 0 < few < imgui.get_io().display_size.x
    made = window.map.state._drawn
    window.frames(3)
    assert window.map.state._drawn is made  # nothing has changed, so nothing is made again
    window.map.state.viewport.zoom(100.0, 2.0, 20_000 * 256, 100.0)
    window.frames()
    assert window.map.state._drawn is not made


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_quads_leave_the_draw_list_as_imgui_needs_it(mouse: Mouse, scale: float) -> None:
    from viewer.panels.memory.map.quad_drawing import QuadBatch
    from viewer.panels.memory.map.quads import packed_colors, rectangles

    batch = QuadBatch()
    side = np.array([0.0, 10.0, 20.0]) * scale
    corners = rectangles(side, side, side + 5, side + 5)
    batch.set(corners, packed_colors(np.array([[255, 0, 0]] * 3, np.uint8)))
    seen: list[tuple[int, int]] = []

    def draw() -> None:
        draw_list = imgui.get_foreground_draw_list()
        before = draw_list.vtx_buffer.size(), draw_list.idx_buffer.size()
        batch.draw(draw_list, 7.0, 9.0)
        draw_list.add_rect_filled((0, 0), (1, 1), 0xFFFFFFFF)
        seen.append((draw_list.vtx_buffer.size() - before[0], draw_list.idx_buffer.size() - before[1]))

    mouse.frame(draw)
    mouse.frame(draw)
    assert seen == [(12 + 4 + 4, 18 + 6 + 6)] * 2


def test_a_low_panel_keeps_room_for_the_map_and_has_the_layers_in_a_menu(mouse: Mouse) -> None:
    style.resize(1.3)
    window = Window(mouse, odd_plan())
    x0, y0, x1, y1 = window.session.places["memory map"]
    assert y1 - y0 >= 5 * 1.3 * style.FONT_SIZE, "more than two rows"
    assert "memory layer wanted" not in window.session.places
    window.click("memory layers")
    window.frames()
    assert window.map.state.choices.wanted
    window.click("memory layer wanted")
    assert not window.map.state.choices.wanted
    assert window.session.places["memory map"] == (x0, y0, x1, y1)


def test_a_panel_with_room_has_the_layers_beside_the_colours(mouse: Mouse) -> None:
    window = Window(mouse, odd_plan())
    mode, layer = (window.session.places[name] for name in ("memory colour", "memory layer in flight"))
    assert abs(mode[1] - layer[1]) < 4
    assert "memory layers" not in window.session.places
