"""Records uploads from staging, moves, zeroing and queue family ownership transfers.

Every function puts barriers before and after its commands, against everything else on the queue, so that
submission order alone orders frames and uploads. All layers of sampled images are in
SHADER_READ_ONLY_OPTIMAL before and after: a view of an array page is valid at any time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.memory.commands.barriers import (
    AFTER,
    ANY,
    BEFORE,
    EVERYTHING,
    READ,
    SOURCE,
    TARGET,
    UNDEFINED,
    Layer,
    after,
    barrier,
    before,
    image_barriers,
    layer_range,
    layers_of,
)
from engine.memory.commands.structures import as_pointer, join, number, rows
from engine.memory.device.objects import LiveResource, Objects, aspect
from engine.plan.resident.steps import Move, Transfer
from engine.plan.terms.table import distinct
from engine.plan.terms.vocabulary import Kind
from engine.plan.terms.vulkan_enums import Aspect
from engine.vk.binding import REMAINING, ffi
from engine.vk.commands import Commands
from engine.vk.errors import DioramaInternalError
from engine.vk.structs import new

_CLEARS = {
    False: ("vkCmdClearColorImage", "VkClearColorValue"),
    True: ("vkCmdClearDepthStencilImage", "VkClearDepthStencilValue"),
}
"""The command that clears an image, and the type of its value; the key is whether the image has depth."""


def first_layout(vk: Commands, commands: Any, resource: LiveResource) -> None:
    """Transition all layers of a new sampled image from UNDEFINED to SHADER_READ_ONLY_OPTIMAL."""
    barriers = image_barriers([(resource, 0)], UNDEFINED, READ, AFTER)
    barriers["subresourceRange"]["layerCount"] = REMAINING
    barriers["srcStageMask"] = EVERYTHING
    barrier(vk, commands, after, barriers)


def transfer(vk: Commands, commands: Any, objects: Objects, step: Transfer, *, transfer_queue: bool) -> None:
    """Record the copies from staging to buffers and image layers.

    `transfer_queue`: the commands are for the transfer-only queue. It discards the old contents of layers
    that its family does not own yet, and owns them from then on until they are released.
    """
    staging = objects.resource(step.staging)
    layers = _layers(objects, step.image_copies["resource"], step.image_copies["layer"])
    fresh = [
        (image, layer) for image, layer in layers if transfer_queue and layer not in image.transfer_owned
    ]
    known = [(image, layer) for image, layer in layers if not transfer_queue or layer in image.transfer_owned]
    opened = [
        image_barriers(known, READ, TARGET, BEFORE),
        image_barriers(fresh, UNDEFINED, TARGET, BEFORE),
    ]
    barrier(vk, commands, before, join("VkImageMemoryBarrier2", *opened))
    for resource, chosen in _by_resource(objects, step.buffer_copies):
        regions = rows("VkBufferCopy2", len(chosen))
        regions["srcOffset"] = chosen["staging_offset"]
        regions["dstOffset"] = chosen["offset"]
        regions["size"] = chosen["size"]
        _copy_buffer(vk, commands, staging, resource, regions)
    for resource, chosen in _by_resource(objects, step.image_copies):
        info = new(
            "VkCopyBufferToImageInfo2",
            srcBuffer=staging.handle,
            dstImage=resource.handle,
            dstImageLayout=TARGET,
            regionCount=len(chosen),
            pRegions=_image_regions(resource, chosen),
        )
        vk.vkCmdCopyBufferToImage2(commands, info)
    barrier(vk, commands, after, image_barriers(layers, TARGET, READ, AFTER))
    if transfer_queue:
        for image, layer in fresh:
            image.transfer_owned.add(layer)


def move(vk: Commands, commands: Any, objects: Objects, step: Move) -> None:
    """Record copies from one resource to another of the same kind."""
    source, target = objects.resource(step.from_resource), objects.resource(step.to_resource)
    if source.kind is Kind.BUFFER:
        regions = rows("VkBufferCopy2", len(step.keys))
        regions["srcOffset"], regions["dstOffset"], regions["size"] = step.sources, step.targets, step.sizes
        barrier(vk, commands, before)
        _copy_buffer(vk, commands, source, target, regions)
        barrier(vk, commands, after)
        return
    shape = source.shape
    assert shape is not None
    read = layers_of((source, int(layer)) for layer in distinct(step.sources))
    written = layers_of((target, int(layer)) for layer in distinct(step.targets))
    opened = [image_barriers(read, READ, SOURCE, BEFORE), image_barriers(written, READ, TARGET, BEFORE)]
    closed = [image_barriers(read, SOURCE, READ, AFTER), image_barriers(written, TARGET, READ, AFTER)]
    barrier(vk, commands, before, join("VkImageMemoryBarrier2", *opened))
    mips = np.arange(shape.mip_levels)
    regions = rows("VkImageCopy2", len(step.keys) * shape.mip_levels).reshape(len(step.keys), -1)
    for side, layers in (("srcSubresource", step.sources), ("dstSubresource", step.targets)):
        regions[side]["aspectMask"] = int(shape.format.info.aspect)
        regions[side]["mipLevel"] = mips
        regions[side]["baseArrayLayer"] = layers[:, None]
        regions[side]["layerCount"] = shape.layers
    regions["extent"]["width"] = np.maximum(shape.width >> mips, 1)
    regions["extent"]["height"] = np.maximum(shape.height >> mips, 1)
    regions["extent"]["depth"] = 1
    info = new(
        "VkCopyImageInfo2",
        srcImage=source.handle,
        srcImageLayout=SOURCE,
        dstImage=target.handle,
        dstImageLayout=TARGET,
        regionCount=regions.size,
        pRegions=as_pointer("VkImageCopy2", regions),
    )
    vk.vkCmdCopyImage2(commands, info)
    barrier(vk, commands, after, join("VkImageMemoryBarrier2", *closed))


def zero(vk: Commands, commands: Any, places: Iterable[tuple[LiveResource, int, int]]) -> None:
    """Record the zeroing of each (resource, offset or first layer, size in bytes).

    What was in these places is lost. Images are in SHADER_READ_ONLY_OPTIMAL then.
    Raises DioramaInternalError for buffer ranges that are not multiples of 4 bytes.
    """
    listed = list(places)
    layers = layers_of((resource, place) for resource, place, _ in listed if resource.kind is Kind.IMAGE)
    barrier(vk, commands, before, image_barriers(layers, UNDEFINED, TARGET, BEFORE))
    for resource, place, size in listed:
        if resource.kind is Kind.BUFFER:
            if size % 4 or place % 4:
                raise DioramaInternalError(
                    f"{size} bytes at offset {place} of buffer {resource.id}: not a multiple of 4"
                )
            vk.vkCmdFillBuffer(commands, resource.handle, place, size, 0)
        else:
            span = new("VkImageSubresourceRange", **layer_range(resource, place))
            clear, value = _CLEARS[bool(span.aspectMask & Aspect.DEPTH)]
            getattr(vk, clear)(commands, resource.handle, TARGET, ffi.new(f"{value} *"), 1, span)
    barrier(vk, commands, after, image_barriers(layers, TARGET, READ, AFTER))


def transfer_ownership(
    vk: Commands,
    commands: Any,
    places: Iterable[tuple[LiveResource, int, int]],
    families: tuple[int, int],
) -> None:
    """Record the release or the acquire of a queue family ownership transfer: both are the same barrier.

    `families` are (source, destination).
    """
    listed = list(places)
    layers = layers_of((resource, place) for resource, place, _ in listed if resource.kind is Kind.IMAGE)
    images = image_barriers(layers, READ, READ, AFTER)
    ranges = [row for row in listed if row[0].kind is Kind.BUFFER]
    buffers = rows("VkBufferMemoryBarrier2", len(ranges))
    for barriers in (images, buffers):
        barriers["srcQueueFamilyIndex"], barriers["dstQueueFamilyIndex"] = families
        barriers["srcStageMask"] = barriers["dstStageMask"] = EVERYTHING
        barriers["srcAccessMask"] = barriers["dstAccessMask"] = ANY
    buffers["buffer"] = [number(resource.handle) for resource, _, _ in ranges]
    buffers["offset"] = [place for _, place, _ in ranges]
    buffers["size"] = [size for _, _, size in ranges]
    barrier(vk, commands, None, images, buffers)


def _copy_buffer(
    vk: Commands, commands: Any, source: LiveResource, target: LiveResource, regions: NDArray[np.void]
) -> None:
    info = new(
        "VkCopyBufferInfo2",
        srcBuffer=source.handle,
        dstBuffer=target.handle,
        regionCount=len(regions),
        pRegions=as_pointer("VkBufferCopy2", regions),
    )
    vk.vkCmdCopyBuffer2(commands, info)


def _image_regions(resource: LiveResource, chosen: NDArray[np.void]) -> Any:
    regions = rows("VkBufferImageCopy2", len(chosen))
    assert resource.shape is not None
    regions["bufferOffset"] = chosen["staging_offset"]
    place = regions["imageSubresource"]
    place["aspectMask"] = aspect(resource.shape)
    place["mipLevel"] = chosen["mip"]
    place["baseArrayLayer"] = chosen["layer"]
    place["layerCount"] = 1
    regions["imageOffset"]["y"] = chosen["y"]
    regions["imageExtent"]["width"] = chosen["width"]
    regions["imageExtent"]["height"] = chosen["height"]
    regions["imageExtent"]["depth"] = 1
    return as_pointer("VkBufferImageCopy2", regions)


def _by_resource(
    objects: Objects, copies: NDArray[np.void]
) -> Iterable[tuple[LiveResource, NDArray[np.void]]]:
    """Group copies by destination resource; each group keeps its order."""
    for resource in distinct(copies["resource"]).tolist():
        yield objects.resource(resource), copies[copies["resource"] == resource]


def _layers(objects: Objects, resources: NDArray[np.int32], layers: NDArray[np.int32]) -> list[Layer]:
    pairs = distinct(resources.astype(np.int64) << 32 | layers)
    found = [(objects.resource(pair >> 32), pair & 0xFFFF_FFFF) for pair in pairs.tolist()]
    for image, _layer in found:
        if not image.sampled_only:
            raise DioramaInternalError(f"image {image.id} is an attachment: it cannot be copied to")
    return found
