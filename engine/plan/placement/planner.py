"""make_plan: from coalesced requirements, a device profile and the resident plan to a new plan.

Placement is sticky: a key that still fits stays at its place; all others are placed, in holes first and then
in new pages. A replaced key keeps its old range until the schedule has published the new one. If that exceeds
a budget or the number of allocations, old ranges are freed first; then pages that wait to be returned are;
then everything in shared pages is placed again; at last everything is.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from engine.plan.model.columns import NeedColumns, need_columns
from engine.plan.model.drawing_plan import NO_DRAWING, DrawingPlan
from engine.plan.model.memory_plan import MemoryPlan, Sharing
from engine.plan.model.packing import Packing
from engine.plan.model.plan import Plan
from engine.plan.placement.builder import HeapFull
from engine.plan.placement.page_return import waiting_keys
from engine.plan.placement.placing import UnsatisfiableNeed
from engine.plan.placement.planning_round import Keep, PlanningRound
from engine.plan.placement.staging_plan import plan_staging
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.coalesce import Coalesced
from engine.plan.requirements.requirements import TermsTable
from engine.plan.terms.errors import PlanError
from engine.plan.terms.policy import MIB, Policy
from engine.plan.terms.table import Int64s, contains, distinct, is_in
from engine.plan.terms.vocabulary import Contents

DEFAULT_POLICY = Policy()
_NONE = np.zeros(0, np.int64)
_ATTEMPTS = tuple(reversed(Keep))
_NAMED_REQUESTERS = 64  # requesters that are named to find the five largest


def make_plan(
    coalesced: Coalesced,
    profile: DeviceProfile,
    resident: Plan | None = None,
    policy: Policy = DEFAULT_POLICY,
    *,
    keep: Keep = Keep.NOTHING,
    drawing: DrawingPlan = NO_DRAWING,
) -> Plan:
    """A plan for `coalesced` on `profile` that keeps as much of `resident` as possible, at least `keep`.

    `drawing` holds its shaders, pipelines and descriptor sets. Raises PlanError where the device or its
    budgets cannot hold the requirements: it names the largest requesters, and `resident` stays valid.
    """
    terms = resident.terms if resident is not None else TermsTable()
    memory, staging, packing = _memory(coalesced, profile, resident, policy, terms, keep)
    plan = Plan(
        memory,
        staging,
        drawing,
        coalesced,
        terms,
        profile,
        policy,
    )
    plan.store_packing(packing)
    return plan


def plan_again(plan: Plan, resident: Plan, *, fetch: bool) -> Plan:
    """A plan for the requirements of `plan`, made from `resident`; keys that fit keep their places.

    Without `fetch` cached assets that are not resident are left out. Raises PlanError as `make_plan`.
    """
    requirements = plan.requirements
    if not fetch:
        keys = requirements.needs.array["key"].astype(np.int64)
        cached = requirements.terms.with_contents(Contents.CACHE)
        present = resident.memory.subresource_table.has(keys) & ~is_in(keys, resident.memory.missing)
        requirements = requirements.without(keys[cached[requirements.needs.array["terms"]] & ~present])
    return make_plan(
        requirements,
        plan.profile,
        resident,
        plan.policy,
        keep=Keep.PLACES,
        drawing=plan.drawing,
    )


def _memory(
    coalesced: Coalesced,
    profile: DeviceProfile,
    resident: Plan | None,
    policy: Policy,
    terms: TermsTable,
    least: Keep,
) -> tuple[MemoryPlan, MemoryPlan, Packing]:
    """(memory plan, staging plan, packing) of the first attempt, from most kept to least, that fits."""
    attempts = _ATTEMPTS[: len(_ATTEMPTS) - least] if resident is not None else (Keep.NOTHING,)
    limit = profile.limits.max_memory_allocation_count
    full: HeapFull | None = None
    for keep in attempts:
        what, leaving = "the plan", _NONE
        if keep is Keep.DENSE_PAGES:
            assert resident is not None
            leaving = waiting_keys(coalesced, profile, resident, policy)
            if not len(leaving) and keep is not attempts[-1]:
                continue
        try:
            found = PlanningRound(coalesced, profile, resident, policy, terms, keep, leaving).run()
            what = "the plan and a staging buffer"
            min_staging = found.min_staging if keep is attempts[-1] or keep is Keep.OWN_ALLOCATIONS else None
            memory, staging = plan_staging(coalesced, found, profile, policy, min_staging)
        except HeapFull as error:
            full = error
        except UnsatisfiableNeed as need:
            name = coalesced.keys.name(need.key)
            raise PlanError(
                need.code,
                f"{name} {need.problem}; requested by {coalesced.why(need.key)}",
                "request less, raise the budget, or plan for a device that has it",
                need.key,
            ) from None
        else:
            count = len(memory.allocation_table) + len(staging.allocation_table)
            if count < limit:
                return memory, staging, found.packing
            full = None
    columns = need_columns(coalesced, coalesced.needs.array, profile, policy, terms)
    raise (
        _too_many_allocations(columns, coalesced, count, limit)
        if full is None
        else _over_budget(columns, coalesced, profile, full, what)
    )


def _over_budget(
    columns: NeedColumns, coalesced: Coalesced, profile: DeviceProfile, full: HeapFull, what: str
) -> PlanError:
    budget = _bytes(profile.budget(full.heap))
    who = [f"{name}: {_bytes(size)}" for name, size in _largest(coalesced, columns.device_bytes(profile))]
    return PlanError(
        "plan.budget",
        f"heap {full.heap} with a budget of {budget} cannot hold {what}"
        f" (no room for {_bytes(full.size)}); largest requesters: {'; '.join(who)}",
        "switch some of them off (active: false), use smaller assets, or raise the budget",
    )


def _too_many_allocations(columns: NeedColumns, coalesced: Coalesced, count: int, limit: int) -> PlanError:
    own = np.array([group.sharing is Sharing.OWN for group in columns.groups], bool)
    counts = _largest(coalesced, own[columns.group].astype(np.int64))
    who = "; ".join(f"{name}: {number}" for name, number in counts)
    return PlanError(
        "plan.allocations",
        f"{count} allocations are needed, but the device must have fewer than {limit};"
        f" requesters of most resources with an allocation of their own: {who}",
        "request fewer dedicated resources",
    )


def _largest(coalesced: Coalesced, weight: Int64s) -> list[tuple[str, int]]:
    """The five requesters with the largest sums of `weight` (one per need), by name, with these sums."""
    needs = coalesced.needs.array
    rows = coalesced.requested.rows
    rows = rows[contains(needs["key"], rows["key"])]  # `coalesced` may lack needs of some requests
    pairs = distinct(np.searchsorted(needs["key"], rows["key"]) << 32 | rows["requester"])
    total = np.bincount(pairs & 0xFFFF_FFFF, weight[pairs >> 32], len(coalesced.requesters)).astype(np.int64)
    sums: Counter[str] = Counter()
    for requester in np.argsort(-total, kind="stable")[:_NAMED_REQUESTERS].tolist():
        sums[str(coalesced.requesters[requester])] += int(total[requester])
    return sorted(((n, s) for n, s in sums.items() if s), key=lambda each: (-each[1], each[0]))[:5]


def _bytes(size: int) -> str:
    """Bytes as text: in MiB, below 0.1 MiB in bytes."""
    return f"{size / MIB:.1f} MiB" if size >= MIB // 10 else f"{size} bytes"
