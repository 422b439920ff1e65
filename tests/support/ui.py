"""Draw ImGui into an image, with storage that has no scene and no plan."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from imgui_bundle import imgui
from support.limits import limit

from engine.memory.device.live_profile import live_profile
from engine.memory.device.samplers import SamplerPool
from engine.storage.allocators.sub_allocator import SubAllocator
from engine.vk.binding import QUEUE_FAMILY_IGNORED, ffi
from engine.vk.binding import constants as c
from engine.vk.device import Device
from engine.vk.pool import CommandPool
from engine.vk.structs import new
from engine.vk.timeline import Timeline
from viewer.session.pictures import Picture
from viewer.ui.renderer import UiRenderer
from viewer.ui.storage import UiStorage

FRAMES = 2
SHADERS = Path(__file__).parents[2] / "assets" / "builtin" / "shader"


def compiled(folder: Path) -> tuple[bytes, bytes]:
    """Compile the UI's two shaders with the compiler of the environment."""
    beside = Path(sys.executable).parent / "glslangValidator"
    compiler = str(beside) if beside.exists() else shutil.which("glslangValidator")
    assert compiler, "glslangValidator is not installed"
    codes = []
    for stage, name in (("vert", "ui.vs"), ("frag", "ui.fs")):
        made = folder / f"{name}.spv"
        command = [compiler, "-V", "-S", stage, str(SHADERS / f"{name}.glsl"), "-o", str(made)]
        subprocess.run(command, check=True, capture_output=True, timeout=limit(60))
        codes.append(made.read_bytes())
    return codes[0], codes[1]


class OffscreenUi:
    """An ImGui context without a window, drawn into an sRGB image of `width` by `height`."""

    def __init__(self, device: Device, shaders: tuple[bytes, bytes], width: int, height: int) -> None:
        self.device, self.width, self.height = device, width, height
        self.context = imgui.create_context()
        io = imgui.get_io()
        io.set_ini_filename("")
        io.backend_flags |= (
            imgui.BackendFlags_.renderer_has_textures.value
            | imgui.BackendFlags_.renderer_has_vtx_offset.value
        )
        color = c.VK_FORMAT_R8G8B8A8_SRGB
        self.timeline = Timeline(device, "test")
        profile = live_profile(device)
        self.memory = SubAllocator(device, profile)
        self.samplers = SamplerPool(device)
        self.storage = UiStorage(device, profile, self.memory, self.samplers, self.timeline, FRAMES)
        self.renderer = UiRenderer(device, self.storage, color, shaders)
        usage = c.VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | c.VK_IMAGE_USAGE_TRANSFER_SRC_BIT
        self.target = image(device, width, height, color, usage)
        self.target_memory, _ = allocate(device, "Image", self.target, 0)
        whole = {"aspectMask": c.VK_IMAGE_ASPECT_COLOR_BIT, "levelCount": 1, "layerCount": 1}
        self.whole = whole
        view = new(
            "VkImageViewCreateInfo",
            image=self.target,
            viewType=c.VK_IMAGE_VIEW_TYPE_2D,
            format=color,
            subresourceRange=whole,
        )
        self.view = device.create("ImageView", view)
        size = width * height * 4
        back = new("VkBufferCreateInfo", size=size, usage=c.VK_BUFFER_USAGE_TRANSFER_DST_BIT)
        self.back = device.create("Buffer", back)
        self.back_memory, length = allocate(device, "Buffer", self.back, 0x6)
        self.pixels = device.map(self.back_memory, length)
        self.pool = CommandPool(device, device.graphics, "test")
        self.frames = 0

    def frame(
        self, content: Callable[[], None], scale: float = 1.0, pictures: Iterable[Picture] = ()
    ) -> np.ndarray:
        """Draw one frame and return uint8[height, width, 4]."""
        imgui.set_current_context(self.context)
        io = imgui.get_io()
        io.display_size = (self.width / scale, self.height / scale)
        io.display_framebuffer_scale = (scale, scale)
        io.delta_time = 1 / 60
        imgui.new_frame()
        content()
        imgui.render()
        self.renderer.plan(imgui.get_draw_data(), pictures)
        commands = self.pool.begin(self.pool.allocate())
        self.renderer.upload(commands, self.frames % FRAMES)
        self._draw(commands)
        self.pool.end(commands)
        ticket, everything = self.timeline.next(), c.VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT
        signals = [self.timeline.signal(ticket, everything)]
        self.device.submit(self.device.graphics, [commands], signals=signals)
        self.renderer.submitted()
        assert self.timeline.wait(ticket)
        self.frames += 1
        size = self.width * self.height * 4
        return np.frombuffer(self.pixels, np.uint8, size).reshape(self.height, self.width, 4).copy()

    def close(self) -> None:
        imgui.set_current_context(self.context)
        self.renderer.close(imgui.get_platform_io().textures)
        imgui.destroy_context(self.context)
        self.storage.close()
        self.samplers.close()
        self.memory.close()
        assert not self.memory.leaks
        self.pool.close()
        self.timeline.close()
        self.device.destroy("ImageView", self.view)
        for type_name, handle in (("Image", self.target), ("Buffer", self.back)):
            self.device.destroy(type_name, handle)
        self.device.destroy("DeviceMemory", self.target_memory)
        self.device.destroy("DeviceMemory", self.back_memory)

    def _draw(self, commands: Any) -> None:
        vk = self.device.vk
        attachment = c.VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL
        source = c.VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL
        output = (c.VK_PIPELINE_STAGE_2_COLOR_ATTACHMENT_OUTPUT_BIT, c.VK_ACCESS_2_COLOR_ATTACHMENT_WRITE_BIT)
        copied = (c.VK_PIPELINE_STAGE_2_COPY_BIT, c.VK_ACCESS_2_TRANSFER_READ_BIT)
        self._barrier(commands, (copied[0], 0), output, 0, attachment)
        color = new(
            "VkRenderingAttachmentInfo",
            imageView=self.view,
            imageLayout=attachment,
            loadOp=c.VK_ATTACHMENT_LOAD_OP_CLEAR,
            storeOp=c.VK_ATTACHMENT_STORE_OP_STORE,
        )
        area = {"extent": {"width": self.width, "height": self.height}}
        rendering = new("VkRenderingInfo", renderArea=area, layerCount=1, pColorAttachments=[color])
        vk.vkCmdBeginRendering(commands, rendering)
        self.renderer.draw(commands, (self.width, self.height))
        vk.vkCmdEndRendering(commands)
        self._barrier(commands, output, copied, attachment, source)
        region = new(
            "VkBufferImageCopy",
            imageSubresource={"aspectMask": c.VK_IMAGE_ASPECT_COLOR_BIT, "layerCount": 1},
            imageExtent={"width": self.width, "height": self.height, "depth": 1},
        )
        vk.vkCmdCopyImageToBuffer(commands, self.target, source, self.back, 1, region)
        host = new(
            "VkMemoryBarrier2",
            srcStageMask=c.VK_PIPELINE_STAGE_2_COPY_BIT,
            srcAccessMask=c.VK_ACCESS_2_TRANSFER_WRITE_BIT,
            dstStageMask=c.VK_PIPELINE_STAGE_2_HOST_BIT,
            dstAccessMask=c.VK_ACCESS_2_HOST_READ_BIT,
        )
        vk.vkCmdPipelineBarrier2(commands, new("VkDependencyInfo", pMemoryBarriers=[host]))

    def _barrier(
        self, commands: Any, before: tuple[int, int], after: tuple[int, int], old: int, layout: int
    ) -> None:
        barrier = new(
            "VkImageMemoryBarrier2",
            srcStageMask=before[0],
            srcAccessMask=before[1],
            dstStageMask=after[0],
            dstAccessMask=after[1],
            oldLayout=old,
            newLayout=layout,
            srcQueueFamilyIndex=QUEUE_FAMILY_IGNORED,
            dstQueueFamilyIndex=QUEUE_FAMILY_IGNORED,
            image=self.target,
            subresourceRange=self.whole,
        )
        self.device.vk.vkCmdPipelineBarrier2(
            commands, new("VkDependencyInfo", pImageMemoryBarriers=[barrier])
        )


