"""Shortage of memory: which assets a reduced plan may leave out, in which order, and how it is reported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.feature.recency import ENABLED_NOW
from engine.feature.requirement_builders import FALLBACK_PRIORITY
from engine.humon import Problem, Severity
from engine.plan.model.columns import NeedColumns, need_columns
from engine.plan.placement.budget_fallback import EvictionCandidates, ReducedPlan
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.coalesce import Coalesced
from engine.plan.requirements.requirements import TermsTable
from engine.plan.schedule.paging import VisibilityQuery
from engine.plan.terms.errors import PlanError
from engine.plan.terms.policy import Policy
from engine.plan.terms.table import is_in
from engine.plan.terms.vocabulary import Contents, MemoryProperty

MAX_NAMED = 8
"""How many assets a message names; the others are counted."""


def eviction_candidates(
    coalesced: Coalesced,
    last_enabled: npt.NDArray[np.int64],
    visible: VisibilityQuery | None,
    profile: DeviceProfile,
    policy: Policy,
) -> EvictionCandidates:
    """The cached assets that are no fallbacks, in the order in which they may be left out.

    First assets that no enabled row requests, by when a row that requests them was last enabled
    (`last_enabled`, by requester id); then used assets: invisible before visible ones, lower before higher
    priorities, larger before smaller ones.
    """
    needs = coalesced.needs.array
    columns = need_columns(coalesced, needs, profile, policy, TermsTable())
    requested = coalesced.requested.rows
    requested = requested[is_in(requested["key"], needs["key"])]
    last = np.zeros(len(needs), np.int64)
    at = np.searchsorted(needs["key"], requested["key"])
    np.maximum.at(last, at, last_enabled[requested["requester"]])
    may_go = np.flatnonzero(columns.cached & (needs["priority"] < FALLBACK_PRIORITY))
    used = last[may_go] == ENABLED_NOW
    idle, busy = may_go[~used], may_go[used]
    idle = idle[np.argsort(last[idle], kind="stable")]
    sizes = columns.device_bytes(profile)
    keys = needs["key"][busy].astype(np.int64)
    seen = np.zeros(len(busy), np.bool_) if visible is None else visible(keys)
    busy = busy[np.lexsort((-keys, -sizes[busy], needs["priority"][busy], seen))]
    order = np.concatenate((idle, busy))
    keys = needs["key"][order].astype(np.int64)
    return EvictionCandidates(keys, sizes[order], len(idle), *_over(coalesced, columns, profile))


def _over(coalesced: Coalesced, columns: NeedColumns, profile: DeviceProfile) -> tuple[int, int]:
    """Bytes of assets, without padding, in excess of the device-local budgets and of all budgets."""
    local = MemoryProperty.DEVICE_LOCAL
    is_local = np.array([bool(t.properties & local) for t in coalesced.terms.entries], np.bool_)
    in_local = columns.cached & is_local[columns.needs["terms"]]
    heaps = {t.heap for t in profile.memory_types if t.properties & local}
    budgets = [profile.budget(heap) for heap in range(len(profile.heaps))]
    required = (int(columns.size[in_local].sum()), int(columns.size[columns.cached].sum()))
    available = (sum(budgets[heap] for heap in heaps), sum(budgets))
    return max(0, required[0] - available[0]), max(0, required[1] - available[1])


@dataclass(frozen=True, eq=False)
class Shortage:
    """A reduced plan, and the error that the plan for all requirements ended in."""

    reduced: ReducedPlan
    error: PlanError

    def problem(self, name: Callable[[int], str]) -> Problem:
        """The warning `plan.short`; `name` returns the name of a key."""
        reported = []
        if len(self.reduced.used):
            reported.append(f"{_named(self.reduced.used, name)} drawn as fallback")
        if len(self.reduced.unused):
            reported.append(f"{_named(self.reduced.unused, name)} left out, as nothing draws it now")
        if moved := self._elsewhere():
            reported.append(
                f"{moved:,} bytes of assets are in memory that is not device-local, which is slower"
            )
        return Problem(
            "plan.short",
            f"{self.error.problem}; so: {'; '.join(reported)}",
            help=self.error.help,
            severity=Severity.WARNING,
        )

    def _elsewhere(self) -> int:
        """Bytes of cached assets in memory that is not device-local."""
        plan = self.reduced.plan
        if not plan.policy.elsewhere:
            return 0
        places, local = plan.memory.subresources, MemoryProperty.DEVICE_LOCAL
        resources = plan.memory.resource_table.rows(places["resource"].astype(np.int64))
        allocations = plan.memory.allocation_table.rows(resources["allocation"].astype(np.int64))
        elsewhere = np.array([not t.properties & local for t in plan.profile.memory_types], np.bool_)
        cached = plan.terms.with_contents(Contents.CACHE)
        counted = elsewhere[allocations["memory_type"]] & cached[places["terms"]]
        return int(places["size"][counted].sum())


def _named(keys: npt.NDArray[np.int64], name: Callable[[int], str]) -> str:
    names = ", ".join(name(key) for key in keys[:MAX_NAMED].tolist())
    return f"{names} and {len(keys) - MAX_NAMED:,} more" if len(keys) > MAX_NAMED else names
