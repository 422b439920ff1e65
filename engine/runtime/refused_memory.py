"""What is drawn after a device has refused memory that was within its budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.memory.device.problems import HeapFull
from engine.plan.placement.planner import plan_again
from engine.plan.placement.planning_round import Keep
from engine.plan.terms.errors import PlanError
from engine.runtime.observation import Cause
from engine.vk.errors import OutOfDeviceMemory

if TYPE_CHECKING:
    from engine.runtime.runtime import Runtime

MAX_REFUSALS = 8
"""How many refused allocations lead to a smaller plan before the scene returns to its last plan."""


class RefusedMemory:
    """Counts refusals since the scene has changed, and plans with less memory after each."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._refusals = self._rollbacks = 0
        self._observed_limits: dict[int, int] = {}

    def reset(self) -> None:
        """Forget refusals: there is another plan to be carried out."""
        self._refusals = self._rollbacks = 0
        self._observed_limits.clear()

    def retry(self, refused: OutOfDeviceMemory) -> None:
        """Plan with less, after the device has refused memory that was within its budget.

        The first plan evicts unused assets and may place assets in other memory; the same is tried once
        more; then used assets draw their fallbacks. If that is refused too, or the refused allocation was
        not for a heap, raises `refused` and returns to the last settled plan; if that is refused as well, to
        what is still resident of it.
        """
        self._refusals += 1
        if self._rollbacks == 1 and self._runtime.settled_plan is not None:
            return self._roll_back()
        if isinstance(refused, HeapFull) and self._refusals <= MAX_REFUSALS and not self._rollbacks:
            try:
                self._plan_less(refused)
            except PlanError as short:
                refused.detail += f"; {short.problem}"
            else:
                return None
        if self._refusals == 1:
            return None
        if not self._rollbacks:
            self._roll_back()
        raise refused

    def _roll_back(self) -> None:
        """Return to the last settled plan; the second time to what is still resident of it."""
        self._rollbacks += 1
        runtime = self._runtime
        if runtime.settled_plan is not None:
            needs, before = runtime.settled_plan
            there = runtime.resident.snapshot()
            assert there is not None, "a plan was carried out"
            runtime.apply_plan(needs, plan_again(before, there, fetch=self._rollbacks == 1), Cause.ROLLBACK)

    def _plan_less(self, refused: HeapFull) -> None:
        """Apply a plan that limits the refusing heap to its live bytes and a part of the refused bytes.

        How much the heap can still provide is unknown: half of the refused bytes is tried, and if no plan
        fits, all but one byte. The limit is dropped when the scene changes. Raises PlanError.
        """
        runtime = self._runtime
        needs = runtime.requested
        assert needs is not None
        live, before = runtime.memory.heap_bytes[refused.heap], runtime.resident.snapshot()
        for more in (refused.size // 2, refused.size - 1):
            self._observed_limits[refused.heap] = live + more
            observed = runtime.profile.with_budgets({**runtime.profile.budgets, **self._observed_limits})
            placeholders = self._refusals > 1
            try:
                plan = runtime.planner.plan(
                    needs, before, profile=observed, placeholders=placeholders, keep=Keep.DENSE_PAGES
                )
            except PlanError:
                if more == refused.size - 1:
                    raise
            else:
                runtime.apply_plan(needs, plan, Cause.REFUSED)
                break
