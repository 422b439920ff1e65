"""The panel of other devices: what the scene takes there, heap by heap, and whether it fits."""

from __future__ import annotations

from imgui_bundle import imgui

from engine.humon import InputError
from engine.plan.profile.device_profile import USABLE_SHARE
from engine.plan.terms.errors import PlanError
from viewer.panels import parts, widgets
from viewer.panels.number_format import bytes_text
from viewer.panels.what_if.other_devices import Candidate, OtherDevices, problem_of
from viewer.session.session import Session
from viewer.ui import style

_TABLE = (
    imgui.TableFlags_.scroll_x.value
    | imgui.TableFlags_.pad_outer_x.value
    | imgui.TableFlags_.scroll_y.value
    | imgui.TableFlags_.row_bg.value
    | imgui.TableFlags_.borders_inner_h.value
    | imgui.TableFlags_.resizable.value
)
LEAST_WIDTH = 34
"""Heights of the font that the columns take at least; a narrower panel is scrolled."""
_FIXED = imgui.TableColumnFlags_.width_fixed.value
_STRETCH = imgui.TableColumnFlags_.width_stretch.value


_REST = "The rest of a heap is left to the driver and to other processes."


class OtherDevicesPanel:
    """Buttons are `device TITLE` of `Session.places`."""

    title = "other devices"

    def __init__(self, session: Session) -> None:
        self._session = session
        runtime = session.runtime
        self.devices = OtherDevices(runtime.tableau, lambda: runtime.planner, lambda: runtime.plan)

    def draw(self) -> None:
        """Draw into the current window."""
        if self.devices.is_working:
            self.devices.advance()
            self._session.wake()
        if not widgets.begin_table("devices", 5, _TABLE, 0.0, widgets.scrolled_width(LEAST_WIDTH)):
            return
        letter = imgui.get_font_size()
        imgui.table_setup_scroll_freeze(1, 1)
        imgui.table_setup_column("device", _STRETCH, 1.3)
        imgui.table_setup_column("", _FIXED, parts.button_width("plan"))
        imgui.table_setup_column("allocated", _FIXED, letter * 5)
        imgui.table_setup_column("device-local budget", _STRETCH, 1.2)
        imgui.table_setup_column("fits", _STRETCH, 1.0)
        widgets.table_headers(2)
        for candidate in self.devices.candidates:
            self._row(candidate)
        imgui.end_table()

    def _row(self, candidate: Candidate) -> None:
        imgui.table_next_row()
        imgui.table_next_column()
        imgui.align_text_to_frame_padding()
        widgets.cut(candidate.title)
        imgui.table_next_column()
        is_busy = candidate.work is not None
        busy = "It is being planned." if is_busy else ""
        if parts.button(self._session, f"device {candidate.title}", "plan", why_not=busy):
            self._begin(candidate)
        outcome, stale = candidate.outcome, self.devices.is_stale(candidate)
        tint = style.QUIET if stale else style.TEXT
        imgui.table_next_column()
        imgui.align_text_to_frame_padding()
        if outcome is not None and outcome.plan is not None:
            allocations = len(outcome.plan.memory.allocations)
            widgets.right_aligned(bytes_text(outcome.plan.planned_bytes), tint)
            widgets.tooltip((f"{allocations:,} allocations",))
        elif is_busy:
            widgets.right_aligned("...", style.QUIET)
        imgui.table_next_column()
        self._heaps(candidate, tint)
        imgui.table_next_column()
        if outcome is not None:
            problem = problem_of(outcome)
            shade = tint if stale else style.WARNING if problem else style.GOOD
            widgets.cut(problem or "yes", shade, more=("of an earlier plan",) if stale else ())

    def _heaps(self, candidate: Candidate, tint: style.Color) -> None:
        """The device-local heaps: planned of the budget."""
        profile, outcome = candidate.planned, candidate.outcome
        more = []
        if profile is None:
            return
        used = outcome.plan.heap_bytes() if outcome is not None and outcome.plan is not None else None
        words = []
        for number, heap in enumerate(profile.heaps):
            if heap.device_local:
                budget = bytes_text(profile.budget(number))
                share = f", {USABLE_SHARE:.0%} of it" * (number not in profile.budgets)
                more.append(f"heap {number}: {bytes_text(heap.size)}, of which {budget} may be used{share}")
                words.append(f"{bytes_text(int(used[number]))} of {budget}" if used is not None else budget)
        widgets.cut(", ".join(words), tint, more=(*more, _REST))

    def _begin(self, candidate: Candidate) -> None:
        try:
            self.devices.begin(candidate)
        except (PlanError, InputError) as error:
            self._session.report(str(error))
        self._session.wake()
