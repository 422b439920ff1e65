"""The command palette: type a few letters of what to do, or `@` and a name of an object."""

from __future__ import annotations

from imgui_bundle import imgui

from viewer.guard import Guard
from viewer.panels import widgets
from viewer.panels.dialogs.palette_model import Entry, PaletteModel
from viewer.panels.menu_bar import shown_keys
from viewer.session.commands import Command
from viewer.session.session import Session
from viewer.ui import style

_NAME = "###command palette"
_HINT = "what to do, or @ and the name of an object"
_ROWS = 12
_FLAGS = (
    imgui.WindowFlags_.no_title_bar.value
    | imgui.WindowFlags_.no_resize.value
    | imgui.WindowFlags_.no_move.value
    | imgui.WindowFlags_.no_saved_settings.value
)


class CommandPalette:
    """An overlay: arrows choose, Enter runs, Esc closes."""

    def __init__(self, session: Session, guard: Guard) -> None:
        self._session = session
        self._guard = guard
        self._model = PaletteModel(session)
        self._text = ""
        self._chosen = 0
        self._must_open = False
        self._is_fresh = False
        session.commands.add(
            Command(
                "Command palette",
                "Help",
                lambda: self.open(""),
                ("Ctrl+P",),
                while_typing=True,
                needs_scene=False,
            ),
            Command("Find object", "Edit", lambda: self.open("@"), ("Ctrl+F",)),
        )

    def open(self, text: str) -> None:
        """Open it with a text."""
        self._text, self._chosen, self._must_open, self._is_fresh = text, 0, True, True
        self._session.wake()

    def draw(self) -> None:
        """Draw it while it is open."""
        just_opened, self._must_open = self._must_open, False
        if just_opened:
            imgui.open_popup(_NAME)
            self._model.search(self._text)
        viewport, size = imgui.get_main_viewport(), imgui.get_font_size()
        width = min(size * 36, viewport.size.x - size * 2)
        imgui.set_next_window_pos(
            (viewport.pos.x + (viewport.size.x - width) / 2, viewport.pos.y + size * 3.5)
        )
        imgui.set_next_window_size((width, 0))
        if not imgui.begin_popup(_NAME, _FLAGS):
            return
        self._take_text(just_opened)
        entry = self._list()
        if imgui.is_key_pressed(imgui.Key.escape):
            imgui.close_current_popup()
        if entry is not None:
            imgui.close_current_popup()
            self._guard.call(f"command {entry.text}", entry.run)
            self._session.wake()
        imgui.end_popup()

    def _take_text(self, just_opened: bool) -> None:
        imgui.set_next_item_width(-1)
        if just_opened:
            imgui.set_keyboard_focus_here()
        flags = imgui.InputTextFlags_.callback_always.value
        changed, self._text = imgui.input_text_with_hint("##text", _HINT, self._text, flags, self._to_end)
        self._session.places["palette text"] = widgets.item_box()
        if changed:
            self._chosen = 0
            self._model.search(self._text)

    def _to_end(self, data: imgui.InputTextCallbackData) -> int:
        """Go on behind what is there already, which ImGui selects when a text gets the focus."""
        if self._is_fresh:
            self._is_fresh = False
            data.cursor_pos = data.selection_start = data.selection_end = data.buf_text_len
        return 0

    def _list(self) -> Entry | None:
        """Draw the entries; return the one to run."""
        entries = self._model.entries
        step = imgui.is_key_pressed(imgui.Key.down_arrow) - imgui.is_key_pressed(imgui.Key.up_arrow)
        if entries:
            self._chosen = max(0, min(self._chosen + step, len(entries) - 1))
        height = imgui.get_text_line_height_with_spacing() * min(_ROWS, max(len(entries), 1)) + 4
        run: Entry | None = None
        imgui.dummy((0, imgui.get_style().item_spacing.y))
        if imgui.begin_child("entries", (0, height), 0, imgui.WindowFlags_.no_nav_inputs.value):
            if not entries:
                widgets.quiet("nothing is called so")
            clipper = imgui.ListClipper()
            clipper.begin(len(entries))
            if entries:
                clipper.include_item_by_index(self._chosen)
            while clipper.step():
                for index in range(clipper.display_start, clipper.display_end):
                    if self._entry(index, entries[index], scroll=bool(step)):
                        run = entries[index]
        imgui.end_child()
        if self._model.total > len(entries):
            widgets.quiet(f"the first {len(entries)} of {self._model.total:,}")
        enter = imgui.is_key_pressed(imgui.Key.enter, False) or imgui.is_key_pressed(
            imgui.Key.keypad_enter, False
        )
        return entries[self._chosen] if enter and entries else run

    def _entry(self, index: int, entry: Entry, *, scroll: bool) -> bool:
        is_chosen = index == self._chosen
        imgui.push_style_color(imgui.Col_.header.value, style.SELECTED)
        clicked, _ = imgui.selectable(f"##{index}", is_chosen)
        imgui.pop_style_color()
        self._session.places[f"palette {entry.text}"] = widgets.item_box()
        if is_chosen and scroll:
            imgui.set_scroll_here_y()
        keys = shown_keys(entry.keys)
        gap = imgui.get_font_size()
        at_right = imgui.calc_text_size(keys).x if keys else 0.0
        imgui.same_line(0, 0)
        room = imgui.get_content_region_avail().x - at_right - gap
        name = widgets.fitting(entry.text, room)
        imgui.text_unformatted(name)
        imgui.same_line(0, gap)
        rest = room - imgui.calc_text_size(name).x - gap
        detail = widgets.fitting(entry.detail, max(rest, 0.0))
        widgets.quiet(detail)
        if keys:
            imgui.same_line(0, 0)
            imgui.set_cursor_pos_x(
                imgui.get_cursor_pos_x() + max(0.0, imgui.get_content_region_avail().x - at_right)
            )
            imgui.text_colored(style.QUIET, keys)
        return clicked
