"""A device that refuses memory which its budget promises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from engine.memory.device.objects import LiveAllocation, Objects
from engine.plan.resident.steps import Allocate
from engine.vk.errors import OutOfDeviceMemory, Result


@contextmanager
def device_that_holds(limit: int) -> Iterator[list[int]]:
    """Make the device refuse allocations beyond `limit` bytes in all; yields the refused sizes."""
    refused: list[int] = []
    make = Objects.allocate_memory

    def sparing(self: Objects, step: Allocate, **how: bool) -> LiveAllocation:
        if self.live_bytes + step.size > limit:
            refused.append(step.size)
            raise OutOfDeviceMemory("vkAllocateMemory", Result.OUT_OF_DEVICE_MEMORY)
        return make(self, step, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Objects, "allocate_memory", sparing)
        yield refused
