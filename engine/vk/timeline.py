"""Timeline semaphores: their values are tickets that are reached when frames and transfers complete.

Frames in flight have slots: each is free again once the ticket of its last frame is reached.
"""

from __future__ import annotations

import time
from typing import Any

from engine.vk.binding import NULL, constants, ffi
from engine.vk.device import Device
from engine.vk.errors import Result, TookTooLong, VulkanError
from engine.vk.structs import new

PATIENCE_S = 60.0
"""How long a submit may take; a driver resets a device that hangs long before."""
_POLL_S = 0.5
"""Longest single wait, so that an interrupt (Ctrl-C) is handled soon."""
SLOW_S = 0.1
"""Where a frame was waited for so long, the next ones have one in flight before them, and not two.

A device that is so far behind gains nothing by more, and input and signals wait for what is in flight.
"""


class Timeline:
    """A timeline semaphore; `submitted` is the last value that a submit signals, and a value is a ticket."""

    def __init__(self, device: Device, name: str, why: str = "") -> None:
        self._device = device
        self.name = name
        kind = new("VkSemaphoreTypeCreateInfo", semaphoreType=constants.VK_SEMAPHORE_TYPE_TIMELINE)
        self.handle = device.create("Semaphore", new("VkSemaphoreCreateInfo", pNext=kind), name=name, why=why)
        self.submitted = 0
        self._reached = 0
        self._value = ffi.new("uint64_t *")
        self._awaited = ffi.new("uint64_t[1]")
        self._wait_info = new("VkSemaphoreWaitInfo", pSemaphores=[self.handle], pValues=self._awaited)

    def next(self) -> int:
        """Return the next value, which a submit of the caller signals."""
        self.submitted += 1
        return self.submitted

    def completed(self) -> int:
        """Return the value that has been reached, without waiting."""
        self._device.call("vkGetSemaphoreCounterValue", self._device.handle, self.handle, self._value)
        self._reached = int(self._value[0])
        return self._reached

    def passed(self, value: int) -> bool:
        """Whether `value` has been reached, without waiting; a known value makes no call."""
        return value <= self._reached or value <= self.completed()

    def wait(self, value: int, timeout_s: float = 10.0) -> bool:
        """Wait until `value` is reached; False after `timeout_s` seconds."""
        self._awaited[0] = value
        arguments = (self._device.handle, self._wait_info, int(timeout_s * 1e9))
        answer = self._device.call("vkWaitSemaphores", *arguments, allow=(Result.TIMEOUT,))
        return answer is Result.SUCCESS

    def reach(self, value: int) -> None:
        """Wait until `value` is reached. Raises TookTooLong after PATIENCE_S.

        While the process is stopped, as by Ctrl-Z, a driver in software is, too: that counts as one poll.
        """
        for _ in range(max(1, round(PATIENCE_S / _POLL_S))):
            if self.wait(value, _POLL_S):
                return
        detail = f"{self.name}: {value} is not reached after {PATIENCE_S:g} s"
        raise TookTooLong("vkWaitSemaphores", Result.TIMEOUT, detail)

    def drain(self) -> None:
        """Wait for everything submitted, before closing; errors are ignored."""
        try:
            done = self.wait(self.submitted)
        except VulkanError:
            done = False
        if not done:
            self._device.wait_idle()  # nothing may be in use when the caller destroys it

    def signal(self, value: int, stage: int) -> tuple[Any, int, int]:
        """Return the triple for `Device.submit` that waits for or signals `value`."""
        return self.handle, value, stage

    def close(self) -> None:
        """Destroy the semaphore, once; nothing may be pending on it."""
        handle, self.handle = self.handle, NULL
        self._device.destroy("Semaphore", handle)


class FrameSlots:
    """The tickets of the frames that were submitted last, one for each slot, taken in turn."""

    def __init__(self, timeline: Timeline, count: int) -> None:
        self._timeline = timeline
        self._tickets = [0] * count
        self._is_slow = False

    def wait(self, slot: int) -> None:
        """Wait until a slot is free, and on a slow device for every earlier frame. Raises TookTooLong."""
        began = time.perf_counter()
        self._timeline.reach(max(self._tickets) if self._is_slow else self._tickets[slot])
        self._is_slow = time.perf_counter() - began > SLOW_S

    def take(self, slot: int) -> None:
        """Note that a slot is taken by the frame that was submitted, with the next ticket."""
        self._tickets[slot] = self._timeline.next()
