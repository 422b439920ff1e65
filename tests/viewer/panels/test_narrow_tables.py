"""Tables in narrow panels keep their columns legible, and are scrolled to those that have no room."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from imgui_bundle import imgui
from support.all_panels import all_panels
from support.mouse import Mouse, drawn, mouse, session_of, workspace_of
from support.plans import cube_plan

from engine.humon import Problem, Severity
from engine.tableau.tableau import Tableau
from viewer.panels.panel import Dock, Placed
from viewer.panels.what_if.other_devices_panel import OtherDevicesPanel
from viewer.ui import style

__all__ = ["mouse"]


@pytest.mark.parametrize(("scale", "is_scrolled"), [(1.0, False), (2.0, True), (3.0, True)])
def test_names_of_devices_are_read_in_a_narrow_panel(
    mouse: Mouse, monkeypatch: pytest.MonkeyPatch, scale: float, is_scrolled: bool
) -> None:
    style.resize(scale)
    session = session_of(Tableau(), cube_plan(), planner=None)
    found: list[tuple[float, float]] = []
    row = OtherDevicesPanel._row

    def look(panel: OtherDevicesPanel, candidate: object) -> None:
        row(panel, candidate)  # type: ignore[arg-type]
        imgui.table_set_column_index(0)
        found.append((imgui.get_scroll_max_x(), imgui.get_content_region_avail().x))

    monkeypatch.setattr(OtherDevicesPanel, "_row", look)
    panels = [Placed(OtherDevicesPanel(session), Dock.RIGHT if is_scrolled else Dock.BOTTOM)]
    draw = drawn(workspace_of(session, panels), session)
    for _ in range(6):
        mouse.frame(draw)
    scroll, name = found[-1]
    assert (scroll > 0) == is_scrolled
    assert name >= imgui.calc_text_size("nvidia-h200").x * 0.9


def test_what_stands_beside_a_search_is_within_a_narrow_panel(root: Path) -> None:
    places = ("assets search", "assets kind", "problems copy")
    problem = Problem("field.unknown", "no field", severity=Severity.ERROR)
    with all_panels(root / "scenes/tableau.hu", side_by_side=False) as panels:
        style.resize(2.0)
        imgui.get_io().display_size = (1280, 720)
        panels.workspace.lay_out()
        panels.session.statistics = replace(panels.session.statistics, problems=(problem,))
        for place in places:
            title = place.split()[0]
            panels.workspace.show(title)
            panels.frame(8)
            left, _, right, _ = panels.session.places[f"panel {title}"]
            x0, _, x1, _ = panels.session.places[place]
            assert left <= x0 < x1 <= right, place
