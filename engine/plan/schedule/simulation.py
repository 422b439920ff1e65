"""A simulated device: runs schedules on bytes in numpy arrays, with the preconditions of every step.

Copies out of staging happen as late as possible, at clearStaging: a staging buffer that is filled again too
early shows as wrong bytes. Reading undefined bytes raises StepError, and so does a heap over its budget.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from engine.plan.model.memory_plan import shape_of
from engine.plan.model.plan import Plan
from engine.plan.requirements.shapes import layer_bytes, mip_levels
from engine.plan.resident.resident import Resident
from engine.plan.resident.steps import (
    Allocate,
    AnyStep,
    Bind,
    ClearStaging,
    Destroy,
    Fill,
    Free,
    Move,
    Publish,
    Transfer,
)
from engine.plan.schedule.schedule import Schedule
from engine.plan.terms.errors import StepError
from engine.plan.terms.table import Int64s
from engine.plan.terms.vocabulary import Contents, Kind

Bytes = NDArray[np.uint8]


class Image:
    """An image: the tightly packed bytes of each layer, and which of them are defined."""

    def __init__(self, layers: int, size: int) -> None:
        self.bytes = np.full((layers, size), 0xCD, np.uint8)
        self.defined = np.zeros((layers, size), bool)


class Memory:
    """A VkDeviceMemory: its bytes, and which of them are defined."""

    def __init__(self, size: int) -> None:
        self.bytes = np.full(size, 0xCD, np.uint8)
        self.defined = np.zeros(size, bool)


class SimulatedDevice:
    """Carries out steps on bytes; `caches` are the bytes of the caches by the number of their assetDb.

    `peak` is the most bytes that each heap has held, `staged_bytes` the sum of all transfers.
    """

    def __init__(self, caches: Mapping[int, Bytes]) -> None:
        self.caches = caches
        self.resident = Resident()
        self.peak: list[int] = []
        self.staged_bytes = 0
        self.staged_keys: list[Int64s] = []
        self._memory: dict[int, Memory] = {}
        self._images: dict[int, Image] = {}
        self._uncopied: dict[int, list[Transfer]] = {}

    def begin(self, plan: Plan) -> None:
        """Make a plan the target."""
        self.resident.begin(plan)
        if not self.peak:
            self.peak = [0] * len(plan.profile.heaps)

    def run(self, schedule: Schedule, upto: int | None = None) -> None:
        """Begin a schedule and carry out its first `upto` steps, by default all."""
        self.begin(schedule.plan)
        for step in schedule.steps[:upto]:
            self.step(step)

    def step(self, step: AnyStep) -> None:
        """Carry out one step; StepError where a precondition, a budget or a byte is wrong."""
        self.resident.apply(step)
        plan = self.resident.target
        assert plan is not None
        if isinstance(step, Allocate):
            self._check_budgets(plan)
            self._memory[step.allocation] = Memory(step.size)
        elif isinstance(step, Bind):
            self._bind(step)
        elif isinstance(step, Transfer):
            self._fill_staging(step)
        elif isinstance(step, ClearStaging):
            for transfer in self._uncopied.pop(step.staging, []):
                self._copy_out(transfer)
        elif isinstance(step, Move):
            self._move(step)
        elif isinstance(step, Fill):
            for key in step.keys.tolist():
                self._write_zeros(key)
        elif isinstance(step, Publish):
            self._check_defined(step)
        elif isinstance(step, Destroy):
            self._images.pop(step.resource, None)
        elif isinstance(step, Free):
            del self._memory[step.allocation]

    def read(self, key: int) -> Bytes:
        """The bytes of a published key; StepError where it is not published or has undefined bytes."""
        place = self.resident.published(key)
        if place is None:
            raise StepError(f"key {key:#x} is not published")
        values, defined = self._range(int(place["resource"]), int(place["offset"]), int(place["size"]))
        if place["needs"] and not defined.all():
            raise StepError(f"key {key:#x} has undefined bytes")
        return values.copy()

    def _check_budgets(self, plan: Plan) -> None:
        count, limit = len(self.resident.allocations), plan.profile.limits.max_memory_allocation_count
        if count > limit:
            raise StepError(f"Allocate: {count} allocations, but maxMemoryAllocationCount is {limit}")
        for heap, used in enumerate(self.resident.heap_bytes(plan)):
            if used > plan.profile.budget(heap):
                raise StepError(f"Allocate: heap {heap} holds {used} of {plan.profile.budget(heap)} bytes")
            self.peak[heap] = max(self.peak[heap], used)

    def _move(self, step: Move) -> None:
        copied = [
            tuple(part.copy() for part in self._range(step.from_resource, source, size))
            for source, size in zip(step.sources.tolist(), step.sizes.tolist(), strict=True)
        ]
        for (values, defined), target, size in zip(
            copied, step.targets.tolist(), step.sizes.tolist(), strict=True
        ):
            into, mark = self._range(step.to_resource, target, size)
            into[:], mark[:] = values, defined

    def _bind(self, step: Bind) -> None:
        row = self.resident.resources[step.resource]
        if row["kind"] == Kind.IMAGE:
            self._images[step.resource] = Image(int(row["layers"]), layer_bytes(shape_of(row)))
        memory, end = self._memory[step.allocation], step.offset + int(row["size"])
        memory.defined[step.offset : end] = False
        memory.bytes[step.offset : end] = 0xCD

    def _fill_staging(self, step: Transfer) -> None:
        cache, plan = self.caches[step.db], self.resident.target
        assert plan is not None
        staging, defined = self._range(step.staging, 0, int(self.resident.resources[step.staging]["bytes"]))
        for source, start, size in step.reads[["cache_offset", "staging_offset", "size"]].tolist():
            if start < 0 or start + size > len(staging):
                raise StepError("Transfer: reads beyond the staging buffer")
            staging[start : start + size] = cache[source : source + size]
            defined[start : start + size] = True
        self._uncopied.setdefault(step.staging, []).append(step)
        self.staged_bytes += int(step.sizes.sum())
        self.staged_keys.append(step.keys)

    def _copy_out(self, step: Transfer) -> None:
        staging, known = self._range(step.staging, 0, int(self.resident.resources[step.staging]["bytes"]))
        for start, resource, offset, size in step.buffer_copies[
            ["staging_offset", "resource", "offset", "size"]
        ].tolist():
            if resource in self.resident.bound:
                into, defined = self._range(resource, offset, size)
                into[:], defined[:] = staging[start : start + size], known[start : start + size]
        for copy in step.image_copies:
            if int(copy["resource"]) in self.resident.bound:
                self._copy_image(copy, staging, known)

    def _copy_image(self, copy: np.void, staging: Bytes, known: NDArray[np.bool_]) -> None:
        shape = shape_of(self.resident.resources[int(copy["resource"])])
        level, info = mip_levels(shape)[int(copy["mip"])], shape.format.info
        if int(copy["width"]) != level.width or copy["y"] % info.block_height:
            raise StepError("Transfer: an image copy is not in whole rows of blocks")
        if copy["y"] + copy["height"] > level.height:
            raise StepError("Transfer: an image copy is beyond its mip level")
        rows = -(-int(copy["height"]) // info.block_height)
        start = level.offset + int(copy["y"]) // info.block_height * level.row
        source, size = int(copy["staging_offset"]), rows * level.row
        if size != copy["size"]:
            raise StepError("Transfer: an image copy has the wrong size")
        image, layer = self._images[int(copy["resource"])], int(copy["layer"])
        image.bytes[layer, start : start + size] = staging[source : source + size]
        image.defined[layer, start : start + size] = known[source : source + size]

    def _write_zeros(self, key: int) -> None:
        assert self.resident.target is not None
        place = self.resident.target.memory.subresource_table.row(key)
        values, defined = self._range(int(place["resource"]), int(place["offset"]), int(place["size"]))
        values[:], defined[:] = 0, True

    def _check_defined(self, step: Publish) -> None:
        plan = self.resident.target
        assert plan is not None
        for key in step.keys.tolist():
            terms = plan.terms[int(plan.memory.subresource_table.row(key)["terms"])]
            if terms.contents is not Contents.UNDEFINED:
                self.read(key)

    def _range(self, resource: int, offset: int, size: int) -> tuple[Bytes, NDArray[np.bool_]]:
        """Views of the bytes of a buffer range or of image layers, and of the mask of defined bytes."""
        row = self.resident.resources[resource]
        if row["kind"] == Kind.IMAGE:
            image = self._images[resource]
            layers = size // image.bytes.shape[1]
            return (
                image.bytes[offset : offset + layers].reshape(-1),
                image.defined[offset : offset + layers].reshape(-1),
            )
        if offset < 0 or offset + size > int(row["bytes"]):
            raise StepError(f"range {offset}+{size} is beyond resource {resource}")
        memory = self._memory[int(row["allocation"])]
        start = int(row["offset"]) + offset
        return memory.bytes[start : start + size], memory.defined[start : start + size]
