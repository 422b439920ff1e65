"""The inspector's panel at the left of the window: a header of figures and three tabs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from imgui_bundle import imgui

from engine.plan.model.plan import Plan
from engine.tableau.tableau import Tableau
from viewer.guard import Guard
from viewer.panels import widgets
from viewer.panels.compaction_button import CompactionButton
from viewer.panels.memory_panel import MemoryPanel
from viewer.panels.objects_panel import ObjectsPanel
from viewer.panels.run_statistics import RunStatistics
from viewer.ui import style

WIDTH = 400
NARROWEST = 260
_WINDOW = (
    imgui.WindowFlags_.no_move.value
    | imgui.WindowFlags_.no_collapse.value
    | imgui.WindowFlags_.no_title_bar.value
    | imgui.WindowFlags_.no_saved_settings.value
    | imgui.WindowFlags_.no_bring_to_front_on_focus.value
)


class Inspector:
    """Draws the panel in an ImGui frame; a part that raises is switched off and reported once."""

    def __init__(self, tableau: Tableau, compaction_button: CompactionButton, guard: Guard) -> None:
        self.visible = True
        self.compaction_button = compaction_button
        self._guard = guard
        self._objects = ObjectsPanel(tableau)
        self._memory = MemoryPanel(compaction_button)
        self._recovery = imgui.internal.ErrorRecoveryState()

    @property
    def switches(self) -> dict[tuple[str, str, str], widgets.Rectangle]:
        """The rectangles of the visible switches: (path, feature or "", flag) -> x0 y0 x1 y1 in points."""
        return self._objects.switches

    def draw(self, plan: Plan, facts: RunStatistics) -> None:
        """Draw the panel, if it is shown; F1 shows and hides it."""
        if imgui.is_key_pressed(imgui.Key.f1, False):
            self.visible = not self.visible
        if not self.visible:
            self.switches.clear()
            return
        height = imgui.get_main_viewport().size.y
        scale = imgui.get_style().font_scale_dpi
        imgui.set_next_window_pos((0, 0))
        imgui.set_next_window_size((WIDTH * scale, height), imgui.Cond_.first_use_ever.value)
        imgui.set_next_window_size_constraints((NARROWEST * scale, height), (1e6, height))
        imgui.begin("inspector", None, _WINDOW)
        self._call("header", partial(_header, facts))
        count = len(facts.problems)
        tabs: dict[str, Callable[[], None]] = {
            "objects": self._objects.draw,
            "memory": partial(self._memory.draw, plan, facts),
            f"problems ({count})###problems" if count else "problems": partial(_problems, facts),
        }
        chosen = _choose(tuple(tabs))
        if chosen:
            self._call(f"inspector tab {chosen.partition(' ')[0]}", tabs[chosen])
        imgui.end()

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


def _header(facts: RunStatistics) -> None:
    imgui.text_unformatted(facts.scene)
    rate = 1000.0 / facts.frame_ms if facts.frame_ms > 0 else 0.0
    imgui.same_line()
    widgets.right_aligned(f"{rate:.0f} fps", style.GOOD if facts.settled else style.ACCENT)
    widgets.quiet(facts.device)
    imgui.same_line()
    widgets.right_aligned(f"{facts.cpu_ms:.2f} ms", style.QUIET)
    imgui.spacing()


def _choose(labels: tuple[str, ...]) -> str:
    """Draw the tabs and return the chosen one; its content is drawn after the tab bar has ended, so that a
    part that raises halfway cannot leave the bar open.
    """
    chosen = ""
    if imgui.begin_tab_bar("tabs"):
        for label in labels:
            opened, _ = imgui.begin_tab_item(label)
            if opened:
                chosen = label
                imgui.end_tab_item()
        imgui.end_tab_bar()
    return chosen


def _problems(facts: RunStatistics) -> None:
    if not facts.problems:
        widgets.quiet("none")
    for number, problem in enumerate(facts.problems):
        imgui.push_id(number)
        imgui.push_text_wrap_pos(0.0)
        imgui.text_colored(style.WARNING, problem)
        imgui.pop_text_wrap_pos()
        imgui.pop_id()
        imgui.separator()
