"""The tool bar above the scene: what is done most often, as buttons with tool tips."""

from __future__ import annotations

from imgui_bundle import imgui

from viewer.panels import parts, widgets
from viewer.panels.menu_bar import draw_command, shown_keys
from viewer.panels.scene_view.view_modes import MENU, ViewModes
from viewer.session.commands import Command
from viewer.session.session import Rectangle, Session
from viewer.ui import style

GROUPS = (
    (
        ("move", "Gizmo: move"),
        ("turn", "Gizmo: turn"),
        ("scale", "Gizmo: scale"),
        ("own axes", "Gizmo along own axes"),
    ),
    (("focus", "Show selection"), ("all", "Show all"), ("start", "Back to the start")),
    (("ortho", "Orthographic"), ("grid", "Grid")),
)
"""Text and command of each button."""
MORE = "»"
_POPUP = "###more tools"
LEAST_HEIGHTS = 10.0
"""A lower area has no bar: it would leave too little of the scene."""


class ToolBar:
    """Draws the groups for which there is room, from the left, and a menu of the others.

    `Session.places` has buttons as `tool TEXT`, the menu's as `tool more`, its items as `more TITLE`.
    """

    def __init__(self, session: Session, modes: ViewModes) -> None:
        self._session = session
        self._modes = modes
        self._must_open = False
        self._has_more = False
        session.commands.add(
            Command("More tools", "View", self._open_more, is_enabled=lambda: self._has_more)
        )

    def height(self, area: Rectangle) -> float:
        """Return how high it is at the top of an area of the window; 0 where there is no room for it."""
        is_high = area[3] - area[1] >= imgui.get_frame_height() * LEAST_HEIGHTS
        return imgui.get_frame_height() + imgui.get_font_size() * 0.5 if is_high else 0.0

    def draw(self, area: Rectangle) -> None:
        """Draw it directly above an area of the window, as wide as that."""
        gap = imgui.get_font_size() * 0.5
        height = imgui.get_frame_height() + gap
        shown, has_modes = self._fitting(area[2] - area[0] - gap * 2)
        self._has_more = not has_modes
        imgui.set_next_window_pos((area[0], area[1] - height))
        imgui.set_next_window_size((area[2] - area[0], height))
        imgui.push_style_var(imgui.StyleVar_.window_padding.value, (gap, gap * 0.5))
        imgui.push_style_var(imgui.StyleVar_.window_min_size.value, (1.0, 1.0))
        imgui.push_style_var(imgui.StyleVar_.window_border_size.value, 0.0)
        imgui.push_style_var(imgui.StyleVar_.window_rounding.value, 0.0)
        imgui.begin("###tool bar", None, widgets.FLOATING)
        for number, group in enumerate(GROUPS[:shown]):
            for at, (text, title) in enumerate(group):
                if number or at:
                    imgui.same_line(0, gap if at == 0 else 1)
                self._button(text, title)
        if shown:
            imgui.same_line(0, gap)
        if has_modes:
            self._mode_combo()
        else:
            self._more(shown)
        imgui.end()
        imgui.pop_style_var(4)

    def _fitting(self, room: float) -> tuple[int, bool]:
        """Return for how many groups there is room, and whether there is for the list of modes, too."""
        if self._width(len(GROUPS)) + self._combo_width <= room:
            return len(GROUPS), True
        more = parts.button_width(MORE)
        return max((n for n in range(len(GROUPS) + 1) if self._width(n) + more <= room), default=0), False

    def _width(self, count: int) -> float:
        """How wide so many groups are, with the gap after each."""
        texts = [text for group in GROUPS[:count] for text, _ in group]
        return sum(parts.button_width(text) + 1 for text in texts) + imgui.get_font_size() * 0.5 * count

    def _open_more(self) -> None:
        self._must_open = True
        self._session.wake()

    def _more(self, shown: int) -> None:
        """Draw the button of what there is no room for, and its menu."""
        session = self._session
        if imgui.button(MORE) or self._must_open:
            imgui.open_popup(_POPUP)
        self._must_open = False
        session.places["tool more"] = low, _, _, bottom = widgets.item_box()
        hidden = [text for group in GROUPS[shown:] for text, _ in group]
        widgets.tooltip((f"more tools: {', '.join((*hidden, self._modes.mode.value))}",))
        imgui.set_next_window_pos((low, bottom), imgui.Cond_.appearing.value)
        if not imgui.begin_popup(_POPUP):
            return
        for group in GROUPS[shown:]:
            for _, title in group:
                draw_command(session, session.commands.find(title), f"more {title}")
            imgui.separator()
        for command in session.commands:
            if command.menu == MENU:
                draw_command(session, command, f"more {command.title}")
        imgui.end_popup()

    @property
    def _combo_width(self) -> float:
        """Room for the longest name of a mode and the arrow."""
        return imgui.get_font_size() * 8

    def _mode_combo(self) -> None:
        """Choose what the picture shows."""
        imgui.set_next_item_width(self._combo_width)
        is_open = imgui.begin_combo("##mode", self._modes.mode.value)
        self._session.places["tool mode"] = widgets.item_box()
        if is_open:
            for command in self._session.commands:
                if command.menu != MENU or command.is_checked is None:
                    continue
                flags = 0 if command.is_enabled() else imgui.SelectableFlags_.disabled.value
                clicked, _ = imgui.selectable(command.title.lower(), command.is_checked(), flags)
                self._session.places[f"mode {command.title.lower()}"] = widgets.item_box()
                if clicked:
                    command.run()
            imgui.end_combo()
        else:
            widgets.tooltip(("what the picture shows: light, lines, a value of surfaces, a channel",))

    def _button(self, text: str, title: str) -> None:
        command = self._session.commands.find(title)
        is_on = command.is_checked is not None and command.is_checked()
        if is_on:
            imgui.push_style_color(imgui.Col_.button.value, style.ACCENT_DIM)
        imgui.begin_disabled(not command.is_enabled())
        if imgui.button(text):
            command.run()
            self._session.wake()
        imgui.end_disabled()
        self._session.places[f"tool {text}"] = widgets.item_box()
        if is_on:
            imgui.pop_style_color()
        keys = f" ({shown_keys(command.keys[0])})" if command.keys else ""
        widgets.tooltip((f"{title}{keys}",))
