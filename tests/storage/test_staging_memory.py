"""Staging: bounded, given back in sets, by hand, by fence or by ticket; rings keep frames apart."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import numpy as np
import pytest
from support.resources import resources_on

from engine.memory.commands.recorder import Recorder
from engine.memory.device.problems import DoubleFree, NotReady, StagingFull, UseAfterClose
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.terms.vocabulary import BufferUsage
from engine.storage.resources.resource_allocator import ResourceAllocator
from engine.storage.ring_fences import RingFences
from engine.storage.staging_memory import FenceTicket
from engine.vk.binding import ffi
from engine.vk.device import Device
from engine.vk.errors import Result, VulkanError
from engine.vk.faults import faults
from engine.vk.pool import CommandPool
from engine.vk.structs import new

pytestmark = pytest.mark.gpu
VERTEX = BufferUsage.VERTEX_BUFFER
HALF = 1 << 19


@dataclass
class FrameData:
    """What the seed's example keeps for each slot."""

    staging_set_id: int = 0


def test_the_seeds_frame_loop_runs_and_never_needs_more_than_its_staging(
    device: Device, resources: ResourceAllocator
) -> None:
    pool = CommandPool(device, device.graphics, "frames")
    buffers = [pool.allocate() for _ in range(3)]
    staging = resources.staging
    with (
        RingFences(device, 3, FrameData) as ring,
        resources.create_buffer(1 << 18, VERTEX) as buffer,
    ):
        resources.follow(ring.timeline)
        for frame in range(20):
            slot = ring.wait_and_get()
            assert slot.index == frame % 3
            if slot.user_data.staging_set_id:
                resources.release_resources(slot.user_data.staging_set_id)
            buffer.update(np.full(1 << 18, frame, np.uint8))
            commands = pool.begin(buffers[slot.index])
            assert staging.record(commands) == 1
            pool.end(commands)
            slot.user_data.staging_set_id = resources.finalize_resources()
            ring.submit(slot, device.graphics, [commands])
        assert ring.ticket.wait()
        assert ring.ticket.past()
        for each in ring.slots:
            staging.release_resource_set(each.user_data.staging_set_id)
        assert (buffer.read(0, 64) == 19).all()
        assert staging.uploads.peak <= 3 << 18
        resources._timelines.remove(ring.timeline)
    pool.close()


def test_a_set_is_released_once(resources: ResourceAllocator) -> None:
    staging = resources.staging
    first = staging.finalize_resource_set()
    assert not staging.is_released(first)
    staging.release_resource_set(first)
    assert staging.is_released(first)
    for set_id in (first, 99):
        with pytest.raises(DoubleFree, match=f"resource set {set_id}"):
            staging.release_resource_set(set_id)


def test_a_set_with_a_fence_is_released_once_that_is_signalled(
    device: Device, resources: ResourceAllocator
) -> None:
    staging = resources.staging
    fence = device.create("Fence", new("VkFenceCreateInfo"))
    pool = CommandPool(device, device.graphics, "test")
    commands = pool.allocate()
    with resources.create_buffer(64, VERTEX) as buffer:
        buffer.update(np.full(64, 3, np.uint8))
        pool.begin(commands)
        staging.record(commands)
        pool.end(commands)
        until = FenceTicket(device, fence)
        set_id = staging.finalize_resource_set(until)
        staging.collect()
        assert not staging.is_released(set_id)
        buffers = ffi.new("VkCommandBuffer[]", [commands])
        info = new("VkSubmitInfo", commandBufferCount=1, pCommandBuffers=buffers)
        device.call("vkQueueSubmit", device.graphics.handle, 1, info, fence)
        assert until.wait()
        staging.collect()
        assert staging.is_released(set_id)
        assert staging.uploads.used == 0
        assert (buffer.read() == 3).all()
    pool.close()
    device.destroy("Fence", fence)


