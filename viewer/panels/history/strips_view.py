"""Draws allocations as strips as long as their bytes, in the colours of the map; names under the mouse."""

from __future__ import annotations

from imgui_bundle import imgui

from viewer.panels import widgets
from viewer.panels.history.memory_strips import MemoryStrips
from viewer.panels.memory import legend
from viewer.panels.memory.map.color_modes import USAGES
from viewer.panels.memory.map.tile_colors import MapPalette
from viewer.panels.memory.map_palette import color_of, map_palette, rgb_of
from viewer.panels.number_format import bytes_text
from viewer.session.session import Session
from viewer.ui import style

MOST = 4
"""How many places of one pixel a tool tip names."""
LABEL, LINE = 8.0, 1.35
"""Width of a label and height of a strip, in heights of the font."""
LEAST = 4
"""A panel with room for fewer strips is scrolled."""
BAND = 0.25
"""The part of a strip's height that a band below what is new takes."""


def draw_strips(session: Session, name: str, strips: MemoryStrips) -> None:
    """Draw the legend, `session.places[f"{name} legend"]`, and strips below it, in the rest of the window."""
    if not len(strips.rows):
        widgets.quiet("no memory is planned")
        return
    palette, corner = map_palette(), imgui.get_cursor_screen_pos()
    lines = legend.legend_lines(imgui.get_content_region_avail().y, per_line=4)
    legend.draw(session, f"{name} legend", legend_entries(strips, palette), lines)
    right = corner.x + imgui.get_content_region_avail().x
    session.places[f"{name} legend"] = (corner.x, corner.y, right, imgui.get_cursor_screen_pos().y)
    line = imgui.get_font_size() * LINE
    height = max(imgui.get_content_region_avail().y, LEAST * line)
    if widgets.begin_child("strips", (0.0, height)):
        widgets.scroll_by_keys()
        imgui.push_style_var(imgui.StyleVar_.item_spacing.value, (0, 0))
        clipper = imgui.ListClipper()
        clipper.begin(len(strips.rows), line)
        while clipper.step():
            for number in range(clipper.display_start, clipper.display_end):
                _strip(session, name, strips, palette, int(strips.rows[number]), line)
        imgui.pop_style_var()
    imgui.end_child()


def legend_entries(strips: MemoryStrips, palette: MapPalette) -> list[legend.Entry]:
    """What the colours are: usages by their bytes, most first, what is new, and what is free."""
    sizes = strips.usage_bytes.tolist()
    entries = [
        legend.Entry(palette.categories[code], None, USAGES[code], sizes[code], USAGES[code])
        for code in sorted(range(len(sizes)), key=lambda code: -sizes[code])
        if sizes[code]
    ]
    if 0 < strips.new_bytes < sum(sizes):
        about = "The event before did not have it, or had it elsewhere: the band at the lower edge."
        entries.append(legend.Entry(rgb_of(style.TEXT), None, "new (band)", strips.new_bytes, about))
    if strips.free_bytes:
        about = "Allocated, and nothing lies there."
        entries.append(legend.Entry(palette.free, None, "free", strips.free_bytes, about))
    return entries


def _strip(
    session: Session, name: str, strips: MemoryStrips, palette: MapPalette, row: int, line: float
) -> None:
    allocation = strips.image.allocations[row]
    corner, room = imgui.get_cursor_screen_pos(), imgui.get_content_region_avail().x
    label = imgui.get_font_size() * LABEL
    tint = style.ACCENT if strips.is_new_allocation[row] else style.TEXT
    about = f"allocation {allocation['id']}, memory type {allocation['memory_type']}"
    widgets.cut(f"a{int(allocation['id'])}", tint, label, (about,))
    size = bytes_text(int(allocation["size"]))
    imgui.same_line(0, 0)
    imgui.set_cursor_screen_pos(
        (corner.x + label - imgui.calc_text_size(size).x - imgui.get_font_size() * 0.5, corner.y)
    )
    imgui.text_colored(tint, size)
    x, room = corner.x + label, max(2, int(room - label))
    width = strips.width(row, room)
    imgui.set_cursor_screen_pos((x, corner.y))
    imgui.invisible_button(f"strip{row}", (room, line - 1))
    session.places[f"{name} strip {int(allocation['id'])}"] = (x, corner.y, x + width, corner.y + line)
    draw, bottom = imgui.get_window_draw_list(), corner.y + line - 3
    draw.add_rect_filled((x, corner.y), (x + width, bottom), widgets.color(color_of(palette.free)))
    for first, last, usage, is_new in strips.runs(row, width):
        usual = widgets.color(color_of(palette.categories[usage]))
        draw.add_rect_filled((x + first, corner.y), (x + last, bottom), usual)
        if is_new and 0 < strips.new_bytes < strips.image.used:
            top = bottom - (bottom - corner.y) * BAND
            draw.add_rect_filled((x + first, top - 1), (x + last, bottom), widgets.color(style.GROUND))
            draw.add_rect_filled((x + first, top), (x + last, bottom), widgets.color(style.TEXT))
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
