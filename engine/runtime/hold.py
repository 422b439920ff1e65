"""Holding plans: what would be carried out is shown first, and frames go on with what is resident.

While a runtime holds, a change of the scene is planned, but neither the plan nor a step of a schedule is
carried out until `step` lets it. The first step of a plan creates what frames draw into, up to the first
transfer, as frames could not be drawn in between; each one after it is a step of the schedule, or a cycle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.plan.model.plan import Plan
from engine.plan.resident.steps import ClearStaging, SetWindow, Transfer
from engine.plan.schedule.schedule import Schedule, make_schedule
from engine.planning.needs import FrameNeeds
from engine.planning.what_if.what_if import Wanted

if TYPE_CHECKING:
    from engine.runtime.runtime import Runtime


@dataclass(frozen=True, eq=False)
class WaitingPlan:
    """A plan that waits to be carried out, and the steps to it."""

    plan: Plan
    schedule: Schedule


class Hold:
    """Whether plans and steps of a runtime wait, and what waits. `waiting` is None where no plan does."""

    def __init__(self, runtime: Runtime) -> None:
        self.waiting: WaitingPlan | None = None
        self.is_on = False
        self.is_released = False
        self._runtime = runtime

    @property
    def wanted(self) -> Wanted | None:
        """What the scene wants, carried out or not; None before the first plan, and while one is spread."""
        runtime = self._runtime
        if runtime.plan is None or runtime.spread.is_busy:
            return None
        if self.waiting is None:
            return Wanted(runtime.plan, runtime.plan)
        return Wanted(self.waiting.plan, runtime.resident.snapshot() or runtime.plan)

    @property
    def moment(self) -> tuple[object, ...]:
        """What differs once `wanted` does."""
        runtime = self._runtime
        left = 0 if self.waiting is None else runtime.memory.steps_left
        return runtime.plan, self.waiting, left, runtime.spread.is_busy

    def set(self, is_on: bool) -> None:
        """Hold from now on, or go on with everything."""
        if not is_on and self.waiting is not None:
            self.is_released = True
        self.is_on = is_on
        self._runtime.memory.held = is_on

    def step(self, *, cycle: bool = False) -> None:
        """Let one step be carried out: the first of the waiting plan, or one of the schedule, or a cycle."""
        memory = self._runtime.memory
        if self.waiting is not None:
            self.is_released = True
        elif memory.steps_left:
            ends = (number for number, step in enumerate(memory.open_steps) if isinstance(step, ClearStaging))
            memory.granted = next(ends, memory.steps_left - 1) + 1 if cycle else 1

    def look(self, drawn: FrameNeeds) -> None:
        """Plan what the scene wants now; frames go on with what is drawn. Raises PlanError."""
        runtime = self._runtime
        planner, shortage = runtime.planner, runtime.planner.shortage
        try:
            plan = planner.plan(planner.needs(), runtime.resident.snapshot())
        finally:
            drawn.restore()
            planner.shortage = shortage
        self.waiting = WaitingPlan(plan, make_schedule(runtime.resident, plan, runtime.sources))

    def begin(self, schedule: Schedule) -> None:
        """A plan is carried out: nothing waits any more, and while holding its first step is let through."""
        self.waiting, self.is_released = None, False
        first = (n for n, step in enumerate(schedule.steps) if isinstance(step, SetWindow | Transfer))
        self._runtime.memory.granted = next(first, len(schedule.steps)) if self.is_on else 0

    def reopened(self) -> None:
        """The runtime has another memory manager: it holds as the last one did."""
        self.waiting, self.is_released = None, False
        self._runtime.memory.held = self.is_on
