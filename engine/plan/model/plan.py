"""A plan: memoryPlan, shaderPlan, pipelinePlan and descriptorSetPlan, and the requirements behind them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from engine.plan.model.drawing_plan import DrawingPlan
from engine.plan.model.memory_plan import Address, MemoryPlan
from engine.plan.model.packing import Packing
from engine.plan.model.waiting import WaitingPage, waiting_pages
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.coalesce import Coalesced
from engine.plan.requirements.requirements import TermsTable
from engine.plan.terms.drawing_rows import DescriptorSetRow, PipelineRow, ShaderRow
from engine.plan.terms.policy import Policy
from engine.plan.terms.table import Int64s, contains, distinct


@dataclass(frozen=True, eq=False)
class Plan:
    """The memory of a device once settled (`memory`), and the memory needed while settling (`staging`).

    `terms` interns the planned terms whose numbers are in `memory.subresources["terms"]`. `staging` holds the
    staging buffers, which are allocated before the first transfer and freed after the last. `whole` is
    False for a snapshot of the resident state in the middle of a schedule.
    """

    memory: MemoryPlan
    staging: MemoryPlan
    drawing: DrawingPlan
    requirements: Coalesced
    terms: TermsTable
    profile: DeviceProfile
    policy: Policy
    whole: bool = True
    _packing: list[Packing] = field(default_factory=list, repr=False)

    def __str__(self) -> str:
        """The plan's text, as `engine plan` prints it."""
        # Imported by name, as engine.plan.text is above this folder and only printing needs it.
        return str(import_module("engine.plan.text.plan_text").plan_text(self))

    def __repr__(self) -> str:
        """One line: device, bytes and counts."""
        memory = self.memory
        counts = f"{len(memory.allocations)} allocations, {len(memory.resources)} resources"
        counts += f", {len(memory.subresources)} subresources"
        return f"<plan for {self.profile.name}: {self.planned_bytes:,} bytes in {counts}>"

    @property
    def shaders(self) -> tuple[ShaderRow, ...]:
        """The shaderPlan."""
        return self.drawing.shaders

    @property
    def pipelines(self) -> tuple[PipelineRow, ...]:
        """The pipelinePlan."""
        return self.drawing.pipelines

    @property
    def descriptor_sets(self) -> tuple[DescriptorSetRow, ...]:
        """The descriptorSetPlan."""
        return self.drawing.descriptor_sets

    @property
    def planned_bytes(self) -> int:
        """Bytes of VkDeviceMemory once settled."""
        return self.memory.planned_bytes

    def heap_bytes(self, memory: MemoryPlan | None = None) -> Int64s:
        """Planned bytes of each heap, of `memory` or by default of this plan's memory."""
        rows = (memory or self.memory).allocations
        heap = np.array([t.heap for t in self.profile.memory_types], np.int64)
        sums = np.bincount(heap[rows["memory_type"]], rows["size"], minlength=len(self.profile.heaps))
        return sums.astype(np.int64)

    @property
    def waste_bytes(self) -> int:
        """Planned bytes that belong to no key: holes, padding between resources, free layers of pages.

        Bytes that several images of the frame share in turns belong to them once.
        """
        places, resources, filled = self.memory.subresources, self.memory.resources, self.filled()
        at = np.searchsorted(resources["id"], places["resource"])
        shared = resources["aliased"][at].astype(bool)
        own = int(filled[~shared].sum())
        return self.planned_bytes - own - _covered(resources[at[shared]], filled[shared].astype(np.int64))

    @cached_property
    def waiting(self) -> tuple[WaitingPage, ...]:
        """Pages that are mostly free and wait to be returned, most worthwhile first; none of a snapshot."""
        if not self.whole:
            return ()
        memory = self.memory
        return waiting_pages(memory, memory.subresources, self.terms, self.profile, self.policy)

    @property
    def waiting_bytes(self) -> int:
        """Planned bytes that come back, about, once the waiting pages are returned."""
        return sum(page.bytes for page in self.waiting)

    def filled(self) -> NDArray[np.float64]:
        """Bytes of each subresource with its share of padding, in the order of `memory.subresources`."""
        places, resources = self.memory.subresources, self.memory.resources
        at = np.searchsorted(resources["id"], places["resource"])
        layers = resources["layers"][at]
        share = np.where(layers > 0, resources["size"][at] / np.maximum(layers, 1), 1.0)
        return np.asarray(places["footprint"] * share, np.float64)

    @property
    def left_out(self) -> Int64s:
        """Requested keys without memory, sorted; empty unless the device is short of memory."""
        requested = distinct(self.requirements.requested.rows["key"])
        return requested[~contains(self.memory.subresources["key"], requested)]

    def address(self, key: int) -> Address:
        """The address of `key`, as in the seed; KeyError where it is not in the plan."""
        return self.memory.address(key)

    def why(self, key: int) -> str:
        """The requesters of `key` as text."""
        return self.requirements.why(key)

    def requesters(self, key: int) -> tuple[str, ...]:
        """The first 16 requesters of `key` as text, followed by the number of the others."""
        return self.requirements.named_requesters(key)

    def take_packing(self) -> Packing:
        """Remove and return the stored packing, or build one from the columns."""
        try:
            return self._packing.pop()
        except IndexError:
            return Packing.of(self.memory, self.profile)

    def store_packing(self, packing: Packing) -> None:
        """Store a packing of this plan for the next planning round."""
        self._packing[:] = [packing]


def _covered(rows: NDArray[np.void], sizes: Int64s) -> int:
    """Bytes in which at least one of these resources lies, of each its first `sizes` bytes."""
    total, allocation, end = 0, -1, 0
    order = np.lexsort((rows["offset"], rows["allocation"]))
    columns = rows["allocation"][order].tolist(), rows["offset"][order].tolist(), sizes[order].tolist()
    for where, begin, size in zip(*columns, strict=True):  # few: images of a frame
        end = end if where == allocation else 0
        allocation = where
        total += max(0, begin + size - max(begin, end))
        end = max(end, begin + size)
    return total
