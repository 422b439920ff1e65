"""What each heap holds, by our own count and by the driver's, and what is in no heap's count."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.render.descriptor_pools import DESCRIPTORS_PER_POOL
from engine.vk.errors import VulkanError
from viewer.panels.memory.map.places import Places

if TYPE_CHECKING:
    from engine.plan.model.plan import Plan
    from engine.runtime.runtime import Runtime

EVERY_S = 0.5
"""Seconds between two questions to the driver, at least."""
DESCRIPTOR_BYTES = 64
"""About what a descriptor takes: drivers use 16 to 128 bytes, and Vulkan does not say."""
_BUDGETS = "VK_EXT_memory_budget"


@dataclass(frozen=True, slots=True)
class HeapRow:
    """One heap, in bytes.

    `budget` is what this process may use; `usage` what the driver says it uses, and `others` about what other
    processes and the system hold, as it is in no budget of ours (both None without VK_EXT_memory_budget).
    `allocated` is VkDeviceMemory of the memory manager, `bound` the part of it with resources, `requested`
    what the keys of the plan take by themselves. `staging` is a part of `allocated`.
    """

    index: int
    size: int
    device_local: bool
    budget: int
    usage: int | None
    others: int | None
    allocated: int
    bound: int
    requested: int
    staging: int

    @property
    def beside(self) -> int | None:
        """Bytes of this process that the driver counts and no plan has: swapchain, pipelines and the like."""
        return None if self.usage is None else max(self.usage - self.allocated, 0)


@dataclass(frozen=True, slots=True)
class OutsideRow:
    """Memory that no heap row counts by itself; `note` says how the number was found."""

    name: str
    bytes: int | None
    count: int
    note: str


@dataclass(frozen=True, slots=True)
class HeapFigures:
    """All heaps, and what is outside of plans."""

    heaps: tuple[HeapRow, ...] = ()
    outside: tuple[OutsideRow, ...] = ()
    has_usage: bool = False


class HeapModel:
    """Asks the driver at most twice a second; `figures` are those of the last time."""

    def __init__(
        self,
        runtime: Runtime,
        estimates: Mapping[str, Callable[[], int]],
        compared: Callable[[], tuple[str, Runtime] | None] = lambda: None,
    ) -> None:
        """`compared` is a scene on the same device with a plan of its own."""
        self._runtime = runtime
        self._estimates = estimates
        self._compared = compared
        self._figures = HeapFigures()
        self._due = 0.0
        self._requested: tuple[Plan, list[int]] | None = None
        self._cache: tuple[int, int | None] = (-1, None)

    def figures(self) -> HeapFigures:
        """The figures, renewed if they are older than EVERY_S."""
        now = time.monotonic()
        if now >= self._due and self._runtime.plan is not None:
            self._due = now + EVERY_S
            self._figures = self._collect(self._runtime.plan)
        return self._figures

    def _collect(self, plan: Plan) -> HeapFigures:
        runtime = self._runtime
        has_usage = _BUDGETS in runtime.device.extensions
        budgets = runtime.device.memory_budget()
        allocated = runtime.memory.heap_bytes
        bound, staging = self._bound(plan)
        requested = self._requested_bytes(plan)
        heaps = tuple(
            HeapRow(
                index,
                heap.size,
                heap.device_local,
                min(budgets[index][0], runtime.profile.budget(index)),
                budgets[index][1] if has_usage else None,
                max(heap.size - budgets[index][0], 0) if has_usage else None,
                allocated[index],
                bound[index],
                requested[index],
                staging[index],
            )
            for index, heap in enumerate(runtime.profile.heaps)
        )
        return HeapFigures(heaps, tuple(self._outside()), has_usage)

    def _bound(self, plan: Plan) -> tuple[list[int], list[int]]:
        """Bytes with a resource bound to them, and of staging memory, of each heap.

        Resources that share bytes count once: of aliased ones those up to the farthest end.
        """
        runtime = self._runtime
        types, heaps = plan.profile.memory_types, len(plan.profile.heaps)
        ids, sizes = runtime.memory.allocated()
        there = set(ids.tolist())  # staging is allocated later than its step, when it is needed
        every = (runtime.resident.resources[ident] for ident in sorted(runtime.resident.bound))
        rows = [row for row in every if int(row["allocation"]) in there]
        sums, staged = [0] * heaps, [0] * heaps
        if rows:
            resources = np.array(rows, plan.memory.resources.dtype)
            home, begin = resources["allocation"], resources["offset"]
            order = np.lexsort((begin, home))
            home, begin = home[order].astype(np.int64), begin[order]
            end = begin + resources["size"][order]
            span = int(end.max()) + 1
            reach = np.maximum.accumulate(home * span + end) - home * span
            before = np.where(np.append(True, home[1:] != home[:-1]), begin, np.append(0, reach[:-1]))
            covered = np.maximum(end - np.maximum(begin, before), 0)
            for ident, size in zip(*_sums(home, covered), strict=True):
                heap = types[int(runtime.resident.allocations[ident]["memory_type"])].heap
                sums[heap] += size
        for ident, size in zip(ids.tolist(), sizes.tolist(), strict=True):
            if plan.staging.allocation_table.has(np.array([ident]))[0]:
                staged[types[int(plan.staging.allocation(ident)["memory_type"])].heap] += size
        return sums, staged

    def _requested_bytes(self, plan: Plan) -> list[int]:
        """Bytes of all keys in each heap, made once for each plan."""
        if self._requested is None or self._requested[0] is not plan:
            self._requested = plan, requested_bytes(plan)
        return self._requested[1]

    def _outside(self) -> list[OutsideRow]:
        runtime = self._runtime
        counts = runtime.instance.handles.counts()
        rows = [
            OutsideRow(name, find(), 0, "estimated from its images; the driver decides")
            for name, find in self._estimates.items()
        ]
        compared = self._compared()
        if compared is not None:
            name, other = compared
            there = len(other.memory.allocated()[0])
            rows.append(OutsideRow(f"beside: {name}", other.memory.live_bytes, there, "its own plan, exact"))
        pools = counts.get("DescriptorPool", 0)
        rows.append(
            OutsideRow(
                "descriptor pools",
                pools * DESCRIPTORS_PER_POOL * DESCRIPTOR_BYTES,
                pools,
                f"estimated: {DESCRIPTOR_BYTES} bytes a descriptor; Vulkan gives no number",
            )
        )
        pipelines = counts.get("Pipeline", 0)
        rows.append(OutsideRow("pipelines", None, pipelines, "Vulkan gives no number"))
        rows.append(OutsideRow("pipeline cache", self._cache_bytes(pipelines), 0, "in host memory, exact"))
        return rows

    def _cache_bytes(self, pipelines: int) -> int | None:
        """Bytes of the pipeline cache, asked for again once there are other pipelines; None on failure."""
        if self._cache[0] != pipelines:
            try:
                self._cache = pipelines, self._runtime.renderer.pipeline_cache_bytes
            except VulkanError:
                self._cache = pipelines, None  # shown as unknown; saving it reports what is wrong
        return self._cache[1]


def requested_bytes(plan: Plan) -> list[int]:
    """Bytes that the keys of a plan take by themselves, without alignment, in each heap.

    Keys that share bytes count each for itself, so the sum may exceed what is bound.
    """
    places = Places.of(plan, staging=False)
    begin, used, _ = places.ranges
    heap = places.heaps[places.row_of_resource[places.resource_of]] if len(places) else places.heaps[:0]
    sums = np.bincount(heap, used - begin, len(plan.profile.heaps))
    return [int(value) for value in sums]


def _sums(groups: np.ndarray, sizes: np.ndarray) -> tuple[list[int], list[int]]:
    """The distinct groups (ascending in the input), and the sum of each."""
    starts = np.flatnonzero(np.append(True, groups[1:] != groups[:-1]))
    return groups[starts].tolist(), np.add.reduceat(sizes, starts).tolist()
