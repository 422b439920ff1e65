"""What goes to which queue, what waits for what, and who owns what in between: on recorded Vulkan."""

from __future__ import annotations

import pytest
from support.recorded_vulkan import RecordedDevice, handle, number

from engine.memory.commands.queues import Queues
from engine.memory.device.objects import LiveResource
from engine.plan.requirements.requirements import ImageShape
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import ImageUsage, Kind, QueueKind
from engine.vk.device import Queue
from engine.vk.timeline import Timeline

COPY, DRAW = QueueKind.TRANSFER, QueueKind.GRAPHICS
FROM, TO = 2, 0  # families


def buffer(ident: int) -> LiveResource:
    return LiveResource(ident, Kind.BUFFER, handle("VkBuffer", 100 + ident), 0, 4096)


def image(ident: int) -> LiveResource:
    shape = ImageShape(Format.R8G8B8A8_UNORM, 4, 4)
    usage = int(ImageUsage.SAMPLED)
    return LiveResource(ident, Kind.IMAGE, handle("VkImage", 100 + ident), usage, 0, shape, 4)


@pytest.fixture
def device() -> RecordedDevice:
    return RecordedDevice(transfer=Queue(handle("VkQueue", 2), FROM, "transfer"))


@pytest.fixture
def frames(device: RecordedDevice) -> Timeline:
    made = Timeline(device, "frames")  # type: ignore[arg-type]
    made.submitted = 7
    return made


@pytest.fixture
def queues(device: RecordedDevice, frames: Timeline) -> Queues:
    made = Queues(device, frames)  # type: ignore[arg-type]
    made.use_transfer_queue()
    return made


def handed(device: RecordedDevice) -> list[tuple[tuple[int, int], list[int], list[int]]]:
    """(families, offsets of buffers, layers of images) of each hand-over recorded."""
    found = []
    for _commands, info in device.vk.named("vkCmdPipelineBarrier2"):
        buffers = [info.pBufferMemoryBarriers[i] for i in range(info.bufferMemoryBarrierCount)]
        images = [info.pImageMemoryBarriers[i] for i in range(info.imageMemoryBarrierCount)]
        ((source, target),) = {(b.srcQueueFamilyIndex, b.dstQueueFamilyIndex) for b in [*buffers, *images]}
        layers = [b.subresourceRange.baseArrayLayer for b in images]
        found.append(((source, target), [b.offset for b in buffers], layers))
    return found


def waits(device: RecordedDevice, submit: int = -1) -> dict[int, int]:
    return {semaphore: value for semaphore, value, _stages in device.submits[submit].waits}


def test_copies_have_a_queue_of_their_own_only_where_there_is_one_and_once(device: RecordedDevice) -> None:
    alone = Queues(RecordedDevice(), None)  # type: ignore[arg-type]
    alone.use_transfer_queue()
    assert not alone.has_transfer_queue
    assert alone.transfer is alone.graphics
    queues = Queues(device, None)  # type: ignore[arg-type]
    assert not queues.has_transfer_queue
    queues.use_transfer_queue()
    copier = queues.transfer
    assert (queues.has_transfer_queue, copier.queue.family) == (True, FROM)
    queues.use_transfer_queue()
    assert queues.transfer is copier


def test_the_copier_waits_for_frames_and_for_what_was_recorded_before(
    device: RecordedDevice, frames: Timeline, queues: Queues
) -> None:
    queues.commands_for(queues.graphics)
    queues.commands_for(queues.transfer)
    assert [submitted.family for submitted in device.submits] == [TO]
    assert waits(device) == {}
    queues.commands_for(queues.graphics)
    assert [submitted.family for submitted in device.submits] == [TO, FROM]
    assert waits(device) == {number(frames.handle): 7, number(queues.graphics.timeline.handle): 1}


def test_a_copier_that_records_already_waits_for_no_later_frame(
    device: RecordedDevice, frames: Timeline, queues: Queues
) -> None:
    first = queues.commands_for(queues.transfer)
    frames.submitted = 9
    assert queues.commands_for(queues.transfer) is first
    queues.submit()
    assert waits(device) == {number(frames.handle): 7}


def test_without_frames_the_copier_waits_for_none(device: RecordedDevice) -> None:
    queues = Queues(device, None)  # type: ignore[arg-type]
    queues.use_transfer_queue()
    queues.commands_for(queues.transfer)
    queues.submit()
    assert waits(device) == {}
    assert [value for _timeline, value in queues.now().values] == [1]


def test_both_halves_of_a_hand_over_are_recorded_and_the_second_waits_for_the_first(
    device: RecordedDevice, queues: Queues
) -> None:
    target, texture = buffer(1), image(2)
    texture.transfer_owned.update({1, 3})
    places = [(target, 64, 16), (texture, 3, 100)]
    queues.release(places, COPY, DRAW)
    assert handed(device) == [((FROM, TO), [64], [3])]
    queues.acquire(places, COPY, DRAW)
    assert handed(device) == [((FROM, TO), [64], [3])] * 2
    assert texture.transfer_owned == {1}
    queues.submit()
    assert [submitted.family for submitted in device.submits] == [FROM, TO]
    assert waits(device) == {number(queues.transfer.timeline.handle): 1}
    queues.acquire(places, COPY, DRAW)
    assert len(handed(device)) == 2


def test_an_acquire_waits_for_the_submit_that_released_and_no_later_one(
    device: RecordedDevice, queues: Queues
) -> None:
    first, second, third = ((buffer(ident), 0, 16) for ident in (1, 2, 3))
    for place in (first, second, third):
        queues.release([place], COPY, DRAW)
        queues.submit_copies()
    queues.acquire([second, first], COPY, DRAW)
    queues.submit()
    assert waits(device) == {number(queues.transfer.timeline.handle): 2}


