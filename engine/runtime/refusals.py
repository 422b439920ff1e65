"""What is planned after the device has refused memory that was within its budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.memory.device.problems import HeapFull
from engine.plan.model.plan import Plan
from engine.plan.placement.planner import plan_again
from engine.plan.placement.planning_round import Keep
from engine.plan.terms.errors import PlanError
from engine.planning.needs import FrameNeeds
from engine.runtime.observation import Cause
from engine.vk.errors import OutOfDeviceMemory

if TYPE_CHECKING:
    from engine.runtime.runtime import Runtime

MAX_REFUSALS = 8
"""How many refused allocations lead to a smaller plan before the scene returns to its last plan."""


class Refusals:
    """Counts what was refused since the scene has changed, and plans with less.

    `requested` are the needs that the present plan was made for.
    """

    def __init__(self, runtime: Runtime) -> None:
        self.requested: FrameNeeds | None = None
        self._runtime = runtime
        self._count = self._rollbacks = 0
        self._observed_limits: dict[int, int] = {}
        self._settled: tuple[FrameNeeds, Plan] | None = None

    def begin(self, requested: FrameNeeds) -> None:
        """Forget what was refused: another plan is made, for these needs."""
        self._count = self._rollbacks = 0
        self._observed_limits.clear()
        self.requested = requested

    def settled(self, needs: FrameNeeds, plan: Plan) -> None:
        """Remember a plan that was carried out, to return to."""
        self._settled = needs, plan

    def retry(self, refused: OutOfDeviceMemory) -> None:
        """Plan with less, after the device has refused memory that was within its budget.

        The first plan evicts unused assets and may place assets in other memory; the same is tried once
        more; then used assets draw their fallbacks. If that is refused too, or the refused allocation was
        not for a heap, raises `refused` and returns to the last settled plan; if that is refused as well, to
        what is still resident of it.
        """
        self._count += 1
        if self._rollbacks == 1 and self._settled is not None:
            return self._roll_back()
        if isinstance(refused, HeapFull) and self._count <= MAX_REFUSALS and not self._rollbacks:
            try:
                self._plan_less(refused)
            except PlanError as short:
                refused.detail += f"; {short.problem}"
            else:
                return None
        if self._count == 1:
            return None
        if not self._rollbacks:
            self._roll_back()
        raise refused

    def _roll_back(self) -> None:
        """Return to the last settled plan; the second time to what is still resident of it."""
        self._rollbacks += 1
        if self._settled is not None:
            needs, before = self._settled
            there = self._runtime.resident.snapshot()
            assert there is not None, "a plan was carried out"
            plan = plan_again(before, there, fetch=self._rollbacks == 1)
            self._runtime.apply_plan(needs, plan, Cause.ROLLBACK)

    def _plan_less(self, refused: HeapFull) -> None:
        """Apply a plan that limits the refusing heap to its live bytes and a part of the refused bytes.

        How much the heap can still provide is unknown: half of the refused bytes is tried, and if no plan
        fits, all but one byte. The limit is dropped when the scene changes. Raises PlanError.
        """
        assert self.requested is not None
        runtime = self._runtime
        live, before = runtime.memory.heap_bytes[refused.heap], runtime.resident.snapshot()
        for more in (refused.size // 2, refused.size - 1):
            self._observed_limits[refused.heap] = live + more
            observed = runtime.profile.with_budgets({**runtime.profile.budgets, **self._observed_limits})
            placeholders = self._count > 1
            try:
                plan = runtime.planner.plan(
                    self.requested,
                    before,
                    profile=observed,
                    placeholders=placeholders,
                    keep=Keep.DENSE_PAGES,
                )
            except PlanError:
                if more == refused.size - 1:
                    raise
            else:
                runtime.apply_plan(self.requested, plan, Cause.REFUSED)
                break
