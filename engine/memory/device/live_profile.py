"""Reads the device profile for planning from a live device."""

from __future__ import annotations

from threading import Lock
from typing import Any

from engine.plan.profile.device_profile import (
    OPTIONAL_TEXTURES,
    BufferRule,
    DeviceProfile,
    Heap,
    ImageRule,
    Limits,
    MemoryRequirements,
    MemoryType,
    QueueFamily,
)
from engine.plan.requirements.requirements import ImageShape
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import BufferUsage, ImageUsage, MemoryProperty, QueueKind
from engine.plan.terms.vulkan_enums import FormatFeature, Layout
from engine.vk.binding import constants
from engine.vk.device import Device
from engine.vk.enums import QueueFlag
from engine.vk.facts import facts, format_features
from engine.vk.structs import new

_LARGEST = (1 << 63) - 1  # plans use int64
_COLOUR = ImageUsage.SAMPLED | ImageUsage.TRANSFER_DST | ImageUsage.TRANSFER_SRC


class DeviceMeasure:
    """Queries and caches the memory requirements of buffers and images without creating them; thread-safe.

    vkGetDeviceBufferMemoryRequirements and vkGetDeviceImageMemoryRequirements (Vulkan 1.3).
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._known: dict[tuple[object, ...], MemoryRequirements] = {}
        self._lock = Lock()  # all threads share the result struct
        self._dedicated = new("VkMemoryDedicatedRequirements")
        self._answer = new("VkMemoryRequirements2", pNext=self._dedicated)

    def buffer(self, size: int, usage: BufferUsage) -> MemoryRequirements:
        """Return what a VkBuffer of `size` bytes takes."""
        key = (size, int(usage))
        found = self._known.get(key)
        if found is None:
            query = new("VkDeviceBufferMemoryRequirements", pCreateInfo=buffer_info(size, usage))
            vk, handle = self._device.vk, self._device.handle
            with self._lock:
                vk.vkGetDeviceBufferMemoryRequirements(handle, query, self._answer)
                found = self._known[key] = self._requirements()
        return found

    def image(self, shape: ImageShape, layers: int, usage: ImageUsage) -> MemoryRequirements:
        """Return what an optimal 2D VkImage takes."""
        key = (shape, layers, int(usage))
        found = self._known.get(key)
        if found is None:
            query = new("VkDeviceImageMemoryRequirements", pCreateInfo=image_info(shape, layers, usage))
            vk, handle = self._device.vk, self._device.handle
            with self._lock:
                vk.vkGetDeviceImageMemoryRequirements(handle, query, self._answer)
                found = self._known[key] = self._requirements()
        return found

    def _requirements(self) -> MemoryRequirements:
        core = self._answer.memoryRequirements
        return MemoryRequirements(
            size=core.size,
            alignment=core.alignment,
            type_bits=core.memoryTypeBits,
            requires_dedicated=bool(self._dedicated.requiresDedicatedAllocation),
            prefers_dedicated=bool(self._dedicated.prefersDedicatedAllocation),
        )


def buffer_info(size: int, usage: int) -> Any:
    """Return the create info of a buffer with exclusive sharing, `size` in bytes."""
    return new("VkBufferCreateInfo", size=size, usage=int(usage))


def image_info(shape: ImageShape, layers: int, usage: int) -> Any:
    """Return the create info of a 2D image or a cube.

    Optimal tiling, exclusive sharing, initial layout UNDEFINED.
    """
    return new(
        "VkImageCreateInfo",
        flags=constants.VK_IMAGE_CREATE_CUBE_COMPATIBLE_BIT if shape.cube else 0,
        imageType=constants.VK_IMAGE_TYPE_2D,
        format=int(shape.format),
        extent=(shape.width, shape.height, 1),
        mipLevels=shape.mip_levels,
        arrayLayers=layers,
        samples=shape.samples,
        tiling=constants.VK_IMAGE_TILING_OPTIMAL,
        usage=int(usage),
        initialLayout=Layout.UNDEFINED,
    )


def live_profile(device: Device) -> DeviceProfile:
    """Describe a live device for the planner; memory requirements are queried, never estimated."""
    reported = facts(device)
    measure = DeviceMeasure(device)
    heaps = tuple(
        Heap(row["size"], bool(row["flags"] & constants.VK_MEMORY_HEAP_DEVICE_LOCAL_BIT))
        for row in reported["heaps"]
    )
    budgets = {heap: budget for heap, (budget, _usage) in enumerate(device.memory_budget() or ())}
    return DeviceProfile(
        name=reported["name"],
        heaps=heaps,
        memory_types=tuple(
            MemoryType(row["heap"], MemoryProperty(row["properties"])) for row in reported["memory_types"]
        ),
        queue_families=tuple(
            QueueFamily(_kinds(row["flags"]), row["count"], row["min_image_transfer_granularity"])
            for row in reported["queue_families"]
        ),
        limits=_limits(reported["limits"]),
        buffers=_buffer_rule(measure),
        images=_image_rule(measure),
        device_type=reported["type"],
        driver=reported["driver"],
        api=reported["api"],
        budgets=budgets,
        features=device.features,
        lacks=_lacking(device),
        offers=_offered(device),
        measure=measure,
    )


def _lacking(device: Device) -> frozenset[Format]:
    """Return the formats of textures that the device cannot sample with a filter, or was not opened for."""
    wanted = (
        constants.VK_FORMAT_FEATURE_SAMPLED_IMAGE_BIT
        | constants.VK_FORMAT_FEATURE_SAMPLED_IMAGE_FILTER_LINEAR_BIT
        | constants.VK_FORMAT_FEATURE_TRANSFER_DST_BIT
        | constants.VK_FORMAT_FEATURE_TRANSFER_SRC_BIT
    )
    has_blocks = "textureCompressionBC" in device.features
    return frozenset(
        form
        for form in OPTIONAL_TEXTURES
        if (form.info.block_width > 1 and not has_blocks) or wanted & ~format_features(device, form)
    )


def _offered(device: Device) -> dict[Format, FormatFeature]:
    """Return what the device does with texels of each format; nothing with blocks it was not opened for."""
    has_blocks = "textureCompressionBC" in device.features
    known = sum(FormatFeature)
    return {
        form: FormatFeature(
            format_features(device, form) & known if form.info.block_width == 1 or has_blocks else 0
        )
        for form in Format
        if form is not Format.UNDEFINED
    }


def _kinds(flags: QueueFlag) -> frozenset[QueueKind]:
    bits = {
        QueueKind.GRAPHICS: QueueFlag.GRAPHICS,
        QueueKind.COMPUTE: QueueFlag.COMPUTE,
        QueueKind.TRANSFER: QueueFlag.TRANSFER,
    }
    kinds = {kind for kind, bit in bits.items() if flags & bit}
    # Graphics and compute queues support copies even where the flag is not set (VkQueueFlagBits).
    return frozenset(kinds | {QueueKind.TRANSFER} if len(kinds) else kinds)


def _limits(limits: dict[str, Any]) -> Limits:
    def read(name: str) -> int:
        return min(int(limits[name]), _LARGEST)

    return Limits(
        buffer_image_granularity=read("bufferImageGranularity"),
        non_coherent_atom_size=read("nonCoherentAtomSize"),
        min_uniform_buffer_offset_alignment=read("minUniformBufferOffsetAlignment"),
        min_storage_buffer_offset_alignment=read("minStorageBufferOffsetAlignment"),
        min_texel_buffer_offset_alignment=read("minTexelBufferOffsetAlignment"),
        optimal_buffer_copy_offset_alignment=read("optimalBufferCopyOffsetAlignment"),
        optimal_buffer_copy_row_pitch_alignment=read("optimalBufferCopyRowPitchAlignment"),
        min_memory_map_alignment=read("minMemoryMapAlignment"),
        max_memory_allocation_count=read("maxMemoryAllocationCount"),
        max_memory_allocation_size=read("maxMemoryAllocationSize"),
        max_buffer_size=read("maxBufferSize") or _LARGEST,
        max_storage_buffer_range=read("maxStorageBufferRange"),
        max_image_dimension_2d=read("maxImageDimension2D"),
        max_image_array_layers=read("maxImageArrayLayers"),
        framebuffer_sample_counts=read("framebufferColorSampleCounts") & read("framebufferDepthSampleCounts"),
    )


def _buffer_rule(measure: DeviceMeasure) -> BufferRule:
    """Return the rule that a recorded profile plans buffers with; a live profile uses `measure`."""
    everything = BufferUsage.TRANSFER_SRC | BufferUsage.TRANSFER_DST
    plain = measure.buffer(1, everything)
    single = [(int(bit), measure.buffer(1, everything | bit)) for bit in BufferUsage]
    narrowed = tuple((bit, needs.type_bits) for bit, needs in single if needs.type_bits != plain.type_bits)
    alignment = max([plain.alignment, *(needs.alignment for _bit, needs in single)])
    return BufferRule(plain.type_bits, alignment, plain.size, narrowed)


def _image_rule(measure: DeviceMeasure) -> ImageRule:
    colour = measure.image(ImageShape(Format.R8G8B8A8_UNORM, 64, 64), 1, _COLOUR)
    attachment = ImageUsage.DEPTH_STENCIL_ATTACHMENT | ImageUsage.SAMPLED
    depth = measure.image(ImageShape(Format.D32_SFLOAT, 64, 64), 1, attachment)
    return ImageRule(
        colour.type_bits, colour.alignment, format_type_bits=((int(Format.D32_SFLOAT), depth.type_bits),)
    )
