"""A plan that is made beside the one that is drawn, a step in each frame, so that none waits for all of it.

Frames draw what they drew until the last step. For changes that nobody waits for within the same frame, as
assets that arrive because a file was saved.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from engine.plan.schedule.schedule import schedule_in_steps

if TYPE_CHECKING:
    from engine.runtime.runtime import Runtime

SHARE_MS = 0.5
"""Milliseconds of CPU time after which a frame begins no further step."""


class SpreadPlan:
    """At most one plan that is made over several frames; any other change of the scene ends it."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._is_wanted = False
        self._steps: Iterator[None] | None = None
        self._begun: tuple[object, ...] = ()

    @property
    def is_busy(self) -> bool:
        """Whether a plan is being made."""
        return self._steps is not None

    def want(self) -> None:
        """Spread the next plan, if the scene changes within this frame."""
        self._is_wanted = True

    def step(self) -> bool:
        """Do a frame's share; return whether the frame needs no other plan. Raises PlanError as a plan does.

        Where the scene changes meanwhile, what was made is dropped, and the frame plans at once.
        """
        planner = self._runtime.planner
        if self._steps is None:
            is_wanted, self._is_wanted = self._is_wanted, False
            if not is_wanted or not self._is_at_rest() or not planner.stale():
                return False
            self._begun, self._steps = planner.input_versions(), self._make()
        elif planner.input_versions() != self._begun:
            self._steps = None
            return False
        steps, self._steps = self._steps, None  # a step that raises ends the attempt
        assert steps is not None
        until = time.thread_time() + SHARE_MS / 1e3
        while (is_left := next(steps, steps) is not steps) and time.thread_time() < until:
            pass
        self._steps = steps if is_left else None
        return True

    def _is_at_rest(self) -> bool:
        """Whether frames draw a plan that is carried out."""
        runtime = self._runtime
        if runtime.hold.is_on:
            return False  # the plan is shown first
        return runtime.needs is not None and runtime.memory.settled and runtime.planner.knows_enough()

    def _make(self) -> Iterator[None]:
        runtime, planner = self._runtime, self._runtime.planner
        drawn = runtime.needs
        assert drawn is not None
        planner.collect()
        yield
        try:
            needs = planner.needs()
        finally:
            drawn.restore()
        self._begun = planner.input_versions()  # a feature whose code raised is switched off
        yield
        plan = planner.plan(needs, runtime.resident.snapshot())
        yield
        visibility = planner.visibility(drawn) if len(plan.staging.allocation_table) else None
        schedule = yield from schedule_in_steps(runtime.resident, plan, runtime.sources, visibility)
        yield
        runtime.take_plan(needs, plan, schedule, visibility)
