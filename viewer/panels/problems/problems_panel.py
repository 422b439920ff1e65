"""The panel of problems, each with its place as a link, the line with a caret, and what to do."""

from __future__ import annotations

from pathlib import Path

from imgui_bundle import imgui

from engine.humon import Problem, Severity
from viewer.panels import parts, widgets
from viewer.panels.number_format import count_text
from viewer.session.links import SourceLink
from viewer.session.session import Session
from viewer.ui import style


class ProblemsPanel:
    """Lists the problems of a session; what is typed above them chooses among them."""

    title = "problems"

    def __init__(self, session: Session) -> None:
        self._session = session
        self._search = ""

    def label(self) -> str:
        """The text of the tab, with the number of problems."""
        count = len(self._session.statistics.problems)
        return f"problems ({count})" if count else "problems"

    def draw(self) -> None:
        """Draw the list into the current window."""
        problems = self._session.statistics.problems
        if not problems:
            widgets.quiet("none")
            return
        imgui.set_next_item_width(min(imgui.get_font_size() * 16, imgui.get_content_region_avail().x))
        _, self._search = imgui.input_text_with_hint("##search", "search", self._search)
        shown = [one for one in problems if self._search.lower() in one.render().lower()]
        errors = sum(one.severity is Severity.ERROR for one in problems)
        counts = count_text(errors, "error"), count_text(len(problems) - errors, "warning")
        text = f"{', '.join(counts)}, {len(shown):,} shown"
        parts.flows(imgui.calc_text_size(text).x)
        widgets.cut(text, style.QUIET)
        parts.flows(parts.button_width("copy"))
        if parts.button(self._session, "problems copy", "copy"):
            imgui.set_clipboard_text("\n\n".join(one.render() for one in shown))
        widgets.tooltip(("copies what is shown",))
        if widgets.begin_child("list"):
            for number, problem in enumerate(shown):
                imgui.push_id(number)
                self._problem(number, problem)
                imgui.pop_id()
        imgui.end_child()

    def _problem(self, number: int, problem: Problem) -> None:
        is_error = problem.severity is Severity.ERROR
        imgui.separator()
        imgui.text_colored(style.BAD if is_error else style.WARNING, f"{problem.severity} {problem.code}")
        position = problem.position
        if position is not None:
            imgui.same_line()
            place = str(position)
            if imgui.calc_text_size(place).x > imgui.get_content_region_avail().x:
                imgui.new_line()
            if widgets.link(widgets.fitting(place, imgui.get_content_region_avail().x), "place"):
                self._session.links.follow(
                    SourceLink(Path(position.file), max(1, position.line), position.column)
                )
            self._session.places[f"problem {number}"] = widgets.item_box()
            widgets.tooltip((place, "click to see the line"))
        imgui.push_text_wrap_pos(0.0)
        imgui.text_unformatted(problem.message)
        if problem.excerpt:
            style.push_fixed_font()
            imgui.push_text_wrap_pos(-1.0)  # a caret stands under its column
            imgui.text_unformatted(problem.excerpt)
            imgui.pop_text_wrap_pos()
            imgui.pop_font()
        if problem.help:
            widgets.quiet(problem.help)
        imgui.pop_text_wrap_pos()
