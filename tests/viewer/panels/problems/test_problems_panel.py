"""Problems are listed with their places, which lead to the line; what is typed chooses among them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.mouse import Mouse, drawn, middle, mouse, session_of, workspace_of

from engine.humon import Position, Problem, Severity
from engine.tableau.tableau import Tableau
from viewer.panels.panel import Dock, Placed
from viewer.panels.problems.problems_panel import ProblemsPanel
from viewer.panels.source.source_panel import SourcePanel
from viewer.session.reported import as_problem

__all__ = ["mouse"]


def test_a_click_on_a_place_shows_that_line_of_the_file(mouse: Mouse, tmp_path: Path) -> None:
    path = tmp_path / "a##b %s.hu"
    path.write_text("\n".join(f"line {number}" for number in range(1, 400)))
    session = session_of(Tableau())
    problem = Problem("asset.missing", "no such asset", Position(str(path), 123, 4), "line\n   ^", "make it")
    session.statistics = replace(session.statistics, problems=(problem, Problem("a.b", "## %s 日本 🙂")))
    panel, source = ProblemsPanel(session), SourcePanel(session)
    assert panel.label() == "problems (2)"
    workspace = workspace_of(session, [Placed(panel, Dock.LEFT), Placed(source, Dock.BOTTOM)])
    draw = drawn(workspace, session)
    for _ in range(4):
        mouse.frame(draw)
    mouse.click(draw, *middle(session.places["problem 0"]))
    for _ in range(3):
        mouse.frame(draw)
    assert source.link is not None
    assert (source.link.file, source.link.line, source.link.column) == (path, 123, 4)
    x0, y0, x1, y1 = session.places["source line"]
    assert session.places["panel source"][1] < y0 < y1 < session.places["panel source"][3]
    assert x0 < x1


@pytest.mark.parametrize(
    "problem",
    [
        Problem("device.lost", "the device was lost", help="restart it", severity=Severity.WARNING),
        Problem("plan.budget", "no room\nfor two lines", severity=Severity.ERROR),
    ],
)
def test_what_was_printed_is_the_problem_again(problem: Problem) -> None:
    assert as_problem(problem.render().replace("\n    ", "\n")) == problem
    assert as_problem(problem) is problem


def test_any_other_text_is_a_warning() -> None:
    for text in ("", "just words", "[]: x", "error[]: x"):
        found = as_problem(text)
        assert (found.code, found.severity, found.message) == ("viewer.note", Severity.WARNING, text)
