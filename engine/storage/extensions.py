"""Extensions of a context: parts of Vulkan or of ours that are there or not, and say why not (seed 001)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from engine.memory.device.live_profile import live_profile
from engine.memory.device.samplers import SamplerPool
from engine.storage.allocators.guards import Guards
from engine.storage.allocators.sub_allocator import SubAllocator
from engine.storage.resources.acceleration import RAY_USES
from engine.storage.resources.resource_allocator import ResourceAllocator
from engine.storage.staging_memory import StagingMemoryManager
from engine.vk.adapter import Adapter
from engine.vk.device import Device
from engine.vk.instance import Instance, Support
from engine.vk.messages import Message
from engine.vk.structs import new

_YES = Support(True)


class OpenContext(Protocol):
    """What extensions use of the Context that opens them."""

    instance: Instance
    device: Device


class Extension:
    """Something a context may have; subclasses say what it needs and open it.

    `support` is what was found when the context was made: ask it before using anything else of it.
    """

    name = ""
    support = Support(False, "no context has been made with it")

    def instance_support(self, offered: frozenset[str]) -> Support:
        """Whether the instance extensions offered are enough."""
        missing = [name for name in self.instance_extensions() if name not in offered]
        return Support(False, f"the loader offers no {', '.join(missing)}") if missing else _YES

    def device_support(self, adapter: Adapter) -> Support:
        """Whether a device is enough."""
        missing = [name for name in self.device_extensions() if name not in adapter.extensions]
        return Support(False, f"{adapter.name} has no {', '.join(missing)}") if missing else _YES

    def instance_extensions(self) -> tuple[str, ...]:
        """Instance extensions that it needs."""
        return ()

    def device_extensions(self) -> tuple[str, ...]:
        """Device extensions that it needs."""
        return ()

    def open(self, context: OpenContext) -> None:
        """Begin, the device being there."""

    def close(self) -> None:
        """End, once, before everything that was opened earlier."""


class DebugUtils(Extension):
    """Names, labels and messages (VK_EXT_debug_utils)."""

    name = "debug utils"

    def __init__(self) -> None:
        self._context: OpenContext | None = None

    def instance_extensions(self) -> tuple[str, ...]:
        """VK_EXT_debug_utils."""
        return ("VK_EXT_debug_utils",)

    def open(self, context: OpenContext) -> None:
        """Begin."""
        self._context = context

    @property
    def messages(self) -> tuple[Message, ...]:
        """What the validation layers said so far (nothing where the context does not validate)."""
        return tuple(self._context.instance.messages.all) if self._context else ()

    @contextmanager
    def label(self, commands: Any, text: str) -> Iterator[None]:
        """Bracket the commands recorded inside for debuggers; nothing where it is not supported."""
        if self._context is None or not self.support.supported:
            yield
            return
        vk = self._context.device.vk
        vk.vkCmdBeginDebugUtilsLabelEXT(commands, new("VkDebugUtilsLabelEXT", pLabelName=text))
        try:
            yield
        finally:
            vk.vkCmdEndDebugUtilsLabelEXT(commands)


class MemoryBudget(Extension):
    """What the system leaves of each heap just now (VK_EXT_memory_budget)."""

    name = "memory budget"

    def __init__(self) -> None:
        self._context: OpenContext | None = None

    def device_extensions(self) -> tuple[str, ...]:
        """VK_EXT_memory_budget."""
        return ("VK_EXT_memory_budget",)

    def open(self, context: OpenContext) -> None:
        """Begin."""
        self._context = context

    def heaps(self) -> tuple[tuple[int, int], ...]:
        """(budget, usage) in bytes of each heap; nothing where it is not supported."""
        return (self._context.device.memory_budget() or ()) if self._context else ()


class RayTracing(Extension):
    """Acceleration structures, and one of the two ways to trace rays through them.

    Devices may be asked for the sizes of structures only where pipelines or queries are switched on
    (vkGetAccelerationStructureBuildSizesKHR-rayTracingPipeline-03617).
    """

    name = "ray tracing"

    def __init__(self) -> None:
        self._way = RAY_USES[0]

    def device_support(self, adapter: Adapter) -> Support:
        """Whether a device has structures, and pipelines or queries for them."""
        self._way = next((way for way in RAY_USES if way in adapter.extensions), RAY_USES[0])
        return super().device_support(adapter)

    def device_extensions(self) -> tuple[str, ...]:
        """VK_KHR_acceleration_structure, what it depends on, and pipelines or else queries."""
        return ("VK_KHR_acceleration_structure", "VK_KHR_deferred_host_operations", self._way)


class Resources(Extension):
    """A resource allocator with memory, staging and samplers of its own, for code without a scene."""

    name = "resources"

    def __init__(self, *, guards: Guards | None = None, **staging: Any) -> None:
        self._guards = guards
        self._staging = staging
        self._closing: list[Any] = []
        self._allocator: ResourceAllocator | None = None

    @property
    def allocator(self) -> ResourceAllocator:
        """The resource allocator, while the context is open."""
        assert self._allocator is not None, "its context is not open"
        return self._allocator

    def open(self, context: OpenContext) -> None:
        """Make allocator, staging and samplers."""
        device = context.device
        profile = live_profile(device)
        memory = SubAllocator(device, profile, guards=self._guards)
        self._closing.append(memory)
        staging = StagingMemoryManager(device, profile, memory, **self._staging)
        self._closing.append(staging)
        samplers = SamplerPool(device)
        self._closing.append(samplers)
        self._allocator = ResourceAllocator(device, memory, staging, samplers)
        self._closing.append(self._allocator)

    def close(self) -> None:
        """Resources first, then what they lived on."""
        self._allocator = None
        while self._closing:
            self._closing.pop().close()
