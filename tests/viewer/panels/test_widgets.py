"""Parts of panels: rows that meet without overlap."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path

import numpy as np
import pytest
from imgui_bundle import imgui
from support.mouse import Mouse, mouse

from viewer.panels import widgets
from viewer.ui import style
from viewer.ui.draw_lists import VERTEX_BYTES

__all__ = ["mouse"]


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.1, 1.4, 2.0, 3.45])
def test_the_mouse_is_over_one_row_of_a_table_at_every_height(mouse: Mouse, scale: float) -> None:
    style.resize(scale)
    over: list[list[int]] = []
    lines = (0.0, 0.0)

    def draw() -> None:
        nonlocal lines
        imgui.set_next_window_size((600, 600))
        imgui.begin("w")
        hovered, tops = [], []
        if imgui.begin_table("t", 2):
            for row in range(4):
                imgui.table_next_row()
                imgui.table_next_column()
                tops.append(imgui.get_cursor_screen_pos().y)
                widgets.table_row(f"##{row}", False, overlaps=True, height=imgui.get_text_line_height())
                if imgui.is_item_hovered():
                    hovered.append(row)
            imgui.end_table()
        over.append(hovered)
        lines = tops[0], tops[-1]
        imgui.end()

    for _ in range(3):
        mouse.frame(draw)
    for y in range(int(lines[0]), int(lines[1])):
        imgui.get_io().add_mouse_pos_event(300, y)
        for _ in range(2):
            mouse.frame(draw)
        assert len(over[-1]) == 1, f"rows {over[-1]} at {y - lines[0]:g} of {lines[1] - lines[0]:g}"


@pytest.mark.parametrize("theme", style.THEMES)
def test_a_selected_row_stands_out_by_its_ground_and_a_bar(mouse: Mouse, theme: str) -> None:
    style.choose(theme)
    seen: list[set[int]] = []
    chosen = -1

    def draw() -> None:
        imgui.begin("w")
        if imgui.begin_table("t", 1):
            for row in range(2):
                imgui.table_next_row()
                imgui.table_next_column()
                widgets.table_row(f"##{row}", row == chosen)
            imgui.end_table()
        imgui.end()

    for selected in (-1, 1):
        chosen = selected
        for _ in range(3):
            mouse.frame(draw)
        seen.append(drawn_colors(imgui.get_draw_data()))
    expected = {widgets.color(style.ACCENT), widgets.color(style.SELECTED)}
    style.choose("dark")
    assert seen[1] - seen[0] == expected


def drawn_colors(data: imgui.ImDrawData) -> set[int]:
    """The colours of all vertices."""
    found: set[int] = set()
    for drawn in data.cmd_lists:
        raw = ctypes.string_at(drawn.vtx_buffer.data_address(), drawn.vtx_buffer.size() * VERTEX_BYTES)
        vertex = np.dtype([("at", "<f4", 2), ("uv", "<f4", 2), ("color", "<u4")])
        found.update(np.frombuffer(raw, vertex)["color"].tolist())
    return found


def test_no_panel_draws_the_row_of_a_table_of_its_own(root: Path) -> None:
    found = [
        str(path.relative_to(root))
        for path in sorted((root / "viewer").rglob("*.py"))
        if path.name != "widgets.py" and re.search(r"span_all_columns", path.read_text(encoding="utf-8"))
    ]
    assert not found, "rows are drawn with widgets.table_row"
