"""The panel of plans under a mouse: rows of every tab open by a click, plans are compared with snapshots."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.all_panels import all_panels
from support.mouse import middle

TABS = ("memory", "shaders", "pipelines", "descriptor sets", "requests")


@pytest.mark.parametrize("topic", TABS)
def test_a_click_on_the_name_of_a_row_opens_and_closes_it(root: Path, topic: str) -> None:
    with all_panels(root / "scenes/cube.hu") as panels:
        places, plan = panels.session.places, panels.session.runtime.plan
        panels.frame(4)
        panel = panels.workspace.panels["plans"].panel
        panels.mouse.click(panels.draw, *middle(places[f"plans {topic}"]))
        panels.frame(2)
        rows = panel.rows(plan)
        closed = rows.visible
        x0, y0, _, y1 = next(box for name, box in places.items() if name.startswith("plans row "))
        for seen in (lambda: rows.visible > closed, lambda: rows.visible == closed):
            panels.mouse.click(panels.draw, x0 + 60, (y0 + y1) / 2)
            panels.frame(2)
            assert seen()


def test_the_present_plan_is_compared_with_a_snapshot_that_is_chosen(root: Path) -> None:
    with all_panels(root / "scenes/cube.hu") as panels:
        places = panels.session.places
        panels.frame(4)
        panel = panels.workspace.panels["plans"].panel
        taken = panels.workspace.panels["snapshots"].panel.take("before")
        panels.mouse.click(panels.draw, *middle(places["plans changes"]))
        panels.mouse.click(panels.draw, *middle(places["plans against"]))
        panels.frame(2)
        panels.mouse.click(panels.draw, *middle(places["plans against before"]))
        panels.frame(2)
        assert panel.against is taken
        assert not panel.table.rows.delta.sizes[:, 0].sum() - panel.table.rows.delta.sizes[:, 1].sum()
        panels.mouse.click(panels.draw, *middle(places["plans against"]))
        panels.frame(2)
        panels.mouse.click(panels.draw, *middle(places["plans against the last plan"]))
        panels.frame(2)
        assert panel.against is None
