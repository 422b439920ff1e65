"""ResourceAllocator: makes Buffer, Image, Texture and AccelerationStructure over any MemoryAllocator."""

from __future__ import annotations

import weakref
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from engine.memory.commands.deletion_queue import DeletionQueue, Ticket
from engine.memory.device.problems import UseAfterClose, WrongArray
from engine.memory.device.samplers import SamplerConfig, SamplerPool
from engine.plan.requirements.requirements import ImageShape
from engine.plan.terms.vocabulary import BufferUsage, ImageUsage
from engine.storage.allocators.interface import MemoryAllocator, MemoryMapping
from engine.storage.allocators.statistics import AllocatorStatistics
from engine.storage.resources.buffer import Buffer
from engine.storage.resources.image import Image
from engine.storage.resources.texture import Texture
from engine.storage.staging_memory import StagingMemoryManager
from engine.vk.device import Device
from engine.vk.errors import VulkanError
from engine.vk.timeline import Timeline

_COPIES = BufferUsage.TRANSFER_SRC | BufferUsage.TRANSFER_DST


@dataclass(frozen=True, slots=True)
class Accounts:
    """Live Vulkan objects by type, resources not yet destroyed by kind, and every byte of memory."""

    handles: dict[str, int]
    resources: dict[str, int]
    memory: AllocatorStatistics


class ResourceAllocator:
    """Owns what it makes until it is closed; one render thread calls `collect` and `close`.

    Resources may be closed or dropped on any thread: that only enqueues, and `collect`, called once a
    frame before it is recorded, destroys what no work uses any more. Work in flight is known
    from timelines: that of the staging manager, and those given to `follow`.
    """

    def __init__(
        self,
        device: Device,
        memory: MemoryAllocator,
        staging: StagingMemoryManager,
        samplers: SamplerPool,
    ) -> None:
        self.device = device
        self.memory = memory
        self.staging = staging
        self.samplers = samplers
        self.leaks: list[str] = []
        self._timelines: list[Timeline] = [staging.timeline]
        self._retired: deque[list[Callable[[], Any]]] = deque()
        self._deletions = DeletionQueue()
        self._live: dict[int, tuple[weakref.finalize[Any, Any], str, str]] = {}
        self._is_closed = False

    def follow(self, timeline: Timeline) -> None:
        """Keep resources until all work submitted with this timeline's tickets is finished."""
        self._timelines.append(timeline)

    def create_buffer(
        self,
        size: int,
        usage: int,
        mapping: MemoryMapping = MemoryMapping.NONE,
        *,
        name: str = "buffer",
        why: str = "",
        dedicated: bool = False,
    ) -> Buffer:
        """Make a buffer; it can be updated and read back whatever `usage` says. Raises OutOfDeviceMemory."""
        self._check(size >= 1, name, f"a buffer of {size} bytes")
        usage |= _COPIES
        memory = self.memory.allocate_buffer(size, usage, mapping, name=name, why=why, dedicated=dedicated)
        return Buffer(self, memory, usage, name, why)

    def create_image(
        self,
        shape: ImageShape,
        usage: int,
        *,
        layers: int = 1,
        name: str = "image",
        why: str = "",
        dedicated: bool = False,
    ) -> Image:
        """Make an image; it can be updated whatever `usage` says. Raises OutOfDeviceMemory."""
        sizes = (shape.width, shape.height, shape.mip_levels, layers)
        self._check(min(sizes) >= 1, name, f"an image of {sizes} texels, mips and layers")
        usage |= ImageUsage.TRANSFER_DST
        memory = self.memory.allocate_image(shape, layers, usage, name=name, why=why, dedicated=dedicated)
        return Image(self, memory, shape, layers, usage, name, why)

    def create_texture(
        self,
        shape: ImageShape,
        config: SamplerConfig | None = None,
        *,
        usage: int = ImageUsage.SAMPLED,
        layers: int = 1,
        name: str = "texture",
        why: str = "",
    ) -> Texture:
        """Make an image with a view, and a sampler shared with all textures of the same `config`."""
        image = self.create_image(shape, usage | ImageUsage.SAMPLED, layers=layers, name=name, why=why)
        try:
            return Texture(self, image, config or SamplerConfig(), name, why)
        except BaseException:
            image.close()
            raise

    def adopt(
        self, release: weakref.finalize[Any, Any], parts: list[Callable[[], Any]], kind: str, name: str
    ) -> None:
        """Track a new resource until its last part is run; called by `Resource`."""
        self._live[id(release)] = (release, kind, name)
        parts.append(lambda: self._live.pop(id(release)))

    def retire(self, parts: list[Callable[[], Any]]) -> None:
        """Release parts after their last use; from any thread, including finalizers."""
        self._retired.append(parts)

    def collect(self) -> int:
        """Destroy what no work uses any more and return how many parts; never waits. Render thread."""
        self.staging.collect()
        while self._retired:
            ticket = Ticket.now(self._timelines)
            for part in self._retired.popleft():
                self._deletions.add(ticket, part)
        return self._deletions.collect()

    def finalize_resources(self) -> int:
        """End the staging manager's current resource set and return its id."""
        return self.staging.finalize_resource_set()

    def release_resources(self, set_id: int) -> None:
        """Release a resource set whose copies are over, and what was closed before."""
        self.staging.release_resource_set(set_id)
        self.collect()

    def accounts(self) -> Accounts:
        """Count all live objects and bytes."""
        resources = dict(Counter(kind for _release, kind, _name in list(self._live.values())))
        return Accounts(self.device.handles.counts(), resources, self.memory.statistics())

    def close(self) -> None:
        """Wait for all followed work, release what is left (`leaks` names it), the latest first; once."""
        if self._is_closed:
            return
        self._is_closed = True
        for release, kind, name in reversed(list(self._live.values())):
            if release.alive:
                self.leaks.append(f"{kind} '{name}'")
                release()
        try:
            if not Ticket.now(self._timelines).wait():
                self.device.wait_idle()
        except VulkanError:
            self.device.wait_idle()  # nothing may be in use, and closing goes on whatever happens
        finally:
            while self._retired:
                for part in self._retired.popleft():
                    self._deletions.add(Ticket(()), part)
            self._deletions.run_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check(self, holds: bool, name: str, given: str) -> None:
        if self._is_closed:
            raise UseAfterClose(name, "it is asked for, and the resource allocator is closed")
        if not holds:
            raise WrongArray(name, f"{given} cannot be made: nothing may be smaller than 1")
