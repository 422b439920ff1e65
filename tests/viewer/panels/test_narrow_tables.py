"""Tables in narrow panels keep their columns legible, and are scrolled to those that have no room."""

from __future__ import annotations

import pytest
from imgui_bundle import imgui
from support.mouse import Mouse, drawn, mouse, session_of, workspace_of
from support.plans import cube_plan

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
