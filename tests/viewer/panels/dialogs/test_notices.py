"""Notices over the scene are read whole, however little room there is."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from imgui_bundle import imgui
from support.mouse import Mouse, drawn, mouse, quiet, session_of, workspace_of
from support.plans import cube_plan

from engine.tableau.tableau import Tableau
from viewer.guard import Guard
from viewer.panels.dialogs.dialogs import Dialogs
from viewer.ui import style

__all__ = ["mouse"]
TEXT = "210% is the most that fits this window, and this is a long notice for it"


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_a_notice_is_wrapped_within_the_scene_and_never_cut(
    mouse: Mouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scale: float
) -> None:
    style.resize(scale)
    imgui.get_io().display_size = (320, 400)
    session = session_of(Tableau(), cube_plan())
    workspace = workspace_of(session, [])
    opening: Any = SimpleNamespace(under_way="", is_possible=True, quit=lambda: None)
    Dialogs(session, workspace, Guard(quiet), opening, tmp_path)
    draw = drawn(workspace, session)
    boxes: list[tuple[Any, Any]] = []
    texts: list[tuple[str, float]] = []
    recorded = SimpleNamespace(
        add_rect_filled=lambda low, high, *_: boxes.append((low, high)),
        add_text=lambda *given, wrap_width=0.0: texts.append((given[-1], wrap_width)),
    )
    mouse.frame(draw)
    session.notices.say(TEXT)
    monkeypatch.setattr(imgui, "get_background_draw_list", lambda: recorded)
    mouse.frame(draw)
    ((low, high),), ((text, wrap),) = boxes, texts
    assert text == TEXT
    assert workspace.area[0] <= low[0] < high[0] <= workspace.area[2]
    assert high[1] - low[1] > 2 * imgui.get_font_size(), "it has several lines"
    assert wrap <= high[0] - low[0]
