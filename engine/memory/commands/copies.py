"""Staging -> device, moves, zeroing and ownership, as commands.

Every function brackets its commands with barriers against everything before and after on the queue, so
that frames and uploads need no other order than that of their submits. Sampled images are found and left
in SHADER_READ_ONLY_OPTIMAL, all layers of them: a view of an array page is valid at any time.
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
"""What zeroes an image, and with which value, by whether it holds depth."""


def first_layout(vk: Commands, commands: Any, resource: LiveResource) -> None:
    """Bring all layers of a fresh sampled image from UNDEFINED to the layout in which it rests."""
    barriers = image_barriers([(resource, 0)], UNDEFINED, READ, AFTER)
    barriers["subresourceRange"]["layerCount"] = REMAINING
    barriers["srcStageMask"] = EVERYTHING
    barrier(vk, commands, after, barriers)


def transfer(vk: Commands, commands: Any, objects: Objects, step: Transfer, *, foreign: bool) -> None:
    """Record staging -> buffers and image layers.

    `foreign` says that the queue is the copy-only one: layers it has not touched yet come without
    their old contents, and stay its own until they are released.
    """
    staging = objects.resource(step.staging)
    layers = _layers(objects, step.image_copies["resource"], step.image_copies["layer"])
    fresh = [(image, layer) for image, layer in layers if foreign and layer not in image.foreign_layers]
    known = [(image, layer) for image, layer in layers if not foreign or layer in image.foreign_layers]
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
    if foreign:
        for image, layer in fresh:
            image.foreign_layers.add(layer)


def move(vk: Commands, commands: Any, objects: Objects, step: Move) -> None:
    """Record device -> device copies between two resources of one kind."""
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
    read = [(source, int(layer)) for layer in np.unique(step.sources)]
    written = [(target, int(layer)) for layer in np.unique(step.targets)]
    opened = [image_barriers(read, READ, SOURCE, BEFORE), image_barriers(written, READ, TARGET, BEFORE)]
    closed = [image_barriers(read, SOURCE, READ, AFTER), image_barriers(written, TARGET, READ, AFTER)]
    barrier(vk, commands, before, join("VkImageMemoryBarrier2", *opened))
    mips = np.arange(shape.mip_levels)
    regions = rows("VkImageCopy2", len(step.keys) * shape.mip_levels).reshape(len(step.keys), -1)
    for side, layers in (("srcSubresource", step.sources), ("dstSubresource", step.targets)):
        regions[side]["aspectMask"] = int(shape.format.info.aspect)
        regions[side]["mipLevel"] = mips
        regions[side]["baseArrayLayer"] = layers[:, None]
        regions[side]["layerCount"] = 1
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
    """Record zeroing of (resource, offset or layer, size in bytes) each."""
    listed = list(places)
    layers = [(resource, place) for resource, place, _ in listed if resource.kind is Kind.IMAGE]
    barrier(vk, commands, before, image_barriers(layers, READ, TARGET, BEFORE))
    for resource, place, size in listed:
        if resource.kind is Kind.BUFFER:
            if size % 4 or place % 4:
                raise DioramaInternalError(
                    f"{size} bytes at {place} of buffer {resource.id}: not whole words"
                )
            vk.vkCmdFillBuffer(commands, resource.handle, place, size, 0)
        else:
            span = new("VkImageSubresourceRange", **layer_range(resource, place))
            clear, value = _CLEARS[bool(span.aspectMask & Aspect.DEPTH)]
            getattr(vk, clear)(commands, resource.handle, TARGET, ffi.new(f"{value} *"), 1, span)
    barrier(vk, commands, after, image_barriers(layers, TARGET, READ, AFTER))


def hand_over(
    vk: Commands,
    commands: Any,
    places: Iterable[tuple[LiveResource, int, int]],
    families: tuple[int, int],
) -> None:
    """Record one half of a queue family ownership transfer; both halves are the same barrier."""
    listed = list(places)
    layers = [(resource, place) for resource, place, _ in listed if resource.kind is Kind.IMAGE]
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
    """Group copies by what they write to, each group in its order."""
    for resource in distinct(copies["resource"]).tolist():
        yield objects.resource(resource), copies[copies["resource"] == resource]


def _layers(objects: Objects, resources: NDArray[np.int32], layers: NDArray[np.int32]) -> list[Layer]:
    pairs = np.unique(np.stack([resources, layers], axis=1), axis=0).tolist() if len(resources) else []
    found = [(objects.resource(resource), layer) for resource, layer in pairs]
    for image, _layer in found:
        if not image.sampled_only:
            raise DioramaInternalError(f"image {image.id} is an attachment: nothing is copied into it")
    return found
