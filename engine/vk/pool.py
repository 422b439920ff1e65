"""Command pools, whose command buffers are recorded, submitted and recorded again."""

from __future__ import annotations

from typing import Any

from engine.vk.binding import NULL, constants, ffi
from engine.vk.device import Device, Queue
from engine.vk.structs import new


class CommandPool:
    """A command pool of one queue family; owns its command buffers.

    Not thread-safe, as in Vulkan: one pool per recording thread.
    """

    def __init__(self, device: Device, queue: Queue, name: str, why: str = "") -> None:
        self._device = device
        info = new(
            "VkCommandPoolCreateInfo",
            flags=constants.VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
            queueFamilyIndex=queue.family,
        )
        self.handle = device.create("CommandPool", info, name=name, why=why)
        once = constants.VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT
        self._begin = {
            True: new("VkCommandBufferBeginInfo", flags=once),
            False: new("VkCommandBufferBeginInfo"),
        }
        self._recording: set[Any] = set()

    def allocate(self, name: str = "") -> Any:
        """Allocate one primary command buffer."""
        made = ffi.new("VkCommandBuffer *")
        info = new("VkCommandBufferAllocateInfo", commandPool=self.handle, commandBufferCount=1)
        self._device.call("vkAllocateCommandBuffers", self._device.handle, info, made)
        if name:
            self._device.set_name("CommandBuffer", made[0], name)
        return made[0]

    def begin(self, command_buffer: Any, *, once: bool = True) -> Any:
        """Begin recording, which drops earlier commands, and return the command buffer."""
        if command_buffer in self._recording:  # an exception prevented its `end`
            self._device.call("vkResetCommandBuffer", command_buffer, 0)
        self._recording.add(command_buffer)
        self._device.call("vkBeginCommandBuffer", command_buffer, self._begin[once])
        return command_buffer

    def end(self, command_buffer: Any) -> None:
        """End recording."""
        self._device.call("vkEndCommandBuffer", command_buffer)
        self._recording.discard(command_buffer)

    def reset(self) -> None:
        """Reset every command buffer of the pool; none may be pending."""
        self._device.call("vkResetCommandPool", self._device.handle, self.handle, 0)
        self._recording.clear()

    def close(self) -> None:
        """Destroy the pool and its command buffers, once; none may be pending."""
        handle, self.handle = self.handle, NULL
        self._device.destroy("CommandPool", handle)
