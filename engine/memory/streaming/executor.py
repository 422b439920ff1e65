"""Carries out one step at a time on the device; what cannot be done yet is tried again later."""

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
from engine.memory.device.background_allocation import Background
from engine.memory.device.objects import LiveResource, Objects
from engine.memory.device.problems import HeapFull
from engine.memory.device.published import Published
from engine.memory.streaming.fills import Fills
from engine.memory.streaming.in_flight_ranges import InFlightRanges
from engine.memory.streaming.lazy_staging import LazyStaging
from engine.memory.streaming.transfers import Transfers
from engine.memory.streaming.unreadable_assets import Lost
from engine.plan.model.memory_plan import MemoryPlan
from engine.plan.model.plan import Plan
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.resident import steps as vocabulary
from engine.plan.terms.table import distinct_ids
from engine.plan.terms.vocabulary import BufferUsage, ImageUsage, Kind
from engine.vk.device import Device
from engine.vk.errors import OutOfDeviceMemory
from engine.vk.timeline import Timeline

KNOWN_ROWS = 4  # cycles overlap


class Executor:
    """Owns all planned device memory, and does to it what steps say.

    Copies and moves are recorded, and `submit` sends them. Nothing here waits: `carry_out` answers False
    where the device or a thread is not ready.
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
        self._dying: list[tuple[Ticket, LiveResource]] = []
        self._plan: MemoryPlan | None = None
        self._queues = Queues(device, frames)
        self.in_flight = InFlightRanges()
        self.background = Background(self.objects)
        self.lost = Lost()
        self._lazy_staging = LazyStaging()
        self._known_rows: deque[tuple[NDArray[np.int64], NDArray[np.void]]] = deque(maxlen=KNOWN_ROWS)
        self._handed: dict[bytes, list[Range]] = {}  # by keys: what was released and not yet acquired
        shared = (self.objects, self._queues, self.fills, self.in_flight, self.lost)
        self.transfers = Transfers(device, *shared, self._make_staging, direct=direct)
        self._carry_out: dict[type, Callable[[Any], bool]] = {
            vocabulary.Allocate: self._allocate,
            vocabulary.CreateBuffer: self._create_buffer,
            vocabulary.CreateImage: self._create_image,
            vocabulary.Bind: self._bind,
            vocabulary.SetWindow: self._set_window,
            vocabulary.Transfer: self._transfer,
            vocabulary.Fill: self._fill,
            vocabulary.ClearStaging: self._clear_staging,
            vocabulary.Move: self._move,
            vocabulary.Release: self._release,
            vocabulary.Acquire: self._acquire,
            vocabulary.Publish: self._publish,
            vocabulary.Withdraw: self._withdraw,
            vocabulary.Destroy: self._destroy,
            vocabulary.Free: self._free,
        }

    @property
    def idle(self) -> bool:
        """Whether no staging is being filled and nothing waits to be destroyed."""
        return self.transfers.idle and not self.deletions and not self.background.busy

    def lead_to(self, plan: Plan, caches: Mapping[int, Any] | None, *, hands_over: bool) -> None:
        """Carry out steps towards `plan` from now on; `hands_over`: they release and acquire."""
        self.transfers.abandon()
        if caches is not None:
            self.fills.use(caches)
        self._plan = self.lost.plan = plan.memory
        self._lazy_staging.staging |= frozenset(plan.staging.resources["id"].tolist())
        self.background.abandon()
        self._handed.clear()
        self._known_rows.clear()
        if hands_over:
            self._queues.separate_copies()

    def carry_out(self, step: vocabulary.AnyStep) -> bool:
        """Carry out a step; False where it must be tried again later, and nothing has changed."""
        if type(step) is not vocabulary.Release:
            self._queues.send_copies()  # a release that follows copies goes with them
        return not self.transfers.blocked and bool(self._carry_out[type(step)](step))

    def collect(self) -> None:
        """Destroy what no work uses any more."""
        self.background.collect()
        if self.deletions.collect():
            self._dying = [row for row in self._dying if not row[0].past()]

    def submit(self) -> None:
        """Send what was recorded to the device."""
        self._queues.submit()

    def look_ahead(self, steps: Iterable[vocabulary.AnyStep]) -> None:
        """Have the threads begin with transfers that come soon; `steps` are those still to be carried out."""
        if not self.transfers.blocked:
            self.transfers.look_ahead(steps)

    def wait(self, step: vocabulary.AnyStep | None) -> None:
        """Wait for what holds `step` back, or, without one, the end; for loading, scripts and tests."""
        self.transfers.wait()
        if isinstance(step, vocabulary.ClearStaging):
            self.transfers.wait_clear(step.staging)
        elif isinstance(step, vocabulary.Transfer | vocabulary.Publish):
            self.background.wait()
            self.in_flight.wait()
        else:
            self.background.wait()
            self.deletions.wait()

    def close(self) -> None:
        """Wait for what was submitted and end everything, once; frames must be over."""
        self.fills.close()
        self._queues.each(Recorder.drain)
        self.deletions.run_all()
        self.background.close()
        self.objects.close()
        self._queues.each(Recorder.close)

    def _allocate(self, step: vocabulary.Allocate) -> bool:
        return self._lazy_staging.takes_allocate(step) or self._make_memory(step)

    def _make_staging(self, staging: int) -> bool:
        """Make the memory of all staging now that some is needed; False while this one's is being made."""
        for allocate, bind in self._lazy_staging.waiting():
            if allocate.allocation in self.objects.allocations or self._make_memory(allocate):
                self._bind_memory(bind)
                self._lazy_staging.done(bind.resource)
            elif bind.resource == staging:
                return False
        return True

    def _make_memory(self, step: vocabulary.Allocate) -> bool:
        heap = self.profile.memory_types[step.memory_type].heap
        is_full = self.objects.heap_bytes[heap] + step.size > self.profile.budget(heap)
        comes_free = bool(self.deletions) or self.background.freeing
        if is_full and comes_free:
            return False
        try:
            return self.background.allocate(step, gently=not self.transfers.hurried)
        except OutOfDeviceMemory as refused:
            if comes_free:
                return False
            raise HeapFull(refused, heap, step.size) from refused

    def _create_buffer(self, step: vocabulary.CreateBuffer) -> bool:
        self.objects.create_buffer(step)
        return True

    def _create_image(self, step: vocabulary.CreateImage) -> bool:
        self.objects.create_image(step)
        return True

    def _bind(self, step: vocabulary.Bind) -> bool:
        return self._lazy_staging.takes_bind(step) or self._bind_memory(step)

    def _bind_memory(self, step: vocabulary.Bind) -> bool:
        resource = self.objects.resource(step.resource)
        if resource.kind is Kind.BUFFER:
            taken = self.profile.buffer_requirements(resource.size, BufferUsage(resource.usage)).size
        else:
            assert resource.shape is not None
            usage = ImageUsage(resource.usage)
            taken = self.profile.image_requirements(resource.shape, resource.layers, usage).size
        end = step.offset + taken
        for _ticket, old in self._dying:
            same = old.allocation is not None and old.allocation.id == step.allocation
            if same and step.offset < old.offset + old.taken and old.offset < end:
                return False
        self.objects.bind(step, taken)
        if resource.sampled_only:
            copies.first_layout(self._device.vk, self._queues.on(self._queues.copier), resource)
        return True

    def _set_window(self, step: vocabulary.SetWindow) -> bool:
        self.fills.expect(step.windows)
        return True

    def _transfer(self, step: vocabulary.Transfer) -> bool:
        return self.transfers.transfer(step, self.done)

    def _fill(self, step: vocabulary.Fill) -> bool:
        places = self._places(step.keys)
        copies.zero(self._device.vk, self._queues.on(self._queues.graphics), places)
        self._touch({resource.id for resource, _place, _size in places})
        return True

    def _clear_staging(self, step: vocabulary.ClearStaging) -> bool:
        return self.transfers.is_clear(step.staging)

    def _move(self, step: vocabulary.Move) -> bool:
        copies.move(self._device.vk, self._queues.on(self._queues.graphics), self.objects, step)
        self._touch({step.from_resource, step.to_resource})
        self.lost.move(step)
        self.done.update(moves=len(step.keys), bytes_moved=int(step.sizes.sum()))
        return True

    def _release(self, step: vocabulary.Release) -> bool:
        ranges = self._ranges(step.keys)
        self._queues.release(ranges, step.source, step.target)
        self._handed[step.keys.tobytes()] = ranges
        self._queues.send_copies()
        return True

    def _acquire(self, step: vocabulary.Acquire) -> bool:
        ranges = self._handed.pop(step.keys.tobytes(), None)
        self._queues.acquire(self._ranges(step.keys) if ranges is None else ranges, step.source, step.target)
        return True

    def _publish(self, step: vocabulary.Publish) -> bool:
        if not self._is_rested(step):
            return False
        assert self._plan is not None
        step = self.lost.without(step)
        self._rest(self.published.publish(step, self._rows(step.keys)))
        self.done.update(published=len(step.keys))
        return True

    def _withdraw(self, step: vocabulary.Withdraw) -> bool:
        self.lost.forget(step.keys)
        self._rest(self.published.withdraw(step.keys))
        return True

    def _destroy(self, step: vocabulary.Destroy) -> bool:
        resource = self.objects.resources.pop(step.resource)
        self._lazy_staging.forget_resource(step.resource)
        self.transfers.forget(step.resource)
        self.in_flight.forget(step.resource)
        self._queues.forget(resource)
        ticket = self._queues.now()
        self._dying.append((ticket, resource))
        self.deletions.add(ticket, lambda: self.objects.destroy(resource))
        return True

    def _free(self, step: vocabulary.Free) -> bool:
        if self._lazy_staging.takes_free(step.allocation) and step.allocation not in self.objects.allocations:
            return True
        allocation = self.objects.allocations.pop(step.allocation)
        self.deletions.add(self._queues.now(), lambda: self.background.free(allocation))
        return True

    def _touch(self, resources: set[int]) -> None:
        """Keep the host from what recorded work uses."""
        ticket = self._queues.now()
        for number in resources:
            self.in_flight.touch(number, ticket)

    def _rest(self, left: NDArray[np.void]) -> None:
        """Keep host writes away from places that frames in flight still read."""
        if len(left):
            self.in_flight.leave(left, self._queues.now())

    def _is_rested(self, step: vocabulary.Publish) -> bool:
        """Whether mapped places, which are written as soon as they are published, are free for that."""
        mapped = [
            n for n in distinct_ids(step.resources).tolist() if self.objects.resource(n).mapped is not None
        ]
        return not mapped or not self.in_flight.meets(np.array(mapped, np.int32))

    def _places(self, keys: NDArray[np.int64]) -> list[Range]:
        """Return (resource, offset or layer, size) of keys in the plan that is being brought about."""
        rows = self._rows(keys)
        columns = (rows["resource"].tolist(), rows["offset"].tolist(), rows["size"].tolist())
        found = zip(*columns, strict=True)
        return [(self.objects.resource(resource), offset, size) for resource, offset, size in found]

    def _rows(self, keys: NDArray[np.int64]) -> NDArray[np.void]:
        """The plan's subresources of these keys; kept for the steps of a cycle, which share one array."""
        for known, rows in self._known_rows:
            if known is keys:
                return rows
        assert self._plan is not None
        rows = self._plan.subresource_table.rows(keys)
        self._known_rows.append((keys, rows))
        return rows

    def _ranges(self, keys: NDArray[np.int64]) -> list[Range]:
        """Return the same with neighbours in a buffer merged, without what was written by the host."""
        rows = self._rows(keys)
        rows = rows.take(np.argsort((rows["resource"].astype(np.int64) << 44) + rows["offset"]))
        number, offset = rows["resource"].astype(np.int64), rows["offset"].astype(np.int64)
        changes = np.append(True, number[1:] != number[:-1])[: len(rows)]
        owners = [self.objects.resource(ident) for ident in number[changes].tolist()]
        which = np.cumsum(changes) - 1
        handed = np.array([not self.transfers.is_direct(owner) for owner in owners], bool)[which]
        images = np.array([owner.kind is Kind.IMAGE for owner in owners], bool)[which]
        end = offset + rows["footprint"]
        first = np.flatnonzero(changes | images | np.append(True, offset[1:] != end[:-1])[: len(rows)])
        last = np.append(first[1:], len(rows)) - 1
        sizes = np.where(images[first], rows["size"][first], end[last] - offset[first])
        first, sizes = first[handed[first]], sizes[handed[first]]
        columns = (which[first].tolist(), offset[first].tolist(), sizes.tolist())
        return [(owners[owner], place, size) for owner, place, size in zip(*columns, strict=True)]
