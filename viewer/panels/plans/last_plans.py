"""The last two plans of a runtime: what is drawn, and what was before."""

from __future__ import annotations

from engine.plan.model.plan import Plan
from engine.plan.schedule.schedule import Schedule
from engine.runtime.observation import Cause


class LastPlans:
    """An observer of a runtime that keeps the last two plans."""

    def __init__(self) -> None:
        self.present: Plan | None = None
        self.before: Plan | None = None

    def planned(self, _frame: int, plan: Plan, _schedule: Schedule, _cause: Cause) -> None:
        """Keep a plan."""
        if self.present is not None and self.present.requirements.keys is not plan.requirements.keys:
            self.present = None  # of another device: its keys have other numbers
        self.before, self.present = self.present, plan

    def settled(self, _frame: int) -> None:
        """Nothing changes."""
