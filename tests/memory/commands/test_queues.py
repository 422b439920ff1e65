"""The transfer queue: what it waits for. It is faked on top of the graphics queue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from engine.memory.commands.queues import Queues
from engine.vk.binding import constants as c
from engine.vk.device import Device, Queue
from engine.vk.timeline import Timeline

pytestmark = pytest.mark.gpu


@pytest.fixture
def frames(device: Device) -> Iterator[Timeline]:
    made = Timeline(device, "frames")
    yield made
    made.close()


@pytest.fixture
def queues(device: Device, frames: Timeline, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queues]:
    """Queues with a separate transfer recorder, as on most graphics cards; both use the graphics family."""
    graphics = device.graphics
    monkeypatch.setattr(device, "transfer", Queue(graphics.handle, graphics.family, "transfer"))
    made = Queues(device, frames)
    made.use_transfer_queue()
    assert made.has_transfer_queue
    yield made
    device.wait_idle()
    made.each(lambda recorder: recorder.close())


@pytest.fixture
def submits(device: Device, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Queue, dict[Any, int]]]:
    """Every submit: its queue, and the values it waits for by semaphore."""
    found: list[tuple[Queue, dict[Any, int]]] = []
    submit = device.submit

    def noted(queue: Queue, buffers: Any, *, waits: Any = (), signals: Any = ()) -> None:
        found.append((queue, {semaphore: value for semaphore, value, _stage in waits}))
        submit(queue, buffers, waits=waits, signals=signals)

    monkeypatch.setattr(device, "submit", noted)
    return found


def draw_frame(device: Device, frames: Timeline) -> int:
    ticket = frames.next()
    device.submit(
        device.graphics, [], signals=[frames.signal(ticket, c.VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT)]
    )
    return ticket


def test_copies_wait_for_frames_submitted_before(
    device: Device, frames: Timeline, queues: Queues, submits: list[tuple[Queue, dict[Any, int]]]
) -> None:
    draw_frame(device, frames)
    last = draw_frame(device, frames)
    queues.commands_for(queues.transfer)
    queues.submit_copies()
    queue, waits = submits[-1]
    assert queue.kind == "transfer"
    assert waits[frames.handle] == last


def test_copies_wait_for_earlier_submits_of_the_graphics_queue(
    device: Device, queues: Queues, submits: list[tuple[Queue, dict[Any, int]]]
) -> None:
    queues.commands_for(queues.graphics)
    queues.commands_for(queues.transfer)
    queues.submit_copies()
    assert [queue.kind for queue, _waits in submits] == ["graphics", "transfer"]
    assert submits[1][1][queues.graphics.timeline.handle] == queues.graphics.timeline.submitted == 1


def test_the_graphics_queue_does_not_wait_for_its_own_frames(
    device: Device, frames: Timeline, queues: Queues, submits: list[tuple[Queue, dict[Any, int]]]
) -> None:
    draw_frame(device, frames)
    queues.commands_for(queues.graphics)
    queues.submit()
    assert frames.handle not in submits[-1][1]


def test_a_ticket_includes_frames_and_both_queues(device: Device, frames: Timeline, queues: Queues) -> None:
    last = draw_frame(device, frames)
    queues.commands_for(queues.graphics)
    queues.commands_for(queues.transfer)
    held = {timeline.name: value for timeline, value in queues.now().values}
    assert held == {frames.name: last, "uploads timeline": 1, "transfers timeline": 1}
