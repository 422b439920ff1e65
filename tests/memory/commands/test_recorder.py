"""Recorders on recorded Vulkan: what is submitted and waited for, which command buffers are used again."""

from __future__ import annotations

import pytest
from support.recorded_vulkan import RecordedDevice, number

from engine.memory.commands.recorder import Recorder
from engine.vk.binding import constants
from engine.vk.timeline import Timeline

ALL = constants.VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT


@pytest.fixture
def device() -> RecordedDevice:
    return RecordedDevice()


@pytest.fixture
def recorder(device: RecordedDevice) -> Recorder:
    return Recorder(device, device.graphics, "uploads")  # type: ignore[arg-type]


def test_a_submit_signals_the_ticket_that_was_promised(device: RecordedDevice, recorder: Recorder) -> None:
    assert (recorder.recording, recorder.ticket) == (False, 0)
    buffer = recorder.commands()
    assert recorder.commands() is buffer
    assert (recorder.recording, recorder.ticket) == (True, 1)
    assert recorder.submit() == 1
    assert (recorder.recording, recorder.ticket) == (False, 1)
    (submitted,) = device.submits
    assert submitted.buffers == [number(buffer)]
    assert submitted.signals == [(number(recorder.timeline.handle), 1, ALL)]
    assert submitted.waits == []
    assert device.calls.count("vkBeginCommandBuffer") == device.calls.count("vkEndCommandBuffer") == 1


def test_without_commands_nothing_is_submitted(device: RecordedDevice, recorder: Recorder) -> None:
    assert recorder.submit() == 0
    recorder.commands()
    recorder.submit()
    assert recorder.submit() == 1
    assert len(device.submits) == 1


def test_a_command_buffer_is_used_again_only_when_the_device_is_through(
    device: RecordedDevice, recorder: Recorder
) -> None:
    first = number(recorder.commands())
    recorder.submit()
    second = number(recorder.commands())
    assert second != first
    device.finish(recorder.timeline)
    recorder.submit()
    assert number(recorder.commands()) == first
    recorder.submit()
    assert number(recorder.commands()) not in (first, second)
    recorder.submit()
    device.finish(recorder.timeline)
    recorder.commands()
    assert device.calls.count("vkAllocateCommandBuffers") == 3


def test_a_wait_holds_the_next_submit_back_once_and_by_its_highest_value(
    device: RecordedDevice, recorder: Recorder
) -> None:
    other = Timeline(device, "other")  # type: ignore[arg-type]
    recorder.wait_for(other, 0)
    for value in (3, 5, 4):
        recorder.wait_for(other, value)
    for _ in range(2):
        recorder.commands()
        recorder.submit()
    assert [submitted.waits for submitted in device.submits] == [[(number(other.handle), 5, ALL)], []]


def test_a_wait_for_the_first_value_counts(device: RecordedDevice, recorder: Recorder) -> None:
    other = Timeline(device, "other")  # type: ignore[arg-type]
    recorder.wait_for(other, 1)
    recorder.commands()
    recorder.submit()
    assert device.submits[0].waits == [(number(other.handle), 1, ALL)]


def test_what_a_failed_submit_was_to_send_goes_before_new_commands(
    device: RecordedDevice, recorder: Recorder
) -> None:
    lost = number(recorder.commands())
    device.refuse = "submit"
    with pytest.raises(MemoryError):
        recorder.submit()
    assert (recorder.recording, recorder.ticket) == (True, 1)
    device.refuse = ""
    fresh = number(recorder.commands())
    assert fresh != lost
    recorder.submit()
    assert [submitted.buffers for submitted in device.submits] == [[lost], [fresh]]
    assert device.calls.count("vkEndCommandBuffer") == 2


def test_a_recorder_without_a_pool_leaves_no_timeline(device: RecordedDevice) -> None:
    device.refuse = "CommandPool"
    with pytest.raises(MemoryError):
        Recorder(device, device.graphics, "uploads")  # type: ignore[arg-type]
    assert device.destroyed == ["Semaphore"]


def test_draining_waits_for_everything_and_closing_destroys_it(
    device: RecordedDevice, recorder: Recorder
) -> None:
    recorder.commands()
    recorder.submit()
    recorder.drain()
    assert device.idle_waits == 1
    recorder.commands()
    recorder.close()
    assert not recorder.recording
    assert device.destroyed == ["CommandPool", "Semaphore"]
