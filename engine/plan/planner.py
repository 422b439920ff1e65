"""make_plan: from coalesced requirements, a device profile and what is resident to a plan.

Placement is sticky: what fits stays where it is, and only the rest is placed, into holes first and then into
new pages. What must be replaced keeps its old range until the schedule has published the new one; if that
does not fit the budgets the old ranges are given up first, and at last everything is placed afresh.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from engine.plan.builder import NoRoom
from engine.plan.coalesce import Coalesced
from engine.plan.columns import columns_of
from engine.plan.errors import PlanError
from engine.plan.memory_plan import MemoryPlan
from engine.plan.packing import Packing
from engine.plan.placing import Unplaceable
from engine.plan.plan import Plan, merge_rows
from engine.plan.policy import Policy
from engine.plan.profile import DeviceProfile
from engine.plan.requirements import TermsTable
from engine.plan.round import Round
from engine.plan.rows import DescriptorSetRow, PipelineRow, ShaderRow
from engine.plan.staging import plan_staging
from engine.plan.table import distinct

DEFAULT_POLICY = Policy()


def make_plan(
    coalesced: Coalesced,
    profile: DeviceProfile,
    resident: Plan | None = None,
    policy: Policy = DEFAULT_POLICY,
    *,
    shaders: Sequence[ShaderRow] = (),
    pipelines: Sequence[PipelineRow] = (),
    descriptor_sets: Sequence[DescriptorSetRow] = (),
) -> Plan:
    """A plan for `coalesced` on `profile`, as close to `resident` as it can be.

    Raises PlanError where the device or its budgets cannot hold what is asked for: it names the largest
    askers, and `resident` stays valid.
    """
    terms = resident.terms if resident is not None else TermsTable()
    memory, staging, packing = _memory(coalesced, profile, resident, policy, terms)
    plan = Plan(
        memory,
        staging,
        cast(tuple[ShaderRow, ...], merge_rows(shaders)),
        cast(tuple[PipelineRow, ...], merge_rows(pipelines)),
        cast(tuple[DescriptorSetRow, ...], merge_rows(descriptor_sets)),
        coalesced,
        terms,
        profile,
        policy,
    )
    plan.leave_packing(packing)
    return plan


def _memory(
    coalesced: Coalesced, profile: DeviceProfile, resident: Plan | None, policy: Policy, terms: TermsTable
) -> tuple[MemoryPlan, MemoryPlan, Packing]:
    """(memory plan, staging plan, packing), by the first way that the budgets allow."""
    attempts = [(True, True), (True, False), (False, False)] if resident is not None else [(False, False)]
    for sticky, keep_old in attempts:
        what = "the plan"
        try:
            one = Round(coalesced, profile, resident, policy, terms, sticky=sticky, keep_old=keep_old)
            memory, packing, to_stage = one.run()
            what = "the plan and a staging buffer"
            last = not sticky
            return *plan_staging(
                coalesced, memory, packing, to_stage, profile, policy, any_size=last
            ), packing
        except NoRoom as found:
            short = found
        except Unplaceable as found:
            name = coalesced.keys.name(found.key)
            raise PlanError(
                found.code,
                f"{name} {found.why}; asked for by {coalesced.why(found.key)}",
                "ask for less, or plan for a device that has it",
            ) from None
    raise _budget(coalesced, profile, policy, terms, short, what)


def _budget(
    coalesced: Coalesced, profile: DeviceProfile, policy: Policy, terms: TermsTable, short: NoRoom, what: str
) -> PlanError:
    needs = coalesced.needs.array
    columns = columns_of(coalesced, needs, profile, policy, terms)
    size = np.where(columns.footprint > columns.size, columns.footprint, columns.size)
    rows = coalesced.asked.rows
    asks = distinct(np.searchsorted(needs["key"], rows["key"]) << 32 | rows["asker"])
    total = np.bincount(asks & 0xFFFF_FFFF, size[asks >> 32], minlength=len(coalesced.askers))
    largest = np.argsort(-total, kind="stable")[:5]
    names = "; ".join(f"{coalesced.askers[int(a)]}: {mib(total[a])}" for a in largest if total[a])
    budget = profile.budget(short.heap)
    return PlanError(
        "plan.budget",
        f"heap {short.heap} with a budget of {mib(budget)} cannot hold {what}"
        f" (short at a need of {mib(short.size)}); largest askers: {names}",
        "switch some of them off (active: false), use smaller assets, or raise --budget",
    )


def mib(size: float) -> str:
    """Bytes for people, in MiB."""
    return f"{size / (1 << 20):.1f} MiB"
