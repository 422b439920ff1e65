"""Panels that are hidden cost nothing, whatever becomes new meanwhile."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any

from support.all_panels import AllPanels, all_panels
from support.plans import large_plan


def calls(panels: AllPanels) -> int:
    """How many calls of Python and C a frame makes."""
    found = 0

    def count(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal found
        found += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        panels.frame()
    finally:
        sys.setprofile(None)
    return found


def test_a_new_plan_costs_hidden_panels_no_call(root: Path) -> None:
    plans = [large_plan(size) for size in (1_000, 1_000, 2_000)]
    with all_panels(root / "scenes/tableau.hu", lambda _: plans[0], side_by_side=False) as panels:
        panels.frame(8)
        shown = calls(panels)
        for title in panels.workspace.panels:
            panels.workspace.show(title, shown=False)
        panels.frame(4)
        at_rest = calls(panels)
        for plan in plans[1:]:
            panels.session.runtime.plan = plan
            assert calls(panels) == at_rest
        assert at_rest < shown / 4
