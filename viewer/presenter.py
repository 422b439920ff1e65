"""Shows frames in the window: the scene's picture is copied to the swapchain, the UI drawn over it.

The scene is rendered into its own target, so its picture is the one that a headless run makes, and its
command buffers do not depend on the window.
"""

from __future__ import annotations

from typing import Any

from engine.planning.needs import FRAMES_IN_FLIGHT
from engine.render.recorder import Attachment
from engine.render.swapchain import Swapchain, Target
from engine.vk.binding import QUEUE_FAMILY_IGNORED
from engine.vk.binding import constants as c
from engine.vk.device import Device
from engine.vk.pool import CommandPool
from engine.vk.structs import new
from viewer.ui.renderer import UiRenderer
from viewer.ui.residency import Residency

_WHOLE = {"aspectMask": c.VK_IMAGE_ASPECT_COLOR_BIT, "levelCount": 1, "layerCount": 1}
_LAYERS = {"aspectMask": c.VK_IMAGE_ASPECT_COLOR_BIT, "layerCount": 1}


class Presenter:
    """Acquires, records and presents; one command buffer per frame that may be under way."""

    def __init__(self, device: Device, swapchain: Swapchain, ui: UiRenderer, residency: Residency) -> None:
        self._device = device
        self._swapchain = swapchain
        self._ui = ui
        self._residency = residency
        self._pool = CommandPool(device, device.graphics, "window", "viewer/window")
        self._commands = [self._pool.allocate(f"window {slot}") for slot in range(FRAMES_IN_FLIGHT)]
        self.shown = 0

    def acquire(self) -> Target | None:
        """Take the next image of the window; None where this frame cannot be shown."""
        return self._swapchain.acquire()

    def record(self, slot: int, target: Target, source: Attachment) -> Any:
        """Record the copy of `source`, which is in TRANSFER_SRC layout, and the UI onto `target`."""
        commands = self._pool.begin(self._commands[slot])
        self._ui.upload(commands, self._residency, slot)
        undefined, copied = c.VK_IMAGE_LAYOUT_UNDEFINED, c.VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL
        drawn, shown = c.VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL, c.VK_IMAGE_LAYOUT_PRESENT_SRC_KHR
        blit = (c.VK_PIPELINE_STAGE_2_BLIT_BIT, c.VK_ACCESS_2_TRANSFER_WRITE_BIT)
        draw = (
            c.VK_PIPELINE_STAGE_2_COLOR_ATTACHMENT_OUTPUT_BIT,
            c.VK_ACCESS_2_COLOR_ATTACHMENT_WRITE_BIT | c.VK_ACCESS_2_COLOR_ATTACHMENT_READ_BIT,
        )
        acquired = (c.VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT, 0)  # the stage that waits for the acquire
        presented = (c.VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT, 0)
        self._barrier(commands, target.image, acquired, blit, (undefined, copied))
        self._blit(commands, source, target)
        self._barrier(commands, target.image, blit, draw, (copied, drawn))
        self._draw(commands, target)
        self._barrier(commands, target.image, draw, presented, (drawn, shown))
        self._pool.end(commands)
        return commands

    def present(self, target: Target, ticket: int) -> None:
        """Show a target whose drawing signals `ticket`."""
        self.shown += self._swapchain.present(target, ticket)

    def give_up(self, target: Target) -> None:
        """Part with a target that was acquired and will not be drawn."""
        self._swapchain.give_up(target)

    def close(self) -> None:
        """Destroy the command buffers; nothing may be in flight."""
        self._pool.close()

    def _draw(self, commands: Any, target: Target) -> None:
        vk = self._device.vk
        color = new(
            "VkRenderingAttachmentInfo",
            imageView=target.view,
            imageLayout=c.VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL,
            loadOp=c.VK_ATTACHMENT_LOAD_OP_LOAD,
            storeOp=c.VK_ATTACHMENT_STORE_OP_STORE,
        )
        width, height = target.extent
        area = {"extent": {"width": width, "height": height}}
        rendering = new("VkRenderingInfo", renderArea=area, layerCount=1, pColorAttachments=[color])
        vk.vkCmdBeginRendering(commands, rendering)
        self._ui.draw(commands, target.extent)
        vk.vkCmdEndRendering(commands)

    def _blit(self, commands: Any, source: Attachment, target: Target) -> None:
        """Copy by blit, which reorders channels, and stretches in the frame in which the window grew."""
        region = new(
            "VkImageBlit2",
            srcSubresource=_LAYERS,
            srcOffsets=_corners(source.extent),
            dstSubresource=_LAYERS,
            dstOffsets=_corners(target.extent),
        )
        info = new(
            "VkBlitImageInfo2",
            srcImage=source.image,
            srcImageLayout=c.VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
            dstImage=target.image,
            dstImageLayout=c.VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
            pRegions=[region],
            filter=c.VK_FILTER_NEAREST if source.extent == target.extent else c.VK_FILTER_LINEAR,
        )
        self._device.vk.vkCmdBlitImage2(commands, info)

    def _barrier(
        self,
        commands: Any,
        image: Any,
        before: tuple[int, int],
        after: tuple[int, int],
        layouts: tuple[int, int],
    ) -> None:
        barrier = new(
            "VkImageMemoryBarrier2",
            srcStageMask=before[0],
            srcAccessMask=before[1],
            dstStageMask=after[0],
            dstAccessMask=after[1],
            oldLayout=layouts[0],
            newLayout=layouts[1],
            srcQueueFamilyIndex=QUEUE_FAMILY_IGNORED,
            dstQueueFamilyIndex=QUEUE_FAMILY_IGNORED,
            image=image,
            subresourceRange=_WHOLE,
        )
        dependency = new("VkDependencyInfo", pImageMemoryBarriers=[barrier])
        self._device.vk.vkCmdPipelineBarrier2(commands, dependency)


def _corners(extent: tuple[int, int]) -> list[dict[str, int]]:
    return [{}, {"x": extent[0], "y": extent[1], "z": 1}]
