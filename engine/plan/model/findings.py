"""Findings of the validator, and the plan's tables joined so that one look at columns finds them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from engine.plan.model.memory_plan import MemoryPlan, shape_of
from engine.plan.model.plan import Plan
from engine.plan.profile.device_profile import Needs
from engine.plan.requirements.requirements import Terms
from engine.plan.terms.table import Int64s, Rows
from engine.plan.terms.vocabulary import BufferUsage, ImageUsage, Kind


class Part(Enum):
    """What of a plan a finding is about; subresources are told by their keys, all else by ids."""

    SUBRESOURCE = "subresource"
    RESOURCE = "resource"
    ALLOCATION = "allocation"
    HEAP = "heap"


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule: its name, where and how, and which parts of the plan break it."""

    rule: str
    where: str
    part: Part | None = None
    ids: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.rule}: {self.where}"


@dataclass(frozen=True, eq=False)
class Joined:
    """A plan's tables joined by row: each resource with its allocation, each place with its resource."""

    plan: Plan
    memory: MemoryPlan
    home: Rows
    needs: list[Needs]
    within: Rows

    @staticmethod
    def of(plan: Plan, memory: MemoryPlan) -> Joined:
        """Join; KeyError where an id points nowhere."""
        home = memory.allocation_table.rows(memory.resources["allocation"].astype(np.int64))
        within = memory.resource_table.rows(memory.subresources["resource"].astype(np.int64))
        return Joined(plan, memory, home, [_needs(plan, row) for row in memory.resources], within)

    def terms(self, read: Callable[[Terms], int], default: int = 0) -> Int64s:
        """What `read` takes from each place's terms; `default` for staging, which has none."""
        values = np.array([*map(read, self.plan.terms.entries), default], np.int64)
        found: Int64s = values[self.memory.subresources["terms"]]  # those of staging are -1: the last one
        return found

    def places(self, rule: str, wrong: NDArray[np.bool_]) -> list[Finding]:
        """A finding for each place where something is wrong."""
        return [self.place(rule, i) for i in np.flatnonzero(wrong).tolist()]

    def place(self, rule: str, *rows: int) -> Finding:
        """A finding about these rows of the subresources."""
        said = []
        for row in self.memory.subresources[list(rows)]:
            name = self.plan.requirements.keys.name(int(row["key"]))
            said.append(f"{name} at {row['offset']} of resource {row['resource']}")
        keys = self.memory.subresources["key"][list(rows)].tolist()
        return Finding(rule, " and ".join(said), Part.SUBRESOURCE, tuple(keys))

    def resources(self, rule: str, wrong: NDArray[np.bool_]) -> list[Finding]:
        """A finding for each resource where something is wrong."""
        return [about_resources(rule, row) for row in self.memory.resources[np.flatnonzero(wrong)]]


def about_resources(rule: str, *rows: np.void) -> Finding:
    """A finding about these rows of the resources."""
    said = [f"resource {row['id']} at {row['offset']} of allocation {row['allocation']}" for row in rows]
    return Finding(rule, " and ".join(said), Part.RESOURCE, tuple(int(row["id"]) for row in rows))


def _needs(plan: Plan, row: np.void) -> Needs:
    if row["kind"] == Kind.BUFFER:
        return plan.profile.buffer_requirements(int(row["bytes"]), BufferUsage(int(row["usage"])))
    usage = ImageUsage(int(row["usage"]))
    return plan.profile.image_requirements(shape_of(row), int(row["layers"]), usage)
