"""Opens a window on a device with all validation; the test must cause no message and leave nothing live."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from engine.render.surface import Surface, WindowTarget
from engine.render.swapchain import Swapchain, Target
from engine.vk.binding import QUEUE_FAMILY_IGNORED, constants, ffi
from engine.vk.device import Device
from engine.vk.instance import Instance
from engine.vk.pool import CommandPool
from engine.vk.structs import new
from engine.vk.timeline import Timeline
from viewer.guard import Guard
from viewer.window.window import Window


@dataclass(slots=True)
class Windowed:
    """A window, its surface and swapchain, and enough to clear an image of it to a colour."""

    window: Window
    device: Device
    surface: Surface
    swapchain: Swapchain
    timeline: Timeline
    pool: CommandPool
    shown: int = 0
    commands: Any = None

    def draw(self, target: Target, color: tuple[float, float, float, float] = (0.2, 0.4, 0.6, 1.0)) -> bool:
        """Clear the image and present it; returns the result of `Swapchain.present`."""
        self.timeline.wait(self.timeline.submitted)
        self.commands = self.commands or self.pool.allocate()
        buffer = self.pool.begin(self.commands)
        c = constants
        vk = self.device.vk
        everything = c.VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT
        whole = {"aspectMask": c.VK_IMAGE_ASPECT_COLOR_BIT, "levelCount": 1, "layerCount": 1}
        layouts = (
            c.VK_IMAGE_LAYOUT_UNDEFINED,
            c.VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
            c.VK_IMAGE_LAYOUT_PRESENT_SRC_KHR,
        )
        write = c.VK_ACCESS_2_TRANSFER_WRITE_BIT
        for step in range(2):
            barrier = new(
                "VkImageMemoryBarrier2",
                srcStageMask=everything,
                dstStageMask=everything,
                srcAccessMask=write if step else 0,
                dstAccessMask=0 if step else write,
                oldLayout=layouts[step],
                newLayout=layouts[step + 1],
                srcQueueFamilyIndex=QUEUE_FAMILY_IGNORED,
                dstQueueFamilyIndex=QUEUE_FAMILY_IGNORED,
                image=target.image,
                subresourceRange=whole,
            )
            vk.vkCmdPipelineBarrier2(buffer, new("VkDependencyInfo", pImageMemoryBarriers=[barrier]))
            if step == 0:
                value = ffi.new("VkClearColorValue *", {"float32": color})
                ranges = ffi.new("VkImageSubresourceRange *", whole)
                vk.vkCmdClearColorImage(buffer, target.image, layouts[1], value, 1, ranges)
        self.pool.end(buffer)
        ticket = self.timeline.next()
        self.device.submit(
            self.device.graphics,
            [buffer],
            waits=[(target.acquired, 0, everything)],
            signals=[(target.rendered, 0, everything), self.timeline.signal(ticket, everything)],
        )
        self.shown += 1
        return self.swapchain.present(target, ticket)


@contextmanager
def checked_window(size: tuple[int, int] = (320, 200)) -> Iterator[Windowed]:
    """Yield a window ready to draw on; fails on any validation message and on anything left alive."""
    with Window("diorama tests", size, Guard(lambda name, message: None)) as window:
        instance = Instance("diorama tests", validate=True, extensions=window.extensions)
        try:
            assert instance.validation.supported, instance.validation.reason
            target = WindowTarget(window.extensions, window.create_surface, lambda: window.framebuffer_size)
            surface = Surface(instance, target)
            device = Device(instance, instance.choose(), extensions=("VK_KHR_swapchain",))
            try:
                timeline = Timeline(device, "frames")
                pool = CommandPool(device, device.graphics, "frames")
                swapchain = Swapchain(device, surface, timeline)
                yield Windowed(window, device, surface, swapchain, timeline, pool)
                swapchain.close()
                pool.close()
                timeline.close()
            finally:
                leaked = device.close()
            surface.close()
        finally:
            instance.close()
    assert [str(message) for message in instance.messages.all] == []
    assert [str(entry) for entry in leaked] == []
    assert instance.handles.left_behind == 0
