"""make_plan: from coalesced requirements, a device profile and what is resident to a plan.

Placement is sticky: what fits stays where it is, and only the rest is placed, into holes first and then into
new pages. What must be replaced keeps its old range until the schedule has published the new one; if that
does not fit the budgets, or the number of allocations, the old ranges are given up first, then all that
shares pages is placed afresh, and at last everything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from engine.plan.model.columns import NeedColumns, need_columns
from engine.plan.model.memory_plan import MemoryPlan, Sharing
from engine.plan.model.packing import Packing
from engine.plan.model.plan import Plan, merge_rows
from engine.plan.placement.builder import NoRoom
from engine.plan.placement.placing import Unplaceable
from engine.plan.placement.planning_round import Keep, Round
from engine.plan.placement.staging_plan import plan_staging
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.coalesce import Coalesced
from engine.plan.requirements.requirements import TermsTable
from engine.plan.terms.drawing_rows import DescriptorSetRow, PipelineRow, ShaderRow
from engine.plan.terms.errors import PlanError
from engine.plan.terms.policy import MIB, Policy
from engine.plan.terms.table import Int64s, contains, distinct
from engine.plan.terms.vocabulary import Contents

DEFAULT_POLICY = Policy()
_LOOKS = 64  # requesters to put into words before the five largest are known


def make_plan(
    coalesced: Coalesced,
    profile: DeviceProfile,
    resident: Plan | None = None,
    policy: Policy = DEFAULT_POLICY,
    *,
    keep: Keep = Keep.NOTHING,
    shaders: Sequence[ShaderRow] = (),
    pipelines: Sequence[PipelineRow] = (),
    descriptor_sets: Sequence[DescriptorSetRow] = (),
) -> Plan:
    """A plan for `coalesced` on `profile`, as close to `resident` as it can be.

    At least `keep` of that is kept. Raises PlanError where the device or its budgets cannot hold what is
    asked for: it names the largest requesters, and `resident` stays valid.
    """
    terms = resident.terms if resident is not None else TermsTable()
    memory, staging, packing = _memory(coalesced, profile, resident, policy, terms, keep)
    plan = Plan(
        memory,
        staging,
        merge_rows(shaders),
        merge_rows(pipelines),
        merge_rows(descriptor_sets),
        coalesced,
        terms,
        profile,
        policy,
    )
    plan.store_packing(packing)
    return plan


def plan_again(plan: Plan, resident: Plan, *, fetch: bool = True) -> Plan:
    """A plan for what `plan` was for, in which what fits stays in its place. Raises PlanError.

    Without `fetch` what comes from caches and is not resident is left out.
    """
    requirements = plan.requirements
    if not fetch:
        keys = requirements.needs.array["key"].astype(np.int64)
        cached = requirements.terms.with_contents(Contents.CACHE)
        there = resident.memory.subresource_table.has(keys) & ~np.isin(keys, resident.memory.missing)
        requirements = requirements.without(keys[cached[requirements.needs.array["terms"]] & ~there])
    return make_plan(
        requirements,
        plan.profile,
        resident,
        plan.policy,
        keep=Keep.PLACES,
        shaders=plan.shaders,
        pipelines=plan.pipelines,
        descriptor_sets=plan.descriptor_sets,
    )


def _memory(
    coalesced: Coalesced,
    profile: DeviceProfile,
    resident: Plan | None,
    policy: Policy,
    terms: TermsTable,
    least: Keep,
) -> tuple[MemoryPlan, MemoryPlan, Packing]:
    """(memory plan, staging plan, packing), by the first way that the device and its budgets allow."""
    attempts = [k for k in reversed(Keep) if k >= least] if resident is not None else [Keep.NOTHING]
    limit = profile.limits.max_memory_allocation_count
    short: NoRoom | None = None
    for keep in attempts:
        what = "the plan"
        try:
            found = Round(coalesced, profile, resident, policy, terms, keep).run()
            what = "the plan and a staging buffer"
            at_once = found.at_once if keep is attempts[-1] or keep is Keep.OWN else None
            memory, staging = plan_staging(coalesced, found, profile, policy, at_once)
        except NoRoom as nowhere:
            short = nowhere
        except Unplaceable as need:
            name = coalesced.keys.name(need.key)
            raise PlanError(
                need.code,
                f"{name} {need.why}; asked for by {coalesced.why(need.key)}",
                "ask for less, raise the budget, or plan for a device that has it",
                need.key,
            ) from None
        else:
            count = len(memory.allocation_table) + len(staging.allocation_table)
            if count < limit:
                return memory, staging, found.packing
            short = None
    columns = need_columns(coalesced, coalesced.needs.array, profile, policy, terms)
    raise (
        _crowded(columns, coalesced, count, limit)
        if short is None
        else _budget(columns, coalesced, profile, short, what)
    )


def _budget(
    columns: NeedColumns, coalesced: Coalesced, profile: DeviceProfile, short: NoRoom, what: str
) -> PlanError:
    budget = _bytes(profile.budget(short.heap))
    who = [f"{name}: {_bytes(size)}" for name, size in _largest(coalesced, columns.device_bytes(profile))]
    return PlanError(
        "plan.budget",
        f"heap {short.heap} with a budget of {budget} cannot hold {what}"
        f" (short at a need of {_bytes(short.size)}); largest requesters: {'; '.join(who)}",
        "switch some of them off (active: false), use smaller assets, or raise the budget",
    )


def _crowded(columns: NeedColumns, coalesced: Coalesced, count: int, limit: int) -> PlanError:
    own = np.array([group.sharing is Sharing.OWN for group in columns.groups], bool)
    counts = _largest(coalesced, own[columns.group].astype(np.int64))
    who = "; ".join(f"{name}: {number}" for name, number in counts)
    return PlanError(
        "plan.allocations",
        f"{count} allocations are needed, and the device must have fewer than {limit}; those of their own"
        f" are asked for most by: {who}",
        "ask for less that is dedicated",
    )


def _largest(coalesced: Coalesced, weight: Int64s) -> list[tuple[str, int]]:
    """The five who ask for the most, by the weights of needs; ids that read the same are one requester."""
    needs = coalesced.needs.array
    rows = coalesced.requested.rows
    rows = rows[contains(needs["key"], rows["key"])]  # these may be only a part of all that is asked for
    asks = distinct(np.searchsorted(needs["key"], rows["key"]) << 32 | rows["requester"])
    total = np.bincount(asks & 0xFFFF_FFFF, weight[asks >> 32], len(coalesced.requesters)).astype(np.int64)
    sums: Counter[str] = Counter()
    for requester in np.argsort(-total, kind="stable")[:_LOOKS].tolist():
        sums[str(coalesced.requesters[requester])] += int(total[requester])
    return sorted(((n, s) for n, s in sums.items() if s), key=lambda each: (-each[1], each[0]))[:5]


def _bytes(size: int) -> str:
    """Bytes for people: in MiB, or as they are where that would read 0."""
    return f"{size / MIB:.1f} MiB" if size >= MIB // 10 else f"{size} bytes"
