"""The map of memory: every byte, by the wheel from whole heaps to single ones, and a treemap beside it."""

from __future__ import annotations

from imgui_bundle import imgui

from viewer.panels import parts, widgets
from viewer.panels.compaction_button import CompactionButton
from viewer.panels.memory import map_ruler, tile_texts
from viewer.panels.memory.legend import legend_height, legend_lines
from viewer.panels.memory.map.color_modes import ColorMode
from viewer.panels.memory.map.quad_drawing import QuadBatch
from viewer.panels.memory.map.tile_colors import MapPalette
from viewer.panels.memory.map_header import more_texts, other_texts, resident_text
from viewer.panels.memory.map_legend import draw_map_legend
from viewer.panels.memory.map_palette import color_of, map_palette, text_on
from viewer.panels.memory.map_state import Drawn, MapState
from viewer.panels.memory.plan_models import PlanModels, SharedModels
from viewer.panels.memory.resident_overlay import ResidentOverlay
from viewer.panels.memory.table.memory_table import Level
from viewer.panels.number_format import bytes_text
from viewer.session.links import MemoryLink, PanelLink
from viewer.session.session import Rectangle, Session
from viewer.ui import style

WHEEL = 1.25
"""How much closer one notch of the wheel is."""
_CANVAS = (
    imgui.WindowFlags_.no_scrollbar.value
    | imgui.WindowFlags_.no_scroll_with_mouse.value
    | imgui.WindowFlags_.no_move.value
)
_RULED = 8.0
"""Heights of the font of a map that has a ruler: in a lower one there is more to see without."""
_LAYERS = (
    ("wanted", "What the plan wants; pale where it is not resident yet."),
    ("current", "What is resident now, also where no plan wants it any more."),
    ("in flight", "What is being transferred."),
)
_GUTTER = 8.5
"""Width of the labels of rows, in sizes of the text."""
_MOST = 0.5
"""The share of the width of the map that they take at most."""


