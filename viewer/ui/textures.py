"""ImGui's textures: created, updated and destroyed on its request, in images that the plan provides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from imgui_bundle import imgui

from engine.render.descriptor_pools import DescriptorPools
from engine.vk.binding import NULL, QUEUE_FAMILY_IGNORED, ffi
from engine.vk.binding import constants as c
from engine.vk.device import Device
from engine.vk.structs import new
from viewer.ui.needs import BYTES_PER_TEXEL, Needs
from viewer.ui.pipeline import UiPipeline
from viewer.ui.residency import Residency, ResidentBuffer, ResidentImage

_WHY = "viewer/inspector"
_Status = imgui.ImTextureStatus
_REACH = 16  # bytes: the alignment of each region in the upload ring


@dataclass(slots=True)
class _Texture:
    number: int
    key: int
    place: ResidentImage | None = None
    view: Any = NULL
    descriptor: Any = None  # a VkDescriptorSet, and the pool it is from


class Textures:
    """Follows ImGui's requests; `descriptor(number)` is what a draw binds."""

    def __init__(self, device: Device, pipeline: UiPipeline, needs: Needs, copies: int) -> None:
        self._device = device
        self._layout = pipeline.set_layout
        self._pools = DescriptorPools(device, (c.VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,), "ui", _WHY)
        self._needs = needs
        self._copies = copies
        self._textures: dict[int, _Texture] = {}
        self._next = 1  # ImGui takes 0 for no texture
        self._frame = 0
        self._retired: list[tuple[int, Any, Any]] = []

    def plan(self, wanted: Iterable[Any]) -> int:
        """Turn requests into requirements, before the frame is planned; returns the bytes to upload.

        ImGui is told at once that a new texture is there: it accepts no frame in between. Until its image is
        resident and filled the texture has no descriptor, and what would be drawn with it is left out.
        """
        upload = 0
        for data in wanted:
            if data.status == _Status.want_create:
                number, self._next = self._next, self._next + 1
                key = self._needs.add_texture(number, data.width, data.height)
                self._textures[number] = _Texture(number, key)
                data.set_tex_id(number)
                data.set_status(_Status.ok)
            elif data.status == _Status.want_destroy and data.unused_frames > self._copies:
                self._drop(data)
            texture = self._textures.get(data.get_tex_id())
            if texture is not None and (texture.place is None or data.status == _Status.want_updates):
                upload += data.width * data.height * BYTES_PER_TEXEL + _REACH
        return upload

    def record(
        self, commands: Any, wanted: Iterable[Any], residency: Residency, ring: ResidentBuffer
    ) -> None:
        """Record the copies that are due and fit the upload ring; outside of a render pass."""
        self._frame += 1
        self._release()
        used = 0
        for data in wanted:
            texture = self._textures.get(data.get_tex_id())
            if texture is None or data.status == _Status.want_destroy:
                continue
            place = residency.image(texture.key)
            moved = place != texture.place
            if place is None or not (moved or data.status == _Status.want_updates):
                continue
            box = data.update_rect
            x, y, width, height = (0, 0, data.width, data.height) if moved else (box.x, box.y, box.w, box.h)
            size = width * height * BYTES_PER_TEXEL
            if used + size > ring.size:
                continue  # the ring has been asked to grow: the next frame copies it
            rows = data.get_pixels_array().reshape(data.height, data.width, BYTES_PER_TEXEL)
            target = np.frombuffer(ffi.buffer(ffi.cast("void *", ring.address + used), size), np.uint8)
            target.reshape(height, width, BYTES_PER_TEXEL)[:] = rows[y : y + height, x : x + width]
            if moved:
                self._replace(texture, place)
            self._copy(commands, ring, used, place, (x, y, width, height), fresh=moved)
            used += -(-size // _REACH) * _REACH
            data.set_status(_Status.ok)

    def descriptor(self, number: int) -> Any | None:
        """Return the descriptor set of a texture whose contents are there, else None."""
        texture = self._textures.get(number)
        return None if texture is None or texture.place is None else texture.descriptor[0]

    def close(self, known: Iterable[Any]) -> None:
        """Destroy views and sets; nothing may be in flight. ImGui is told that its textures are gone."""
        for data in known:
            if data.get_tex_id() in self._textures:
                self._drop(data)
        for texture in list(self._textures.values()):
            self._retire(texture)
        self._textures.clear()
        for _, view, _ in self._retired:
            self._device.destroy("ImageView", view)
        self._retired.clear()
        self._pools.close()

    def _drop(self, data: Any) -> None:
        texture = self._textures.pop(data.get_tex_id(), None)
        if texture is not None:
            self._retire(texture)
            self._needs.drop_texture(texture.number)
        data.set_tex_id(0)
        data.set_status(_Status.destroyed)

    def _replace(self, texture: _Texture, place: ResidentImage) -> None:
        """Point a texture at another image; what the frames under way use stays until they are over."""
        self._retire(texture)
        info = new(
            "VkImageViewCreateInfo",
            image=place.handle,
            viewType=c.VK_IMAGE_VIEW_TYPE_2D,
            format=place.format,
            subresourceRange=_layer(place),
        )
        texture.view = self._device.create("ImageView", info, name=f"ui texture {texture.number}", why=_WHY)
        texture.descriptor, texture.place = self._pools.allocate(self._layout, 1), place
        image = new(
            "VkDescriptorImageInfo",
            imageView=texture.view,
            imageLayout=c.VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL,
        )
        write = new(
            "VkWriteDescriptorSet",
            dstSet=texture.descriptor[0],
            descriptorCount=1,
            descriptorType=c.VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
            pImageInfo=image,
        )
        self._device.vk.vkUpdateDescriptorSets(self._device.handle, 1, write, 0, NULL)

    def _retire(self, texture: _Texture) -> None:
        if texture.view != NULL:
            self._retired.append((self._frame, texture.view, texture.descriptor))
        texture.view, texture.descriptor, texture.place = NULL, None, None

    def _release(self) -> None:
        due = [entry for entry in self._retired if self._frame - entry[0] > self._copies]
        for entry in due:
            self._retired.remove(entry)
            _, view, descriptor = entry
            if descriptor is not None:
                self._pools.free(*descriptor)
            self._device.destroy("ImageView", view)

    def _copy(
        self,
        commands: Any,
        ring: ResidentBuffer,
        start: int,
        place: ResidentImage,
        box: tuple[int, int, int, int],
        *,
        fresh: bool,
    ) -> None:
        x, y, width, height = box
        read, transfer = c.VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL, c.VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL
        old = c.VK_IMAGE_LAYOUT_UNDEFINED if fresh else read
        self._barrier(commands, place, old, transfer)
        region = new(
            "VkBufferImageCopy",
            bufferOffset=ring.offset + start,
            imageSubresource={
                "aspectMask": c.VK_IMAGE_ASPECT_COLOR_BIT,
                "baseArrayLayer": place.layer,
                "layerCount": 1,
            },
            imageOffset={"x": x, "y": y},
            imageExtent={"width": width, "height": height, "depth": 1},
        )
        self._device.vk.vkCmdCopyBufferToImage(commands, ring.handle, place.handle, transfer, 1, region)
        self._barrier(commands, place, transfer, read)

    def _barrier(self, commands: Any, place: ResidentImage, old: int, new_layout: int) -> None:
        sampled = (c.VK_PIPELINE_STAGE_2_FRAGMENT_SHADER_BIT, c.VK_ACCESS_2_SHADER_SAMPLED_READ_BIT)
        copied = (c.VK_PIPELINE_STAGE_2_COPY_BIT, c.VK_ACCESS_2_TRANSFER_WRITE_BIT)
        to_copy = new_layout == c.VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL
        before, after = (sampled, copied) if to_copy else (copied, sampled)
        barrier = new(
            "VkImageMemoryBarrier2",
            srcStageMask=before[0],
            srcAccessMask=0 if to_copy else before[1],
            dstStageMask=after[0],
            dstAccessMask=after[1],
            oldLayout=old,
            newLayout=new_layout,
            srcQueueFamilyIndex=QUEUE_FAMILY_IGNORED,
            dstQueueFamilyIndex=QUEUE_FAMILY_IGNORED,
            image=place.handle,
            subresourceRange=_layer(place),
        )
        dependency = new("VkDependencyInfo", pImageMemoryBarriers=[barrier])
        self._device.vk.vkCmdPipelineBarrier2(commands, dependency)


def _layer(place: ResidentImage) -> dict[str, int]:
    return {
        "aspectMask": c.VK_IMAGE_ASPECT_COLOR_BIT,
        "levelCount": 1,
        "baseArrayLayer": place.layer,
        "layerCount": 1,
    }
