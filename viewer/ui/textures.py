"""ImGui's textures: created, updated and destroyed on its request, as regions of an atlas."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from imgui_bundle import imgui
from numpy.typing import NDArray

from engine.memory.device.problems import StagingFull
from engine.render.descriptor_pools import DescriptorPools
from engine.storage.atlas import AtlasRegion
from engine.storage.resources.image import Image
from engine.vk.binding import NULL
from engine.vk.binding import constants as c
from engine.vk.device import Device
from engine.vk.structs import new
from viewer.session.pictures import FIRST_NUMBER, Picture
from viewer.ui.pipeline import UiPipeline
from viewer.ui.storage import REQUESTER, UiStorage

BYTES_PER_TEXEL = 4
BANDS = 9
"""At most this part of staging is one copy of a texture."""
_Status = imgui.ImTextureStatus
Box = tuple[int, int, int, int]
"""x, y, width, height in texels."""


@dataclass(slots=True, eq=False)
class Texture:
    """A texture of ImGui: where it lies, and what of it is still to be uploaded.

    `filled` says that all of it has been uploaded once to the present VkImage (`generation` of its page).
    """

    region: AtlasRegion
    pending: Box | None
    filled: bool = False
    generation: int = 0


@dataclass(frozen=True, slots=True)
class PageSet:
    """The descriptor set of an atlas page, its pool, and the page's generation that it was written for."""

    handle: Any
    pool: Any
    generation: int


