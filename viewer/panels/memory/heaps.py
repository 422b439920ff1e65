"""What each heap holds, by our own count and by the driver's, and what is in no heap's count."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.plan.terms.table import Int64s, Rows, Table, chosen, distinct, is_in
from engine.render.descriptor_pools import DESCRIPTORS_PER_POOL
from engine.vk.errors import VulkanError
from viewer.panels.memory.map.places import Places
from viewer.panels.number_format import count_text

if TYPE_CHECKING:
    from engine.plan.model.plan import Plan
    from engine.runtime.runtime import Runtime

EVERY_S = 0.5
"""Seconds between two questions to the driver, at least."""
DESCRIPTOR_BYTES = 64
"""About what a descriptor takes: drivers use 16 to 128 bytes, and Vulkan does not say."""


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
        self._bound_at: tuple[tuple[Plan, int, int], tuple[list[int], list[int]]] | None = None
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
        reported = runtime.device.memory_budget()
        allocated = runtime.memory.heap_bytes
        bound, staging = self._bound(plan)
        requested = self._requested_bytes(plan)
        heaps = tuple(
            HeapRow(
                index,
                heap.size,
                heap.device_local,
                runtime.profile.budget(index) if now is None else min(now[0], runtime.profile.budget(index)),
                None if now is None else now[1],
                None if now is None else max(heap.size - now[0], 0),
                allocated[index],
                bound[index],
                requested[index],
                staging[index],
            )
            for index, heap in enumerate(runtime.profile.heaps)
            for now in (None if reported is None else reported[index],)
        )
        return HeapFigures(heaps, tuple(self._outside()), reported is not None)

    def _bound(self, plan: Plan) -> tuple[list[int], list[int]]:
        """Bytes with a resource bound to them, and of staging memory, of each heap.

        They are found again once a step was carried out, or memory was allocated or freed.
        """
        memory = self._runtime.memory
        about = plan, memory.statistics.steps, memory.live_bytes
        if self._bound_at is None or self._bound_at[0] != about:
            self._bound_at = about, self._find_bound(plan)
        return self._bound_at[1]

    def _find_bound(self, plan: Plan) -> tuple[list[int], list[int]]:
        resident = self._runtime.resident
        heap_of_type = np.array([one.heap for one in plan.profile.memory_types], np.int64)
        ids, sizes = self._runtime.memory.allocated()
        rows, staging = plan.memory, plan.staging.allocation_table
        resources = _columns(resident.bound, rows.resource_table, resident.resources)
        # Staging is allocated later than its step, when it is needed.
        home, covered = covered_bytes(chosen(resources, is_in(resources["allocation"], ids)))
        of = _columns(distinct(home).tolist(), rows.allocation_table, resident.allocations)
        heaps = heap_of_type[of["memory_type"]][np.searchsorted(of["id"], home)]
        is_staging, of_staging = staging.find(ids.astype(np.int64))
        staged = heap_of_type[of_staging["memory_type"][is_staging]]
        count = len(plan.profile.heaps)
        return _sums(heaps, covered, count), _sums(staged, sizes[is_staging], count)

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
            about = f"the scene that is compared: {count_text(there, 'allocation')} of its own plan, exact"
            rows.append(OutsideRow(f"compared: {name}", other.memory.live_bytes, 0, about))
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


def covered_bytes(resources: Rows) -> tuple[Int64s, Int64s]:
    """Return the allocation of each resource, and the bytes that none before it covers; in some order.

    Resources that share bytes count once: of aliased ones those up to the farthest end.
    """
    order = np.lexsort((resources["offset"], resources["allocation"]))
    home, begin = resources["allocation"][order].astype(np.int64), resources["offset"][order]
    end = begin + resources["size"][order]
    span = int(end.max(initial=0)) + 1
    reach = np.maximum.accumulate(home * span + end) - home * span
    is_first = np.append(True, home[1:] != home[:-1])[: len(home)]
    before = np.where(is_first, begin, np.append(0, reach[:-1])[: len(home)])
    return home, np.maximum(end - np.maximum(begin, before), 0)


def requested_bytes(plan: Plan) -> list[int]:
    """Bytes that the keys of a plan take by themselves, without alignment, in each heap.

    Keys that share bytes count each for itself, so the sum may exceed what is bound.
    """
    places = Places.of(plan, staging=False)
    begin, used, _ = places.ranges
    heap = places.heaps[places.row_of_resource[places.resource_of]] if len(places) else places.heaps[:0]
    return _sums(heap, used - begin, len(plan.profile.heaps))


def _sums(groups: NDArray[np.integer], sizes: Int64s, count: int) -> list[int]:
    """The sums of sizes by the numbers of their groups, of which there are `count`."""
    found = np.zeros(count, np.int64)
    np.add.at(found, groups, sizes)
    return found.tolist()


def _columns(ids: Collection[int], planned: Table, others: Mapping[int, np.void]) -> Rows:
    """The rows of ids, ascending: those of a plan as columns, only those of earlier plans one by one."""
    wanted = np.sort(np.fromiter(ids, np.int64, len(ids)))
    is_planned, rows = planned.find(wanted)
    left = [others[ident] for ident in wanted[~is_planned].tolist()]
    if not left:
        return rows
    found = np.concatenate((chosen(rows, is_planned), np.array(left, planned.array.dtype)))
    return found.take(np.argsort(found["id"]))
