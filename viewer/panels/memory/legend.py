"""A legend: swatches with names and bytes, in a given number of lines; all of them in a tool tip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from imgui_bundle import imgui

from viewer.panels import widgets
from viewer.panels.memory.map.composition import Pattern
from viewer.panels.memory.map.quads import hatching
from viewer.panels.memory.map.tile_colors import Rgb
from viewer.panels.memory.map_palette import color_of
from viewer.panels.number_format import bytes_text
from viewer.session.session import Session
from viewer.ui import style

_MOST_LINES = 3
_PER_LINE = 6
_MOST_NAME = 28


@dataclass(frozen=True, slots=True)
class Entry:
    """One swatch: its colour, a pattern over it, the name, bytes (0: not written), and what it means.

    Entries without a name are the steps of a scale.
    """

    color: Rgb
    pattern: Pattern | None
    text: str
    size: int
    about: str


def draw(session: Session, name: str, entries: Sequence[Entry], lines: int) -> None:
    """Draw the first entries that fit into so many lines at the cursor; the number of others follows.

    It is `session.places[f"{name} more"]`, with all entries as its tool tip.
    """
    gap, room = imgui.get_style().item_spacing.x * 1.5, imgui.get_content_region_avail().x
    more = imgui.calc_text_size(_more(len(entries))).x + gap
    widths = [_width(entry) for entry in entries]
    gaps = [gap if entry.text else 1.0 for entry in entries]
    flow = flowed(widths, gaps, room, lines, more)
    corner, line = imgui.get_cursor_screen_pos(), imgui.get_text_line_height_with_spacing()
    for entry, (row, x) in zip(entries, flow, strict=False):
        imgui.set_cursor_screen_pos((corner.x + x, corner.y + row * line))
        _entry(entry)
    if len(flow) < len(entries):
        x = room - imgui.calc_text_size(_more(len(entries) - len(flow))).x
        imgui.set_cursor_screen_pos((corner.x + x, corner.y + (lines - 1) * line))
        widgets.quiet(_more(len(entries) - len(flow)))
        session.places[f"{name} more"] = widgets.item_box()
        if imgui.is_item_hovered():
            _whole(entries)
    imgui.set_cursor_screen_pos((corner.x, corner.y + lines * line))
    imgui.dummy((0.0, 0.0))


def legend_lines(height: float, per_line: int = _PER_LINE) -> int:
    """How many lines a legend has in a panel with so many points for it and what it explains.

    There are as many as `per_line` lines of text in the height for each line of the legend.
    """
    return max(1, min(_MOST_LINES, int(height / imgui.get_text_line_height_with_spacing() / per_line)))


def legend_height(lines: int) -> float:
    """The height of a legend in points, with the space above it."""
    return lines * imgui.get_text_line_height_with_spacing() + imgui.get_style().item_spacing.y


def flowed(
    widths: Sequence[float], gaps: Sequence[float], room: float, lines: int, more: float
) -> list[tuple[int, float]]:
    """Line and x of each of the items that fit into lines of `room` points, first things first.

    `gaps` are between an item and the one before it in its line. Where not all fit, `more` points are left
    at the end of the last line.
    """

    def placed(reserve: float) -> list[tuple[int, float]]:
        found: list[tuple[int, float]] = []
        line, x = 0, 0.0
        for width, gap in zip(widths, gaps, strict=True):
            begin = x + gap if x else 0.0
            limit = room - (reserve if line == lines - 1 else 0.0)
            if x and begin + width > limit:
                line, begin = line + 1, 0.0
                limit = room - (reserve if line == lines - 1 else 0.0)
            if line == lines or (line == lines - 1 and begin + width > limit):
                break
            found.append((line, begin))
            x = begin + width
        return found

    found = placed(0.0)
    return found if len(found) == len(widths) else placed(more)


def _more(count: int) -> str:
    return f"+{count:,} more"


def _whole(entries: Sequence[Entry]) -> None:
    """A tool tip with all entries, below each other; colours of a scale beside each other."""
    imgui.begin_tooltip()
    for number, entry in enumerate(entries):
        if number and not entry.text:
            imgui.same_line(0, 1.0)
        _entry(entry, limit=False)
    imgui.end_tooltip()


def _name(entry: Entry) -> str:
    return entry.text if len(entry.text) <= _MOST_NAME else entry.text[: _MOST_NAME - 1] + "…"


def _amount(entry: Entry) -> str:
    return f" {bytes_text(entry.size)}" if entry.size else ""


def _side() -> float:
    return imgui.get_text_line_height() * 0.8


def _width(entry: Entry) -> float:
    if not entry.text:
        return _side()
    text = imgui.calc_text_size(_name(entry) + _amount(entry)).x
    return _side() + imgui.get_style().item_spacing.x * 0.5 + text


def _entry(entry: Entry, *, limit: bool = True) -> None:
    """Draw a swatch, the name, shortened where there is a `limit`, and bytes."""
    side, corner, line = _side(), imgui.get_cursor_screen_pos(), imgui.get_text_line_height()
    top = corner.y + (line - side) / 2
    draw = imgui.get_window_draw_list()
    low, high = (corner.x, top), (corner.x + side, top + side)
    draw.add_rect_filled(low, high, widgets.color(color_of(entry.color)))
    if entry.pattern is not None:
        _hatch(entry.pattern, low, high)
    draw.add_rect(low, high, widgets.color(style.LINE))
    imgui.dummy((side, line))
    if not entry.text:
        return
    imgui.same_line(0, imgui.get_style().item_spacing.x * 0.5)
    imgui.begin_group()
    imgui.text_unformatted(_name(entry) if limit else entry.text)
    if entry.size:
        imgui.same_line(0, 0)
        widgets.quiet(_amount(entry))
    imgui.end_group()
    if limit:
        exact = f"{entry.size:,} bytes" if entry.size else ""
        widgets.tooltip((entry.text, exact, entry.about if entry.about != entry.text else ""))


def _hatch(pattern: Pattern, low: tuple[float, float], high: tuple[float, float]) -> None:
    """Hatch a swatch, more closely than the map, so that the pattern is seen in it."""
    left, top, right, bottom = (np.array([side]) for side in (*low, *high))
    gap = imgui.get_font_size() * 0.3
    line = max(1.0, gap * 0.3)
    corners, _ = hatching(left, top, right, bottom, gap, line, falling=pattern.falling)
    draw, tint = imgui.get_window_draw_list(), widgets.color(color_of(pattern.color))
    for first, second, third, fourth in corners.tolist():
        draw.add_quad_filled(tuple(first), tuple(second), tuple(third), tuple(fourth), tint)
