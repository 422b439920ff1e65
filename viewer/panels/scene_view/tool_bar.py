"""The tool bar above the scene: what is done most often, as buttons with tool tips."""

from __future__ import annotations

from imgui_bundle import imgui

from viewer.panels import widgets
from viewer.panels.menu_bar import shown_keys
from viewer.panels.scene_view.view_modes import MENU, ViewModes
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
LEAST_HEIGHTS = 10.0
"""A lower area has no bar: it would leave too little of the scene."""


class ToolBar:
    """Draws the groups for which there is room, from the left; `Session.places` has them as `tool TEXT`."""

    def __init__(self, session: Session, modes: ViewModes) -> None:
        self._session = session
        self._modes = modes

    def height(self, area: Rectangle) -> float:
        """Return how high it is at the top of an area of the window; 0 where there is no room for it."""
        is_high = area[3] - area[1] >= imgui.get_frame_height() * LEAST_HEIGHTS
        return (
            imgui.get_frame_height() + imgui.get_font_size() * 0.5 if is_high and self._groups(area) else 0.0
        )

    def draw(self, area: Rectangle) -> None:
        """Draw it directly above an area of the window, as wide as that."""
        gap = imgui.get_font_size() * 0.5
        groups, height = self._groups(area), imgui.get_frame_height() + gap
        room = area[2] - area[0] - gap * 2
        imgui.set_next_window_pos((area[0], area[1] - height))
        imgui.set_next_window_size((area[2] - area[0], height))
        imgui.push_style_var(imgui.StyleVar_.window_padding.value, (gap, gap * 0.5))
        imgui.push_style_var(imgui.StyleVar_.window_min_size.value, (1.0, 1.0))
        imgui.push_style_var(imgui.StyleVar_.window_border_size.value, 0.0)
        imgui.push_style_var(imgui.StyleVar_.window_rounding.value, 0.0)
        imgui.begin("###tool bar", None, widgets.FLOATING)
        for number, group in enumerate(groups):
            for at, (text, title) in enumerate(group):
                if number or at:
                    imgui.same_line(0, gap if at == 0 else 1)
                self._button(text, title)
        if len(groups) == len(GROUPS) and self._right_edge(len(GROUPS)) + self._combo_width <= room:
            imgui.same_line(0, gap)
            self._mode_combo()
        imgui.end()
        imgui.pop_style_var(4)

    def _groups(self, area: Rectangle) -> list[tuple[tuple[str, str], ...]]:
        """The groups for which there is room."""
        room = area[2] - area[0] - imgui.get_font_size()
        return [group for number, group in enumerate(GROUPS) if self._right_edge(number) <= room]

    def _right_edge(self, number: int) -> float:
        """How wide the bar is with the groups up to this one."""
        frame, gap = imgui.get_style().frame_padding.x * 2, imgui.get_font_size() * 0.5
        texts = [text for group in GROUPS[: number + 1] for text, _ in group]
        return sum(imgui.calc_text_size(text).x + frame + 1 for text in texts) + gap * (number + 2)

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
