"""Draws ImGui's lists with Vulkan: triangles in buffer pages, textures in an atlas, linear blending."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from imgui_bundle import imgui

from engine.storage.buffer_pages import BufferRange
from engine.vk.binding import constants as c
from engine.vk.binding import ffi
from engine.vk.device import Device
from engine.vk.enums import IndexType
from viewer.session.pictures import Picture
from viewer.ui.draw_lists import INDEX_BYTES, VERTEX_BYTES, Draw, Space, pack
from viewer.ui.geometry import FrameRanges
from viewer.ui.pipeline import PUSH_BYTES, UiPipeline
from viewer.ui.storage import UiStorage
from viewer.ui.textures import Textures

FIRST_VERTICES = 16_384
FIRST_INDICES = 32_768


class UiRenderer:
    """Records one frame's UI into a command buffer.

    Each frame: `plan` with what ImGui has made of it (the storage may grow), then, once the plan has been
    worked on, `upload` outside of and `draw` inside of dynamic rendering, then `submitted`.
    """

    def __init__(
        self, device: Device, storage: UiStorage, color_format: int, shaders: tuple[bytes, bytes]
    ) -> None:
        """`shaders` are the SPIR-V of both stages; `storage` is closed by its owner, after this."""
        self._device = device
        self._storage = storage
        self._pipeline = UiPipeline(device, color_format, *shaders)
        self._textures = Textures(device, self._pipeline, storage)
        count, pages = storage.frames_in_flight, storage.geometry
        self._vertices = FrameRanges(pages, count, FIRST_VERTICES * VERTEX_BYTES, "ui vertices")
        self._indices = FrameRanges(pages, count, FIRST_INDICES * INDEX_BYTES, "ui indices")
        self._data: imgui.ImDrawData | None = None
        self._draws: list[Draw] = []
        self._bound: tuple[BufferRange, BufferRange] | None = None
        self._viewport = ffi.new("VkViewport *", {"maxDepth": 1.0})
        self._scissor = ffi.new("VkRect2D *")
        self._push = ffi.new("float[8]")
        self._set = ffi.new("VkDescriptorSet[1]")
        self._buffer = ffi.new("VkBuffer[1]")
        self._offset = ffi.new("VkDeviceSize[1]")
        self._index_type = IndexType.UINT32 if INDEX_BYTES == 4 else IndexType.UINT16

    @property
    def draws(self) -> int:
        """How many draws the last frame took."""
        return len(self._draws)

    @property
    def is_pending(self) -> bool:
        """Whether textures are left to be uploaded by later frames."""
        return self._textures.is_pending

    def plan(self, data: imgui.ImDrawData, pictures: Iterable[Picture] = ()) -> None:
        """Take the ImDrawData of this frame and have the storage grow to what it needs, with `pictures`."""
        self._data = data
        self._textures.plan(data.textures, pictures)
        self._vertices.reserve(data.total_vtx_count * VERTEX_BYTES)
        self._indices.reserve(data.total_idx_count * INDEX_BYTES)

    def upload(self, commands: Any, slot: int) -> None:
        """Write the triangles of this frame, and record the texture copies that are pending.

        The frame that had this slot before is finished. Triangles that find no room yet are left out.
        """
        assert self._data is not None
        self._storage.begin(slot)
        self._textures.upload(self._data.textures)
        self._storage.end(slot, self._storage.staging.record(commands))
        vertices, indices = self._vertices.ready(slot), self._indices.ready(slot)
        if vertices is None or indices is None:
            self._draws, self._bound = [], None
            return
        self._bound = vertices, indices
        with vertices.mapped() as vertex_bytes, indices.mapped() as index_bytes:
            space = Space(
                vertex_bytes.ctypes.data,
                index_bytes.ctypes.data,
                vertices.size // VERTEX_BYTES,
                indices.size // INDEX_BYTES,
            )
            self._draws = pack(self._data, space)

    def draw(self, commands: Any, extent: tuple[int, int]) -> None:
        """Record the draws onto a target of `extent` pixels, inside of dynamic rendering."""
        if not self._draws or self._bound is None:
            return
        vk = self._device.vk
        self._bind(commands, extent, *self._bound)
        bound, is_there = 0, False
        rectangle = self._scissor
        for draw in self._draws:
            if draw.texture != bound:
                bound, is_there = draw.texture, self._bind_texture(commands, draw.texture)
            if not is_there:
                continue
            x, y, width, height = draw.scissor
            rectangle.offset.x, rectangle.offset.y = x, y
            rectangle.extent.width = min(width, max(0, extent[0] - x))
            rectangle.extent.height = min(height, max(0, extent[1] - y))
            vk.vkCmdSetScissor(commands, 0, 1, rectangle)
            vk.vkCmdDrawIndexed(commands, draw.index_count, 1, draw.first_index, draw.vertex_offset, 0)

    def submitted(self) -> None:
        """The command buffer was submitted: what `upload` recorded will arrive."""
        self._textures.submitted()

    def close(self, textures: imgui.ImVector_ImTextureData_ptr) -> None:
        """Release all that is ours, once; nothing may be in flight, the ImGui context still lives."""
        self._textures.close(textures)
        self._pipeline.close()
        self._data = None

    def _bind(
        self, commands: Any, extent: tuple[int, int], vertices: BufferRange, indices: BufferRange
    ) -> None:
        assert self._data is not None
        vk = self._device.vk
        position, size = self._data.display_pos, self._data.display_size
        self._push[0], self._push[1] = 2.0 / size.x, 2.0 / size.y
        self._push[2] = -1.0 - position.x * self._push[0]
        self._push[3] = -1.0 - position.y * self._push[1]
        self._viewport.width, self._viewport.height = extent
        self._buffer[0], self._offset[0] = vertices.buffer.handle, vertices.offset
        vk.vkCmdBindPipeline(commands, c.VK_PIPELINE_BIND_POINT_GRAPHICS, self._pipeline.pipeline)
        vk.vkCmdSetViewport(commands, 0, 1, self._viewport)
        vk.vkCmdBindVertexBuffers(commands, 0, 1, self._buffer, self._offset)
        vk.vkCmdBindIndexBuffer(commands, indices.buffer.handle, indices.offset, self._index_type)

    def _bind_texture(self, commands: Any, number: int) -> bool:
        """Bind a texture's page and push where in it the texture lies; False until it is there."""
        found = self._textures.bind(number)
        if found is None:
            return False
        self._set[0], region = found
        u, v, width, height = region.uv
        self._push[4], self._push[5], self._push[6], self._push[7] = width, height, u, v
        vk, layout = self._device.vk, self._pipeline.layout
        vk.vkCmdBindDescriptorSets(commands, 0, layout, 0, 1, self._set, 0, ffi.NULL)
        vk.vkCmdPushConstants(commands, layout, c.VK_SHADER_STAGE_VERTEX_BIT, 0, PUSH_BYTES, self._push)
        return True
