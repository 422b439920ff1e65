"""Creates and destroys VkDeviceMemory, buffers, images and views, by the ids of the plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.memory.device.host_memory import allocate_host_pages, external_buffer_info, import_info
from engine.memory.device.live_profile import buffer_info, image_info
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.requirements import ImageShape
from engine.plan.resident.steps import Allocate, Bind, CreateBuffer, CreateImage
from engine.plan.terms.vocabulary import BufferUsage, ImageUsage, Kind, MemoryProperty
from engine.plan.terms.vulkan_enums import Aspect
from engine.vk.binding import NULL, constants
from engine.vk.device import Device
from engine.vk.errors import DeviceLost, DioramaInternalError, VulkanError
from engine.vk.structs import chain, new

_ATTACHMENT = ImageUsage.COLOR_ATTACHMENT | ImageUsage.DEPTH_STENCIL_ATTACHMENT
_WRITABLE = MemoryProperty.HOST_VISIBLE | MemoryProperty.HOST_COHERENT
_RED, _ONE, _SAME = (getattr(constants, f"VK_COMPONENT_SWIZZLE_{name}") for name in ("R", "ONE", "IDENTITY"))
_GREY = (_RED, _RED, _RED, _ONE)
"""What a shader reads of a texture of one channel: grey, so that it may be in a slot of colours."""
_AS_THEY_ARE = (_SAME, _SAME, _SAME, _SAME)
_VIEWABLE = _ATTACHMENT | ImageUsage.SAMPLED | ImageUsage.STORAGE | ImageUsage.INPUT_ATTACHMENT


@dataclass(slots=True)
class LiveAllocation:
    """One VkDeviceMemory; `mapped` is all of it as bytes, if the plan maps it."""

    id: int
    memory: Any
    memory_type: int
    size: int
    mapped: NDArray[np.uint8] | None
    coherent: bool
    dedicated_to: int
    direct_mapping: NDArray[np.uint8] | None = None  # all of it, mapped for direct writes


@dataclass(slots=True)
class LiveResource:
    """One VkBuffer or VkImage; `allocation` is None until `bind`.

    All layers of `sampled_only` images are in SHADER_READ_ONLY_OPTIMAL from `bind` on, except during
    copies. The frame graph tracks the layouts of attachments and storage images.
    """

    id: int
    kind: Kind
    handle: Any
    usage: int
    size: int
    shape: ImageShape | None = None
    layers: int = 1
    allocation: LiveAllocation | None = None
    offset: int = 0
    taken: int = 0  # bytes of the allocation that it occupies
    view: Any = NULL
    views: dict[tuple[int, int, int | None, bool], Any] = field(default_factory=dict)
    transfer_owned: set[int] = field(default_factory=set)  # by the transfer-only queue's family

    @property
    def sampled_only(self) -> bool:
        """Whether the memory manager tracks the image's layout, rather than the frame graph."""
        return self.kind is Kind.IMAGE and self.usage & _VIEWABLE == ImageUsage.SAMPLED

    @property
    def allocation_id(self) -> int:
        """Id of the allocation that it is bound to, or -1."""
        return -1 if self.allocation is None else self.allocation.id

    @property
    def mapped(self) -> NDArray[np.uint8] | None:
        """Return its bytes, if it is a buffer and its memory is mapped."""
        if self.kind is not Kind.BUFFER or self.allocation is None or self.allocation.mapped is None:
            return None
        return self.allocation.mapped[self.offset : self.offset + self.size]