class Textures:
    """Follows ImGui's requests; `bind` gives what a draw binds."""

    def __init__(self, device: Device, pipeline: UiPipeline, storage: UiStorage) -> None:
        self._device = device
        self._layout = pipeline.set_layout
        self._storage = storage
        kinds = (c.VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,)
        self._pools = DescriptorPools(device, kinds, "ui", REQUESTER)
        self._sets: dict[int, PageSet] = {}
        self._textures: dict[int, Texture] = {}
        self._pictures: dict[int, Picture] = {}
        self._versions: dict[int, int] = {}  # of the pictures, as they are uploaded
        self._next = 1  # ImGui takes 0 for no texture
        self._recorded: list[tuple[Texture, Box]] = []

    def plan(self, requested: Iterable[imgui.ImTextureData], pictures: Iterable[Picture] = ()) -> None:
        """Allocate and free regions as requested and as `pictures` are in use, before the frame is planned.

        ImGui is answered at once that a new texture is there: it accepts no frame in between. Until its page
        is resident and filled, `bind` gives None, and what would be drawn with it is left out.
        """
        for data in requested:
            if data.status == _Status.want_create:
                self._create(data)
            elif data.status == _Status.want_updates:
                self._update(data)
            elif data.status == _Status.want_destroy and data.unused_frames > self._storage.frames_in_flight:
                self._destroy(data)
        self._follow(pictures)
        self._drop_pages()

    def upload(self, known: Iterable[imgui.ImTextureData]) -> None:
        """Stage what is pending, as far as staging has room; the rest follows in later frames."""
        for lost, box in self._recorded:  # of a frame that was never submitted
            lost.pending = _around(lost.pending, box)
        self._recorded.clear()
        for data in known:
            texture = self._textures.get(data.get_tex_id())
            if texture is None or not texture.region.image.memory.ready:
                continue
            self._renew(texture)
            try:
                self._stage(texture, _rows(data))
            except StagingFull:
                return
        for number, picture in self._pictures.items():
            texture = self._textures[number]
            if self._versions[number] != picture.version:
                self._versions[number] = picture.version
                texture.pending = (0, 0, *picture.size)
            if not texture.region.image.memory.ready:
                continue
            self._renew(texture)
            try:
                self._stage(texture, picture.pixels)
            except StagingFull:
                return

    def submitted(self) -> None:
        """The command buffer with the uploads was submitted."""
        self._recorded.clear()

    @property
    def is_pending(self) -> bool:
        """Whether something is left to be uploaded by a later frame, in pages that are there."""
        waiting = (texture.region for texture in self._textures.values() if texture.pending is not None)
        return any(region.image.memory.ready for region in waiting)

    def bind(self, number: int) -> tuple[Any, AtlasRegion] | None:
        """The descriptor set and the region of a texture; None until its contents are there."""
        texture = self._textures.get(number)
        if texture is None or not texture.filled:
            return None
        region = texture.region
        page = self._sets.get(region.page)
        if page is None or page.generation != region.image.generation:
            self._drop_set(region.page)
            page = self._sets[region.page] = self._write_set(region.image)
        return page.handle, region

    def close(self, known: Iterable[imgui.ImTextureData]) -> None:
        """Free everything; nothing may be in flight. ImGui's textures are marked as destroyed."""
        for data in known:
            if data.get_tex_id() in self._textures:
                self._destroy(data)
        for texture in self._textures.values():
            texture.region.free()
        self._textures.clear()
        self._pictures.clear()
        self._versions.clear()
        self._sets.clear()
        self._pools.close()

    def _follow(self, pictures: Iterable[Picture]) -> None:
        """Give each of these pictures a place, and free the places of others."""
        wanted = {picture.number: picture for picture in pictures}
        for number in self._pictures.keys() - wanted.keys():
            del self._pictures[number], self._versions[number]
            self._textures.pop(number).region.free()
        for number in wanted.keys() - self._pictures.keys():
            width, height = wanted[number].size
            name = f"picture {number - FIRST_NUMBER}"
            region = self._storage.atlas.allocate(width, height, name=name, pinned=True)
            self._textures[number] = Texture(region, (0, 0, width, height))
            self._pictures[number], self._versions[number] = wanted[number], wanted[number].version

    def _create(self, data: imgui.ImTextureData) -> None:
        number, self._next = self._next, self._next + 1
        region = self._storage.atlas.allocate(
            data.width, data.height, name=f"ui texture {number}", pinned=True
        )
        self._textures[number] = Texture(region, (0, 0, data.width, data.height))
        data.set_tex_id(number)
        data.set_status(_Status.ok)

    def _update(self, data: imgui.ImTextureData) -> None:
        texture, box = self._textures[data.get_tex_id()], data.update_rect
        texture.pending = _around(texture.pending, (box.x, box.y, box.w, box.h))
        data.set_status(_Status.ok)

    def _destroy(self, data: imgui.ImTextureData) -> None:
        texture = self._textures.pop(data.get_tex_id(), None)
        if texture is not None:
            texture.region.free()
        data.set_tex_id(0)
        data.set_status(_Status.destroyed)

    def _renew(self, texture: Texture) -> None:
        """Upload everything again if the plan has replaced the page's VkImage."""
        image, region = texture.region.image, texture.region
        assert image.handle != NULL
        if texture.generation != image.generation:
            texture.generation, texture.filled = image.generation, False
            texture.pending = (0, 0, region.width, region.height)

    def _stage(self, texture: Texture, rows: NDArray[np.uint8]) -> None:
        """Stage the pending rows of uint8[height, width, 4], band by band. Raises StagingFull."""
        band = self._storage.staging.uploads.capacity // BANDS
        while texture.pending is not None:
            x, y, width, height = texture.pending
            count = min(height, max(1, band // (width * BYTES_PER_TEXEL)))
            texture.region.update(rows[y : y + count, x : x + width], at=(x, y), timeout_s=0)
            self._recorded.append((texture, (x, y, width, count)))
            texture.pending = (x, y + count, width, height - count) if count < height else None
        texture.filled = True

    def _write_set(self, page: Image) -> PageSet:
        handle, pool = self._pools.allocate(self._layout, 1)
        image = new(
            "VkDescriptorImageInfo",
            imageView=page.view,
            imageLayout=c.VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL,
        )
        write = new(
            "VkWriteDescriptorSet",
            dstSet=handle,
            descriptorCount=1,
            descriptorType=c.VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
            pImageInfo=image,
        )
        self._device.vk.vkUpdateDescriptorSets(self._device.handle, 1, write, 0, NULL)
        return PageSet(handle, pool, page.generation)

    def _drop_pages(self) -> None:
        """Close pages without textures, and retire the descriptor sets of closed pages."""
        if len(self._storage.atlas.pages) > 1:
            self._storage.atlas.trim()
        for number in self._sets.keys() - self._storage.atlas.pages.keys():
            self._drop_set(number)

    def _drop_set(self, number: int) -> None:
        page = self._sets.pop(number, None)
        if page is not None:
            self._storage.retire(partial(self._pools.free, page.handle, page.pool))


def _rows(data: imgui.ImTextureData) -> NDArray[np.uint8]:
    rows: NDArray[np.uint8] = data.get_pixels_array().reshape(data.height, data.width, BYTES_PER_TEXEL)
    return rows


def _around(first: Box | None, second: Box) -> Box:
    """The smallest box around both."""
    if first is None:
        return second
    left, top = min(first[0], second[0]), min(first[1], second[1])
    right = max(first[0] + first[2], second[0] + second[2])
    bottom = max(first[1] + first[3], second[1] + second[3])
    return left, top, right - left, bottom - top
