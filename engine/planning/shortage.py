"""A scene that its device cannot hold whole: what is given up for it, in which order, and how it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.feature.recency import STILL
from engine.humon import Problem, Severity
from engine.plan.model.columns import NeedColumns, need_columns
from engine.plan.placement.budget_fallback import EvictionCandidates, ReducedPlan
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.coalesce import Coalesced
from engine.plan.requirements.requirements import TermsTable
from engine.plan.schedule.paging import VisibilityQuery
from engine.plan.terms.errors import PlanError
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import Contents, MemoryProperty
from engine.planning.needs import FALLBACK_PRIORITY

NAMED = 8
"""How many assets a sentence names; of more, the rest is counted."""


def eviction_candidates(
    coalesced: Coalesced,
    until: npt.NDArray[np.int64],
    visible: VisibilityQuery | None,
    profile: DeviceProfile,
    policy: Policy,
) -> EvictionCandidates:
    """What may be left out: what comes from caches and is no fallback.

    First what no enabled row requests, by when the last one that did was switched off (`until`);
    then what is used: the unseen first, of these what has the least priority, and then the largest first.
    """
    needs = coalesced.needs.array
    columns = need_columns(coalesced, needs, profile, policy, TermsTable())
    asked = coalesced.requested.rows
    last = np.zeros(len(needs), np.int64)
    known = np.isin(asked["key"], needs["key"])
    np.maximum.at(last, np.searchsorted(needs["key"], asked["key"][known]), until[asked["requester"][known]])
    may_go = np.flatnonzero(columns.cached & (needs["priority"] < FALLBACK_PRIORITY))
    used = last[may_go] == STILL
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
    """Bytes of assets, without any padding, beyond what the device's own memory and all memory hold."""
    own = MemoryProperty.DEVICE_LOCAL
    of_terms = np.array([bool(t.properties & own) for t in coalesced.terms.entries], np.bool_)
    mine = columns.cached & of_terms[columns.needs["terms"]]
    heaps = {t.heap for t in profile.memory_types if t.properties & own}
    room = [profile.budget(heap) for heap in range(len(profile.heaps))]
    asked = (int(columns.size[mine].sum()), int(columns.size[columns.cached].sum()))
    held = (sum(room[heap] for heap in heaps), sum(room))
    return max(0, asked[0] - held[0]), max(0, asked[1] - held[1])


@dataclass(frozen=True, eq=False)
class Shortage:
    """What a plan does without, and the error that everything would have ended in."""

    reduced: ReducedPlan
    error: PlanError

    def problem(self, name: Callable[[int], str]) -> Problem:
        """Tell it in words; `name` says what a key is called."""
        reported = []
        if len(self.reduced.used):
            reported.append(f"{_named(self.reduced.used, name)} drawn as fallback")
        if len(self.reduced.unused):
            reported.append(f"{_named(self.reduced.unused, name)} left out, as nothing draws it now")
        if moved := self._elsewhere():
            reported.append(
                f"{moved:,} bytes of assets lie in memory that is not the device's own, which is slower"
            )
        return Problem(
            "plan.short",
            f"{self.error.problem}; so: {'; '.join(reported)}",
            help=self.error.help,
            severity=Severity.WARNING,
        )

    def _elsewhere(self) -> int:
        """Bytes of what comes from caches in memory that is not the device's own."""
        plan = self.reduced.plan
        if not plan.policy.elsewhere:
            return 0
        places, own = plan.memory.subresources, MemoryProperty.DEVICE_LOCAL
        resources = plan.memory.resource_table.rows(places["resource"].astype(np.int64))
        homes = plan.memory.allocation_table.rows(resources["allocation"].astype(np.int64))
        away = np.array([not t.properties & own for t in plan.profile.memory_types], np.bool_)
        cached = plan.terms.with_contents(Contents.CACHE)
        return int(places["size"][away[homes["memory_type"]] & cached[places["terms"]]].sum())


def _named(keys: npt.NDArray[np.int64], name: Callable[[int], str]) -> str:
    names = ", ".join(name(key) for key in keys[:NAMED].tolist())
    return f"{names} and {len(keys) - NAMED:,} more" if len(keys) > NAMED else names
