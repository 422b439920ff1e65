"""Draws ImGui's lists with Vulkan: buffers from the plan, textures on request, linear blending."""

from __future__ import annotations

from typing import Any

from engine.plan.terms.keys import Keys
from engine.vk.binding import constants as c
from engine.vk.binding import ffi
from engine.vk.device import Device
from viewer.ui.draw_lists import INDEX_BYTES, VERTEX_BYTES, Draw, Space, pack
from viewer.ui.needs import Needs
from viewer.ui.pipeline import PUSH_BYTES, UiPipeline
from viewer.ui.residency import Residency
from viewer.ui.textures import Textures


class UiRenderer:
    """Records one frame's UI into a command buffer.

    Each frame: `plan` with what ImGui made of it (the rows in `needs` may change), then, when the plan
    has been worked on, `upload` outside of and `draw` inside of dynamic rendering.
    """

    def __init__(
        self, device: Device, keys: Keys, color_format: int, shaders: tuple[bytes, bytes], copies: int
    ) -> None:
        """`shaders` are the SPIR-V of both stages, `copies` the frames that may be under way."""
        self._device = device
        self.needs = Needs(keys, copies)
        self._pipeline = UiPipeline(device, color_format, *shaders)
        self._textures = Textures(device, self._pipeline, self.needs, copies)
        self._data: Any = None
        self._draws: list[Draw] = []
        self._rings: tuple[Any, Any] = (None, None)
        self._viewport = ffi.new("VkViewport *", {"maxDepth": 1.0})
        self._scissor = ffi.new("VkRect2D *")
        self._push = ffi.new("float[4]")
        self._set = ffi.new("VkDescriptorSet[1]")
        self._buffer = ffi.new("VkBuffer[1]")
        self._offset = ffi.new("VkDeviceSize[1]")
        self._index_type = c.VK_INDEX_TYPE_UINT32 if INDEX_BYTES == 4 else c.VK_INDEX_TYPE_UINT16

    @property
    def draws(self) -> int:
        """How many draws the last frame took."""
        return len(self._draws)

    def plan(self, data: Any) -> None:
        """Take the ImDrawData of this frame and ask for what it needs."""
        self._data = data
        upload = self._textures.plan(data.textures)
        self.needs.reserve(data.total_vtx_count, data.total_idx_count, upload)

    def upload(self, commands: Any, residency: Residency, copy: int) -> None:
        """Fill this frame's copy of the rings, and record the texture copies that are due."""
        self._draws = []
        upload = residency.buffer(self.needs.upload, copy)
        if upload is not None:
            self._textures.record(commands, self._data.textures, residency, upload)
        vertices = residency.buffer(self.needs.vertices, copy)
        indices = residency.buffer(self.needs.indices, copy)
        if vertices is None or indices is None:
            return
        space = Space(
            vertices.address, indices.address, vertices.size // VERTEX_BYTES, indices.size // INDEX_BYTES
        )
        self._rings = vertices, indices
        self._draws = pack(self._data, space)

    def draw(self, commands: Any, extent: tuple[int, int]) -> None:
        """Record the draws onto a target of `extent` pixels, inside of dynamic rendering."""
        if not self._draws:
            return
        vk = self._device.vk
        self._bind(commands, extent)
        bound = 0
        rectangle = self._scissor
        for draw in self._draws:
            if draw.texture != bound:
                descriptor = self._textures.descriptor(draw.texture)
                if descriptor is None:
                    continue  # its image is not there yet
                self._set[0] = descriptor
                layout = self._pipeline.layout
                vk.vkCmdBindDescriptorSets(commands, 0, layout, 0, 1, self._set, 0, ffi.NULL)
                bound = draw.texture
            x, y, width, height = draw.scissor
            rectangle.offset.x, rectangle.offset.y = x, y
            rectangle.extent.width = min(width, max(0, extent[0] - x))
            rectangle.extent.height = min(height, max(0, extent[1] - y))
            vk.vkCmdSetScissor(commands, 0, 1, rectangle)
            vk.vkCmdDrawIndexed(commands, draw.index_count, 1, draw.first_index, draw.vertex_offset, 0)

    def close(self, textures: Any) -> None:
        """Destroy all that is ours, once; nothing may be in flight, the ImGui context still lives."""
        self._textures.close(textures)
        self._pipeline.close()
        self._data = None

    def _bind(self, commands: Any, extent: tuple[int, int]) -> None:
        vk = self._device.vk
        vertices, indices = self._rings
        position, size = self._data.display_pos, self._data.display_size
        self._push[0], self._push[1] = 2.0 / size.x, 2.0 / size.y
        self._push[2] = -1.0 - position.x * self._push[0]
        self._push[3] = -1.0 - position.y * self._push[1]
        self._viewport.width, self._viewport.height = extent
        self._buffer[0], self._offset[0] = vertices.handle, vertices.offset
        stage = c.VK_SHADER_STAGE_VERTEX_BIT
        vk.vkCmdBindPipeline(commands, c.VK_PIPELINE_BIND_POINT_GRAPHICS, self._pipeline.pipeline)
        vk.vkCmdSetViewport(commands, 0, 1, self._viewport)
        vk.vkCmdPushConstants(commands, self._pipeline.layout, stage, 0, PUSH_BYTES, self._push)
        vk.vkCmdBindVertexBuffers(commands, 0, 1, self._buffer, self._offset)
        vk.vkCmdBindIndexBuffer(commands, indices.handle, indices.offset, self._index_type)
