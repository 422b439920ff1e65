"""Times of passes on the GPU, by timestamps between them; only while somebody asks for them.

What a frame has written is read when its slot is used again, which nothing waits for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from engine.plan.terms.vocabulary import Stage
from engine.vk.binding import constants, ffi
from engine.vk.device import Device
from engine.vk.errors import Result
from engine.vk.facts import facts
from engine.vk.structs import new

_GROWTH = 32


class PassTimer:
    """A query pool for each frame in flight. Close it when none of them is in flight.

    `times` are milliseconds by pass, of the last frame that is finished; empty where the queue has no
    timestamps or none was taken.
    """

    def __init__(self, device: Device, slots: int) -> None:
        self._device = device
        self._pools: list[Any] = [None] * slots
        self._sizes = [0] * slots
        self._names: list[tuple[str, ...]] = [()] * slots
        self._written = [False] * slots
        known = facts(device)
        self._period_ms = float(known["limits"]["timestampPeriod"]) * 1e-6
        self._mask = (1 << known["queue_families"][known["graphics_family"]]["timestamp_valid_bits"]) - 1
        self.times: Mapping[str, float] = {}

    @property
    def is_supported(self) -> bool:
        """Whether the queue has timestamps."""
        return bool(self._mask)

    def begin(self, commands: Any, slot: int, count: int, most: int) -> bool:
        """Prepare a command buffer of a slot that is not in flight for so many passes.

        Other command buffers of the slot stay valid: none is for more than `most` passes.
        """
        self._written[slot] = False
        if not self.is_supported or not most:
            return False
        if self._sizes[slot] < most + 1:
            self._make(slot, most + 1 + _GROWTH)
        self._device.vk.vkCmdResetQueryPool(commands, self._pools[slot], 0, count + 1)
        self.mark(commands, slot, 0)
        return True

    def mark(self, commands: Any, slot: int, number: int) -> None:
        """Note the time when everything before is finished."""
        stage = int(Stage.ALL_COMMANDS)
        self._device.vk.vkCmdWriteTimestamp2(commands, stage, self._pools[slot], number)

    def submitted(self, slot: int, names: Sequence[str]) -> None:
        """A command buffer of a slot that takes the times of these passes was submitted."""
        self._names[slot] = tuple(names)
        self._written[slot] = bool(names) and self.is_supported

    def read(self, slot: int) -> None:
        """Take the times of a slot whose frame is finished."""
        if not self._written[slot]:
            return
        self._written[slot] = False
        names = self._names[slot]
        count = len(names) + 1
        marks = ffi.new("uint64_t[]", count)
        device = self._device
        flags = constants.VK_QUERY_RESULT_64_BIT
        call = "vkGetQueryPoolResults", device.handle, self._pools[slot], 0, count, 8 * count, marks, 8, flags
        if device.call(*call, allow=(Result.NOT_READY,)) is not Result.SUCCESS:
            return
        found = list(marks)
        spans = [(later - before) & self._mask for before, later in pairwise(found)]
        self.times = {name: span * self._period_ms for name, span in zip(names, spans, strict=True)}

    def close(self) -> None:
        """Destroy the pools, once."""
        for slot, pool in enumerate(self._pools):
            if pool is not None:
                self._device.destroy("QueryPool", pool)
            self._pools[slot], self._sizes[slot] = None, 0

    def _make(self, slot: int, count: int) -> None:
        if self._pools[slot] is not None:
            self._device.destroy("QueryPool", self._pools[slot])
        info = new("VkQueryPoolCreateInfo", queryType=constants.VK_QUERY_TYPE_TIMESTAMP, queryCount=count)
        name = f"pass times {slot}"
        self._pools[slot] = self._device.create("QueryPool", info, name=name, why="viewer/frame")
        self._sizes[slot] = count
