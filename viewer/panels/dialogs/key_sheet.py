"""The sheet of all keys and of what the mouse does, made from the commands themselves."""

from __future__ import annotations

from imgui_bundle import imgui

from viewer.panels import widgets
from viewer.panels.menu_bar import MENUS, shown_keys
from viewer.session.commands import Command, Commands
from viewer.session.session import Session
from viewer.ui import style

TITLE = "Keys and mouse"
MOUSE = (
    ("click", "select"),
    ("Shift+click", "select too"),
    ("Ctrl+click", "select too, or no longer"),
    ("left drag", "turn around what is selected, or the scene"),
    ("middle drag, Shift+left drag", "move sideways"),
    ("wheel", "come nearer, or go away"),
    ("right drag", "look around; with W A S D Q E fly, Shift: faster"),
    ("drag a handle", "move, turn or scale what is selected; Ctrl: in steps, Esc: as it was"),
    ("drop a file", "open a scene or a model; a picture of light: the sky around a model"),
    ("drag the divider", "of two scenes that are compared: show more of one"),
)
"""What the mouse does over the scene."""
PANELS = (
    ("Ctrl+Tab", "go to another panel, or the menu bar: Tab while Ctrl is held, with Shift backwards"),
    ("arrows", "go from item to item, also of a table"),
    ("Enter, Space", "press what is marked; Enter: type a value"),
    ("PageUp, PageDown, Home, End", "scroll"),
    ("Esc", "leave the value as it was"),
)
"""What keys do in any panel."""
OUTLINER = (
    ("up, down", "select the row above or below; Shift: all on the way"),
    ("right, left", "expand, collapse; go to the first child, or to the object above"),
    ("PageUp, PageDown, Home, End", "go many rows on, to the first, to the last"),
    ("Enter, F2, double click", "rename"),
    ("Space", "enable, or no longer"),
    ("drag", "put below another object"),
)
"""What keys and the mouse do in the outliner."""
MAP = (
    ("wheel", "zoom at the pointer; Ctrl: scroll, Shift: move sideways"),
    ("drag", "pan"),
    ("click", "select a block; of free bytes the page or allocation"),
    ("double click", "zoom to a block"),
)
"""What the mouse does on the map of memory."""


def keys_by_menu(commands: Commands) -> dict[str, list[tuple[str, str]]]:
    """Return (keys, title) of the commands that have keys, by menu in the order of the menu bar."""
    with_keys = [command for command in commands if command.keys]
    menus = dict.fromkeys((*MENUS, *(command.menu for command in with_keys)))
    found = {
        menu: [(", ".join(map(shown_keys, one.keys)), one.title) for one in with_keys if one.menu == menu]
        for menu in menus
    }
    return {menu: entries for menu, entries in found.items() if entries}


class KeySheet:
    """An overlay of two columns; F1 shows and hides it, Esc closes it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.is_shown = False
        session.commands.add(
            Command(
                TITLE,
                "Help",
                self._switch,
                ("F1",),
                is_checked=lambda: self.is_shown,
                while_typing=True,
                needs_scene=False,
            )
        )

    def draw(self) -> None:
        """Draw it while it is shown."""
        if not self.is_shown:
            return
        viewport, size = imgui.get_main_viewport(), imgui.get_font_size()
        width = min(size * 64, viewport.size.x - size * 2)
        height = min(size * 44, viewport.size.y - size * 4)
        middle = viewport.get_center()
        imgui.set_next_window_pos((middle.x, middle.y), imgui.Cond_.appearing.value, (0.5, 0.5))
        imgui.set_next_window_size((width, height), imgui.Cond_.appearing.value)
        flags = (
            imgui.WindowFlags_.no_collapse.value
            | imgui.WindowFlags_.no_docking.value
            | imgui.WindowFlags_.no_saved_settings.value
        )
        is_drawn, stays = imgui.begin(f"{TITLE}###key sheet", True, flags)
        self.is_shown = bool(stays)
        if is_drawn:
            self._content()
        if imgui.is_window_focused() and imgui.is_key_pressed(imgui.Key.escape):
            self.is_shown = False
        imgui.end()

    def _content(self) -> None:
        sections = {
            "Mouse over the scene": list(MOUSE),
            "Panels": list(PANELS),
            "Outliner": list(OUTLINER),
            "Map of memory": list(MAP),
            **keys_by_menu(self._session.commands),
        }
        half = (sum(len(entries) + 2 for entries in sections.values())) / 2
        if not imgui.begin_table("sheet", 2):
            return
        imgui.table_next_row()
        imgui.table_next_column()
        lines, is_second = 0, False
        for title, entries in sections.items():
            if not is_second and lines + len(entries) / 2 > half:
                imgui.table_next_column()
                is_second = True
            lines += len(entries) + 2
            self._section(title, entries)
            self._session.places[f"keys {title}"] = widgets.item_box()
        imgui.end_table()

    def _section(self, title: str, entries: list[tuple[str, str]]) -> None:
        imgui.text_colored(style.ACCENT, title)
        if imgui.begin_table(title, 2):
            imgui.table_setup_column(
                "keys", imgui.TableColumnFlags_.width_fixed.value, imgui.get_font_size() * 11
            )
            imgui.table_setup_column("what", imgui.TableColumnFlags_.width_stretch.value)
            for keys, what in entries:
                imgui.table_next_row()
                imgui.table_next_column()
                imgui.push_text_wrap_pos(0.0)
                imgui.text_colored(style.QUIET, keys)
                imgui.pop_text_wrap_pos()
                imgui.table_next_column()
                imgui.push_text_wrap_pos(0.0)
                imgui.text_unformatted(what)
                imgui.pop_text_wrap_pos()
            imgui.end_table()
        imgui.dummy((0, imgui.get_font_size() * 0.5))

    def _switch(self) -> None:
        self.is_shown = not self.is_shown
