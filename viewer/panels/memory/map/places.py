"""Where the keys of a plan lie in memory, as columns: planned memory and staging together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.plan.model.memory_plan import ALLOCATION, MemoryPlan
from engine.plan.model.plan import Plan
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.terms.table import Int64s, Rows, chosen, contains, stack

NO_PLACE = -1


@dataclass(frozen=True, eq=False)
class Places:
    """Allocations, resources and places of a plan, its staging and what is still resident besides.

    `allocations` are sorted by heap and id: dtype ALLOCATION. All bytes of all allocations form one line:
    allocation row i begins at `bases[i]`, and `bases[-1]` is the total. `resources` (RESOURCE) are sorted by
    id, `subresources` (SUBRESOURCE) are those of the plan by key, then those of staging.
    """

    allocations: Rows
    heaps: NDArray[np.int32]
    """The heap of each allocation row."""
    extra: NDArray[np.bool_]
    """Which allocations are only resident: no plan has them, and they are about to be freed."""
    staging: NDArray[np.bool_]
    """Which allocations are those of staging buffers."""
    bases: Int64s
    resources: Rows
    subresources: Rows
    planned_count: int
    """How many of the subresources are planned; the rest are staging."""

    @staticmethod
    def of(plan: Plan, leaving: Rows | None = None, *, staging: bool = True) -> Places:
        """The places of a plan; `leaving` are resident allocations (dtype ALLOCATION) that it has not.

        A plan keeps its staging once it is settled, though that memory is freed then: leave it out.
        """
        parts = (plan.memory, plan.staging) if staging else (plan.memory,)
        return Places.of_memory(parts, plan.profile, leaving)

    @staticmethod
    def of_memory(parts: Sequence[MemoryPlan], profile: DeviceProfile, leaving: Rows | None = None) -> Places:
        """The places of memory plans whose ids are distinct: the first is planned memory, others staging."""
        leaving = np.zeros(0, ALLOCATION) if leaving is None else leaving
        groups = [*(part.allocations for part in parts), leaving]
        allocations = stack(groups)
        kind = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
        heap_of_type = np.array([each.heap for each in profile.memory_types], np.int32)
        heaps = heap_of_type[allocations["memory_type"]] if len(allocations) else np.zeros(0, np.int32)
        order = np.lexsort((allocations["id"], heaps))
        allocations, heaps, kind = allocations.take(order), heaps[order], kind[order]
        bases = np.zeros(len(allocations) + 1, np.int64)
        np.cumsum(allocations["size"], out=bases[1:])
        resources = stack([part.resources for part in parts])
        resources = resources.take(np.argsort(resources["id"], kind="stable"))
        return Places(
            allocations,
            heaps,
            kind == len(parts),
            (kind > 0) & (kind < len(parts)),
            bases,
            resources,
            _joined([part.subresources for part in parts]),
            len(parts[0].subresources),
        )

    def __len__(self) -> int:
        return len(self.subresources)

    @property
    def total(self) -> int:
        """Bytes of all allocations."""
        return int(self.bases[-1])

    @cached_property
    def row_of_resource(self) -> NDArray[np.int32]:
        """The row in `allocations` of each resource."""
        return self.allocation_rows(self.resources["allocation"])

    @cached_property
    def resource_of(self) -> NDArray[np.int32]:
        """The row in `resources` of each subresource."""
        found = np.searchsorted(self.resources["id"], self.subresources["resource"])
        return found.astype(np.int32)

    @cached_property
    def resource_start(self) -> Int64s:
        """Where each resource begins on the line of all bytes."""
        return np.asarray(self.bases[self.row_of_resource] + self.resources["offset"], np.int64)

    @cached_property
    def ranges(self) -> tuple[Int64s, Int64s, Int64s]:
        """Begin, end of the used bytes, and end of the reserved bytes of each subresource, on the line.

        A layer of an image has its share of the image's bytes, all of which count as used.
        """
        rows, resources, at = self.subresources, self.resources, self.resource_of
        offset, footprint = rows["offset"].astype(np.int64), rows["footprint"]
        begin, used, reserved = (
            offset.copy(),
            offset + np.minimum(rows["size"], footprint),
            offset + footprint,
        )
        ring = np.flatnonzero((footprint > rows["stride"]) & (rows["stride"] > 0))
        used[ring] = reserved[ring]
        image = np.flatnonzero((resources["layers"] > 0)[at])
        size, layers = (resources[name][at[image]].astype(np.int64) for name in ("size", "layers"))
        begin[image] = size * offset[image] // layers
        used[image] = reserved[image] = size * reserved[image] // layers
        base = self.resource_start[at]
        return base + begin, base + used, base + reserved

    def allocation_rows(self, ids: NDArray[np.integer]) -> NDArray[np.int32]:
        """The rows of these allocation ids, which must exist."""
        order = self._allocation_order
        at = np.searchsorted(self.allocations["id"], ids, sorter=order)
        return order[at].astype(np.int32)

    def allocation_row(self, ident: int) -> int | None:
        """The row of one allocation id; None where there is none."""
        order = self._allocation_order
        at = int(np.searchsorted(self.allocations["id"], ident, sorter=order))
        if at < len(order) and int(self.allocations["id"][order[at]]) == ident:
            return int(order[at])
        return None

    def resource_row(self, ident: int) -> int | None:
        """The row of one resource id; None where there is none."""
        at = int(np.searchsorted(self.resources["id"], ident))
        found = at < len(self.resources) and int(self.resources["id"][at]) == ident
        return at if found else None

    def place_of(self, key: int) -> int | None:
        """The row of a key in `subresources`; None where it has no memory."""
        at = int(np.searchsorted(self.subresources["key"][: self.planned_count], key))
        if at < self.planned_count and int(self.subresources["key"][at]) == key:
            return at
        staged = np.flatnonzero(self.subresources["key"][self.planned_count :] == key)
        return self.planned_count + int(staged[0]) if len(staged) else None

    def line_address(self, position: int) -> tuple[int, int]:
        """(allocation row, offset in it) of a position on the line of all bytes."""
        row = int(np.searchsorted(self.bases, position, side="right")) - 1
        row = min(max(row, 0), len(self.allocations) - 1)
        return row, position - int(self.bases[row])

    @cached_property
    def _allocation_order(self) -> NDArray[np.int64]:
        return np.argsort(self.allocations["id"], kind="stable")


def _joined(parts: Sequence[Rows]) -> Rows:
    """All rows in one array; those of the only part that has any are not copied."""
    filled = [part for part in parts if len(part)] or list(parts[:1])
    return filled[0] if len(filled) == 1 else stack(filled)


def leaving_allocations(
    plan: Plan, resident: dict[int, np.void], freeing: Sequence[tuple[int, int, int]] = ()
) -> Rows:
    """The allocations that are there and that neither memory nor staging of the plan has, dtype ALLOCATION.

    They are `resident`, by id, or wait to be freed: `freeing` has id, memory type and bytes of each.
    """
    planned = np.sort(np.concatenate([plan.memory.allocations["id"], plan.staging.allocations["id"]]))
    rows = np.array([resident[ident] for ident in sorted(resident)], ALLOCATION)
    if len(rows):
        rows = chosen(rows, ~contains(planned, rows["id"]))
    gone = np.zeros(len(freeing), ALLOCATION)
    if len(gone):
        gone["id"], gone["memory_type"], gone["size"] = zip(*freeing, strict=True)
    return stack([rows, gone])
