"""Live memory against what is planned, with staging and what is about to be freed apart.

Live bytes alone do not compare with planned ones: while a scene is loaded there is staging, and old memory
that is not freed yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from engine.memory.streaming.manager import MemoryManager
    from engine.plan.model.plan import Plan


@dataclass(frozen=True, slots=True)
class MemoryTotals:
    """Bytes of VkDeviceMemory: `resident` of those that are `planned`, `staging`, and those that leave.

    `leaving` are in no plan any more, or freed as soon as the frames that may use them are complete.
    """

    planned: int = 0
    resident: int = 0
    staging: int = 0
    leaving: int = 0

    @property
    def live(self) -> int:
        """All bytes that are allocated now: exactly what the memory manager counts."""
        return self.resident + self.staging + self.leaving

    @staticmethod
    def of(plan: Plan | None, memory: MemoryManager) -> MemoryTotals:
        """The totals of this moment."""
        ids, sizes = memory.allocated()
        if plan is None:
            return MemoryTotals(leaving=memory.live_bytes)
        is_planned = np.isin(ids, plan.memory.allocations["id"])
        is_staging = np.isin(ids, plan.staging.allocations["id"])
        resident, staging = int(sizes[is_planned].sum()), int(sizes[is_staging].sum())
        leaving = memory.live_bytes - resident - staging
        return MemoryTotals(plan.planned_bytes, resident, staging, leaving)
