"""Tool tips of switches: what pressing one would change, worked out between frames while it is pointed at."""

from __future__ import annotations

from imgui_bundle import imgui

from engine.planning.what_if.twin_planner import Press
from engine.planning.what_if.what_if import BUDGET_MS, Outcome, WhatIf
from viewer.panels.what_if.change_text import outcome_lines
from viewer.session.session import Session
from viewer.ui import style

PREFIX = "switch "
"""With which the places of switches begin: `switch PATH/FEATURE/FLAG`."""
DELAY_S = 0.2
"""Seconds that a switch is pointed at before anything is worked out."""
FLAGS = ("active", "enabled")
_AWAY = 16.0
"""Points from the mouse to the tip."""


class WhatIfTips:
    """An overlay of the workspace. `pressed` is the switch pointed at, `outcome` what it would change."""

    def __init__(self, session: Session) -> None:
        self._session = session
        runtime = session.runtime
        self.what_if = WhatIf(
            runtime.tableau,
            lambda: runtime.planner,
            lambda: runtime.hold.wanted,
            lambda: runtime.hold.moment,
        )
        self.pressed: Press | None = None
        self.outcome: Outcome | None = None
        self._name = ""
        self._since = 0.0

    def draw(self) -> None:
        """Work on what is pointed at, and show what is known of it."""
        name, now = self._pointed_at(), imgui.get_time()
        if name != self._name:
            self._name, self._since = name, now
        self.pressed = self._press(name) if name and now - self._since >= DELAY_S else None
        if not name:
            self.outcome = self.what_if.press(None)
            return
        self._session.wake(DELAY_S)
        self.outcome = self.what_if.press(self.pressed)
        if self.pressed is None:
            return
        if self.what_if.is_working:
            self.what_if.advance(BUDGET_MS)
        self._tip()

    def _pointed_at(self) -> str:
        """The name of the switch below the mouse."""
        if imgui.is_popup_open("", imgui.PopupFlags_.any_popup.value) or imgui.is_any_mouse_down():
            return ""
        x, y = imgui.get_io().mouse_pos
        for name, (x0, y0, x1, y1) in self._session.places.items():
            if y0 <= y < y1 and x0 <= x < x1 and name.startswith(PREFIX):
                return name
        return ""

    def _press(self, name: str) -> Press | None:
        """The press of a switch by the name of its place; None if there is no such switch."""
        where, _, flag = name.removeprefix(PREFIX).rpartition("/")
        path, _, feature = where.rpartition("/")
        tableau = self._session.runtime.tableau
        if flag not in FLAGS:
            return None
        if not path:
            return Press(flag, not getattr(tableau, flag))
        if path not in tableau or (feature and feature not in tableau.tables):
            return None
        row = tableau[path].row
        if not feature:
            return Press(flag, not tableau.flags(flag)[row], (row,))
        table = tableau.tables[feature]
        of = table.row_of(row)
        return None if of is None else Press(flag, not table.flags(flag)[of], (row,), feature)

    def _tip(self) -> None:
        assert self.pressed is not None
        lines = outcome_lines(self.outcome, self._session.runtime.planner.keys.name)
        if imgui.get_io().nav_visible:  # ImGui would show it beside what the keys have marked
            mouse, middle, away = imgui.get_mouse_pos(), imgui.get_main_viewport().get_center(), _AWAY
            is_right, is_low = mouse.x > middle.x, mouse.y > middle.y
            place = mouse.x + (-away if is_right else away), mouse.y + (-away if is_low else away)
            imgui.set_next_window_pos(place, imgui.Cond_.always.value, (float(is_right), float(is_low)))
        imgui.begin_tooltip()
        imgui.push_text_wrap_pos(imgui.get_font_size() * 36)
        title = f"{self.pressed.flag} {'on' if self.pressed.value else 'off'}:"
        for text, tint in ((title, style.QUIET), (lines[0], style.ACCENT)):
            imgui.push_style_color(imgui.Col_.text.value, tint)
            imgui.text_unformatted(text)
            imgui.pop_style_color()
        for line in lines[1:]:
            imgui.text_unformatted(line)
        imgui.pop_text_wrap_pos()
        low, size = imgui.get_window_pos(), imgui.get_window_size()
        self._session.places["tip"] = low.x, low.y, low.x + size.x, low.y + size.y
        imgui.end_tooltip()
