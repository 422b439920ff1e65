"""The panel of the schedule: hold, step and run; the pace of streaming; databases; the steps."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from imgui_bundle import imgui

from viewer.panels import parts, sliders, widgets
from viewer.panels.number_format import bytes_text, count_text
from viewer.panels.plans.last_plans import LastPlans
from viewer.panels.schedule.schedule_model import ScheduleModel
from viewer.panels.what_if.change_text import change_lines, change_title
from viewer.session.session import Session
from viewer.ui import style

_TABLE = (
    imgui.TableFlags_.scroll_y.value
    | imgui.TableFlags_.row_bg.value
    | imgui.TableFlags_.borders_inner_h.value
    | imgui.TableFlags_.resizable.value
)
_STEPS = _TABLE | imgui.TableFlags_.scroll_x.value | imgui.TableFlags_.pad_outer_x.value
LEAST_WIDTH = 30
"""Heights of the font that the columns take at least; a narrower panel is scrolled."""
_FIXED = imgui.TableColumnFlags_.width_fixed.value
_STRETCH = imgui.TableColumnFlags_.width_stretch.value
LEAST_STEPS = 9
"""Heights of a letter that steps take at least: the panel is scrolled where there is less."""
WIDE = 60
"""Widths of a letter from which steps stand beside the rest."""
MIB = 1 << 20
LONGEST_MS, MOST_CYCLES, MOST_MIB = 8.0, 32, 256
_HOLD = "Plan changes of the scene, but carry nothing out until it is stepped or run; frames go on."
_STEP = "Carry out the next step; the first of a plan is all that frames draw into."
_CYCLE = "Carry out steps to the end of the next paging cycle."
_RUN = "Carry everything out."
_CPU, _CYCLES, _COPIED = "CPU per frame", "paging cycles per frame", "copied per frame"


class SchedulePanel:
    """Draws only the visible steps; buttons are `hold`, `step`, `cycle` and `run` of `Session.places`."""

    title = "schedule"

    def __init__(self, session: Session, plans: LastPlans) -> None:
        self._session = session
        self.model = ScheduleModel(session.runtime, plans)
        self._followed = -1

    def draw(self) -> None:
        """Draw into the current window."""
        self.model.refresh(time.monotonic())
        self._controls()
        width = imgui.get_content_region_avail().x
        if width > WIDE * imgui.get_font_size():
            if widgets.begin_child("left", (width * 0.42, 0)):
                self._overview()
            imgui.end_child()
            imgui.same_line()
            if widgets.begin_child("steps"):
                self._steps()
            imgui.end_child()
        else:
            self._overview()
            imgui.spacing()
            self._steps()

    def _controls(self) -> None:
        """The buttons, and what waits or runs."""
        runtime, hold = self._session.runtime, self._session.runtime.hold
        is_waiting = self.model.is_waiting
        can_step = hold.is_on and (is_waiting or runtime.memory.steps_left > 0)
        held = "Plans are held already." if hold.is_on else ""
        free = "" if hold.is_on else "Plans are not held."
        no_step = free or ("" if can_step else "No step waits.")
        if parts.button(self._session, "hold", "hold", _HOLD, why_not=held):
            hold.set(True)
            self._session.wake()
        parts.flows(parts.button_width("step"))
        if parts.button(self._session, "step", "step", _STEP, why_not=no_step):
            hold.step()
            self._session.wake(0.5)
        parts.flows(parts.button_width("cycle"))
        if parts.button(self._session, "cycle", "cycle", _CYCLE, why_not=no_step):
            hold.step(cycle=True)
            self._session.wake(0.5)
        parts.flows(parts.button_width("run"))
        if parts.button(self._session, "run", "run", _RUN, why_not=free):
            hold.set(False)
            self._session.wake(0.5)
        imgui.same_line()
        imgui.align_text_to_frame_padding()
        widgets.cut(self._state(), style.ACCENT if can_step else style.QUIET, more=self._waiting_lines())

    def _state(self) -> str:
        runtime, model = self._session.runtime, self.model
        if model.is_waiting and model.change is not None:
            change = model.change
            return f"a plan waits: {change_title(change)}, {count_text(model.steps, 'step')}"
        left = runtime.memory.steps_left
        if runtime.hold.is_on:
            return f"held, {count_text(left, 'step')} left" if left else "held, nothing waits"
        return f"running, {count_text(left, 'step')} left" if left else "settled"

    def _waiting_lines(self) -> tuple[str, ...]:
        change = self.model.change
        return change_lines(change, self._session.runtime.planner.keys.name) if change is not None else ()

    def _overview(self) -> None:
        self._pace()
        model = self.model
        sums = self._session.runtime.memory.statistics
        rate = f"{bytes_text(round(model.rate))}/s"
        widgets.cut(
            f"{rate} now, {bytes_text(sums.bytes_uploaded)} and {count_text(sums.cycles, 'cycle')} so far"
        )
        self._plot()
        self._databases()

    def _pace(self) -> None:
        """Sliders for how much of each frame streaming may use."""
        memory = self._session.runtime.memory
        pace = memory.pace
        em, label = imgui.get_font_size(), imgui.calc_text_size(_CYCLES).x
        room = imgui.get_content_region_avail().x - imgui.get_style().item_inner_spacing.x
        width = max(em * 3, min(em * 9, room - label))
        names = _CPU, _CYCLES, _COPIED
        of_cpu, of_cycles, of_copied = (f"{widgets.fitting(name, room - width)}###{name}" for name in names)
        imgui.push_item_width(width)
        changed, value = sliders.slide_float(
            of_cpu, pace.milliseconds, 0.05, LONGEST_MS, "%.2f ms", is_logarithmic=True
        )
        parts.note_place(self._session, "pace milliseconds")
        if changed:
            memory.pace = replace(pace, milliseconds=value)
        changed, cycles = sliders.slide_int(of_cycles, pace.cycles, 1, MOST_CYCLES)
        parts.note_place(self._session, "pace cycles")
        widgets.tooltip(("Set with --paging-cycles, exactly so many run.",) if pace.whole_cycles else ())
        if changed:
            memory.pace = replace(memory.pace, cycles=cycles)
        changed, size = sliders.slide_int(of_copied, pace.copied // MIB, 1, MOST_MIB, "%d MiB")
        parts.note_place(self._session, "pace copied")
        if changed:
            memory.pace = replace(memory.pace, copied=size * MIB)
        imgui.pop_item_width()

    def _plot(self) -> None:
        """Bytes per second over the last seconds."""
        rates = self.model.rates
        if not rates.any():
            return
        most = float(rates.max())
        size = (imgui.get_content_region_avail().x, imgui.get_font_size() * 3)
        values = np.ascontiguousarray(rates, np.float32)
        imgui.plot_lines("##rate", values, 0, f"at most {bytes_text(round(most))}/s", 0.0, most * 1.1, size)

    def _databases(self) -> None:
        """What is read of each database, and the staging buffers."""
        rows = self.model.databases()
        if rows and imgui.begin_table("databases", 4, _TABLE & ~imgui.TableFlags_.scroll_y.value):
            imgui.table_setup_column("database", _STRETCH, 1.2)
            imgui.table_setup_column("window in its cache", _STRETCH, 1.6)
            imgui.table_setup_column("staged", _STRETCH, 0.8)
            imgui.table_setup_column("transferred", _STRETCH, 1.4)
            widgets.table_headers(2)
            for row in rows:
                imgui.table_next_row()
                imgui.table_next_column()
                widgets.cut(row.name)
                imgui.table_next_column()
                if row.window is not None:
                    offset, size = row.window
                    span(offset / max(row.cache, 1), (offset + size) / max(row.cache, 1))
                    widgets.tooltip(
                        (
                            f"{bytes_text(size)} from {offset:,} B",
                            f"of {bytes_text(row.cache)}",
                        )
                    )
                else:
                    widgets.quiet("none")
                imgui.table_next_column()
                widgets.right_aligned(bytes_text(row.staged))
                imgui.table_next_column()
                widgets.cut(f"{bytes_text(row.done)} of {bytes_text(row.total)}")
            imgui.end_table()
        for buffer in self.model.staging():
            widgets.cut(
                f"staging #{buffer.resource}: {bytes_text(buffer.used)} of {bytes_text(buffer.size)}",
                style.QUIET,
            )
            widgets.bar(buffer.used / max(buffer.size, 1), imgui.get_font_size() * 0.3, style.ACCENT)

    def _steps(self) -> None:
        model = self.model
        if not model.steps:
            widgets.cut("no steps: everything is where the plan has it", style.QUIET)
            return
        letter = imgui.get_font_size()
        height = max(imgui.get_content_region_avail().y, letter * LEAST_STEPS)
        if not widgets.begin_table("steps", 4, _STEPS, height, widgets.scrolled_width(LEAST_WIDTH)):
            return
        imgui.table_setup_scroll_freeze(0, 1)
        imgui.table_setup_column("#", _FIXED, letter * 3)
        imgui.table_setup_column("step", _FIXED, letter * 6.5)
        imgui.table_setup_column("about", _STRETCH)
        imgui.table_setup_column("size", _FIXED, letter * 5)
        widgets.table_headers(0, 3)
        widgets.scroll_by_keys()
        if model.done != self._followed:
            # The next step stays in sight while steps run.
            self._followed = model.done
            line = imgui.get_text_line_height() + 2 * imgui.get_style().cell_padding.y
            imgui.set_scroll_y(max(0.0, (model.done - 3) * line))
        clipper = imgui.ListClipper()
        clipper.begin(model.steps)
        while clipper.step():
            for number in range(clipper.display_start, clipper.display_end):
                self._step(number)
        imgui.end_table()

    def _step(self, number: int) -> None:
        model, text = self.model, self.model.text(number)
        is_next = number == model.done
        tint = style.QUIET if number < model.done else style.ACCENT if is_next else style.TEXT
        imgui.table_next_row()
        imgui.table_next_column()
        widgets.right_aligned(f"{number + 1:,}", tint)
        imgui.table_next_column()
        widgets.cut(text.verb, tint)
        imgui.table_next_column()
        widgets.cut(text.what, tint, more=text.more)
        imgui.table_next_column()
        if text.size is not None:
            widgets.right_aligned(bytes_text(text.size), tint)


def span(low: float, high: float) -> None:
    """Draw a thin bar over the width of the cell, of which one part is filled (0 to 1)."""
    corner, width = imgui.get_cursor_screen_pos(), imgui.get_content_region_avail().x
    line = imgui.get_text_line_height()
    top, tall = corner.y + line * 0.3, line * 0.4
    draw = imgui.get_window_draw_list()
    draw.add_rect_filled((corner.x, top), (corner.x + width, top + tall), widgets.color(style.RAISED))
    left, right = corner.x + width * max(0.0, low), corner.x + width * min(1.0, high)
    draw.add_rect_filled((left, top), (max(right, left + 1), top + tall), widgets.color(style.ACCENT))
    imgui.dummy((width, line))
