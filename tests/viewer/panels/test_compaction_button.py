"""The button that compacts memory: a press estimates, the next one starts, none while steps are left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from support.mouse import Mouse, drawn, middle, mouse, session_of, workspace_of
from support.plans import cube_plan

from engine.plan.placement.compaction import Compaction
from engine.plan.terms.errors import PlanError
from engine.tableau.tableau import Tableau
from viewer.panels.memory.map_panel import MapPanel
from viewer.panels.memory.plan_models import SharedModels
from viewer.panels.panel import Dock, Placed
from viewer.session.session import Session

__all__ = ["mouse"]

PLAN = cube_plan()


def _presser(mouse: Mouse, session: Session) -> Callable[[], None]:
    """Return what presses the button as it stands."""
    draw = drawn(
        workspace_of(session, [Placed(MapPanel(session, SharedModels(session)), Dock.BOTTOM)]), session
    )

    def press() -> None:
        for _ in range(3):
            mouse.frame(draw)
        mouse.click(draw, *middle(session.places["compact"]))

    return press


def test_compaction_is_estimated_then_started_and_never_while_steps_are_left(mouse: Mouse) -> None:
    calls: list[str] = []

    def counted(name: str) -> Compaction:
        calls.append(name)
        return Compaction(PLAN, gain=4096, moved=256, moves=1)

    session = session_of(
        Tableau(), PLAN, compaction=lambda *_: counted("estimate"), compact=lambda *_: counted("begin")
    )
    press = _presser(mouse, session)
    session.statistics = replace(session.statistics, settled=False)
    press()
    assert calls == []
    session.statistics = replace(session.statistics, settled=True)
    press()
    assert calls == ["estimate"]
    session.runtime.plan = cube_plan()
    press()
    assert calls == ["estimate", "estimate"]
    press()
    assert calls == ["estimate", "estimate", "begin"]


def test_compaction_that_is_refused_leaves_the_button_as_it_was(mouse: Mouse) -> None:
    calls: list[str] = []

    def estimate(*_: int) -> Compaction:
        calls.append("estimate")
        raise PlanError("plan.stale", "a schedule is in progress", "compact once it has settled")

    press = _presser(mouse, session_of(Tableau(), PLAN, compaction=estimate))
    press()
    press()
    assert calls == ["estimate", "estimate"]
