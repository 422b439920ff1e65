"""Deletions run in order, each after the last work that used what is destroyed."""

from __future__ import annotations

import pytest
from support.recorded_vulkan import RecordedDevice

from engine.memory.commands.deletion_queue import DeletionQueue, Ticket
from engine.vk.timeline import Timeline


@pytest.fixture
def device() -> RecordedDevice:
    return RecordedDevice()


def timeline(device: RecordedDevice, submitted: int) -> Timeline:
    made = Timeline(device, "frames")  # type: ignore[arg-type]
    made.submitted = submitted
    return made


def test_a_ticket_holds_the_timelines_on_which_something_was_submitted(device: RecordedDevice) -> None:
    idle, busy, other = (timeline(device, submitted) for submitted in (0, 3, 1))
    ticket = Ticket.now([idle, busy, other])
    assert ticket.values == ((busy, 3), (other, 1))
    assert not ticket.past()
    assert not ticket.wait(0.0)
    device.finish(busy)
    assert not ticket.past()
    assert not ticket.wait(0.0)
    device.finish(other)
    assert ticket.past()
    assert ticket.wait(0.0)


def test_actions_run_in_their_order_once_their_tickets_are_past(device: RecordedDevice) -> None:
    frames = timeline(device, 2)
    queue, ran = DeletionQueue(), []
    assert queue.wait(0.0)
    queue.add(Ticket.now([frames]), lambda: ran.append("first"))
    queue.add(Ticket(()), lambda: ran.append("second"))
    assert (queue.collect(), ran, len(queue)) == (0, [], 2)
    assert not queue.wait(0.0)
    device.finish(frames)
    assert queue.wait(0.0)
    assert (queue.collect(), ran, len(queue)) == (2, ["first", "second"], 0)
    assert queue.collect() == 0


def test_actions_that_ran_before_one_that_raised_are_counted_by_the_next_collect() -> None:
    queue = DeletionQueue()
    queue.add(Ticket(()), lambda: None)
    queue.add(Ticket(()), lambda: 1 / 0)
    queue.add(Ticket(()), lambda: None)
    with pytest.raises(ZeroDivisionError):
        queue.collect()
    assert (queue.collect(), len(queue)) == (2, 0)


def test_run_all_polls_no_ticket(device: RecordedDevice) -> None:
    queue, ran = DeletionQueue(), []
    for number in range(2):
        queue.add(Ticket.now([timeline(device, 1)]), lambda number=number: ran.append(number))
    queue.run_all()
    assert (ran, len(queue)) == ([0, 1], 0)
