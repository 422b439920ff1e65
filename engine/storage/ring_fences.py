"""RingFences: n slots that keep frames apart, each with the caller's data (seed 001), on one timeline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from engine.memory.commands.deletion_queue import Ticket
from engine.memory.device.problems import NotReady, UseAfterClose
from engine.vk.binding import constants
from engine.vk.device import Device, Queue
from engine.vk.timeline import Timeline

T = TypeVar("T")
_ALL = constants.VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT


class RingSlot(Generic[T]):
    """One slot: `user_data` is the caller's own, `value` the timeline value of its last submit (0: none)."""

    def __init__(self, index: int, user_data: T) -> None:
        self.index = index
        self.user_data = user_data
        self.value = 0


class RingFences(Generic[T]):
    """A ring of n slots; a slot is reused once its last submit is over.

    `make` gives each slot its user data. A slot that was taken and not submitted waits for nothing.
    """

    def __init__(self, device: Device, n: int, make: Callable[[], T], *, name: str = "ring") -> None:
        if n < 1:
            raise ValueError(f"a ring of {n} slots")
        self.name = name
        self.timeline = Timeline(device, f"{name} timeline", why=name)
        self.slots = tuple(RingSlot(index, make()) for index in range(n))
        self._device = device
        self._taken = 0
        self._is_closed = False

    def __len__(self) -> int:
        return len(self.slots)

    @property
    def ticket(self) -> Ticket:
        """Everything that was submitted so far."""
        return Ticket.now([self.timeline])

    def wait_and_get(self, timeout_s: float = 10.0) -> RingSlot[T]:
        """Wait until the next slot's last submit is over and return it. Raises NotReady on timeout."""
        if self._is_closed:
            raise UseAfterClose(self.name, "a slot is asked for, and the ring is closed")
        slot = self.slots[self._taken % len(self.slots)]
        if slot.value and not self.timeline.wait(slot.value, timeout_s):
            raise NotReady(self.name, f"slot {slot.index} is still in use after {timeout_s} s")
        self._taken += 1
        return slot

    def submit(
        self,
        slot: RingSlot[T],
        queue: Queue,
        command_buffers: Sequence[Any],
        *,
        waits: Sequence[tuple[Any, int, int]] = (),
        signals: Sequence[tuple[Any, int, int]] = (),
    ) -> Ticket:
        """Submit a slot's work, see `Device.submit`; returns the ticket of it.

        A failure leaves the slot unchanged and no timeline value unsignalled.
        """
        if self._is_closed:
            raise UseAfterClose(self.name, "work is submitted, and the ring is closed")
        value = self.timeline.submitted + 1
        signalled = [self.timeline.signal(value, _ALL), *signals]
        self._device.submit(queue, command_buffers, waits=waits, signals=signalled)
        slot.value = self.timeline.next()
        return Ticket(((self.timeline, value),))

    def close(self) -> None:
        """Wait for all slots and destroy the timeline, once."""
        if not self._is_closed:
            self._is_closed = True
            self.timeline.drain()
            self.timeline.close()

    def __enter__(self) -> RingFences[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