class MapPanel:
    """Draws the map with one copy of vertices; they are made again only when the view or memory changes.

    What is `recorded` does not change: there is nothing to compact, and no layer of what is in flight.
    """

    title = "memory"

    def __init__(self, session: Session, shared: SharedModels, *, recorded: bool = False) -> None:
        self._session = session
        self._shared = shared
        self.state = MapState()
        self._compaction_button = None if recorded else CompactionButton(session)
        self._quads = QuadBatch()
        self._selected: tuple[int, int] | None = None
        self._dragged = False

    def draw(self) -> None:
        """Draw totals, choices, the map and its legend into the current window."""
        models, overlay = self._shared.models(), self._shared.overlay()
        if models is None or overlay is None:
            widgets.quiet("nothing is planned yet")
            return
        self._totals(models, overlay)
        self._choices()
        palette = map_palette()
        coloring = self.state.coloring(models, palette)
        room = imgui.get_content_region_avail()
        lines = legend_lines(room.y)
        height = max(room.y - legend_height(lines), imgui.get_font_size() * 4)
        if widgets.begin_child("canvas", (0.0, height), _CANVAS):
            self._canvas(models, overlay, palette)
        imgui.end_child()
        draw_map_legend(self._session, coloring, models.tiles, overlay, palette, lines)

    def _totals(self, models: PlanModels, overlay: ResidentOverlay) -> None:
        place, totals = imgui.get_cursor_screen_pos(), self._shared.totals
        waiting = self._session.runtime.hold.waiting
        more = more_texts(totals, overlay, models.tiles)
        text = resident_text(totals, overlay, waiting.plan if waiting is not None else None)
        widgets.cut(text, more=more)
        parts.flows(imgui.get_font_size() * 3)
        room = imgui.get_content_region_avail().x
        if self._compaction_button is not None:
            room -= imgui.calc_text_size("compact").x + imgui.get_font_size()
        text = ", ".join(other_texts(totals, models.tiles))
        widgets.cut(text, style.QUIET, max(room, 1.0), more)
        end = imgui.get_item_rect_max()
        self._session.places["memory totals"] = (place.x, place.y, end.x, end.y)
        if self._compaction_button is not None:
            self._compaction_button.draw(models.plan, self._session.statistics.settled)

    def _choices(self) -> None:
        choices = self.state.choices
        for is_treemap, name in ((False, "map"), (True, "treemap")):
            if imgui.radio_button(name, choices.is_treemap == is_treemap):
                choices.is_treemap = is_treemap
            self._place(f"memory view {name}")
            if not is_treemap:
                widgets.same_line_if_it_fits(imgui.calc_text_size("treemap").x + imgui.get_font_size() * 1.8)
        width = imgui.get_font_size() * 8
        widgets.same_line_if_it_fits(imgui.calc_text_size("colour by").x + width + imgui.get_font_size())
        imgui.align_text_to_frame_padding()
        widgets.quiet("colour by")
        imgui.same_line()
        imgui.set_next_item_width(width)
        if imgui.begin_combo("##mode", choices.mode.value):
            for mode in ColorMode:
                clicked, _ = imgui.selectable(mode.value, mode is choices.mode)
                self._place(f"memory colour {mode.value}")
                if clicked:
                    choices.mode = mode
            imgui.end_combo()
        self._place("memory colour")
        text = "all" if choices.is_treemap else "fit"
        if self._compaction_button is not None:
            self._layers(parts.button_width(text))
        widgets.same_line_if_it_fits(imgui.calc_text_size(text).x + imgui.get_frame_height())
        if imgui.button(text):
            choices.only = None
            self.state.viewport.scale = 0.0
        self._place("memory fit")
        widgets.tooltip(("Show all bytes; the wheel zooms, dragging pans, a double click shows one block.",))

    def _layers(self, rest: float) -> None:
        """Switches of the layers, in a menu where there is no room for them before `rest` points."""
        spacing = imgui.get_style().item_spacing.x
        box = imgui.get_frame_height() + imgui.get_style().item_inner_spacing.x
        widths = [box + imgui.calc_text_size(name).x for name, _ in _LAYERS]
        left = imgui.get_window_pos().x + imgui.get_window_size().x - imgui.get_style().window_padding.x
        left -= imgui.get_item_rect_max().x
        if sum(widths) + rest + spacing * (len(widths) + 1) < left:
            for name, about in _LAYERS:
                imgui.same_line()
                self._layer(name, about)
            return
        widgets.same_line_if_it_fits(parts.button_width("layers"))
        if parts.button(self._session, "memory layers", "layers", "What the map shows."):
            imgui.open_popup("layers")
        if imgui.begin_popup("layers"):
            for name, about in _LAYERS:
                self._layer(name, about)
            imgui.end_popup()

    def _layer(self, name: str, about: str) -> None:
        field = name.replace(" ", "_")
        changed, value = imgui.checkbox(name, getattr(self.state.choices, field))
        self._place(f"memory layer {name}")
        widgets.tooltip((about,))
        if changed:
            setattr(self.state.choices, field, value)

    def _canvas(self, models: PlanModels, overlay: ResidentOverlay, palette: MapPalette) -> None:
        state, unit = self.state, imgui.get_font_size()
        gutter = min(_GUTTER * unit, imgui.get_content_region_avail().x * _MOST)
        gutter = 0.0 if state.choices.is_treemap else gutter
        ruler = imgui.get_cursor_screen_pos()
        is_ruled = gutter > 0 and imgui.get_content_region_avail().y >= _RULED * unit
        if is_ruled:
            imgui.set_cursor_pos_y(imgui.get_cursor_pos_y() + unit * map_ruler.LINES)
        corner, size = imgui.get_cursor_screen_pos(), imgui.get_content_region_avail()
        width, height = max(size.x - gutter, 1.0), max(size.y, 1.0)
        state.lay_out(models, unit)
        largest = models.largest
        state.viewport.resize(width, height, largest, state.layout.height)
        imgui.invisible_button("##map", (max(size.x, 1.0), height))
        imgui.set_item_key_owner(imgui.Key.mouse_wheel_y)  # else the wheel scrolls a window around the map
        hovered = imgui.is_item_hovered()
        origin = (corner.x + gutter, corner.y)
        self._session.places["memory map"] = (*origin, corner.x + size.x, corner.y + size.y)
        if not state.choices.is_treemap:
            self._steer(hovered, origin, largest)
        self._follow_selection(models, largest)
        drawn, is_new = state.drawn(models, overlay, palette, unit)
        if is_new:
            self._quads.set(drawn.corners, drawn.colors)
        draw = imgui.get_window_draw_list()
        if is_ruled:
            map_ruler.draw_ruler(state.viewport, ruler.x, ruler.y, gutter)
        draw.push_clip_rect((corner.x, corner.y), (corner.x + size.x, corner.y + size.y), True)
        if gutter:
            self._labels(models, corner.x, corner.y, gutter)
        draw.push_clip_rect(origin, (corner.x + size.x, corner.y + size.y), True)
        self._quads.draw(draw, *origin)
        self._names(drawn, origin)
        self._mark_selected(models, drawn, origin)
        tile, lane = self._tile_at(models, drawn, origin) if hovered else (None, 0.0)
        if tile is not None:
            self._point_at(models, overlay, tile, lane, largest)
        draw.pop_clip_rect()
        if not state.choices.is_treemap:
            self._scrollbar(corner.x + size.x, corner.y)
        draw.pop_clip_rect()

    def _steer(self, hovered: bool, origin: tuple[float, float], largest: int) -> None:
        """Zoom by the wheel at the pointer (Ctrl: scroll, Shift: pan), and pan by dragging."""
        io, view, tall = imgui.get_io(), self.state.viewport, self.state.layout.height
        if hovered and io.mouse_wheel:
            step = imgui.get_font_size() * 3 * io.mouse_wheel
            if io.key_ctrl:
                view.pan(0.0, step, largest, tall)
            elif io.key_shift:
                view.pan(step, 0.0, largest, tall)
            else:
                view.zoom(io.mouse_pos.x - origin[0], WHEEL**io.mouse_wheel, largest, tall)
        if hovered and io.mouse_wheel_h:
            view.pan(imgui.get_font_size() * 3 * io.mouse_wheel_h, 0.0, largest, tall)
        if imgui.is_item_active() and imgui.is_mouse_dragging(imgui.MouseButton_.left):
            self._dragged = True
            view.pan(io.mouse_delta.x, io.mouse_delta.y, largest, tall)

    def _follow_selection(self, models: PlanModels, largest: int) -> None:
        """Bring into sight what was selected elsewhere."""
        piece = self._session.selection.memory
        if piece == self._selected:
            return
        self._selected = piece
        found = tile_texts.selected_range(models, piece)
        if found is None:
            return
        row, offset = models.places.line_address(found[0])
        top = float(self.state.layout.tops[row])
        end = offset + found[1] - found[0]
        self.state.viewport.show(
            offset, end, (top, top + self.state.layout.row_height), largest, self.state.layout.height
        )

    def _tile_at(
        self, models: PlanModels, drawn: Drawn, origin: tuple[float, float]
    ) -> tuple[int | None, float]:
        """The tile under the pointer, and how far down in its row or its box the pointer is, 0 to 1."""
        mouse, view, layout = imgui.get_io().mouse_pos, self.state.viewport, self.state.layout
        x, y = mouse.x - origin[0], mouse.y - origin[1]
        if drawn.treemap is not None:
            at = drawn.treemap.at(x, y)
            tile = -1 if at is None else int(drawn.treemap.tile[at])
            if at is not None and tile < 0:
                count, size = int(drawn.treemap.count[at]), int(drawn.treemap.size[at])
                ident = int(models.places.allocations["id"][drawn.treemap.allocation[at]])
                text = f"{count:,} blocks of {bytes_text(size)} together in allocation {ident}"
                _tooltip((text, "a double click shows this allocation alone"))
                self._enter(ident)
            if at is None or tile < 0:
                return None, 0.0
            top, bottom = (float(drawn.treemap.boxes[at, side]) for side in (1, 3))
            return tile, (y - top) / max(bottom - top, 1.0)
        row = layout.row_at(y + view.scroll)
        if row is None or x < 0:
            return None, 0.0
        offset = view.byte_at(x)
        if not 0 <= offset < int(models.places.allocations["size"][row]):
            return None, 0.0
        lane = (y + view.scroll - float(layout.tops[row])) / layout.row_height
        return models.tiles.find(int(models.places.bases[row]) + offset), lane

    def _point_at(
        self, models: PlanModels, overlay: ResidentOverlay, tile: int, lane: float, largest: int
    ) -> None:
        """Show what a tile is; a click selects it, a double click zooms to it."""
        if not self._dragged:
            _tooltip(tile_texts.tile_lines(models, overlay, tile, lane=lane))
        released = imgui.is_mouse_released(imgui.MouseButton_.left)
        if released and imgui.is_item_deactivated() and not self._dragged:
            self._selected = tile_texts.selected_by(models, tile, lane=lane)
            self._session.links.follow(MemoryLink(*self._selected))
            self._session.links.follow(PanelLink("why"))
        if imgui.is_mouse_double_clicked(imgui.MouseButton_.left):
            row, offset = models.places.line_address(int(models.tiles.starts[tile]))
            if self.state.choices.is_treemap:
                self._enter(int(models.places.allocations["id"][row]))
            else:
                size = int(models.tiles.starts[tile + 1] - models.tiles.starts[tile])
                self.state.viewport.frame(offset, offset + size, largest, self.state.layout.height)
        if not imgui.is_item_active():
            self._dragged = False

    def _enter(self, allocation: int) -> None:
        """Show one allocation alone in the treemap, or all again, by a double click."""
        if imgui.is_mouse_double_clicked(imgui.MouseButton_.left):
            self.state.choices.only = None if self.state.choices.only == allocation else allocation

    def _labels(self, models: PlanModels, x: float, y: float, width: float) -> None:
        """Draw headings of heaps and the ids and sizes of allocations beside their rows."""
        draw, layout, view = imgui.get_window_draw_list(), self.state.layout, self.state.viewport
        unit = imgui.get_font_size()
        quiet, text = widgets.color(style.QUIET), widgets.color(style.TEXT)
        sums = models.plan.heap_bytes()
        for heap, top in layout.headings:
            place = y + top - view.scroll
            if y - layout.heading_height < place < y + view.height:
                local = "device local" if models.plan.profile.heaps[heap].device_local else "host"
                label = f"heap {heap}, {local}, {bytes_text(int(sums[heap]))} planned"
                label = widgets.fitting(label, imgui.get_window_pos().x + imgui.get_window_width() - x - unit)
                draw.add_text((x, place + unit * 0.35), quiet, label)
        places = models.places
        for row in layout.visible(view.scroll, view.height).tolist():
            top = y + float(layout.tops[row]) - view.scroll + (layout.row_height - unit) / 2
            ident, size = int(places.allocations["id"][row]), int(places.allocations["size"][row])
            mark = " staging" if places.staging[row] else " leaves" if places.extra[row] else ""
            name, amount = f"a{ident}{mark}", bytes_text(size)
            at = width - unit * 0.5 - imgui.calc_text_size(amount).x
            is_room = imgui.calc_text_size(name).x < at
            draw.add_text((x, top), text, name if is_room else widgets.fitting(name, width - unit * 0.5))
            if is_room:
                draw.add_text((x + at, top), quiet, amount)

    def _scrollbar(self, x: float, y: float) -> None:
        """Mark at the right edge which rows are in sight, where not all are."""
        view, layout, unit = self.state.viewport, self.state.layout, imgui.get_font_size()
        if layout.height <= view.height:
            return
        width, share = unit * 0.3, view.height / layout.height
        top = y + view.scroll * share
        draw = imgui.get_window_draw_list()
        low, high = (x - width, top), (x, top + view.height * share)
        draw.add_rect_filled(low, high, widgets.color(style.QUIET, 0.7), width / 2)

    def _names(self, drawn: Drawn, origin: tuple[float, float]) -> None:
        """Write the names of wide blocks, cut off with an ellipsis where they are longer."""
        draw, unit = imgui.get_window_draw_list(), imgui.get_font_size()
        small = unit * 0.85
        for named in drawn.names:
            x0, y0, x1, y1 = named.box
            text = widgets.fitting(named.text, (x1 - x0 - unit * 0.6) * unit / small)
            if text:
                y = origin[1] + (y0 + y1 - small) / 2
                if drawn.treemap is not None:
                    y = origin[1] + y0 + unit * 0.2
                tint = widgets.color(text_on(named.color))
                font, x = imgui.get_font(), origin[0] + x0 + unit * 0.3
                width = imgui.calc_text_size(text).x * small / unit
                ground = widgets.color(color_of(named.color))  # over lanes of others, and hatching
                draw.add_rect_filled((x, y), (x + width, y + small), ground)
                draw.add_text(font, small, (x, y), tint, text)

    def _mark_selected(self, models: PlanModels, drawn: Drawn, origin: tuple[float, float]) -> None:
        """Draw a frame around what is selected."""
        found = tile_texts.selected_range(models, self._session.selection.memory)
        if found is None:
            return
        draw, unit = imgui.get_window_draw_list(), imgui.get_font_size()
        for box in self._selected_boxes(models, drawn, found):
            low, high = (origin[0] + box[0], origin[1] + box[1]), (origin[0] + box[2], origin[1] + box[3])
            draw.add_rect(low, high, widgets.color(style.GROUND), 0.0, unit * 0.28)
            draw.add_rect(low, high, widgets.color(style.ACCENT), 0.0, unit * 0.16)

    def _selected_boxes(self, models: PlanModels, drawn: Drawn, found: tuple[int, int]) -> list[Rectangle]:
        row, offset = models.places.line_address(found[0])
        if drawn.treemap is None:
            view, layout = self.state.viewport, self.state.layout
            left, right = view.point_of(offset), view.point_of(offset + found[1] - found[0])
            top = float(layout.tops[row]) - view.scroll
            return [(left - 1, top, max(right, left + 2) + 1, top + layout.row_height)]
        boxes = drawn.treemap
        first, last = models.tiles.find(found[0]), models.tiles.find(found[1] - 1)
        if first is None or last is None:
            return []
        at = (boxes.tile >= first) & (boxes.tile <= last)
        if not at.any():  # it is among those that share a rectangle
            at = (boxes.tile < 0) & (boxes.allocation == row)
        piece = self._session.selection.memory
        is_whole = piece is not None and piece[0] == Level.ALLOCATION
        chosen = boxes.outer[boxes.rows == row] if is_whole else boxes.boxes[at][:64]
        return [(float(a), float(b), float(c), float(d)) for a, b, c, d in chosen]

    def _place(self, name: str) -> None:
        """Record where the last item is."""
        low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
        self._session.places[name] = (low.x, low.y, high.x, high.y)


def _tooltip(lines: tuple[str, ...]) -> None:
    if imgui.begin_tooltip():
        imgui.push_text_wrap_pos(imgui.get_font_size() * 32)
        for number, line in enumerate(filter(None, lines)):
            if number:
                imgui.push_style_color(imgui.Col_.text.value, style.QUIET)
            imgui.text_unformatted(line)
            if number:
                imgui.pop_style_color()
        imgui.pop_text_wrap_pos()
        imgui.end_tooltip()
