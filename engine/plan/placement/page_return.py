"""Returning pages: the keys of pages that are mostly free move to others, so that their memory can be freed.

Planning is sticky, so a page keeps its memory while any of its keys is active. Once nothing has changed for a
while, such pages are returned a few bytes at a time: their keys move on the device, into holes of other pages
and new pages without free room, and the old page is freed afterwards. New pages are full, so each key moves
at most once until most of its new page is inactive, too.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.plan.model.memory_plan import MemoryPlan
from engine.plan.model.plan import Plan
from engine.plan.model.waiting import waiting_pages
from engine.plan.placement.builder import HeapFull
from engine.plan.placement.planning_round import Keep, PlanningRound
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.coalesce import Coalesced
from engine.plan.terms.policy import Policy
from engine.plan.terms.table import Int64s, distinct, is_in


def waiting_keys(coalesced: Coalesced, profile: DeviceProfile, resident: Plan, policy: Policy) -> Int64s:
    """Keys of `coalesced` in pages of `resident` that wait once all other keys are gone, sorted."""
    places = resident.memory.subresources
    places = places[coalesced.needs.has(places["key"].astype(np.int64))]
    pages = waiting_pages(resident.memory, places, resident.terms, profile, policy)
    inside = is_in(places["resource"], [page.resource for page in pages])
    return places["key"][inside].astype(np.int64)


def return_pages(plan: Plan) -> Plan | None:
    """The next plan on the way to one without waiting pages; None where none waits or nothing can move.

    It moves at most Policy.return_bytes and Policy.return_keys: whole pages, or a part of the first. While
    the schedule runs, old and new pages exist beside each other, within all budgets, so the picture stays.
    """
    policy, pages = plan.policy, plan.waiting
    if not pages:
        return None
    keys = [_next_keys(plan, page.resource) for page in pages]
    counts = np.cumsum([len(each) for each in keys])
    moved = np.cumsum([page.moved for page in pages])
    whole = int(np.sum((counts <= policy.return_keys) & (moved <= policy.return_bytes)))
    chosen = np.concatenate(keys[:whole]) if whole else _bounded(plan, keys[0])
    return placed_again(plan, np.sort(chosen), [page.resource for page in pages])


def placed_again(plan: Plan, keys: Int64s, closed: list[int]) -> Plan | None:
    """The plan with `keys` (sorted) in other pages than before, none of them in `closed`.

    None where a budget or the limit of allocations has no room for old and new pages beside each other.
    """
    requirements, profile, policy = plan.requirements, plan.profile, plan.policy
    try:
        found = PlanningRound(
            requirements, profile, plan, policy, plan.terms, Keep.OLD_RANGES, keys, closed
        ).run()
    except HeapFull:
        return None
    before, after = (memory.allocations["id"] for memory in (plan.memory, found.memory))
    if len(distinct(np.concatenate((before, after)))) >= profile.limits.max_memory_allocation_count:
        return None
    made = replace(plan, memory=found.memory, staging=MemoryPlan.empty(), _packing=[])
    made.store_packing(found.packing)
    return made


class PageReturn:
    """Decides when a running scene returns pages: after Policy.rest frames in which nothing has changed."""

    def __init__(self) -> None:
        self._plan: Plan | None = None
        self._calm = 0
        self._tried = False

    def is_done(self, plan: Plan | None) -> bool:
        """Whether later calls of `next` return None as long as nothing changes."""
        return plan is self._plan and (self._tried or plan is None)

    def next(self, plan: Plan | None, *, settled: bool) -> Plan | None:
        """The plan to carry out now in place of `plan`, called once per frame; None in most frames.

        After a first return the next ones follow as soon as they are settled. A plan that has no room for a
        return is tried once.
        """
        if plan is not self._plan:
            self._plan, self._calm, self._tried = plan, 0, False
        if plan is None or not settled or self._tried:
            return None
        self._calm += 1
        if self._calm <= plan.policy.rest:
            return None
        made = return_pages(plan)
        self._plan, self._tried = made or plan, made is None
        return made


def _next_keys(plan: Plan, page: int) -> Int64s:
    """The keys of a page, the last one first: free ranges at the end of a page are quickly merged."""
    places = plan.memory.subresources
    mine = places[places["resource"] == page]
    keys: Int64s = mine["key"][np.argsort(-mine["offset"])].astype(np.int64)
    return keys


def _bounded(plan: Plan, keys: Int64s) -> Int64s:
    """The first of `keys` within the bounds of a cycle, at least one."""
    moved = np.cumsum(plan.memory.subresource_table.rows(keys)["size"])
    count = int(np.searchsorted(moved, plan.policy.return_bytes, side="right"))
    return keys[: max(1, min(count, plan.policy.return_keys))]