def test_what_nobody_has_acquired_yet_is_not_released_twice(device: RecordedDevice, queues: Queues) -> None:
    place, other = (buffer(1), 0, 16), (buffer(1), 16, 16)
    queues.release([place], COPY, DRAW)
    queues.release([place], COPY, DRAW)
    assert handed(device) == [((FROM, TO), [0], [])]
    queues.release([place, other], COPY, DRAW)
    assert handed(device)[1:] == [((FROM, TO), [16], [])]


def test_one_queue_hands_nothing_over(device: RecordedDevice, frames: Timeline) -> None:
    queues = Queues(device, frames)  # type: ignore[arg-type]
    queues.release([(buffer(1), 0, 16)], COPY, DRAW)
    queues.acquire([(buffer(1), 0, 16)], COPY, DRAW)
    queues.submit_copies()
    queues.submit()
    assert (device.vk.calls, device.submits) == ([], [])


def test_places_are_acquired_by_overlap_where_they_were_released_otherwise(
    device: RecordedDevice, queues: Queues
) -> None:
    one, other, texture = buffer(1), buffer(2), image(3)
    released = [
        (one, 0, 16),
        (one, 16, 16),
        (one, 64, 16),
        (other, 16, 16),
        (texture, 1, 64),
        (texture, 2, 64),
    ]
    queues.release(released, COPY, DRAW)
    queues.acquire([(one, 24, 40), (texture, 2, 64)], COPY, DRAW)
    assert handed(device)[1:] == [((FROM, TO), [16], [2])]
    queues.acquire([(one, 15, 1)], COPY, DRAW)
    assert handed(device)[2:] == [((FROM, TO), [0], [])]


def test_places_that_are_written_again_are_reclaimed(device: RecordedDevice, queues: Queues) -> None:
    one = buffer(1)
    queues.release([(one, 0, 16), (one, 16, 16)], COPY, DRAW)
    queues.reclaim([])
    queues.reclaim([(one, 32, 16)])
    assert len(handed(device)) == 1
    queues.reclaim([(one, 8, 8)])
    assert handed(device)[1:] == [((FROM, TO), [0], [])]
    assert not queues.transfer.recording
    assert queues.graphics.recording


def test_a_released_place_is_reclaimed_by_any_of_several_that_are_written(
    device: RecordedDevice, queues: Queues
) -> None:
    one = buffer(1)
    queues.release([(one, 0, 16), (one, 16, 16), (one, 32, 16)], COPY, DRAW)
    queues.reclaim([(one, 0, 8), (one, 40, 8)])
    assert handed(device)[1:] == [((FROM, TO), [0, 32], [])]


def test_a_layer_that_is_written_again_is_reclaimed_and_no_other(
    device: RecordedDevice, queues: Queues
) -> None:
    texture = image(3)
    queues.release([(texture, layer, 64) for layer in (0, 1, 2)], COPY, DRAW)
    queues.reclaim([(image(4), 1, 64)])
    assert len(handed(device)) == 1
    queues.reclaim([(texture, 1, 64)])
    assert handed(device)[1:] == [((FROM, TO), [], [1])]


def test_a_destroyed_resource_is_forgotten_and_no_other(device: RecordedDevice, queues: Queues) -> None:
    one, other = buffer(1), buffer(2)
    queues.release([(one, 0, 16), (other, 0, 16)], COPY, DRAW)
    queues.forget(one)
    queues.acquire([(one, 0, 16)], COPY, DRAW)
    assert len(handed(device)) == 1
    queues.acquire([(other, 0, 16)], COPY, DRAW)
    assert len(handed(device)) == 2


def test_now_is_the_ticket_of_all_frames_and_all_that_is_recorded(frames: Timeline, queues: Queues) -> None:
    assert queues.now().values == ((frames, 7),)
    queues.commands_for(queues.transfer)
    queues.commands_for(queues.graphics)
    wanted = {(queues.transfer.timeline, 1), (queues.graphics.timeline, 1), (frames, 7)}
    assert set(queues.now().values) == wanted
    frames.submitted = 0
    assert set(queues.now().values) == wanted - {(frames, 7)}


def test_each_recorder_is_visited_once(device: RecordedDevice, queues: Queues) -> None:
    seen: list[int] = []
    queues.each(lambda recorder: seen.append(recorder.queue.family))
    assert sorted(seen) == [TO, FROM]
    alone = Queues(device, None)  # type: ignore[arg-type]
    seen.clear()
    alone.each(lambda recorder: seen.append(recorder.queue.family))
    assert seen == [TO]


def test_copies_are_sent_alone(device: RecordedDevice, queues: Queues) -> None:
    queues.commands_for(queues.transfer)
    queues.submit_copies()
    assert [submitted.family for submitted in device.submits] == [FROM]


def test_a_cube_changes_hands_with_all_its_faces(queues: Queues, device: RecordedDevice) -> None:
    shape = ImageShape(Format.R8G8B8A8_UNORM, 4, 4, cube=True)
    cube = LiveResource(3, Kind.IMAGE, handle("VkImage", 103), int(ImageUsage.SAMPLED), 0, shape, 6)
    cube.transfer_owned.update(range(6))
    queues.release([(cube, 0, 384)], COPY, DRAW)
    queues.reclaim([(cube, 4, 64)])
    assert handed(device) == [((FROM, TO), [], [0, 1, 2, 3, 4, 5])] * 2
    assert not cube.transfer_owned
