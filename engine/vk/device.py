"""The Vulkan device: queues, features, and the only functions that create and destroy its objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Self

from engine.vk.adapter import OPTIONAL_FEATURES, REQUIRED_FEATURES, Adapter
from engine.vk.binding import NULL, constants, ffi, lib
from engine.vk.commands import Commands
from engine.vk.enums import QueueFlag
from engine.vk.errors import DeviceLost, NotPresent, Result
from engine.vk.forking import add_owner, note_driver, remove_owner
from engine.vk.handles import LiveHandle
from engine.vk.instance import Instance
from engine.vk.shader_cache import claim_room
from engine.vk.structs import chain, new

INSTANCE_LEVEL = frozenset({"Instance", "DebugUtilsMessengerEXT", "SurfaceKHR", "Device"})

_OPTIONAL_EXTENSIONS = (
    "VK_EXT_external_memory_host",
    "VK_EXT_memory_budget",
    "VK_KHR_portability_subset",
)

# Enabled together with the extension, if that is requested.
_EXTENSION_FEATURES = {
    "VK_KHR_acceleration_structure": (
        "VkPhysicalDeviceAccelerationStructureFeaturesKHR",
        "accelerationStructure",
    ),
    "VK_KHR_ray_tracing_pipeline": ("VkPhysicalDeviceRayTracingPipelineFeaturesKHR", "rayTracingPipeline"),
    "VK_KHR_ray_query": ("VkPhysicalDeviceRayQueryFeaturesKHR", "rayQuery"),
}

# Exceptions from vkCreate{type} and vkDestroy{type}.
_CREATE = {
    "DeviceMemory": "vkAllocateMemory",
    "VkGraphicsPipelineCreateInfo": "vkCreateGraphicsPipelines",
    "VkComputePipelineCreateInfo": "vkCreateComputePipelines",
}
_DESTROY = {"DeviceMemory": "vkFreeMemory"}
_object_types: dict[str, int] = {}


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue; `kind` is "graphics" (it also computes and copies) or "transfer" (copies only)."""

    handle: Any
    family: int
    kind: str


