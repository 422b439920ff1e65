"""Carries out one step of a schedule at a time on the device."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.memory.commands import copies
from engine.memory.commands.deletion_queue import DeletionQueue, Ticket
from engine.memory.commands.queues import Queues, Range
from engine.memory.commands.recorder import Recorder
from engine.memory.device.background_allocation import BackgroundAllocator
from engine.memory.device.objects import LiveResource, Objects
from engine.memory.device.problems import HeapFull
from engine.memory.device.published import Published
from engine.memory.streaming.fills import Fills
from engine.memory.streaming.in_flight_ranges import InFlightRanges
from engine.memory.streaming.lazy_staging import LazyStaging
from engine.memory.streaming.transfers import Transfers
from engine.memory.streaming.unreadable_assets import UnreadableAssets
from engine.plan.model.memory_plan import MemoryPlan
from engine.plan.model.plan import Plan
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.resident import steps as step_types
from engine.plan.terms.table import distinct_ids
from engine.plan.terms.vocabulary import BufferUsage, ImageUsage, Kind
from engine.vk.device import Device
from engine.vk.errors import OutOfDeviceMemory
from engine.vk.timeline import Timeline

KNOWN_ROWS = 4  # key arrays whose plan rows are cached: paging cycles overlap


class Executor:
    """Owns all planned device memory and carries out steps on it.

    Copies and moves are recorded, and `submit` submits them. `carry_out` never waits: it returns False where
    the device or a thread is not ready, and the step is tried again later.
    """

    def __init__(
        self, device: Device, profile: DeviceProfile, frames: Timeline | None, threads: int, *, direct: bool
    ) -> None:
        self.objects = Objects(device, profile)
        self.published = Published(self.objects)
        self.fills = Fills(threads)
        self.deletions = DeletionQueue()
        self.done: Counter[str] = Counter()
        self._device = device
        self.profile = profile
        self._pending_destroy: list[tuple[Ticket, LiveResource]] = []
        self._plan: MemoryPlan | None = None
        self._queues = Queues(device, frames)
        self.in_flight = InFlightRanges()
        self.background = BackgroundAllocator(self.objects)
        self.unreadable = UnreadableAssets()
        self._lazy_staging = LazyStaging()
        self._known_rows: deque[tuple[NDArray[np.int64], NDArray[np.void]]] = deque(maxlen=KNOWN_ROWS)
        self._released: dict[bytes, list[Range]] = {}  # by keys: released and not yet acquired
        shared = (self.objects, self._queues, self.fills, self.in_flight, self.unreadable)
        self.transfers = Transfers(device, *shared, self._allocate_staging, direct=direct)
        self._handlers: dict[type, Callable[[Any], bool]] = {
            step_types.Allocate: self._allocate,
            step_types.CreateBuffer: self._create_buffer,
            step_types.CreateImage: self._create_image,
            step_types.Bind: self._bind,
            step_types.SetWindow: self._set_window,
            step_types.Transfer: self._transfer,
            step_types.Fill: self._fill,
            step_types.ClearStaging: self._clear_staging,
            step_types.Move: self._move,
            step_types.Release: self._release,
            step_types.Acquire: self._acquire,
            step_types.Publish: self._publish,
            step_types.Withdraw: self._withdraw,
            step_types.Destroy: self._destroy,
            step_types.Free: self._free,
        }

    @property
    def idle(self) -> bool:
        """Whether no transfer is under way and nothing waits to be allocated, destroyed or freed."""
        return self.transfers.idle and not self.deletions and not self.background.busy

    def set_target(self, plan: Plan, caches: Mapping[int, Any] | None, *, transfers_ownership: bool) -> None:
        """Carry out steps towards `plan` from now on; `transfers_ownership`: they include Release steps."""
        self.transfers.abandon()
        if caches is not None:
            self.fills.set_caches(caches)
        self._plan = self.unreadable.plan = plan.memory
        self._lazy_staging.staging |= frozenset(plan.staging.resources["id"].tolist())
        self.background.abandon()
        self._released.clear()
        self._known_rows.clear()
        if transfers_ownership:
            self._queues.use_transfer_queue()

    def carry_out(self, step: step_types.AnyStep) -> bool:
        """Carry out a step; False where it is not complete and must be tried again later."""
        if type(step) is not step_types.Release:
            self._queues.submit_copies()  # a Release joins the copies before it in one submit
        return not self.transfers.blocked and bool(self._handlers[type(step)](step))

    def collect(self) -> None:
        """Destroy resources and free memory whose last submit has completed."""
        self.background.collect()
        if self.deletions.collect():
            self._pending_destroy = [row for row in self._pending_destroy if not row[0].past()]

    def submit(self) -> None:
        """Submit everything that was recorded."""
        self._queues.submit()

    def look_ahead(self, steps: Iterable[step_types.AnyStep]) -> None:
        """Have the threads start on the next transfers; `steps` are those still to be carried out."""
        if not self.transfers.blocked:
            self.transfers.look_ahead(steps)

    def wait(self, step: step_types.AnyStep | None) -> None:
        """Wait for what blocks `step`, or all deletions if it is None; for loading, scripts and tests."""
        self.transfers.wait()
        if isinstance(step, step_types.ClearStaging):
            self.transfers.wait_clear(step.staging)
        elif isinstance(step, step_types.Transfer | step_types.Publish):
            self.background.wait()
            self.in_flight.wait()
        else:
            self.background.wait()
            self.deletions.wait()

    def close(self) -> None:
        """Wait for all submits and release everything, once; no frame may be in flight."""
        self.fills.close()
        self._queues.each(Recorder.drain)
        self.deletions.run_all()
        self.background.close()
        self.objects.close()
        self._queues.each(Recorder.close)

    def _allocate(self, step: step_types.Allocate) -> bool:
        return self._lazy_staging.defer_allocate(step) or self._allocate_memory(step)

    def _allocate_staging(self, staging: int) -> bool:
        """Allocate the memory of all staging buffers; False while that of `staging` is being allocated."""
        for allocate, bind in self._lazy_staging.deferred_steps():
            if allocate.allocation in self.objects.allocations or self._allocate_memory(allocate):
                self._bind_memory(bind)
                self._lazy_staging.done(bind.resource)
            elif bind.resource == staging:
                return False
        return True

    def _allocate_memory(self, step: step_types.Allocate) -> bool:
        heap = self.profile.memory_types[step.memory_type].heap
        is_full = self.objects.heap_bytes[heap] + step.size > self.profile.budget(heap)
        will_free = bool(self.deletions) or self.background.freeing
        if is_full and will_free:
            return False
        try:
            return self.background.allocate(step, while_drawing=not self.transfers.hurried)
        except OutOfDeviceMemory as refused:
            if will_free:
                return False
            raise HeapFull(refused, heap, step.size) from refused

    def _create_buffer(self, step: step_types.CreateBuffer) -> bool:
        self.objects.create_buffer(step)
        return True

    def _create_image(self, step: step_types.CreateImage) -> bool:
        self.objects.create_image(step)
        return True

    def _bind(self, step: step_types.Bind) -> bool:
        return self._lazy_staging.defer_bind(step) or self._bind_memory(step)

    def _bind_memory(self, step: step_types.Bind) -> bool:
        resource = self.objects.resource(step.resource)
        if resource.kind is Kind.BUFFER:
            taken = self.profile.buffer_requirements(resource.size, BufferUsage(resource.usage)).size
        else:
            assert resource.shape is not None
            usage = ImageUsage(resource.usage)
            taken = self.profile.image_requirements(resource.shape, resource.layers, usage).size
        end = step.offset + taken
        for _ticket, old in () if self._shares_bytes(step.resource) else self._pending_destroy:
            same = old.allocation is not None and old.allocation.id == step.allocation
            if same and step.offset < old.offset + old.taken and old.offset < end:
                return False
        self.objects.bind(step, taken)
        if resource.sampled_only:
            copies.first_layout(self._device.vk, self._queues.commands_for(self._queues.transfer), resource)
        return True

    def _shares_bytes(self, resource: int) -> bool:
        """Whether a resource shares bytes with others: frames themselves wait for those before its use."""
        assert self._plan is not None
        table = self._plan.resource_table
        return bool(table.has(np.array([resource]))[0] and table.row(resource)["aliased"])

    def _set_window(self, step: step_types.SetWindow) -> bool:
        self.fills.prefetch(step.windows)
        return True

    def _transfer(self, step: step_types.Transfer) -> bool:
        return self.transfers.transfer(step, self.done)

    def _fill(self, step: step_types.Fill) -> bool:
        places = self._ranges_of(step.keys)
        copies.zero(self._device.vk, self._queues.commands_for(self._queues.graphics), places)
        self._mark_used({resource.id for resource, _place, _size in places})
        return True

    def _clear_staging(self, step: step_types.ClearStaging) -> bool:
        return self.transfers.is_clear(step.staging)

    def _move(self, step: step_types.Move) -> bool:
        copies.move(self._device.vk, self._queues.commands_for(self._queues.graphics), self.objects, step)
        self._mark_used({step.from_resource, step.to_resource})
        self.unreadable.move(step)
        self.done.update(moves=len(step.keys), bytes_moved=int(step.sizes.sum()))
        return True

    def _release(self, step: step_types.Release) -> bool:
        ranges = self._ranges(step.keys)
        self._queues.release(ranges, step.source, step.target)
        self._released[step.keys.tobytes()] = ranges
        self._queues.submit_copies()
        return True

    def _acquire(self, step: step_types.Acquire) -> bool:
        ranges = self._released.pop(step.keys.tobytes(), None)
        self._queues.acquire(self._ranges(step.keys) if ranges is None else ranges, step.source, step.target)
        return True

    def _publish(self, step: step_types.Publish) -> bool:
        if not self._is_host_writable(step):
            return False
        assert self._plan is not None
        step = self.unreadable.exclude_from(step)
        self._protect(self.published.publish(step, self._rows(step.keys)))
        self.done.update(published=len(step.keys))
        return True

    def _withdraw(self, step: step_types.Withdraw) -> bool:
        self.unreadable.discard(step.keys)
        self._protect(self.published.withdraw(step.keys))
        return True

    def _destroy(self, step: step_types.Destroy) -> bool:
        resource = self.objects.resources.pop(step.resource)
        self._lazy_staging.forget_resource(step.resource)
        self.transfers.forget(step.resource)
        self.in_flight.forget(step.resource)
        self._queues.forget(resource)
        ticket = self._queues.now()
        self._pending_destroy.append((ticket, resource))
        self.deletions.add(ticket, lambda: self.objects.destroy(resource))
        return True

    def _free(self, step: step_types.Free) -> bool:
        if (
            self._lazy_staging.cancel_allocate(step.allocation)
            and step.allocation not in self.objects.allocations
        ):
            self.background.cancel(step.allocation)  # begun with the first staging buffer, and never used
            return True
        allocation = self.objects.withdraw(step.allocation)
        self.deletions.add(self._queues.now(), lambda: self.background.free(allocation))
        return True

    def _mark_used(self, resources: set[int]) -> None:
        """Keep host writes away from resources that recorded work uses."""
        ticket = self._queues.now()
        for number in resources:
            self.in_flight.mark_used(number, ticket)

    def _protect(self, left: NDArray[np.void]) -> None:
        """Keep host writes away from addresses that frames in flight still read."""
        if len(left):
            self.in_flight.protect(left, self._queues.now())

    def _is_host_writable(self, step: step_types.Publish) -> bool:
        """Whether the mapped resources in `step` may be written now: users write once they are published."""
        mapped = [
            n for n in distinct_ids(step.resources).tolist() if self.objects.resource(n).mapped is not None
        ]
        return not mapped or not self.in_flight.covers_any(np.array(mapped, np.int32))

    def _ranges_of(self, keys: NDArray[np.int64]) -> list[Range]:
        """Return (resource, offset or layer, size) of keys in the target plan."""
        rows = self._rows(keys)
        columns = (rows["resource"].tolist(), rows["offset"].tolist(), rows["size"].tolist())
        found = zip(*columns, strict=True)
        return [(self.objects.resource(resource), offset, size) for resource, offset, size in found]

    def _rows(self, keys: NDArray[np.int64]) -> NDArray[np.void]:
        """Return the plan's rows of these keys; cached, since the steps of a cycle share one key array."""
        for known, rows in self._known_rows:
            if known is keys:
                return rows
        assert self._plan is not None
        rows = self._plan.subresource_table.rows(keys)
        self._known_rows.append((keys, rows))
        return rows

    def _ranges(self, keys: NDArray[np.int64]) -> list[Range]:
        """Return the ranges of keys, neighbours in a buffer merged, without those that the host writes."""
        rows = self._rows(keys)
        rows = rows.take(np.argsort((rows["resource"].astype(np.int64) << 44) + rows["offset"]))
        number, offset = rows["resource"].astype(np.int64), rows["offset"].astype(np.int64)
        changes = np.append(True, number[1:] != number[:-1])[: len(rows)]
        owners = [self.objects.resource(ident) for ident in number[changes].tolist()]
        which = np.cumsum(changes) - 1
        is_transferred = np.array([not self.transfers.is_direct(owner) for owner in owners], bool)[which]
        images = np.array([owner.kind is Kind.IMAGE for owner in owners], bool)[which]
        end = offset + rows["footprint"]
        first = np.flatnonzero(changes | images | np.append(True, offset[1:] != end[:-1])[: len(rows)])
        last = np.append(first[1:], len(rows)) - 1
        sizes = np.where(images[first], rows["size"][first], end[last] - offset[first])
        first, sizes = first[is_transferred[first]], sizes[is_transferred[first]]
        columns = (which[first].tolist(), offset[first].tolist(), sizes.tolist())
        return [(owners[owner], place, size) for owner, place, size in zip(*columns, strict=True)]
