"""The legend of the map: what its colours and patterns stand for, with bytes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from imgui_bundle import imgui

from viewer.panels import widgets
from viewer.panels.memory.map.color_modes import Coloring
from viewer.panels.memory.map.composition import Pattern, patterns
from viewer.panels.memory.map.quads import hatching
from viewer.panels.memory.map.tile_colors import PALE, MapPalette, Presence, Rgb
from viewer.panels.memory.map.tiles import STATE_NAMES, Tiles, TileState
from viewer.panels.memory.map_palette import color_of
from viewer.panels.memory.resident_overlay import ResidentOverlay
from viewer.panels.number_format import bytes_text
from viewer.ui import style

_MOST_LINES = 3
_MOST_NAME = 28
_ABOUT = {
    TileState.ALIASED: "Resources that are never live at once share these bytes: a lane for each.",
    TileState.PADDING: "Lost to alignment, or to what the driver rounds up.",
    TileState.FREE: "Between the resources of a block: the next small resource may lie here.",
    TileState.FREE_IN_PAGE: "Between the assets of a page: the next asset of its kind may lie here.",
    TileState.WAITING: "The page is mostly free: its assets are moved and its memory is freed soon.",
    TileState.LEAVING: "In no plan any more: freed once the frames that may use it are complete.",
}


@dataclass(frozen=True, slots=True)
class _Entry:
    color: Rgb
    pattern: Pattern | None
    text: str
    size: int
    about: str


class MapLegend:
    """Draws the legend in as many lines as it needs, but for very many: then it scrolls."""

    def __init__(self) -> None:
        self._content = 0.0

    @property
    def height(self) -> float:
        """The height that it takes, in points."""
        line = imgui.get_text_line_height_with_spacing()
        return min(max(self._content, line), line * _MOST_LINES) + imgui.get_style().item_spacing.y

    def draw(self, coloring: Coloring, tiles: Tiles, overlay: ResidentOverlay, palette: MapPalette) -> None:
        """Draw what bytes are, then what they are used for; what has no bytes is left out."""
        if imgui.begin_child("legend", (0.0, 0.0)):
            top = imgui.get_cursor_pos_y()
            first = True
            for entry in (*_categories(coloring), *_states(tiles, overlay, palette)):
                _entry(entry, first=first)
                first = False
            self._content = imgui.get_cursor_pos_y() - top
        imgui.end_child()


def _categories(coloring: Coloring) -> list[_Entry]:
    is_scale = "" in coloring.labels
    sizes = coloring.sizes.tolist()
    return [
        _Entry(color, None, label, 0 if is_scale else size, label)
        for color, label, size in zip(coloring.colors, coloring.labels, sizes, strict=True)
        if size or is_scale
    ]


def _states(tiles: Tiles, overlay: ResidentOverlay, palette: MapPalette) -> list[_Entry]:
    hatched = patterns(palette)
    sizes = tiles.state_bytes.tolist()
    entries = []
    for state in (each for each in TileState if each is not TileState.USED):
        if sizes[state]:
            about, pattern = _ABOUT[state], hatched.get(state)
            color = palette.of_state(state) if pattern is not None else palette.other
            entries.append(_Entry(color, pattern, STATE_NAMES[state], sizes[state], about))
    flying, missing = overlay.bytes[Presence.IN_FLIGHT], overlay.bytes[Presence.MISSING]
    old = int((overlay.old_end - overlay.old_begin).sum())
    for color, pattern, name, size, about in (
        (palette.other, Pattern(palette.in_flight, 0.5), "in flight", flying, "Is being transferred."),
        (_pale(palette), None, "wanted (pale)", missing, "The plan wants it; it is not resident yet."),
        (
            palette.leaving,
            hatched[TileState.LEAVING],
            "old (band)",
            old,
            "Resident where the plan wants something else: the band at the lower edge.",
        ),
    ):
        if size:
            entries.append(_Entry(color, pattern, name, size, about))
    return entries


def _pale(palette: MapPalette) -> Rgb:
    """A colour as it is where the bytes are missing."""
    red, green, blue = (round(a + (b - a) * PALE) for a, b in zip(palette.other, palette.ground, strict=True))
    return red, green, blue


def _entry(entry: _Entry, *, first: bool) -> None:
    name = entry.text if len(entry.text) <= _MOST_NAME else entry.text[: _MOST_NAME - 1] + "…"
    amount = f" {bytes_text(entry.size)}" if entry.size else ""
    side = imgui.get_text_line_height() * 0.8
    gap = imgui.get_style().item_spacing.x
    width = side + gap * 0.5 + imgui.calc_text_size(name + amount).x
    if not first:
        right = imgui.get_item_rect_max().x + gap * 1.5 + width
        edge = imgui.get_window_pos().x + imgui.get_window_size().x
        if name == "":
            imgui.same_line(0, 1.0)
        elif right < edge:
            imgui.same_line(0, gap * 1.5)
    corner, line = imgui.get_cursor_screen_pos(), imgui.get_text_line_height()
    top = corner.y + (line - side) / 2
    draw = imgui.get_window_draw_list()
    low, high = (corner.x, top), (corner.x + side, top + side)
    draw.add_rect_filled(low, high, widgets.color(color_of(entry.color)))
    if entry.pattern is not None:
        _hatch(entry.pattern, low, high)
    draw.add_rect(low, high, widgets.color(style.LINE))
    imgui.dummy((side, line))
    if name:
        imgui.same_line(0, gap * 0.5)
        imgui.begin_group()
        imgui.text_unformatted(name)
        if amount:
            imgui.same_line(0, 0)
            widgets.quiet(amount)
        imgui.end_group()
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
