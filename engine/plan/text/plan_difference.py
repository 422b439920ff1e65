"""The bytes to allocate, free and transfer between two plans: for `diff` and `plan --against`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.humon import Node, parse, write
from engine.plan.model.plan import Plan
from engine.plan.placement.matching import matched
from engine.plan.requirements.sources import Sources
from engine.plan.resident.resident import Resident
from engine.plan.resident.steps import Allocate, Free, Transfer
from engine.plan.schedule.schedule import Schedule, make_schedule
from engine.plan.terms.table import Int64s
from engine.plan.terms.vocabulary import Contents


@dataclass(frozen=True, eq=False)
class Difference:
    """Bytes allocated, freed, moved and transferred on the way from `old` to `plan`, and the schedule itself.

    Staging buffers are not counted, as they are freed at the end.
    """

    old: Plan
    plan: Plan
    schedule: Schedule
    allocated: int
    freed: int
    moved: int
    transferred: int
    added: Int64s
    removed: Int64s


def difference(old: Plan, new: Plan) -> Difference:
    """The difference from `old`, settled, to exactly `new`; both plans use the same `Keys`.

    Plans that differ only in order are compatible: their difference is empty. Raises PlanError where no
    staging fits beside `new`.
    """
    new = matched(new, old)
    schedule = make_schedule(Resident.settled_at(old), new, imagined_sources(new))
    had = {int(row["id"]): int(row["size"]) for row in old.memory.allocations}
    staging = {int(i) for i in new.staging.allocations["id"]}
    allocated = [s for s in schedule.steps if isinstance(s, Allocate) and s.allocation not in staging]
    freed = [s for s in schedule.steps if isinstance(s, Free) and s.allocation in had]
    transfers = [s for s in schedule.steps if isinstance(s, Transfer)]
    before, after = (p.memory.subresources["key"].astype(np.int64) for p in (old, new))
    return Difference(
        old,
        new,
        schedule,
        sum(s.size for s in allocated),
        sum(had[s.allocation] for s in freed),
        schedule.moved,
        sum(int(s.sizes.sum()) for s in transfers),
        np.setdiff1d(after, before),
        np.setdiff1d(before, after),
    )


def row_changes(old: str, new: str) -> dict[str, dict[str, int]]:
    """Numbers of created, removed and kept rows of the other plans between two plan texts, by value."""
    changes = {}
    roots = [parse(source, "plan.hu").root["featureDb"] for source in (old, new)]
    for name in ("shaderPlan", "pipelinePlan", "descriptorSetPlan"):
        before, after = ({_value(row) for row in root.get(name) or ()} for root in roots)
        counts = {
            "created": len(after - before),
            "removed": len(before - after),
            "kept": len(before & after),
        }
        changes[name] = counts
    return changes


def _value(row: Node) -> tuple[tuple[str, str], ...]:
    return tuple((key, child.text) for key, child in row.items() if key != "why")


def imagined_sources(plan: Plan) -> Sources:
    """Made-up cache ranges, one after another, for the cached keys of a plan without its caches."""
    places = plan.memory.subresources
    cached = plan.terms.with_contents(Contents.CACHE)
    mine = places[cached[places["terms"]]] if len(places) else places
    room = -(-mine["size"] // 16) * 16
    return Sources.of(mine["key"], mine["key"] >> 32, np.cumsum(room) - room, mine["size"])


def difference_text(found: Difference, rows: Mapping[str, object] | None = None) -> str:
    """The difference as Humon: bytes, added and removed keys, and `rows` (from `row_changes`)."""
    names = found.plan.requirements.keys.name
    values: dict[str, object] = {
        "compatible": not found.schedule.steps,
        "allocated": found.allocated,
        "freed": found.freed,
        "moved": found.moved,
        "transferred": found.transferred,
        "plannedBefore": found.old.planned_bytes,
        "plannedAfter": found.plan.planned_bytes,
        "added": [names(key) for key in found.added.tolist()],
        "removed": [found.old.requirements.keys.name(key) for key in found.removed.tolist()],
    }
    if rows:
        values["rows"] = rows
    return write({"difference": values})