class Device:
    """Owns a VkDevice; all its objects are created by `create` and destroyed by `destroy`.

    Attributes
    ----------
    vk : Commands
        Functions of the device, raw and unchecked (`device.vk.vkCmdDraw`).
    graphics, transfer : Queue, Queue or None
        The graphics, compute and transfer queue; a queue of a transfer-only family, if there is one.
    features : frozenset of str
        Enabled features.
    is_disowned : bool
        Whether this is the copy of a forked child: nothing is destroyed, and every use raises UsedAfterFork.
    lost : bool
        Set by the first DEVICE_LOST; from then on only destroy functions and vkDeviceWaitIdle are called.
    doing : str
        What the caller has started last, as text for the message of DeviceLost.
    """

    def __init__(self, instance: Instance, adapter: Adapter, *, extensions: Iterable[str] = ()) -> None:
        missing = [name for name in extensions if name not in adapter.extensions]
        if missing:
            raise NotPresent("vkCreateDevice", Result.EXTENSION_NOT_PRESENT, f"{adapter.name}: {missing}")
        self.instance = instance
        self.adapter = adapter
        self.handles = instance.handles
        self.lost = self.is_disowned = False
        self.doing = ""
        self.extensions = frozenset(extensions) | adapter.extensions.intersection(_OPTIONAL_EXTENSIONS)
        self.handle: Any = NULL
        with ExitStack() as undo:
            undo.callback(self.close)
            info, families = self._info()
            made = ffi.new("VkDevice *")
            instance.vk.call("vkCreateDevice", adapter.handle, info, NULL, made)
            claim_room()
            self.handle = self.handles.add("Device", made[0], adapter.name).handle
            self.vk = Commands(lib.vkGetDeviceProcAddr, self.handle)
            add_owner(self)
            if not adapter.works_after_fork:
                note_driver(adapter.driver)
            queues = [self._queue(family, kind) for family, kind in families]
            self.graphics = queues[0]
            self.transfer = queues[1] if len(queues) > 1 else None
            undo.pop_all()

    def call(self, name: str, *arguments: Any, allow: tuple[Result, ...] = ()) -> Result:
        """Call a function that returns VkResult, see `Commands.call`.

        Once the device is lost, raises DeviceLost without calling.
        """
        if not self.lost:
            try:
                return self.vk.call(name, *arguments, allow=allow)
            except DeviceLost:
                self.lost = True
        raise DeviceLost(name, Result.DEVICE_LOST, f"last begun: {self.doing or 'nothing'}")

    def create(self, type_name: str, info: Any, *, name: str = "", why: str = "", cache: Any = NULL) -> Any:
        """Create an object ("Buffer", "DeviceMemory", "Pipeline", ...) from its create or allocate info.

        `name` is its name in debuggers and leak reports, `why` its requester; `cache` is the VkPipelineCache
        of a pipeline. Raises VulkanError; no object is left then.
        """
        made = ffi.new(f"Vk{type_name} *")
        if type_name == "Pipeline":
            function = _CREATE[ffi.typeof(info).item.cname.removeprefix("struct ")]
            self.call(function, self.handle, cache, 1, info, NULL, made)
        else:
            function = _CREATE.get(type_name) or f"vkCreate{type_name}"
            self.call(function, self.handle, info, NULL, made)
        handle = made[0]
        self.handles.add(type_name, handle, name, why)
        if name:
            self.set_name(type_name, handle, name)
        return handle

    def destroy(self, type_name: str, handle: Any) -> None:
        """Destroy or free an object; NULL is ignored, and all in a forked child.

        Raises DioramaInternalError if it is not live.
        """
        if handle == NULL or self.is_disowned:
            return
        self.handles.remove(type_name, handle)
        function = _DESTROY.get(type_name) or f"vkDestroy{type_name}"
        getattr(self.vk, function)(self.handle, handle, NULL)

    def set_name(self, type_name: str, handle: Any, name: str) -> None:
        """Name an object for debuggers and validation messages, if VK_EXT_debug_utils is enabled."""
        if not self.instance.names_objects:
            return
        info = new(
            "VkDebugUtilsObjectNameInfoEXT",
            objectType=_object_type(type_name),
            objectHandle=int(ffi.cast("uintptr_t", handle)),
            pObjectName=name,
        )
        # Raw: a failure to set the name must neither raise nor leak the object.
        self.vk.vkSetDebugUtilsObjectNameEXT(self.handle, info)

    def submit(
        self,
        queue: Queue,
        command_buffers: Sequence[Any],
        *,
        waits: Sequence[tuple[Any, int, int]] = (),
        signals: Sequence[tuple[Any, int, int]] = (),
    ) -> None:
        """Submit with vkQueueSubmit2; waits and signals are (semaphore, value, stage mask) triples.

        The value of a binary semaphore is 0. Only one thread may submit.
        """
        # Called several times per frame, so without `new`: the locals keep everything alive for the call.
        waited = ffi.new("VkSemaphoreSubmitInfo[]", [_semaphore(*wait) for wait in waits])
        signalled = ffi.new("VkSemaphoreSubmitInfo[]", [_semaphore(*signal) for signal in signals])
        kind = constants.VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO
        buffers = [{"sType": kind, "commandBuffer": buffer} for buffer in command_buffers]
        recorded = ffi.new("VkCommandBufferSubmitInfo[]", buffers)
        info = ffi.new("VkSubmitInfo2 *")
        info.sType = constants.VK_STRUCTURE_TYPE_SUBMIT_INFO_2
        info.waitSemaphoreInfoCount, info.pWaitSemaphoreInfos = len(waited), waited
        info.commandBufferInfoCount, info.pCommandBufferInfos = len(recorded), recorded
        info.signalSemaphoreInfoCount, info.pSignalSemaphoreInfos = len(signalled), signalled
        self.call("vkQueueSubmit2", queue.handle, 1, info, NULL)

    def map(self, memory: Any, size: int) -> Any:
        """Map all `size` bytes of an allocation as a writable buffer, valid until the memory is freed."""
        address = ffi.new("void **")
        self.call("vkMapMemory", self.handle, memory, 0, size, 0, address)
        return ffi.buffer(address[0], size)

    def memory_budget(self) -> tuple[tuple[int, int], ...] | None:
        """Return (budget, usage) in bytes per heap, which may change at any time.

        None without VK_EXT_memory_budget: how much of a heap may be used then, a device profile says.
        """
        if "VK_EXT_memory_budget" not in self.extensions:
            return None
        budget = new("VkPhysicalDeviceMemoryBudgetPropertiesEXT")
        properties = new("VkPhysicalDeviceMemoryProperties2", pNext=budget)
        self.instance.vk.vkGetPhysicalDeviceMemoryProperties2(self.adapter.handle, properties)
        heaps = range(properties.memoryProperties.memoryHeapCount)
        return tuple((budget.heapBudget[heap], budget.heapUsage[heap]) for heap in heaps)

    def wait_idle(self) -> None:
        """Wait for all queues; only for shutdown. On a lost device the result is ignored."""
        if self.is_disowned:
            return
        if self.lost:
            self.vk.vkDeviceWaitIdle(self.handle)
        else:
            self.call("vkDeviceWaitIdle", self.handle)

    def close(self) -> tuple[LiveHandle, ...]:
        """Wait, destroy leaked objects and the device, once; return the leaked objects."""
        if self.handle == NULL:
            return ()
        try:
            self.wait_idle()
        finally:
            leaked = [entry for entry in self.handles.live() if entry.type not in INSTANCE_LEVEL]
            self.handles.leaks.extend(leaked)
            for entry in reversed(leaked):
                self.destroy(entry.type, entry.handle)
            handle, self.handle = self.handle, NULL
            self.handles.remove("Device", handle)
            self.vk.vkDestroyDevice(handle, NULL)
            remove_owner(self)
        return tuple(leaked)

    def disown(self) -> None:
        """Forget everything, in a forked child; see `engine.vk.forking`."""
        self.is_disowned = True
        self.handle = NULL
        self.vk.disown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _info(self) -> tuple[Any, list[tuple[int, str]]]:
        families = _choose_families(self.adapter)
        queues = [
            new("VkDeviceQueueCreateInfo", queueFamilyIndex=family, pQueuePriorities=[1.0])
            for family, _kind in families
        ]
        wanted = {
            struct: [
                *REQUIRED_FEATURES.get(struct, ()),
                *(n for n in names if self.adapter.features[struct][n]),
            ]
            for struct, names in OPTIONAL_FEATURES.items()
        }
        self.features = frozenset(name for names in wanted.values() for name in names)
        core = dict.fromkeys(wanted.pop("VkPhysicalDeviceFeatures"), 1)
        links = [new(struct, **dict.fromkeys(names, 1)) for struct, names in wanted.items()]
        given = [row for extension, row in _EXTENSION_FEATURES.items() if extension in self.extensions]
        links += [new(struct, **{name: 1}) for struct, name in given]
        features = new("VkPhysicalDeviceFeatures2", features=core)
        info = new(
            "VkDeviceCreateInfo",
            pNext=chain(features, *links),
            pQueueCreateInfos=queues,
            ppEnabledExtensionNames=sorted(self.extensions),
        )
        return info, families

    def _queue(self, family: int, kind: str) -> Queue:
        made = ffi.new("VkQueue *")
        self.vk.vkGetDeviceQueue(self.handle, family, 0, made)
        self.set_name("Queue", made[0], kind)
        return Queue(made[0], family, kind)


def _choose_families(adapter: Adapter) -> list[tuple[int, str]]:
    everything = QueueFlag.GRAPHICS | QueueFlag.COMPUTE
    chosen = [(next(f.index for f in adapter.families if f.has(everything)), "graphics")]
    copiers = [f.index for f in adapter.families if f.has(QueueFlag.TRANSFER) and not f.flags & everything]
    return chosen + [(index, "transfer") for index in copiers[:1]]


def _semaphore(semaphore: Any, value: int, stage: int) -> dict[str, Any]:
    kind = constants.VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO
    return {"sType": kind, "semaphore": semaphore, "value": value, "stageMask": stage}


def _object_type(type_name: str) -> int:
    if not _object_types:
        for enumerant, value in ffi.typeof("VkObjectType").relements.items():
            _object_types[enumerant.removeprefix("VK_OBJECT_TYPE_").replace("_", "")] = value
    return _object_types[type_name.upper()]
