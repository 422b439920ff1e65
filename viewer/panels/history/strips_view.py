"""Draws allocations as strips of bytes, with names under the mouse."""

from __future__ import annotations

from imgui_bundle import imgui

from viewer.panels import widgets
from viewer.panels.history.memory_strips import KEPT, NEW, MemoryStrips
from viewer.panels.number_format import bytes_text
from viewer.ui import style

TINTS = {KEPT: style.QUIET, NEW: style.ACCENT}
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
        _tip(strips, row, (imgui.get_io().mouse_pos.x - x) / width)
    imgui.set_cursor_screen_pos((corner.x, corner.y + line))


def _tip(strips: MemoryStrips, row: int, share: float) -> None:
    image, place = strips.image, strips.place_at(row, min(max(share, 0.0), 1.0))
    texts: tuple[str, ...] = (f"free at byte {int(share * int(image.allocations['size'][row])):,}",)
    if place is not None:
        key = int(image.places["key"][place])
        size = bytes_text(int(image.bytes_of[place]))
        where = f"{size} from byte {int(image.start_of[place]):,}"
        texts = (image.names.name(key), where, *image.names.why(key))
    imgui.begin_tooltip()
    imgui.push_text_wrap_pos(imgui.get_font_size() * 36)
    for text in texts:
        imgui.text_unformatted(text)
    imgui.pop_text_wrap_pos()
    imgui.end_tooltip()
