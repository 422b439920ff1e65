"""The tool bar above the scene: nothing vanishes where it is narrow."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

from support.mouse import Mouse, mouse

from engine.graph.view_mode import ViewMode
from viewer.panels.scene_view.tool_bar import GROUPS, ToolBar
from viewer.session.commands import Command, Commands

__all__ = ["mouse"]


def test_every_tool_is_in_the_bar_or_in_its_menu_at_any_width(mouse: Mouse) -> None:
    session: Any = SimpleNamespace(commands=Commands(), places={}, wake=lambda: None)
    switched = [title for group in GROUPS for _, title in group]
    session.commands.add(*(Command(title, "Camera", lambda: None) for title in switched))
    session.commands.add(*(Command(mode.value.capitalize(), "Show", lambda: None) for mode in ViewMode))
    modes: Any = SimpleNamespace(mode=ViewMode.LIT)
    bar = ToolBar(session, modes)
    for width in (30.0, 60.0, 150.0, 260.0, 420.0, 480.0, 520.0, 640.0, 1200.0):
        session.places.clear()
        area = (0.0, 40.0, width, 700.0)
        assert bar.height(area) > 0
        more = session.commands.find("More tools")
        for _ in range(3):
            mouse.frame(partial(bar.draw, area))
        if more.is_enabled():
            more.run()
        for _ in range(2):
            mouse.frame(partial(bar.draw, area))
        for group in GROUPS:
            for text, title in group:
                assert (f"tool {text}" in session.places) != (f"more {title}" in session.places), width
                assert session.places.get(f"tool {text}", area)[2] <= width
        assert ("tool mode" in session.places) != ("more Wireframe" in session.places), width
        assert ("tool more" in session.places) == more.is_enabled()
