"""The panel of plans under a mouse: rows of every tab open by a click, plans are compared with snapshots."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from support.all_panels import AllPanels, all_panels
from support.mouse import middle

from engine.plan.model.plan import Plan
from viewer.panels.history.memory_delta import Change

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


def without_shadows(panels: AllPanels) -> Plan:
    """The plan of the scene with its only shadow caster inactive."""
    runtime = panels.session.runtime
    runtime.tableau["cube"].shadowCaster.active = False
    return runtime.planner.plan(runtime.planner.needs())


def test_all_plans_are_compared_with_a_snapshot_from_here_and_from_a_file(root: Path, tmp_path: Path) -> None:
    with all_panels(root / "scenes/cube.hu") as panels:
        panels.frame(4)
        panel = panels.workspace.panels["plans"].panel
        taken = panels.workspace.panels["snapshots"].panel.take("before")
        path = tmp_path / "before.snapshot.hu"
        panel._history.save(taken, path)
        read = panel._history.open(path)
        panels.session.runtime.plan = now = without_shadows(panels)
        panel.plans.planned(0, now, None, None)
        panels.mouse.click(panels.draw, *middle(panels.session.places["plans changes"]))
        found = []
        for panel.against in (None, taken, read):
            panels.frame(2)
            found.append({change.title: (set(change.removed), change.created) for change in panel._changes})
        assert any(name.startswith("shadow") for name in found[0]["pipelines"][0])
        assert found[0] == found[1] == found[2]


def test_a_plan_that_waits_is_compared_with_the_present_one(root: Path) -> None:
    with all_panels(root / "scenes/cube.hu") as panels:
        panels.frame(4)
        panel, runtime = panels.workspace.panels["plans"].panel, panels.session.runtime
        runtime.hold.waiting = SimpleNamespace(plan=without_shadows(panels), schedule=runtime.schedule)
        panels.mouse.click(panels.draw, *middle(panels.session.places["plans changes"]))
        panels.frame(3)
        changes = {change.title: change for change in panel._changes}
        assert any(name.startswith("shadow") for name in changes["pipelines"].removed)
        names = panel.table.rows.delta
        gone = [names.name(row) for row in (names.change == Change.ONLY_FIRST).nonzero()[0].tolist()]
        assert "shadowMap" in gone
