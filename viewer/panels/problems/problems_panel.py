"""The panel of problems, each with its place and what to do."""

from __future__ import annotations

from imgui_bundle import imgui

from viewer.panels import widgets
from viewer.session.session import Session
from viewer.ui import style


class ProblemsPanel:
    """Lists the problems of a session."""

    title = "problems"

    def __init__(self, session: Session) -> None:
        self._session = session

    def label(self) -> str:
        """The text of the tab, with the number of problems."""
        count = len(self._session.statistics.problems)
        return f"problems ({count})" if count else "problems"

    def draw(self) -> None:
        """Draw the list into the current window."""
        problems = self._session.statistics.problems
        if not problems:
            widgets.quiet("none")
        for number, problem in enumerate(problems):
            imgui.push_id(number)
            imgui.push_text_wrap_pos(0.0)
            imgui.text_colored(style.WARNING, problem)
            imgui.pop_text_wrap_pos()
            imgui.pop_id()
            imgui.separator()
