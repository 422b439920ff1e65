"""What changes from one plan to another, in numbers: bytes, allocations, and the usage bits of each key."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntFlag

import numpy as np

from engine.plan.model.plan import Plan
from engine.plan.terms.table import Int64s
from engine.plan.terms.vocabulary import BufferUsage, Contents, ImageUsage, Kind, flag_names

MAX_USAGES = 4096
"""Keys whose usage bits are compared; more are counted."""


@dataclass(frozen=True, slots=True)
class UsageChange:
    """The usage bits that a key of both plans gains and loses, by their names."""

    key: int
    name: str
    added: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlanChange:
    """From one plan to another: planned bytes, and numbers of allocations, resources and keys.

    `gained` and `lost` are the keys of one of the plans only, sorted, with the bytes of both. `heap_bytes` is
    the change of each heap. `waiting_bytes` is the change of what comes back later, when pages that are
    mostly free are returned. `short` counts the keys that the new plan leaves out beyond those of the old.
    `moved` counts the keys of assets whose contents go to another place, `renewed` those of what is only
    created again there, as attachments. `usages` are the keys that stay with other usage bits.
    """

    bytes: int
    allocations: int
    resources: int
    heap_bytes: tuple[int, ...] = ()
    waiting_bytes: int = 0
    short: int = 0
    gained: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    lost: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    gained_bytes: int = 0
    lost_bytes: int = 0
    moved: int = 0
    renewed: int = 0
    usages: tuple[UsageChange, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether both plans are the same."""
        places = (self.moved, self.renewed)
        counts = (self.bytes, self.allocations, self.resources, self.short, *places, len(self.usages))
        return not any(counts) and not len(self.gained) and not len(self.lost)


def plan_change(old: Plan, new: Plan) -> PlanChange:
    """The change from `old` to `new`; both use the same keys and the same table of planned terms."""
    before, after = old.memory.subresource_table, new.memory.subresource_table
    lost, other = before.difference(after)
    had = before.has(other)
    gained, kept = other[~had], other[had]
    was, now = before.rows(kept), after.rows(kept)
    moved = (was["resource"] != now["resource"]) | (was["offset"] != now["offset"])
    kept_contents = new.terms.with_contents(Contents.CACHE)[now["terms"]]
    heaps = new.heap_bytes() - old.heap_bytes() if len(new.profile.heaps) == len(old.profile.heaps) else ()
    return PlanChange(
        new.planned_bytes - old.planned_bytes,
        len(new.memory.allocation_table) - len(old.memory.allocation_table),
        len(new.memory.resource_table) - len(old.memory.resource_table),
        tuple(int(change) for change in heaps),
        new.waiting_bytes - old.waiting_bytes,
        len(new.left_out) - len(old.left_out),
        gained,
        lost,
        _bytes_of(new, gained),
        _bytes_of(old, lost),
        int((moved & kept_contents).sum()),
        int((moved & ~kept_contents).sum()),
        _usages(old, new, kept),
    )


def _bytes_of(plan: Plan, keys: Int64s) -> int:
    """Bytes of keys, with their share of padding."""
    if not len(keys):
        return 0
    places = plan.memory.subresource_table.rows(keys)
    resources = plan.memory.resource_table.rows(places["resource"].astype(np.int64))
    layers = np.maximum(resources["layers"], 1)
    share = np.where(resources["layers"] > 0, resources["size"] / layers, 1.0)
    return int((places["footprint"] * share).sum())


def _usages(old: Plan, new: Plan, keys: Int64s) -> tuple[UsageChange, ...]:
    """The keys of both plans whose planned usage differs."""
    was, now = (plan.memory.subresource_table.rows(keys)["terms"] for plan in (old, new))
    found = []
    for at in np.flatnonzero(was != now)[:MAX_USAGES].tolist():
        before, after = old.terms[int(was[at])], new.terms[int(now[at])]
        if before.usage != after.usage:
            flags: type[IntFlag] = BufferUsage if after.kind is Kind.BUFFER else ImageUsage
            found.append(
                UsageChange(
                    int(keys[at]),
                    new.requirements.keys.name(int(keys[at])),
                    flag_names(flags(after.usage & ~before.usage)),
                    flag_names(flags(before.usage & ~after.usage)),
                )
            )
    return tuple(found)
