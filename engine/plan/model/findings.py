"""Findings of the validator, and the plan's tables joined row by row for its checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from engine.plan.model.memory_plan import MemoryPlan, shape_of
from engine.plan.model.plan import Plan
from engine.plan.profile.device_profile import MemoryRequirements
from engine.plan.requirements.requirements import Terms
from engine.plan.terms.table import Int64s, Rows
from engine.plan.terms.vocabulary import BufferUsage, ImageUsage, Kind


class Part(Enum):
    """The part of a plan that a finding is about; subresources are identified by key, all others by id."""

    SUBRESOURCE = "subresource"
    RESOURCE = "resource"
    ALLOCATION = "allocation"
    HEAP = "heap"


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule: its name, the location as text, and the parts of the plan that break it."""

    rule: str
    where: str
    part: Part | None = None
    ids: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.rule}: {self.where}"


@dataclass(frozen=True, eq=False)
class Joined:
    """A plan's tables, joined: allocations and memory requirements by resource, resources by place."""

    plan: Plan
    memory: MemoryPlan
    allocation_of: Rows
    requirements: list[MemoryRequirements]
    resource_of: Rows

    @staticmethod
    def of(plan: Plan, memory: MemoryPlan) -> Joined:
        """Join; KeyError where an id does not exist."""
        allocation_of = memory.allocation_table.rows(memory.resources["allocation"].astype(np.int64))
        resource_of = memory.resource_table.rows(memory.subresources["resource"].astype(np.int64))
        requirements = [_requirements(plan, row) for row in memory.resources]
        return Joined(plan, memory, allocation_of, requirements, resource_of)

    def terms(self, read: Callable[[Terms], int], default: int = 0) -> Int64s:
        """`read` of the terms of each place; `default` for staging buffers, which have no terms."""
        values = np.array([*map(read, self.plan.terms.entries), default], np.int64)
        found: Int64s = values[self.memory.subresources["terms"]]  # -1 for staging: the last value
        return found

    def places(self, rule: str, wrong: NDArray[np.bool_]) -> list[Finding]:
        """A finding for each place in the mask `wrong`."""
        return [self.place(rule, i) for i in np.flatnonzero(wrong).tolist()]

    def place(self, rule: str, *rows: int) -> Finding:
        """One finding about these rows of the subresources."""
        where = []
        for row in self.memory.subresources[list(rows)]:
            name = self.plan.requirements.keys.name(int(row["key"]))
            where.append(f"{name} at {row['offset']} of resource {row['resource']}")
        keys = self.memory.subresources["key"][list(rows)].tolist()
        return Finding(rule, " and ".join(where), Part.SUBRESOURCE, tuple(keys))

    def resources(self, rule: str, wrong: NDArray[np.bool_]) -> list[Finding]:
        """A finding for each resource in the mask `wrong`."""
        return [about_resources(rule, row) for row in self.memory.resources[np.flatnonzero(wrong)]]


def about_resources(rule: str, *rows: np.void) -> Finding:
    """One finding about these rows of the resources."""
    where = [f"resource {row['id']} at {row['offset']} of allocation {row['allocation']}" for row in rows]
    return Finding(rule, " and ".join(where), Part.RESOURCE, tuple(int(row["id"]) for row in rows))


def _requirements(plan: Plan, row: np.void) -> MemoryRequirements:
    if row["kind"] == Kind.BUFFER:
        return plan.profile.buffer_requirements(int(row["bytes"]), BufferUsage(int(row["usage"])))
    usage = ImageUsage(int(row["usage"]))
    return plan.profile.image_requirements(shape_of(row), int(row["layers"]), usage)
