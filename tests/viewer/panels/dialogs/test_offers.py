"""What has to be decided comes over the scene, and moves nothing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from support.mouse import SIZE, Mouse, drawn, middle, mouse, session_of, workspace_of
from support.plans import cube_plan
from support.tips import tip_at

from engine.scene.file_update import Conflict
from engine.tableau.tableau import Tableau
from viewer.panels.dialogs.offers import SHOWN_CONFLICTS, draw_offers
from viewer.panels.panel import Dock, Placed
from viewer.panels.properties.properties_panel import PropertiesPanel
from viewer.session.session import Session
from viewer.ui import style

__all__ = ["mouse"]


def conflicts(count: int) -> list[Any]:
    one, other = np.ones(3), np.full(3, 2.0)
    return [Conflict(f"object {number}", "scale", 0, one, other) for number in range(count)]


def window(mouse: Mouse) -> tuple[Session, Any]:
    """A session with a selected object, and what draws its properties and offers."""
    tableau = Tableau([])
    tableau.add_object("cube")
    session = session_of(tableau, cube_plan())
    session.selection.select(tableau.rows())
    workspace = workspace_of(session, [Placed(PropertiesPanel(session), Dock.RIGHT)])
    workspace.overlays["offers"] = lambda: draw_offers(session, workspace.area)
    return session, drawn(workspace, session)


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_offers_move_nothing_that_was_there(mouse: Mouse, scale: float) -> None:
    style.resize(scale)
    session, draw = window(mouse)
    for _ in range(6):
        mouse.frame(draw)
    before = dict(session.places)
    assert "field translation" in before
    session.editing.found = [SimpleNamespace(when=0.0)]  # type: ignore[list-item]
    for count in (2, 2, SHOWN_CONFLICTS + 9):
        session.editing.saving.conflicts[:] = conflicts(count)
        for _ in range(4):
            mouse.frame(draw)
        assert {name: session.places[name] for name in before} == before
        before |= {name: session.places[name] for name in ("button recover", "conflict mine 0")}
    low, high = before["conflict mine 0"], before["button recover"]
    assert 0 < low[0] < low[2] < before["panel properties"][0]
    assert 0 < high[1] < low[1] < SIZE[1]


def test_an_offer_is_settled_by_a_click(mouse: Mouse, monkeypatch: pytest.MonkeyPatch) -> None:
    session, draw = window(mouse)
    settled: list[tuple[Any, bool]] = []
    saving = session.editing.saving
    monkeypatch.setattr(saving, "settle", lambda conflict, use_file: settled.append((conflict, use_file)))
    saving.conflicts[:] = both = conflicts(2)
    for _ in range(4):
        mouse.frame(draw)
    mouse.click(draw, *middle(session.places["conflict mine 0"]))
    mouse.click(draw, *middle(session.places["conflict file 1"]))
    assert settled == [(both[0], False), (both[1], True)]
    saving.conflicts.clear()
    session.places.clear()
    mouse.frame(draw)
    assert not any(name.startswith("conflict") for name in session.places)


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_both_values_of_a_conflict_are_shown_or_are_in_tool_tips(mouse: Mouse, scale: float) -> None:
    style.resize(scale)
    session, draw = window(mouse)
    long = [np.linspace(start, start + 1, 40) for start in (0, 5)]
    session.editing.saving.conflicts[:] = [Conflict("object", "scale", 0, *long)]
    for _ in range(4):
        mouse.frame(draw)
    for place, value in zip(("conflict mine 0", "conflict file 0"), long, strict=True):
        button, text = session.places[place], session.places[f"{place} value"]
        assert button[2] < text[0] < text[2] <= session.places["panel properties"][0]
        assert abs(middle(button)[1] - middle(text)[1]) < 4, "beside its button"
        whole = "".join(tip_at(mouse, draw, text))
        assert all(f"{number:g}"[:4] in whole for number in value), "what is cut is in its tool tip"