def test_without_room_it_defers_and_never_grows(device: Device, resources: ResourceAllocator) -> None:
    staging = resources.staging
    with resources.create_buffer(1 << 20, VERTEX, name="big") as buffer:
        open_ones = [buffer.updator(i * HALF, HALF) for i in range(2)]
        for each in open_ones:
            each.open()
        count = device.handles.counts()["DeviceMemory"]
        begin = time.perf_counter()
        with pytest.raises(StagingFull, match=r"big: 524288 bytes find no room: 1048576 of 1048576"):
            buffer.updator(0, HALF, timeout_s=0.1).open()
        assert time.perf_counter() - begin >= 0.1
        with pytest.raises(StagingFull, match="all of 'staging uploads' is"):
            staging.take(staging.uploads, (1 << 20) + 1, 1, "too large")
        assert device.handles.counts()["DeviceMemory"] == count
        open_ones[0].cancel()
        buffer.updator(0, HALF, timeout_s=0).open()
        open_ones[1].close()


def test_the_render_thread_makes_room_by_sending_what_is_scheduled(resources: ResourceAllocator) -> None:
    with resources.create_buffer(8 << 20, VERTEX) as buffer:
        for piece in range(16):
            with buffer.updator(piece * HALF, HALF) as view:
                view[:] = piece
        seen = [buffer.read(piece * HALF, 16) for piece in range(16)]
        assert all((row == piece).all() for piece, row in enumerate(seen))
        assert resources.staging.uploads.peak <= 1 << 20


def test_other_threads_wait_for_room(resources: ResourceAllocator) -> None:
    with resources.create_buffer(4 << 20, VERTEX) as buffer:
        problems: list[Exception] = []

        def writes() -> None:
            try:
                for piece in range(8):
                    buffer.update(np.full(HALF, piece + 1, np.uint8), piece * HALF)
            except StagingFull as problem:
                problems.append(problem)

        thread = threading.Thread(target=writes)
        thread.start()
        while thread.is_alive():
            resources.staging.submit()
            time.sleep(0.001)
        thread.join()
        assert not problems
        assert all((buffer.read(i * HALF, 8) == i + 1).all() for i in range(8))


def test_a_download_is_read_when_it_has_arrived_and_closed_at_any_time(resources: ResourceAllocator) -> None:
    staging = resources.staging
    buffer = resources.create_buffer(256, VERTEX, name="result")
    early, sent, kept = (buffer.download() for _ in range(3))
    early.close()
    with pytest.raises(NotReady, match="result"):
        kept.read()
    staging.submit()
    sent.close()
    assert staging.settle()
    assert kept.ready
    kept.read()
    kept.close()
    with pytest.raises(UseAfterClose, match="result"):
        kept.read()
    staging.collect()
    assert staging.downloads.used == 0
    late = buffer.download()
    buffer.close()
    staging.settle()
    with pytest.raises(UseAfterClose, match="result"):
        late.read()
    late.close()


def test_a_slot_that_was_not_submitted_is_not_waited_for(device: Device) -> None:
    with RingFences(device, 2, FrameData) as ring:
        assert [ring.wait_and_get(0.1).index for _ in range(5)] == [0, 1, 0, 1, 0]
    with pytest.raises(UseAfterClose, match="ring"):
        ring.wait_and_get()


def test_a_failed_submit_leaves_no_slot_waiting_for_ever(device: Device) -> None:
    recorder = Recorder(device, device.graphics, "test")
    with RingFences(device, 1, FrameData) as ring:
        slot = ring.wait_and_get()
        with (
            faults.injected(1, Result.OUT_OF_HOST_MEMORY, function="vkQueueSubmit2"),
            pytest.raises(VulkanError),
        ):
            ring.submit(slot, device.graphics, [])
        slot = ring.wait_and_get(0.1)
        ring.submit(slot, device.graphics, [])
        assert ring.wait_and_get(5.0) is slot
    recorder.close()


def test_rings_need_a_slot(device: Device) -> None:
    with pytest.raises(ValueError, match="0 slots"):
        RingFences(device, 0, FrameData)


def test_closed_staging_takes_nothing_more(device: Device, profile: DeviceProfile) -> None:
    with resources_on(device, profile) as resources:
        buffer = resources.create_buffer(64, VERTEX, name="vertices")
        staging = resources.staging
        updator = buffer.updator()
        updator.open()
        updator.cancel()
        buffer.close()
    with pytest.raises(UseAfterClose, match="vertices asks for staging"):
        staging.take(staging.uploads, 1, 1, "vertices")
