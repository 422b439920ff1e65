"""The window as a whole: menu bar, docked panels, and the free area in which the scene is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from imgui_bundle import imgui

from viewer.guard import Guard
from viewer.panels import layout, widgets
from viewer.panels.dock_sizes import DockSizes
from viewer.panels.menu_bar import draw_menu_bar
from viewer.panels.panel import Placed
from viewer.panels.shortcuts import run_shortcuts
from viewer.session.commands import Command
from viewer.session.kept_layout import scaled_layout
from viewer.session.links import PanelLink
from viewer.session.session import Rectangle, Session

VIEW_MENU = "View"
_FLAGS = imgui.WindowFlags_.no_collapse.value | imgui.WindowFlags_.no_focus_on_appearing.value
"""A panel that appears leaves the tab in front that was there; `_raised` ones come forward."""
FRAMES_OF_PLACING = 2
"""Windows are docked in one frame and come forward in the next: before, none lies behind another one."""
FRAMES_OF_RETURNING = 4
"""A window that is shown again has a tab after a frame, and this its place after another one."""
NOT_READY = "nothing is planned yet"
_DOCKED = (
    imgui.DockNodeFlags_.passthru_central_node.value
    | imgui.DockNodeFlags_.no_docking_over_central_node.value
    | imgui.internal.DockNodeFlagsPrivate_.no_close_button.value
)
"""The centre is free, and no button closes all panels of a place at once: each has a cross of its own."""


class Workspace:
    """Draws all panels; one that raises is switched off and reported once. Tab hides and shows them all.

    `area` is the free rectangle of the last frame in points: x0 y0 x1 y1. `overlays` are drawn over the scene
    in it, also while the panels are hidden. `reserve` says how much of the top of what panels leave free
    the scene leaves to a bar, in points, and `has_bar` whether it does.
    """

    def __init__(self, session: Session, guard: Guard, panels: Sequence[Placed]) -> None:
        self.visible = True
        self.area: Rectangle = (0.0, 0.0, 0.0, 0.0)
        self.has_bar = False
        self.panels = {placed.title: placed for placed in panels}
        self.reserve: Callable[[Rectangle], float] = lambda _area: 0.0
        self.overlays: dict[str, Callable[[], None]] = {}
        self._session = session
        self._guard = guard
        kept = session.preferences.shown
        self._shown = {
            title: placed.shown if kept is None else title in kept for title, placed in self.panels.items()
        }
        self._recovery = imgui.internal.ErrorRecoveryState()
        self._raised: set[str] = set()
        self._raised_next: set[str] = set()  # windows take a frame to be docked
        self._in_front: set[str] = set()  # what was drawn in this frame, or the last one
        self._before: dict[str, list[int]] = {}  # tabs left of each panel while it was shown, by ids
        self._returning: dict[
            str, int
        ] = {}  # frames for which panels that are shown again look for their place
        self._bars: dict[int, tuple[float, float]] = {}  # widths of bars of tabs and of the tabs, by docks
        self._sizes = DockSizes()
        self._must_lay_out = False
        self._is_loaded = False
        self._placing = 0
        session.links.on(PanelLink, lambda link: self.show(link.title))
        session.commands.add(*self._commands())

    def show(self, title: str, *, shown: bool = True) -> None:
        """Show a panel, above those that it shares a place with, or hide it. Raises KeyError."""
        if title not in self._shown:
            raise KeyError(title)
        if shown and not self._shown[title]:
            self._returning[title] = FRAMES_OF_RETURNING
        self._shown[title] = shown
        if shown:
            self._raised_next.add(title)
        self.visible = self.visible or shown
        self._session.wake()

    @property
    def is_laid_out(self) -> bool:
        """Whether panels were drawn before, so that they have their places."""
        return self._is_loaded

    def has(self, title: str) -> bool:
        """Whether there is such a panel."""
        return title in self._shown

    def is_shown(self, title: str) -> bool:
        """Whether a panel is shown, be it behind another one."""
        return self._shown[title]

    def is_in_front(self, title: str) -> bool:
        """Whether a panel was drawn in the last frame, so that it is before those that share its place."""
        return self.visible and self._shown[title] and title in self._in_front

    def draw(self) -> None:
        """Draw everything in an ImGui frame."""
        self._placing -= self._placing > 0
        self._load()
        if self.visible:
            self._call("menu bar", lambda: draw_menu_bar(self._session))
        run_shortcuts(self._session.commands, self._guard)
        if self.visible:
            self._sizes.fit()
        node = imgui.dock_space_over_viewport(0, imgui.get_main_viewport(), _DOCKED) if self.visible else 0
        if node and self._must_lay_out:
            self._raised_next |= layout.set_default(node, list(self.panels.values()))
            self._must_lay_out, self._placing = False, FRAMES_OF_PLACING
            self._sizes = DockSizes()
        x0, y0, x1, y1 = free = layout.free_area(node)
        bar = self.reserve(free) if self.visible else 0.0
        self.area, self.has_bar = (x0, y0 + bar, x1, y1), bar > 0
        if self.visible:
            nodes: dict[int, imgui.internal.DockNode] = {}
            for title, placed in self.panels.items():
                if self._shown[title] and (docked := self._panel(title, placed)) is not None:
                    nodes[docked.id_] = docked
            self._sizes.note(node, nodes)
            if layout.keep_chosen_in_sight(nodes.values(), self._bars):
                self._session.wake()
            for docked in nodes.values():
                layout.end_cut_titles(docked)
        for name, draw in self.overlays.items():
            self._call(name, draw)
        if self._raised or self._raised_next:
            self._session.wake()  # a tab that is chosen in a frame is in front in the next one
        self._raised, self._raised_next = self._raised_next, set()
        if imgui.get_io().want_save_ini_settings:
            self._keep()

    def lay_out(self) -> None:
        """Put every panel back to its first place."""
        self._must_lay_out = True
        for title, placed in self.panels.items():
            self._shown[title] = placed.shown
        self._session.wake()

    def keep(self) -> None:
        """Note in the preferences where the panels are and which are shown."""
        self._keep()

    def _panel(self, title: str, placed: Placed) -> imgui.internal.DockNode | None:
        """Draw a panel; return the node that it is docked in."""
        if title in self._raised:
            imgui.set_next_window_focus()
        scale = imgui.get_font_size()
        imgui.set_next_window_size((scale * 28, scale * 24), imgui.Cond_.first_use_ever.value)
        is_drawn, stays = imgui.begin(placed.window, True, _FLAGS)
        low, size = imgui.get_window_pos(), imgui.get_window_size()
        within = imgui.internal.get_current_window()
        if title in self._raised:
            layout.bring_forward(within)
        tab = within.dc.dock_tab_item_rect if imgui.is_window_docked() else within.title_bar_rect()
        self._session.places[f"tab {title}"] = (tab.min.x, tab.min.y, tab.max.x, tab.max.y)
        self._keep_place(title, within)
        self._in_front.discard(title)
        if is_drawn:
            self._in_front.add(title)
        if is_drawn and not self._placing:
            self._session.places[f"panel {title}"] = (low.x, low.y, low.x + size.x, low.y + size.y)
            if placed.is_ready:
                self._call(f"panel {title}", lambda: placed.panel.draw())
            else:
                widgets.quiet(NOT_READY)
        imgui.end()
        if not stays:
            self._shown[title] = False
        return within.dock_node

    def _keep_place(self, title: str, window: imgui.internal.Window) -> None:
        """Note which tabs stand left of that of a panel; have one that is shown again put behind these."""
        left = self._returning.pop(title, 0)
        if not left:
            self._before[title] = layout.tabs_before(window)
            return
        if title in self._before:
            layout.put_behind(window, self._before[title])
        if left > 1:
            self._returning[title] = left - 1
            self._session.wake()

    def _call(self, name: str, draw: Callable[[], None]) -> None:
        """Draw one part; if it raises halfway, ImGui's stacks are restored."""
        imgui.internal.error_recovery_store_state(self._recovery)
        before = len(self._guard.switched_off)
        self._guard.call(name, draw)
        if len(self._guard.switched_off) != before:
            io = imgui.get_io()
            asserts, io.config_error_recovery_enable_assert = io.config_error_recovery_enable_assert, False
            log, io.config_error_recovery_enable_debug_log = io.config_error_recovery_enable_debug_log, False
            imgui.internal.error_recovery_try_to_recover_state(self._recovery)
            io.config_error_recovery_enable_assert = asserts
            io.config_error_recovery_enable_debug_log = log

    def _load(self) -> None:
        """Take the layout of the preferences, before the first frame."""
        if self._is_loaded:
            return
        self._is_loaded = True
        self._placing = FRAMES_OF_PLACING
        kept = self._session.preferences
        if kept.layout:
            ratio = imgui.get_style().font_scale_dpi / kept.layout_scale
            imgui.load_ini_settings_from_memory(scaled_layout(kept.layout, ratio))
        else:
            self._must_lay_out = True

    def _keep(self) -> None:
        imgui.get_io().want_save_ini_settings = False
        with self._sizes.as_chosen():
            places = imgui.save_ini_settings_to_memory()
        self._session.preferences = replace(
            self._session.preferences,
            layout=places,
            layout_scale=round(imgui.get_style().font_scale_dpi, 4),
            shown=tuple(title for title, shown in self._shown.items() if shown),
        )

    def _commands(self) -> list[Command]:
        command = partial(Command, menu=VIEW_MENU, needs_scene=False)

        def switch(title: str) -> Command:
            return command(
                f"Panel {title}",
                run=lambda: self.show(title, shown=not self.is_in_front(title)),
                is_checked=lambda: self._shown[title],
            )

        def hide() -> None:
            self.visible = not self.visible

        return [
            *(switch(title) for title in self.panels),
            command("Reset layout", run=self.lay_out),
            command("All panels", run=hide, keys=("Tab",), is_checked=lambda: self.visible),
        ]
