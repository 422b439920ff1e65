"""Presents frames in the window: blits the scene's picture into the free area and draws the UI over it.

The scene is rendered into its own target, so its picture equals that of a headless run, and its command
buffers do not depend on the window.
"""

from __future__ import annotations

from typing import Any

from engine.planning.needs import FRAMES_IN_FLIGHT
from engine.render.frame_recorder import FrameImage
from engine.render.swapchain import Swapchain, Target
from engine.vk.binding import QUEUE_FAMILY_IGNORED
from engine.vk.binding import constants as c
from engine.vk.device import Device
from engine.vk.pool import CommandPool
from engine.vk.structs import new
from viewer.ui import style
from viewer.ui.renderer import UiRenderer

Area = tuple[int, int, int, int]
"""x, y, width, height in pixels of the window."""

_WHOLE = {"aspectMask": c.VK_IMAGE_ASPECT_COLOR_BIT, "levelCount": 1, "layerCount": 1}
_LAYERS = {"aspectMask": c.VK_IMAGE_ASPECT_COLOR_BIT, "layerCount": 1}


class Presenter:
    """Acquires, records and presents; has one command buffer per frame in flight.

    The picture is shown in `area`, as large as it fits there with its proportions; None: the whole window.
    `beside` is another picture of its size, in TRANSFER_SRC layout, over it from a share of its width on.
    """

    area: Area | None = None
    beside: tuple[FrameImage, float] | None = None

    def __init__(self, device: Device, swapchain: Swapchain, ui: UiRenderer) -> None:
        self._device = device
        self._swapchain = swapchain
        self._ui = ui
        self._pool = CommandPool(device, device.graphics, "window", "viewer/window")
        try:
            self._commands = [self._pool.allocate(f"window {slot}") for slot in range(FRAMES_IN_FLIGHT)]
        except BaseException:
            self._pool.close()
            raise
        self._build_infos()
        self.shown = 0

    def acquire(self) -> Target | None:
        """Acquire the next swapchain image; None if this frame cannot be presented."""
        return self._swapchain.acquire()

    def record(self, slot: int, target: Target, source: FrameImage) -> Any:
        """Record the blit of `source`, which is in TRANSFER_SRC layout, and the UI onto `target`."""
        commands = self._pool.begin(self._commands[slot])
        self._ui.upload(commands, slot)
        undefined, copied = c.VK_IMAGE_LAYOUT_UNDEFINED, c.VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL
        drawn, shown = c.VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL, c.VK_IMAGE_LAYOUT_PRESENT_SRC_KHR
        blit = (
            c.VK_PIPELINE_STAGE_2_BLIT_BIT | c.VK_PIPELINE_STAGE_2_CLEAR_BIT,
            c.VK_ACCESS_2_TRANSFER_WRITE_BIT,
        )
        draw = (
            c.VK_PIPELINE_STAGE_2_COLOR_ATTACHMENT_OUTPUT_BIT,
            c.VK_ACCESS_2_COLOR_ATTACHMENT_WRITE_BIT | c.VK_ACCESS_2_COLOR_ATTACHMENT_READ_BIT,
        )
        acquired = (c.VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT, 0)  # the stage that waits for the acquire
        presented = (c.VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT, 0)
        self._barrier(commands, target.image, acquired, blit, (undefined, copied))
        place = fitted(source.extent, self.area or (0, 0, *target.extent), target.extent)
        if place != (0, 0, *target.extent):
            vk = self._device.vk
            vk.vkCmdClearColorImage(commands, target.image, copied, self._ground(), 1, self._whole)
            self._barrier(commands, target.image, blit, blit, (copied, copied))
        self._blit(commands, source, target, place)
        if self.beside is not None:
            self._barrier(commands, target.image, blit, blit, (copied, copied))
            self._blit(commands, self.beside[0], target, place, self.beside[1])
        self._barrier(commands, target.image, blit, draw, (copied, drawn))
        self._draw(commands, target)
        self._barrier(commands, target.image, draw, presented, (drawn, shown))
        self._pool.end(commands)
        return commands

    def present(self, target: Target, ticket: int) -> None:
        """Present a target after `ticket` is signalled."""
        self._ui.submitted()
        self.shown += self._swapchain.present(target, ticket)

    def release(self, target: Target) -> None:
        """Release an acquired target without presenting it."""
        self._swapchain.release(target)

    def close(self) -> None:
        """Destroy the command buffers; nothing may be in flight."""
        self._pool.close()

    def _draw(self, commands: Any, target: Target) -> None:
        vk = self._device.vk
        extent = self._rendering.renderArea.extent
        extent.width, extent.height = target.extent
        self._color.imageView = target.view
        vk.vkCmdBeginRendering(commands, self._rendering)
        self._ui.draw(commands, target.extent)
        vk.vkCmdEndRendering(commands)

    def _blit(
        self, commands: Any, source: FrameImage, target: Target, place: Area, share: float = 0.0
    ) -> None:
        """Copy by blit: it converts channel order, and scales in the frame after a resize.

        What lies left of a share of the width is left out.
        """
        x, y, width, height = place
        left = min(round(share * width), max(width - 1, 0))
        first = min(round(share * source.extent[0]), source.extent[0] - 1)
        if not width or not height:
            return
        region = self._region
        for corner, (across, down) in (
            (region.srcOffsets[0], (first, 0)),
            (region.srcOffsets[1], source.extent),
            (region.dstOffsets[0], (x + left, y)),
            (region.dstOffsets[1], (x + width, y + height)),
        ):
            corner.x, corner.y = across, down
        for corners in (region.srcOffsets, region.dstOffsets):
            corners[1].z = 1
        info = self._blit_info
        info.srcImage, info.dstImage = source.image, target.image
        info.filter = c.VK_FILTER_NEAREST if source.extent == (width, height) else c.VK_FILTER_LINEAR
        self._device.vk.vkCmdBlitImage2(commands, info)

    def _ground(self) -> Any:
        """The colour around the picture, linear, as the swapchain's images store sRGB."""
        for channel, value in enumerate(style.linear(style.GROUND)):
            self._clear.float32[channel] = value
        return self._clear

    def _barrier(
        self,
        commands: Any,
        image: Any,
        before: tuple[int, int],
        after: tuple[int, int],
        layouts: tuple[int, int],
    ) -> None:
        barrier = self._image_barrier
        barrier.image = image
        barrier.srcStageMask, barrier.srcAccessMask = before
        barrier.dstStageMask, barrier.dstAccessMask = after
        barrier.oldLayout, barrier.newLayout = layouts
        self._device.vk.vkCmdPipelineBarrier2(commands, self._dependency)

    def _build_infos(self) -> None:
        """Build the structs of a frame once; recording modifies them in place."""
        self._image_barrier = new(
            "VkImageMemoryBarrier2",
            srcQueueFamilyIndex=QUEUE_FAMILY_IGNORED,
            dstQueueFamilyIndex=QUEUE_FAMILY_IGNORED,
            subresourceRange=_WHOLE,
        )
        self._dependency = new(
            "VkDependencyInfo", imageMemoryBarrierCount=1, pImageMemoryBarriers=self._image_barrier
        )
        self._clear = new("VkClearColorValue")
        self._whole = new("VkImageSubresourceRange", **_WHOLE)
        self._color = new(
            "VkRenderingAttachmentInfo",
            imageLayout=c.VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL,
            loadOp=c.VK_ATTACHMENT_LOAD_OP_LOAD,
            storeOp=c.VK_ATTACHMENT_STORE_OP_STORE,
        )
        self._rendering = new(
            "VkRenderingInfo", layerCount=1, colorAttachmentCount=1, pColorAttachments=self._color
        )
        self._region = new("VkImageBlit2", srcSubresource=_LAYERS, dstSubresource=_LAYERS)
        self._blit_info = new(
            "VkBlitImageInfo2",
            srcImageLayout=c.VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
            dstImageLayout=c.VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
            regionCount=1,
            pRegions=self._region,
        )


def fitted(picture: tuple[int, int], area: Area, window: tuple[int, int]) -> Area:
    """Return the largest place of a picture in the middle of an area of a window, with its proportions.

    All in pixels. A picture as large as the area, or nearly, as in frames of a resize, fills it.
    """
    x, y = max(0, min(area[0], window[0])), max(0, min(area[1], window[1]))
    width, height = max(0, min(area[2], window[0] - x)), max(0, min(area[3], window[1] - y))
    if not width or not height:
        return x, y, 0, 0
    scale = min(width / picture[0], height / picture[1])
    across, down = min(width, round(picture[0] * scale)), min(height, round(picture[1] * scale))
    if width - across <= 1 and height - down <= 1:
        return x, y, width, height
    return x + (width - across) // 2, y + (height - down) // 2, across, down
