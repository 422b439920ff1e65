"""Timeline semaphores: the tickets by which frames and transfers are told to be over."""

from __future__ import annotations

import time
from typing import Any

from engine.vk.binding import NULL, constants, ffi
from engine.vk.device import Device
from engine.vk.errors import Result, TookTooLong, VulkanError
from engine.vk.structs import new

PATIENCE_S = 60.0
"""How long anything that was submitted may take; a driver gives up a device that hangs long before."""
_HEARS_S = 0.5
"""How soon an interrupt is heard by who waits."""


class Timeline:
    """A timeline semaphore; `submitted` is the last value handed out, and a value is a ticket."""

    def __init__(self, device: Device, name: str, why: str = "") -> None:
        self._device = device
        self.name = name
        kind = new("VkSemaphoreTypeCreateInfo", semaphoreType=constants.VK_SEMAPHORE_TYPE_TIMELINE)
        self.handle = device.create("Semaphore", new("VkSemaphoreCreateInfo", pNext=kind), name=name, why=why)
        self.submitted = 0
        self._reached = 0
        self._value = ffi.new("uint64_t *")

    def next(self) -> int:
        """Hand out the next value; the caller signals it by a submit."""
        self.submitted += 1
        return self.submitted

    def completed(self) -> int:
        """Read the value that has been reached, without waiting."""
        self._device.call("vkGetSemaphoreCounterValue", self._device.handle, self.handle, self._value)
        self._reached = int(self._value[0])
        return self._reached

    def passed(self, value: int) -> bool:
        """Tell whether `value` has been reached, without waiting; not asked again of what once was."""
        return value <= self._reached or value <= self.completed()

    def wait(self, value: int, timeout_s: float = 10.0) -> bool:
        """Wait until `value` is reached; False after `timeout_s` seconds."""
        info = new("VkSemaphoreWaitInfo", pSemaphores=[self.handle], pValues=[value])
        nanoseconds = int(timeout_s * 1e9)
        arguments = (self._device.handle, info, nanoseconds)
        answer = self._device.call("vkWaitSemaphores", *arguments, allow=(Result.TIMEOUT,))
        return answer is Result.SUCCESS

    def reach(self, value: int) -> None:
        """Wait until `value` is reached, as long as that is worth hoping for. Raises TookTooLong."""
        deadline = time.monotonic() + PATIENCE_S
        while not self.wait(value, _HEARS_S):
            if time.monotonic() > deadline:
                detail = f"{self.name}: {value} is not finished after {PATIENCE_S:g} s"
                raise TookTooLong("vkWaitSemaphores", Result.TIMEOUT, detail)

    def drain(self) -> None:
        """Wait for all that was submitted, before closing: that goes on whatever is answered here."""
        try:
            done = self.wait(self.submitted)
        except VulkanError:
            done = False
        if not done:
            self._device.wait_idle()  # nothing may be in use

    def signal(self, value: int, stage: int) -> tuple[Any, int, int]:
        """Make the triple that `Device.submit` takes, to wait for or to signal `value`."""
        return self.handle, value, stage

    def close(self) -> None:
        """Destroy the semaphore, once; nothing may be pending on it."""
        handle, self.handle = self.handle, NULL
        self._device.destroy("Semaphore", handle)
