"""Carries out one step at a time on the device; what cannot be done yet is tried again later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.memory import copies
from engine.memory.deferred import Deferred, Ticket
from engine.memory.fills import Fills
from engine.memory.objects import LiveResource, Objects
from engine.memory.published import Place, Published
from engine.memory.queues import Queues, Range
from engine.memory.recorder import Recorder
from engine.plan import steps as vocabulary
from engine.plan.memory_plan import MemoryPlan
from engine.plan.profile import DeviceProfile
from engine.plan.vocabulary import BufferUsage, ImageUsage, Kind
from engine.vk.device import Device
from engine.vk.errors import DioramaInternalError, OutOfDeviceMemory
from engine.vk.structs import new
from engine.vk.timeline import Timeline


class Executor:
    """Owns all planned device memory, and does to it what steps say.

    Copies and moves are recorded, and `submit` sends them. Nothing here waits: `carry_out` answers False
    where the device or a thread is not ready.
    """

    def __init__(self, device: Device, profile: DeviceProfile, frames: Timeline | None, threads: int) -> None:
        self.objects = Objects(device, profile)
        self.published = Published(self.objects)
        self.fills = Fills(threads)
        self.deferred = Deferred()
        self.done: Counter[str] = Counter()
        self._device = device
        self.profile = profile
        self._dying: list[tuple[Ticket, LiveResource]] = []
        self._resting: list[tuple[Ticket, Place]] = []
        self._staging: dict[int, tuple[Recorder, int]] = {}
        self._plan: MemoryPlan | None = None
        self._filling: vocabulary.Transfer | None = None
        self._abandoned = False
        self._queues = Queues(device, frames)
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
        return self._filling is None and not self.deferred

    def lead_to(self, plan: MemoryPlan, caches: Mapping[int, Any] | None, *, hands_over: bool) -> None:
        """Carry out steps towards `plan` from now on; `hands_over`: they release and acquire."""
        if caches is not None:
            self.fills.wait()
            self.fills.use(caches)
        self._plan = plan
        # Threads may still write into staging: nothing goes on before they are done.
        self._abandoned = self._filling is not None
        if hands_over:
            self._queues.separate_copies()

    def carry_out(self, step: vocabulary.AnyStep) -> bool:
        """Carry out a step; False where it must be tried again later, and nothing has changed."""
        return not self._abandoned and self._carry_out[type(step)](step)

    def collect(self) -> None:
        """Destroy what no work uses any more, and let go of a transfer that was replaced half-way."""
        if self._abandoned and not self.fills.busy:
            self.fills.forget()
            self._filling, self._abandoned = None, False
        if self.deferred.collect():
            self._dying = [row for row in self._dying if not row[0].past()]

    def submit(self) -> None:
        """Send what was recorded to the device."""
        self._queues.submit()

    def flush(self, resource: LiveResource, offset: int, size: int) -> None:
        """Make host writes visible to later submits where the memory is not coherent."""
        allocation = resource.allocation
        if allocation is None or allocation.coherent or allocation.mapped is None:
            return
        atom = self.profile.limits.non_coherent_atom_size
        begin = (resource.offset + offset) // atom * atom
        end = min(-(-(resource.offset + offset + size) // atom) * atom, allocation.size)
        span = new("VkMappedMemoryRange", memory=allocation.memory, offset=begin, size=end - begin)
        self._device.call("vkFlushMappedMemoryRanges", self._device.handle, 1, span)

    def wait(self) -> None:
        """Wait for what holds the next step back; for loading, scripts and tests."""
        self.fills.wait()
        for recorder, ticket in self._staging.values():
            recorder.timeline.wait(ticket)
        self.deferred.wait()

    def close(self) -> None:
        """Wait for what was submitted and end everything, once; frames must be over."""
        self.fills.close()
        self._queues.each(Recorder.drain)
        self.deferred.run_all()
        self.objects.close()
        self._queues.each(Recorder.close)

    def _allocate(self, step: vocabulary.Allocate) -> bool:
        heap = self.profile.memory_types[step.memory_type].heap
        is_full = self.objects.heap_bytes[heap] + step.size > self.profile.budget(heap)
        if is_full and self.deferred:
            return False
        try:
            self.objects.allocate(step)
        except OutOfDeviceMemory:
            if self.deferred:
                return False
            raise
        return True

    def _create_buffer(self, step: vocabulary.CreateBuffer) -> bool:
        self.objects.create_buffer(step)
        return True

    def _create_image(self, step: vocabulary.CreateImage) -> bool:
        self.objects.create_image(step)
        return True

    def _bind(self, step: vocabulary.Bind) -> bool:
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
        staging = self.objects.resource(step.staging)
        if self._filling is None:
            if staging.mapped is None:
                raise DioramaInternalError(f"staging buffer {step.staging} is not mapped")
            self._filling = step
            self.fills.start(step.db, step.reads, staging.mapped)
        if self.fills.busy:
            return False
        self._filling = None
        self.fills.finish()
        if len(step.reads):
            begin = int(step.reads["staging_offset"].min())
            self.flush(staging, begin, int((step.reads["staging_offset"] + step.reads["size"]).max()) - begin)
        queues = self._queues
        queues.reclaim(self._places(step.keys))
        commands = queues.on(queues.copier)
        copies.transfer(self._device.vk, commands, self.objects, step, foreign=queues.separate)
        self._staging[step.staging] = (queues.copier, queues.copier.ticket)
        self.done.update(transfers=1, bytes_uploaded=int(step.sizes.sum()))
        return True

    def _fill(self, step: vocabulary.Fill) -> bool:
        copies.zero(self._device.vk, self._queues.on(self._queues.graphics), self._places(step.keys))
        return True

    def _clear_staging(self, step: vocabulary.ClearStaging) -> bool:
        recorder, ticket = self._staging.get(step.staging, (self._queues.copier, 0))
        return recorder.timeline.completed() >= ticket

    def _move(self, step: vocabulary.Move) -> bool:
        copies.move(self._device.vk, self._queues.on(self._queues.graphics), self.objects, step)
        self.done.update(moves=len(step.keys), bytes_moved=int(step.sizes.sum()))
        return True

    def _release(self, step: vocabulary.Release) -> bool:
        self._queues.release(self._places(step.keys), step.source, step.target)
        return True

    def _acquire(self, step: vocabulary.Acquire) -> bool:
        self._queues.acquire(self._places(step.keys), step.source, step.target)
        return True

    def _publish(self, step: vocabulary.Publish) -> bool:
        if not self._is_rested(step):
            return False
        assert self._plan is not None
        self._rest(self.published.publish(step, self._plan))
        self.done.update(published=len(step.keys))
        return True

    def _withdraw(self, step: vocabulary.Withdraw) -> bool:
        self._rest(self.published.withdraw(step.keys))
        return True

    def _destroy(self, step: vocabulary.Destroy) -> bool:
        resource = self.objects.resources.pop(step.resource)
        self._staging.pop(step.resource, None)
        self._queues.forget(resource)
        ticket = self._queues.now()
        self._dying.append((ticket, resource))
        self.deferred.add(ticket, lambda: self.objects.destroy(resource))
        return True

    def _free(self, step: vocabulary.Free) -> bool:
        allocation = self.objects.allocations.pop(step.allocation)
        self.deferred.add(self._queues.now(), lambda: self.objects.free(allocation))
        return True

    def _rest(self, left: list[Place]) -> None:
        """Keep host writes away from mapped places that frames in flight still read."""
        ticket = self._queues.now()
        for place in left:
            resource = self.objects.resources.get(place[0])
            if resource is not None and resource.mapped is not None:
                self._resting.append((ticket, place))

    def _is_rested(self, step: vocabulary.Publish) -> bool:
        self._resting = [row for row in self._resting if not row[0].past()]
        busy = {place[0] for _ticket, place in self._resting}
        return not busy or not busy.intersection(step.resources.tolist())

    def _places(self, keys: NDArray[np.int64]) -> list[Range]:
        """Return (resource, offset or layer, size) of keys in the plan that is being brought about."""
        assert self._plan is not None
        rows = self._plan.subresource_table.rows(keys)
        columns = (rows["resource"].tolist(), rows["offset"].tolist(), rows["size"].tolist())
        found = zip(*columns, strict=True)
        return [(self.objects.resource(resource), offset, size) for resource, offset, size in found]