class Objects:
    """Owns the Vulkan objects that the ids of a plan name, and counts their memory.

    `leaving` is memory that is no longer among the `allocations`, and still counts until it is freed.
    """

    def __init__(self, device: Device, profile: DeviceProfile) -> None:
        self._device = device
        self.profile = profile
        self.allocations: dict[int, LiveAllocation] = {}
        self.leaving: list[LiveAllocation] = []
        self.resources: dict[int, LiveResource] = {}
        self.live_bytes = 0
        self.heap_bytes = [0] * len(profile.heaps)
        self.peak_bytes = 0
        self.peak_heap_bytes = [0] * len(profile.heaps)

    def allocate(self, step: Allocate) -> None:
        """Allocate and register memory, mapped until it is freed if `step.mapped`."""
        self.register(self.allocate_memory(step))

    def allocate_memory(self, step: Allocate, *, while_drawing: bool = False) -> LiveAllocation:
        """Allocate memory, mapped if `step.mapped`, on any thread; `register` then counts it.

        `while_drawing`: prefer imported host pages, which take longer but block no submit.
        """
        imported_memory = self._import_host_memory(step) if while_drawing else None
        if imported_memory is not None:
            return imported_memory
        memory_type = self.profile.memory_types[step.memory_type]
        dedicated = flags = None
        if step.dedicated_to >= 0:
            owner = self.resource(step.dedicated_to)
            which = "buffer" if owner.kind is Kind.BUFFER else "image"
            dedicated = new("VkMemoryDedicatedAllocateInfo", **{which: owner.handle})
        if step.device_address:
            address_bit = constants.VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT
            flags = new("VkMemoryAllocateFlagsInfo", flags=address_bit)
        info = new(
            "VkMemoryAllocateInfo",
            pNext=chain(dedicated, flags),
            allocationSize=step.size,
            memoryTypeIndex=step.memory_type,
        )
        memory = self._device.create("DeviceMemory", info, name=f"allocation {step.allocation}", why="plan")
        mapped = None
        if step.mapped:
            try:
                mapped = np.frombuffer(self._device.map(memory, step.size), np.uint8)
            except BaseException:
                self._device.destroy("DeviceMemory", memory)
                raise
        coherent = bool(memory_type.properties & MemoryProperty.HOST_COHERENT)
        return LiveAllocation(
            step.allocation, memory, step.memory_type, step.size, mapped, coherent, step.dedicated_to
        )

    def _import_host_memory(self, step: Allocate) -> LiveAllocation | None:
        """Import host pages for a buffer that is only a copy source; None where that is not possible."""
        if not step.mapped or step.dedicated_to < 0:
            return None
        if self.resource(step.dedicated_to).usage != BufferUsage.TRANSFER_SRC:
            return None
        try:
            pages = allocate_host_pages(self._device, step.size, step.memory_type)
            if pages is None:
                return None
            info = new(
                "VkMemoryAllocateInfo",
                pNext=import_info(pages),
                allocationSize=step.size,
                memoryTypeIndex=step.memory_type,
            )
            memory = self._device.create(
                "DeviceMemory", info, name=f"allocation {step.allocation}", why="plan"
            )
        except DeviceLost:
            raise
        except VulkanError:  # the driver rejects these pages; the caller allocates its own memory
            return None
        properties = self.profile.memory_types[step.memory_type].properties
        coherent = bool(properties & MemoryProperty.HOST_COHERENT)
        return LiveAllocation(
            step.allocation, memory, step.memory_type, step.size, pages.bytes, coherent, step.dedicated_to
        )

    def register(self, allocation: LiveAllocation) -> None:
        """Add memory to the live allocations and their byte counts."""
        self.allocations[allocation.id] = allocation
        self.live_bytes += allocation.size
        heap = self.profile.memory_types[allocation.memory_type].heap
        self.heap_bytes[heap] += allocation.size
        self.peak_bytes = max(self.peak_bytes, self.live_bytes)
        self.peak_heap_bytes[heap] = max(self.peak_heap_bytes[heap], self.heap_bytes[heap])

    def withdraw(self, allocation: int) -> LiveAllocation:
        """Take memory out of the allocations, to be freed when it is no longer in use."""
        found = self.allocations.pop(allocation)
        self.leaving.append(found)
        return found

    def create_buffer(self, step: CreateBuffer) -> None:
        """Create a VkBuffer; it has no memory before `bind`."""
        info = buffer_info(step.size, step.usage)
        if step.usage == BufferUsage.TRANSFER_SRC:
            info = chain(info, external_buffer_info(self._device, step.size))
        handle = self._device.create("Buffer", info, name=f"buffer {step.resource}", why="plan")
        made = LiveResource(step.resource, Kind.BUFFER, handle, step.usage, step.size)
        self.resources[step.resource] = made

    def create_image(self, step: CreateImage) -> None:
        """Create a VkImage; `bind` gives it memory and a view."""
        info = image_info(step.shape, step.layers, step.usage)
        handle = self._device.create("Image", info, name=f"image {step.resource}", why="plan")
        made = LiveResource(step.resource, Kind.IMAGE, handle, step.usage, 0, step.shape, step.layers)
        self.resources[step.resource] = made

    def bind(self, step: Bind, taken: int) -> LiveResource:
        """Bind a resource to `taken` bytes of memory and create the default view of an image.

        After a failure the same step may be tried again.
        """
        resource, allocation = self.resource(step.resource), self.allocations[step.allocation]
        if resource.allocation is None:
            which = "Buffer" if resource.kind is Kind.BUFFER else "Image"
            target = {which.lower(): resource.handle}
            place = {"memory": allocation.memory, "memoryOffset": step.offset}
            info = new(f"VkBind{which}MemoryInfo", **target, **place)
            self._device.call(f"vkBind{which}Memory2", self._device.handle, 1, info)
            resource.allocation, resource.offset, resource.taken = allocation, step.offset, taken
        if resource.usage & _VIEWABLE and resource.kind is Kind.IMAGE and resource.view == NULL:
            array = resource.layers > 1 or not resource.usage & _ATTACHMENT
            resource.view = self._view(resource, 0, resource.layers, array=array)
        return resource

    def part_view(
        self,
        resource: LiveResource,
        layer: int,
        layers: int = 1,
        level: int | None = None,
        *,
        array: bool = False,
    ) -> Any:
        """Return the view of some layers, of one mip level or of all: an `array`, or 2D of a single layer.

        It is created on first use and destroyed with the image.
        """
        shape = resource.shape
        assert shape is not None
        array = array or layers > 1
        is_whole = resource.layers == layers == 1 and shape.mip_levels == 1
        if is_whole and not array and resource.usage & _ATTACHMENT:
            return resource.view
        key = layer, layers, level, array
        found = resource.views.get(key)
        if found is None:
            found = resource.views[key] = self._view(resource, layer, layers, level, array=array)
        return found

    def resource(self, id: int) -> LiveResource:
        """Return the live resource of this id. Raises DioramaInternalError."""
        found = self.resources.get(id)
        if found is None:
            raise DioramaInternalError(f"resource {id} does not exist")
        return found

    def is_writable(self, resource: LiveResource) -> bool:
        """Whether the host can write to it directly: a buffer in host-visible, coherent memory."""
        if resource.kind is not Kind.BUFFER or resource.allocation is None:
            return False
        return bool(_WRITABLE & ~self.profile.memory_types[resource.allocation.memory_type].properties == 0)

    def host_bytes(self, resource: LiveResource) -> NDArray[np.uint8]:
        """Return the bytes of a writable buffer; the first call maps its memory, until it is freed."""
        allocation = resource.allocation
        assert allocation is not None
        whole = allocation.mapped if allocation.mapped is not None else allocation.direct_mapping
        if whole is None:
            buffer = self._device.map(allocation.memory, allocation.size)
            whole = allocation.direct_mapping = np.frombuffer(buffer, np.uint8)
        return whole[resource.offset : resource.offset + resource.size]

    def flush(self, resource: LiveResource, offset: int, size: int) -> None:
        """Flush host writes to mapped memory that is not coherent; offset and size in bytes."""
        allocation = resource.allocation
        if allocation is None or allocation.coherent or allocation.mapped is None:
            return
        atom = self.profile.limits.non_coherent_atom_size
        begin = (resource.offset + offset) // atom * atom
        end = min(-(-(resource.offset + offset + size) // atom) * atom, allocation.size)
        span = new("VkMappedMemoryRange", memory=allocation.memory, offset=begin, size=end - begin)
        self._device.call("vkFlushMappedMemoryRanges", self._device.handle, 1, span)

    def destroy(self, resource: LiveResource) -> None:
        """Destroy a resource and its views now; the caller has removed it from `resources`."""
        for view in (resource.view, *resource.views.values()):
            self._device.destroy("ImageView", view)
        resource.view, resource.views = NULL, {}
        handle, resource.handle = resource.handle, NULL
        self._device.destroy("Buffer" if resource.kind is Kind.BUFFER else "Image", handle)

    def free(self, allocation: LiveAllocation) -> None:
        """Free memory now, which unmaps it; it is no longer in `allocations`."""
        self.free_memory(allocation)
        self.unregister(allocation)

    def free_memory(self, allocation: LiveAllocation) -> None:
        """Free memory on any thread; `unregister` then subtracts its bytes."""
        memory, allocation.memory = allocation.memory, NULL
        allocation.mapped = allocation.direct_mapping = None
        self._device.destroy("DeviceMemory", memory)

    def unregister(self, allocation: LiveAllocation) -> None:
        """Subtract freed memory from the byte counts."""
        self.leaving = [each for each in self.leaving if each is not allocation]
        self.live_bytes -= allocation.size
        self.heap_bytes[self.profile.memory_types[allocation.memory_type].heap] -= allocation.size

    def close(self) -> None:
        """Destroy all remaining resources, then free all memory."""
        while self.resources:
            self.destroy(self.resources.popitem()[1])
        while self.allocations:
            self.free(self.allocations.popitem()[1])

    def _view(
        self,
        resource: LiveResource,
        layer: int,
        layers: int,
        level: int | None = None,
        *,
        array: bool,
    ) -> Any:
        shape = resource.shape
        assert shape is not None
        kind = constants.VK_IMAGE_VIEW_TYPE_2D_ARRAY if array else constants.VK_IMAGE_VIEW_TYPE_2D
        if shape.cube and layers == shape.layers:
            kind = constants.VK_IMAGE_VIEW_TYPE_CUBE
        info = new(
            "VkImageViewCreateInfo",
            image=resource.handle,
            viewType=kind,
            format=int(shape.format),
            components=_GREY if resource.sampled_only and shape.format.info.is_grey else _AS_THEY_ARE,
            subresourceRange=(
                aspect(shape),
                level or 0,
                shape.mip_levels if level is None else 1,
                layer,
                layers,
            ),
        )
        return self._device.create("ImageView", info, name=f"view of image {resource.id}", why="plan")


def aspect(shape: ImageShape) -> Aspect:
    """Return the aspect of a view: only depth for depth formats, else that of the format."""
    bits = shape.format.info.aspect
    return Aspect.DEPTH if Aspect.DEPTH in bits else bits
