"""What a device can never hold: resources beyond its limits, formats and memory types, each with a cause."""

from __future__ import annotations

from dataclasses import dataclass

from engine.plan.model.groups import candidate_types, group_of, planned_terms
from engine.plan.profile.device_profile import DeviceProfile, Limits
from engine.plan.requirements.requirements import ImageShape, Terms
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import BufferUsage, ImageUsage, Kind, MemoryProperty, flag_names, word
from engine.plan.terms.vulkan_enums import FormatFeature

_FEATURES = {
    ImageUsage.TRANSFER_SRC: FormatFeature.TRANSFER_SRC,
    ImageUsage.TRANSFER_DST: FormatFeature.TRANSFER_DST,
    ImageUsage.SAMPLED: FormatFeature.SAMPLED_IMAGE,
    ImageUsage.STORAGE: FormatFeature.STORAGE_IMAGE,
    ImageUsage.COLOR_ATTACHMENT: FormatFeature.COLOR_ATTACHMENT,
    ImageUsage.DEPTH_STENCIL_ATTACHMENT: FormatFeature.DEPTH_STENCIL_ATTACHMENT,
}
"""What a usage takes of a format (Vulkan 1.3, 12.3, vkCreateImage). An input attachment takes either."""


@dataclass(frozen=True)
class Refusal:
    """Why a device cannot hold a resource: goes on after the name of that, with a code and a hint.

    `of_memory` says that all would be well with larger heaps or budgets.
    """

    code: str
    problem: str
    help: str
    of_memory: bool = False


def limit_refusal(shape: ImageShape | None, footprint: int, limits: Limits) -> Refusal | None:
    """Why no buffer of `footprint` bytes, or image with so many layers, is within the limits of a device."""
    if shape is None:
        if footprint <= limits.max_buffer_size:
            return None
        most = limits.max_buffer_size
        return _size(f"takes {footprint} bytes, but maxBufferSize is {most}", f"{most} bytes")
    most = limits.max_image_dimension_2d
    if max(shape.width, shape.height) > most or min(shape.width, shape.height) < 1:
        problem = f"is {shape.width}x{shape.height}, but maxImageDimension2D is {most}"
        return _size(problem, f"{most} x {most} texels")
    most = limits.max_image_array_layers
    if footprint > most:
        return _size(f"has {footprint} layers, but maxImageArrayLayers is {most}", f"{most} layers")
    return None


def memory_refusal(required: MemoryProperty, bits: int, profile: DeviceProfile) -> Refusal:
    """Why no memory type of `bits` (VkMemoryRequirements) has the required properties."""
    there = [t.properties for index, t in enumerate(profile.memory_types) if bits >> index & 1]
    available = "; ".join(" ".join(flag_names(properties)) or "none" for properties in there) or "none"
    needed = " ".join(flag_names(required))
    return Refusal(
        "plan.memory_type",
        f"needs memory that is {needed}, but the memory types for it are: {available}",
        "require less of it, or prefer it",
    )


def heap_refusal(size: int, types: tuple[int, ...], profile: DeviceProfile) -> Refusal | None:
    """Why no heap of these memory types can hold `size` bytes, as much as may be allocated at once."""
    heaps = {profile.memory_types[index].heap for index in types}
    most = max(min(profile.budget(heap), profile.limits.max_memory_allocation_size) for heap in heaps)
    if size <= most:
        return None
    problem = f"takes {size} bytes, more than any heap for it allows"
    return Refusal("plan.size", problem, f"up to {most} bytes are possible with these budgets", True)


def refusal(terms: Terms, size: int, profile: DeviceProfile, policy: Policy) -> Refusal | None:
    """Why the device can never hold what is requested with these terms; a buffer has `size` bytes."""
    if terms.persistent_map and not terms.properties & MemoryProperty.HOST_VISIBLE:
        problem = "is mapped, and its memory need not be hostVisible"
        return Refusal("plan.memory_type", problem, "require MemoryProperty.HOST_VISIBLE")
    planned = planned_terms(terms, profile, policy)
    shape = planned.shape
    if terms.kind is Kind.IMAGE:
        assert shape is not None
        footprint = shape.layers * planned.copies
        found = image_refusal(shape, ImageUsage(planned.usage), profile)
        found = found or limit_refusal(shape, footprint, profile.limits)
    else:
        footprint = -(-size // planned.alignment) * planned.alignment * planned.copies
        found = limit_refusal(None, footprint, profile.limits) or _use_refusal(planned, size, profile)
    if found is not None:
        return found
    group = group_of(planned, size, policy)
    if shape is not None:
        takes = profile.image_requirements(shape, footprint, ImageUsage(planned.usage))
    else:
        takes = profile.buffer_requirements(footprint, BufferUsage(planned.usage))
    types = candidate_types(group, takes.type_bits, profile)
    if not types:
        return memory_refusal(group.required, takes.type_bits, profile)
    return heap_refusal(takes.size, types, profile)


def image_refusal(shape: ImageShape, usage: ImageUsage, profile: DeviceProfile) -> Refusal | None:
    """Why the device has no images of a format for these usages, or with so many samples."""
    most = max(shape.width, shape.height).bit_length()
    if shape.mip_levels > most:
        problem = f"has {shape.mip_levels} mip levels, and {shape.width} x {shape.height} texels have {most}"
        return Refusal("plan.format", problem, "request fewer, or give it a fixed extent")
    if not usage:
        return Refusal("plan.format", "has no usage", "say what it is used for")
    lacking = [
        use for use, feature in _FEATURES.items() if usage & use and not profile.does(shape.format, feature)
    ]
    if lacking:
        uses = " and ".join(flag_names(ImageUsage(sum(lacking))))
        return Refusal(
            "plan.format",
            f"has the format {word(shape.format)}, which this device does not offer for {uses}",
            "use another format",
        )
    samples = shape.samples
    if samples == 1:
        return None
    attachment = ImageUsage.COLOR_ATTACHMENT | ImageUsage.DEPTH_STENCIL_ATTACHMENT
    counts = [n for n in (1, 2, 4, 8, 16, 32, 64) if n & profile.limits.framebuffer_sample_counts]
    if samples not in counts:
        possible = f"this device offers {', '.join(map(str, counts))}"
        return Refusal("plan.format", f"has {samples} samples, which this device does not offer", possible)
    if shape.mip_levels > 1 or shape.cube or not usage & attachment or usage & ImageUsage.STORAGE:
        problem = f"has {samples} samples, which only attachments without mip levels have"
        return Refusal("plan.format", problem, "request 1 sample")
    return None


def _use_refusal(terms: Terms, size: int, profile: DeviceProfile) -> Refusal | None:
    """Why a buffer is for nothing, or shaders can never be given all of it."""
    if not terms.usage:
        return Refusal("plan.format", "has no usage", "say what it is used for")
    most = profile.limits.max_storage_buffer_range
    if size <= most or not terms.usage & BufferUsage.STORAGE_BUFFER:
        return None
    return _size(f"takes {size} bytes, but maxStorageBufferRange is {most}", f"{most} bytes")


def _size(problem: str, most: str) -> Refusal:
    return Refusal("plan.size", problem, f"up to {most} are possible on this device")
