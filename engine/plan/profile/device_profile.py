"""A device profile: all that a plan needs to know about a GPU, from a live device or a JSON file.

Sizes and alignments come from three sources, best first: a live device (`measure`), facts recorded in the
file, rules. Results of a rule that is not exact are marked `estimated`, as are the planned resources that
use them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from engine.plan.requirements.requirements import ImageShape
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import BufferUsage, ImageUsage, MemoryProperty, QueueKind
from engine.plan.terms.vulkan_enums import FormatFeature


@dataclass(frozen=True, slots=True)
class Heap:
    """VkMemoryHeap: size in bytes, and whether it is device-local."""

    size: int
    device_local: bool


@dataclass(frozen=True, slots=True)
class MemoryType:
    """VkMemoryType: heap index and properties."""

    heap: int
    properties: MemoryProperty


@dataclass(frozen=True, slots=True)
class QueueFamily:
    """VkQueueFamilyProperties: capabilities, queue count, and minImageTransferGranularity in texels."""

    kinds: frozenset[QueueKind]
    count: int = 1
    image_granularity: tuple[int, int, int] = (1, 1, 1)


@dataclass(frozen=True, slots=True)
class Limits:
    """The VkPhysicalDeviceLimits (and maintenance3/4 limits) that plans obey; sizes in bytes."""

    buffer_image_granularity: int = 1
    non_coherent_atom_size: int = 64
    min_uniform_buffer_offset_alignment: int = 256
    min_storage_buffer_offset_alignment: int = 256
    min_texel_buffer_offset_alignment: int = 256
    optimal_buffer_copy_offset_alignment: int = 1
    optimal_buffer_copy_row_pitch_alignment: int = 1
    min_memory_map_alignment: int = 64
    max_memory_allocation_count: int = 4096
    max_memory_allocation_size: int = 1 << 31
    max_buffer_size: int = 1 << 31
    max_storage_buffer_range: int = 1 << 27
    max_image_dimension_2d: int = 16384
    max_image_array_layers: int = 2048
    framebuffer_sample_counts: int = 0x5  # VkSampleCountFlags that colour and depth both support


@dataclass(frozen=True, slots=True)
class MemoryRequirements:
    """VkMemoryRequirements2 of one buffer or image; `estimated` where a rule guessed them."""

    size: int
    alignment: int
    type_bits: int
    requires_dedicated: bool = False
    prefers_dedicated: bool = False
    estimated: bool = False


class Measure(Protocol):
    """Queries a live device (vkGetDeviceBufferMemoryRequirements, vkGetDeviceImageMemoryRequirements)."""

    def buffer(self, size: int, usage: BufferUsage) -> MemoryRequirements:
        """Memory requirements of a VkBuffer of `size` bytes."""

    def image(self, shape: ImageShape, layers: int, usage: ImageUsage) -> MemoryRequirements:
        """Memory requirements of a 2D VkImage with optimal tiling."""


@dataclass(frozen=True, slots=True)
class BufferRule:
    """Rule for the memory requirements of buffers: a multiple of `size_multiple`, at `alignment`.

    `type_bits` apply to every buffer; `usage_type_bits`, (usage bit, memory type bits) pairs, narrow them.
    `exact` says that the rule is no estimate.
    """

    type_bits: int
    alignment: int = 256
    size_multiple: int = 16
    usage_type_bits: tuple[tuple[int, int], ...] = ()
    exact: bool = False


@dataclass(frozen=True, slots=True)
class ImageRule:
    """Rule for the memory requirements of optimal images, in bytes.

    A row of blocks is padded to `row_multiple`, the number of rows to `row_count`, a mip level to
    `mip_multiple`, the image to `size_multiple`. Attachments of `dedicated_from` bytes and more prefer a
    dedicated allocation (0: none does). `format_type_bits`, (format, memory type bits) pairs, replace
    `type_bits`.
    """

    type_bits: int
    alignment: int = 4096
    row_multiple: int = 64
    row_count: int = 4
    mip_multiple: int = 256
    size_multiple: int = 4096
    dedicated_from: int = 0
    format_type_bits: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ImageFact:
    """The recorded memory requirements of one image: its shape, layers and usage."""

    shape: ImageShape
    layers: int
    usage: ImageUsage
    requirements: MemoryRequirements


OPTIONAL_TEXTURES = tuple(
    form
    for form in Format
    if form.name.startswith("BC")
    or (form.name.startswith("R16") and form.name.endswith("UNORM"))
    or (form.name.startswith("R32") and form.name.endswith("SFLOAT") and "B32_" not in form.name)
)
"""Formats of textures that not every device can sample with a filter (Vulkan 1.3, 47.3)."""


USABLE_SHARE = 0.9
"""How much of a heap may be used that has no budget; the rest is for the driver and other processes."""


@dataclass(frozen=True, eq=False)
class DeviceProfile:
    """Memory types, heaps, queue families, limits and sizing rules of one device.

    `budgets` limits heaps, by index, in bytes (VK_EXT_memory_budget, `--budget`); other heaps may be used up
    to USABLE_SHARE of their size. `features` are those that a live device was opened with, by their
    names in Vulkan; None in a file. `lacks` are those of OPTIONAL_TEXTURES that it cannot sample with a
    filter. `does` says what it can do with each format; those that are not in `offers` count as offered.
    """

    name: str
    heaps: tuple[Heap, ...]
    memory_types: tuple[MemoryType, ...]
    queue_families: tuple[QueueFamily, ...]
    limits: Limits
    buffers: BufferRule
    images: ImageRule
    device_type: str = "other"
    driver: str = ""
    api: str = "1.3.0"
    facts: tuple[ImageFact, ...] = ()
    budgets: Mapping[int, int] = field(default_factory=dict)
    features: frozenset[str] | None = None
    lacks: frozenset[Format] = frozenset()
    offers: Mapping[Format, FormatFeature] = field(default_factory=dict)
    measure: Measure | None = None
    _cache: dict[object, MemoryRequirements] = field(default_factory=dict, repr=False)

    def budget(self, heap: int) -> int:
        """Bytes that plans may allocate from `heap`."""
        size = self.heaps[heap].size
        return min(size, self.budgets.get(heap, int(size * USABLE_SHARE)))

    def with_budgets(self, budgets: Mapping[int, int]) -> DeviceProfile:
        """The same device with other budgets, in bytes by heap index."""
        return replace(self, budgets=dict(budgets))

    def limited(self, max_budget: int) -> DeviceProfile:
        """The same device with every heap's budget limited to `max_budget` bytes."""
        heaps = range(len(self.heaps))
        return self.with_budgets({heap: min(self.budget(heap), max_budget) for heap in heaps})

    def does(self, form: Format, feature: FormatFeature) -> bool:
        """Whether images of a format can be used so, as far as the profile knows."""
        return not feature & ~self.offers.get(form, feature)

    def has_transfer_queue(self) -> bool:
        """Whether there is a transfer-only queue family."""
        return any(f.kinds == frozenset({QueueKind.TRANSFER}) for f in self.queue_families)

    def shares_memory(self) -> bool:
        """Whether all heaps are device-local, and some but not all memory types can be written by the host.

        Elsewhere a bus lies between: there the copy engine is faster than host writes and needs no CPU time.
        """
        local = [t for t in self.memory_types if t.properties & MemoryProperty.DEVICE_LOCAL]
        mappable = MemoryProperty.HOST_VISIBLE | MemoryProperty.HOST_COHERENT
        writable = [t for t in local if not mappable & ~t.properties]
        return all(heap.device_local for heap in self.heaps) and 0 < len(writable) < len(local)

    def buffer_requirements(self, size: int, usage: BufferUsage) -> MemoryRequirements:
        """Memory requirements of a VkBuffer of `size` bytes."""
        if self.measure is not None:
            return self.measure.buffer(size, usage)
        rule = self.buffers
        bits = rule.type_bits
        for bit, allowed in rule.usage_type_bits:
            if usage & bit:
                bits &= allowed
        return MemoryRequirements(
            _up(size, rule.size_multiple), rule.alignment, bits, estimated=not rule.exact
        )

    def image_requirements(self, shape: ImageShape, layers: int, usage: ImageUsage) -> MemoryRequirements:
        """Memory requirements of a 2D VkImage of `layers` layers with optimal tiling."""
        key = (shape, layers, int(usage))
        found = self._cache.get(key)
        if found is None:
            found = self._cache[key] = self._image(shape, layers, usage)
        return found

    def _image(self, shape: ImageShape, layers: int, usage: ImageUsage) -> MemoryRequirements:
        if self.measure is not None:
            return self.measure.image(shape, layers, usage)
        alike = [f for f in self.facts if f.shape == shape and f.layers == layers]
        for fact in alike:
            if fact.usage == usage:
                return fact.requirements
        if alike:
            return replace(alike[0].requirements, estimated=True)
        rule, info = self.images, shape.format.info
        layer = 0
        for mip in range(shape.mip_levels):
            columns = -(-max(shape.width >> mip, 1) // info.block_width)
            rows = _up(-(-max(shape.height >> mip, 1) // info.block_height), rule.row_count)
            row = _up(columns * info.block_bytes, rule.row_multiple)
            layer += _up(row * rows * shape.samples, rule.mip_multiple)
        bits = dict(rule.format_type_bits).get(int(shape.format), rule.type_bits)
        size = _up(layer * layers, rule.size_multiple)
        attachment = usage & (ImageUsage.COLOR_ATTACHMENT | ImageUsage.DEPTH_STENCIL_ATTACHMENT)
        prefers = bool(attachment) and 0 < rule.dedicated_from <= size
        return MemoryRequirements(size, rule.alignment, bits, prefers_dedicated=prefers, estimated=True)


def _up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
