"""Pipeline barriers for memory work, against all commands before and after on the queue.

They are wide on purpose: uploads come in few, large batches, so submission order alone orders frames and
copies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.memory.commands.structures import as_pointer, number, rows
from engine.memory.device.objects import LiveResource
from engine.plan.terms.vulkan_enums import Access, Layout, Stage
from engine.vk.binding import QUEUE_FAMILY_IGNORED, REMAINING
from engine.vk.commands import Commands
from engine.vk.structs import new

UNDEFINED = Layout.UNDEFINED
READ = Layout.SHADER_READ
SOURCE = Layout.TRANSFER_SRC
TARGET = Layout.TRANSFER_DST

EVERYTHING = Stage.ALL_COMMANDS
TRANSFERS = Stage.TRANSFER
ANY = Access.MEMORY_READ | Access.MEMORY_WRITE
COPYING = Access.TRANSFER_READ | Access.TRANSFER_WRITE
BEFORE = {
    "srcStageMask": EVERYTHING,
    "srcAccessMask": ANY,
    "dstStageMask": TRANSFERS,
    "dstAccessMask": COPYING,
}
AFTER = {
    "srcStageMask": TRANSFERS,
    "srcAccessMask": COPYING,
    "dstStageMask": EVERYTHING,
    "dstAccessMask": ANY,
}
before = new("VkMemoryBarrier2", **BEFORE)
after = new("VkMemoryBarrier2", **AFTER)

Layer = tuple[LiveResource, int]


def image_barriers(
    layers: list[Layer], old: int, new_layout: int, scope: Mapping[str, int]
) -> NDArray[np.void]:
    """Return one VkImageMemoryBarrier2 per (image, layer), all mips; `scope` has stage and access masks."""
    made = rows("VkImageMemoryBarrier2", len(layers))
    if not layers:
        return made
    for name, value in scope.items():
        made[name] = value
    made["oldLayout"], made["newLayout"] = old, new_layout
    made["srcQueueFamilyIndex"] = made["dstQueueFamilyIndex"] = QUEUE_FAMILY_IGNORED
    images = {resource.id: (number(resource.handle), _aspect(resource)) for resource, _layer in layers}
    made["image"] = [images[resource.id][0] for resource, _layer in layers]
    span = made["subresourceRange"]
    span["aspectMask"] = [images[resource.id][1] for resource, _layer in layers]
    span["levelCount"] = REMAINING
    span["baseArrayLayer"] = [layer for _resource, layer in layers]
    span["layerCount"] = 1
    return made


def layers_of(places: Iterable[tuple[LiveResource, int]]) -> list[Layer]:
    """Return every layer of the keys at these (image, first layer), see `layer_count`."""
    return [(resource, first + layer) for resource, first in places for layer in range(layer_count(resource))]


def layer_count(resource: LiveResource) -> int:
    """Return how many layers a key has in an image: one, six of a cube, and all of what the frame draws."""
    if not resource.sampled_only:
        return resource.layers
    return resource.shape.layers if resource.shape is not None else 1


def layer_range(resource: LiveResource, layer: int) -> dict[str, int]:
    """Return the fields of the VkImageSubresourceRange of the layers of one key with all their mips."""
    return {
        "aspectMask": _aspect(resource),
        "levelCount": REMAINING,
        "baseArrayLayer": layer,
        "layerCount": layer_count(resource),
    }


def _aspect(resource: LiveResource) -> int:
    assert resource.shape is not None
    return int(resource.shape.format.info.aspect)


def barrier(
    vk: Commands,
    commands: Any,
    memory: Any,
    images: NDArray[np.void] | None = None,
    buffers: NDArray[np.void] | None = None,
) -> None:
    """Record one vkCmdPipelineBarrier2; `images` and `buffers` are barrier rows, see `structures.rows`."""
    fields: dict[str, Any] = {}
    if memory is not None:
        fields.update(memoryBarrierCount=1, pMemoryBarriers=memory)
    if buffers is not None and len(buffers):
        pointer = as_pointer("VkBufferMemoryBarrier2", buffers)
        fields.update(bufferMemoryBarrierCount=len(buffers), pBufferMemoryBarriers=pointer)
    if images is not None and len(images):
        pointer = as_pointer("VkImageMemoryBarrier2", images)
        fields.update(imageMemoryBarrierCount=len(images), pImageMemoryBarriers=pointer)
    vk.vkCmdPipelineBarrier2(commands, new("VkDependencyInfo", **fields))
