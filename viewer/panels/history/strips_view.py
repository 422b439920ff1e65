"""Draws allocations as strips of bytes, with names under the mouse."""

from __future__ import annotations

from imgui_bundle import imgui

from viewer.panels import widgets
from viewer.panels.history.memory_strips import KEPT, NEW, MemoryStrips
from viewer.panels.number_format import bytes_text
from viewer.ui import style

TINTS = {KEPT: style.QUIET, NEW: style.ACCENT}
MOST = 4
"""How many places of one pixel a tool tip names."""
LABEL, LINE = 7.0, 1.35
"""Width of a label and height of a strip, in widths of a letter."""


def draw_strips(strips: MemoryStrips) -> None:
    """Draw the visible strips into the rest of the current window."""
    if not len(strips.rows):
        widgets.quiet("no memory is planned")
        return
    if imgui.begin_child("strips"):
        line = imgui.get_font_size() * LINE
        imgui.push_style_var(imgui.StyleVar_.item_spacing.value, (0, 0))
        clipper = imgui.ListClipper()
        clipper.begin(len(strips.rows), line)
        while clipper.step():
            for number in range(clipper.display_start, clipper.display_end):
                _strip(strips, int(strips.rows[number]), line)
        imgui.pop_style_var()
    imgui.end_child()


def _strip(strips: MemoryStrips, row: int, line: float) -> None:
    allocation = strips.image.allocations[row]
    corner, room = imgui.get_cursor_screen_pos(), imgui.get_content_region_avail().x
    label = imgui.get_font_size() * LABEL
    tint = style.ACCENT if strips.is_new_allocation[row] else style.TEXT
    name = f"a{int(allocation['id'])}  {bytes_text(int(allocation['size']))}"
    widgets.cut(
        name, tint, label, (f"allocation {allocation['id']}, memory type {allocation['memory_type']}",)
    )
    x, width = corner.x + label, max(1, int(room - label))
    imgui.set_cursor_screen_pos((x, corner.y))
    imgui.invisible_button(f"strip{row}", (width, line - 1))
    draw, bottom = imgui.get_window_draw_list(), corner.y + line - 3
    draw.add_rect_filled((x, corner.y), (x + width, bottom), widgets.color(style.RAISED))
    for first, last, state in strips.runs(row, width):
        draw.add_rect_filled((x + first, corner.y), (x + last, bottom), widgets.color(TINTS[state], 0.85))
    if imgui.is_item_hovered():
        _tip(strips, row, min(max(int(imgui.get_io().mouse_pos.x - x), 0), width - 1), width)
    imgui.set_cursor_screen_pos((corner.x, corner.y + line))


def _tip(strips: MemoryStrips, row: int, pixel: int, width: int) -> None:
    imgui.begin_tooltip()
    imgui.push_text_wrap_pos(imgui.get_font_size() * 36)
    for text in tip_texts(strips, row, pixel, width):
        imgui.text_unformatted(text)
    imgui.pop_text_wrap_pos()
    imgui.end_tooltip()


def tip_texts(strips: MemoryStrips, row: int, pixel: int, width: int) -> tuple[str, ...]:
    """What lies in a pixel of an allocation's strip: each place with who requests it, the first MOST."""
    image, places = strips.image, strips.places_at(row, pixel, width)
    if not len(places):
        return (f"free at byte {strips.byte_at(row, pixel, width):,}",)
    texts: list[str] = []
    for place in places[:MOST].tolist():
        key = int(image.places["key"][place])
        where = f"{bytes_text(int(image.bytes_of[place]))} from byte {int(image.start_of[place]):,}"
        texts += (image.names.name(key), where, *image.names.why(key))
    left = len(places) - MOST
    return *texts, *((f"and {left:,} more in this pixel",) if left > 0 else ())