def image(device: Device, width: int, height: int, image_format: int, usage: int) -> Any:
    """Make a plain 2D image."""
    info = new(
        "VkImageCreateInfo",
        imageType=c.VK_IMAGE_TYPE_2D,
        format=image_format,
        extent={"width": width, "height": height, "depth": 1},
        mipLevels=1,
        arrayLayers=1,
        samples=1,
        tiling=c.VK_IMAGE_TILING_OPTIMAL,
        usage=usage,
    )
    return device.create("Image", info)


def allocate(device: Device, type_name: str, handle: Any, properties: int) -> tuple[Any, int]:
    """Give a buffer or image a memory of its own that has `properties`; returns it and its size."""
    needs = new("VkMemoryRequirements2")
    info = new(f"Vk{type_name}MemoryRequirementsInfo2", **{type_name.lower(): handle})
    getattr(device.vk, f"vkGet{type_name}MemoryRequirements2")(device.handle, info, needs)
    rows = ffi.new("VkPhysicalDeviceMemoryProperties *")
    device.instance.vk.vkGetPhysicalDeviceMemoryProperties(device.adapter.handle, rows)
    needed = needs.memoryRequirements
    kind = next(
        index
        for index in range(rows.memoryTypeCount)
        if needed.memoryTypeBits >> index & 1
        and rows.memoryTypes[index].propertyFlags & properties == properties
    )
    memory_info = new("VkMemoryAllocateInfo", allocationSize=needed.size, memoryTypeIndex=kind)
    memory = device.create("DeviceMemory", memory_info)
    bind = getattr(device.vk, f"vkBind{type_name}Memory")
    assert bind(device.handle, handle, memory, 0) == 0
    return memory, int(needed.size)


__all__ = ["FRAMES", "OffscreenUi", "allocate", "compiled", "image"]
