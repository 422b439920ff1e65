"""The memory manager carries out schedules on a device, byte by byte, and never waits."""

from __future__ import annotations

import threading
from contextlib import suppress

import numpy as np
import pytest
from numpy.typing import NDArray
from support.schedules import (
    SHAPE,
    STAGED,
    Written,
    buffer,
    chain_bytes,
    image,
    longs,
    mip_copies,
    publish,
    transfer,
)

from engine.memory.manager import MemoryManager
from engine.memory.readback import picture, read_buffer, read_image
from engine.plan.formats import Format
from engine.plan.profile import DeviceProfile
from engine.plan.requirements import ImageShape
from engine.plan.steps import (
    Acquire,
    Bind,
    ClearStaging,
    CreateBuffer,
    Destroy,
    Fill,
    Free,
    Move,
    Release,
    SetWindow,
    Window,
    Withdraw,
)
from engine.plan.vocabulary import BufferUsage, ImageUsage, Kind, QueueKind
from engine.vk.binding import NULL, constants
from engine.vk.device import Device
from engine.vk.errors import DeviceLost, DioramaInternalError, OutOfDeviceMemory, OutOfHostMemory, Result
from engine.vk.faults import faults
from engine.vk.timeline import Timeline

pytestmark = pytest.mark.gpu

Bytes = NDArray[np.uint8]
STAGING = BufferUsage.TRANSFER_SRC
READ = constants.VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL
A, B, C = 10, 11, 12


def staged(profile: DeviceProfile, *, window: int = 4 << 20) -> Written:
    """Staging buffer 1 of 1 MiB and device buffer 2 of 1 MiB."""
    made = Written()
    made.add(*buffer(profile, 1, 1 << 20, STAGING, mapped=True), *buffer(profile, 2, 1 << 20))
    return made.add(SetWindow(0, (Window(0, 0, window),)))


def end_staging(written: Written) -> Written:
    return written.add(ClearStaging(1), Destroy(1), Free(1))


def contents(device: Device, manager: MemoryManager, key: int) -> Bytes:
    place = manager.location(key)
    assert place is not None
    return read_buffer(device, manager.profile, place.handle, place.offset, place.size)


def test_assets_arrive_byte_by_byte(device: Device, profile: DeviceProfile, cache: Bytes) -> None:
    written = staged(profile).place(A, 2, 0, 1000).place(B, 2, 4096, 70001)
    reads = [(100, 0, 1000), (5000, 2048, 70001)]
    copies = [(0, 2, 0, 1000), (2048, 2, 4096, 70001)]
    written.add(transfer(1, reads, copies, keys=(A, B)), publish((A, 2, 0), (B, 2, 4096)))
    end_staging(written)
    with MemoryManager(device, profile, {0: cache}) as manager:
        assert manager.location(A) is None
        manager.submit(written)
        manager.settle()
        assert np.array_equal(contents(device, manager, A), cache[100:1100])
        assert np.array_equal(contents(device, manager, B), cache[5000:75001])
        place = manager.location(B)
        assert place is not None
        assert (place.kind, place.offset, place.size, place.stride) == (Kind.BUFFER, 4096, 70001, 70001)
        assert place.view == NULL
        assert place.mapped is None
        assert manager.statistics.bytes_uploaded == 71001
        assert manager.live_bytes == profile.buffer_requirements(1 << 20, written.steps[3].usage).size


def test_a_large_transfer_goes_through_threads(device: Device, profile: DeviceProfile) -> None:
    size = 24 << 20
    cache = np.random.default_rng(3).integers(0, 256, size + 3, np.uint8)
    written = Written().place(A, 2, 0, size)
    written.add(*buffer(profile, 1, size, STAGING, mapped=True), *buffer(profile, 2, size))
    written.add(transfer(1, [(3, 0, size)], [(0, 2, 0, size)], keys=(A,)), publish((A, 2, 0)))
    end_staging(written)
    with MemoryManager(device, profile, {0: cache}) as manager:
        manager.submit(written)
        manager.settle()
        assert np.array_equal(contents(device, manager, A), cache[3:])


def test_texture_layers_and_mips_arrive(device: Device, profile: DeviceProfile, cache: Bytes) -> None:
    size = chain_bytes(SHAPE)
    written = Written().place(A, 2, 0, size).place(B, 2, 2, size)
    written.add(*buffer(profile, 1, 4096, STAGING, mapped=True), *image(profile, 2, SHAPE, 3))
    copies = mip_copies(SHAPE, 0, 2, 0) + mip_copies(SHAPE, 1024, 2, 2)
    written.add(transfer(1, [(50, 0, size), (900, 1024, size)], images=copies, keys=(A, B)))
    written.add(publish((A, 2, 0), (B, 2, 2)))
    end_staging(written)
    with MemoryManager(device, profile, {0: cache}) as manager:
        manager.submit(written)
        manager.settle()
        for key, begin, layer in ((A, 50, 0), (B, 900, 2)):
            place = manager.location(key)
            assert place is not None
            assert (place.kind, place.layer) == (Kind.IMAGE, layer)
            assert place.view != NULL
            for mip in range(SHAPE.mip_levels):
                seen = read_image(device, profile, place.handle, SHAPE, READ, layer=layer, mip=mip)
                assert np.array_equal(seen, picture(cache[begin:], SHAPE, mip))
                begin += seen.nbytes


def test_a_texture_may_arrive_in_bands(device: Device, profile: DeviceProfile, cache: Bytes) -> None:
    shape = ImageShape(Format.R8G8B8A8_UNORM, 16, 8)
    written = Written().place(A, 2, 0, 512)
    written.add(*buffer(profile, 1, 256, STAGING, mapped=True), *image(profile, 2, shape, 1))
    for band in range(2):
        copy = (0, 2, 0, 0, band * 4, 16, 4, 256)
        written.add(SetWindow(0, ()), transfer(1, [(band * 256, 0, 256)], images=[copy]), ClearStaging(1))
    written.add(publish((A, 2, 0)), Destroy(1), Free(1))
    with MemoryManager(device, profile, {0: cache}) as manager:
        manager.submit(written)
        manager.settle()
        place = manager.location(A)
        assert place is not None
        assert np.array_equal(read_image(device, profile, place.handle, shape, READ), picture(cache, shape))
        assert manager.statistics.cycles == 2


def test_a_frame_runs_no_more_cycles_than_its_share(
    device: Device, profile: DeviceProfile, cache: Bytes
) -> None:
    written = staged(profile).place(A, 2, 0, 64)
    for n in range(5):
        written.add(transfer(1, [(n, 0, 64)], [(0, 2, 0, 64)]), ClearStaging(1), SetWindow(0, ()))
    written.add(publish((A, 2, 0)))
    with MemoryManager(device, profile, {0: cache}) as manager:
        manager.submit(written)
        cycles = [0]
        while not manager.advance(cycles=1):
            cycles.append(manager.statistics.cycles)
        assert max(np.diff(cycles)) == 1
        assert manager.statistics.cycles == 5


def test_advance_holds_back_while_the_device_reads_staging(
    device: Device, profile: DeviceProfile, cache: Bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = staged(profile).place(A, 2, 0, 64)
    written.add(transfer(1, [(0, 0, 64)], [(0, 2, 0, 64)]), ClearStaging(1), publish((A, 2, 0)))
    with MemoryManager(device, profile, {0: cache}) as manager:
        monkeypatch.setattr(Timeline, "completed", lambda self: 0)
        manager.submit(written)
        for expected in (1, 2, 3):
            assert not manager.advance()
            assert isinstance(written.steps[-manager.steps_left], ClearStaging)
            assert manager.statistics.held_back == expected
        assert manager.location(A) is None
        monkeypatch.undo()
        manager.settle()
        assert manager.location(A) is not None


def test_a_schedule_is_replaced_in_the_middle(device: Device, profile: DeviceProfile, cache: Bytes) -> None:
    first = staged(profile).place(A, 2, 0, 64).place(B, 2, 64, 64)
    first.add(transfer(1, [(0, 0, 64)], [(0, 2, 0, 64)]), publish((A, 2, 0)), ClearStaging(1))
    first.add(SetWindow(0, ()), transfer(1, [(64, 0, 64)], [(0, 2, 64, 64)]), publish((B, 2, 64)))
    second = Written().place(A, 2, 0, 64).place(C, 2, 128, 64)
    second.add(ClearStaging(1), SetWindow(0, ()), transfer(1, [(512, 0, 64)], [(0, 2, 128, 64)]))
    second.add(publish((C, 2, 128)))
    with MemoryManager(device, profile, {0: cache}) as manager:
        manager.submit(first)
        while manager.location(A) is None:
            manager.advance(cycles=1)
        manager.submit(second)
        manager.settle()
        assert manager.location(B) is None
        assert np.array_equal(contents(device, manager, A), cache[:64])
        assert np.array_equal(contents(device, manager, C), cache[512:576])


def test_staging_is_not_touched_while_threads_of_a_replaced_transfer_write(
    device: Device, profile: DeviceProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    size, go_on = 1 << 20, threading.Event()
    monkeypatch.setattr("engine.memory.fills._copy", lambda *_: go_on.wait(20))
    first = Written().place(A, 2, 0, size)
    first.add(*buffer(profile, 1, size, STAGING, mapped=True), *buffer(profile, 2, size))
    first.add(transfer(1, [(0, 0, size)], [(0, 2, 0, size)]), publish((A, 2, 0)))
    second = Written().add(Destroy(1), Free(1), Destroy(2), Free(2))
    with MemoryManager(device, profile, {0: np.zeros(size, np.uint8)}) as manager:
        manager.submit(first)
        while manager.steps_left > 2:
            manager.advance()
        manager.submit(second)
        for _ in range(3):
            assert not manager.advance()
            assert manager.steps_left == 4
        go_on.set()
        manager.settle()
        assert manager.live_bytes == 0


def test_steps_of_one_frame_see_what_the_steps_before_them_wrote(
    device: Device, profile: DeviceProfile, cache: Bytes
) -> None:
    written = staged(profile).place(A, 3, 0, 4096).add(*buffer(profile, 3, 4096))
    written.add(transfer(1, [(0, 0, 4096)], [(0, 2, 0, 4096)]))
    written.add(transfer(1, [(9000, 8192, 4096)], [(8192, 2, 0, 4096)]))
    written.add(Move(longs(A), 2, 3, longs(0), longs(0), longs(4096)), publish((A, 3, 0)))
    with MemoryManager(device, profile, {0: cache}) as manager:
        manager.submit(written)
        assert manager.advance(milliseconds=1e9)
        assert np.array_equal(contents(device, manager, A), cache[9000:13096])


def test_keys_move_on_the_device(device: Device, profile: DeviceProfile, cache: Bytes) -> None:
    size = chain_bytes(SHAPE)
    first = staged(profile).place(A, 2, 256, 512).place(B, 3, 1, size)
    first.add(*image(profile, 3, SHAPE, 2))
    images = mip_copies(SHAPE, 1024, 3, 1)
    first.add(transfer(1, [(0, 0, 512), (600, 1024, size)], [(0, 2, 256, 512)], images))
    first.add(publish((A, 2, 256), (B, 3, 1)))
    end_staging(first)
    second = Written().place(A, 4, 0, 512).place(B, 5, 0, size)
    second.add(*buffer(profile, 4, 4096), *image(profile, 5, SHAPE, 1))
    second.add(Move(longs(A), 2, 4, longs(256), longs(0), longs(512)))
    second.add(Move(longs(B), 3, 5, longs(1), longs(0), longs(size)))
    second.add(publish((A, 4, 0), (B, 5, 0)), Destroy(2), Free(2), Destroy(3), Free(3))
    with MemoryManager(device, profile, {0: cache}) as manager:
        for written in (first, second):
            manager.submit(written)
            manager.settle()
        assert np.array_equal(contents(device, manager, A), cache[:512])
        place = manager.location(B)
        assert place is not None
        last_mip = read_image(device, profile, place.handle, SHAPE, READ, mip=2)
        assert np.array_equal(last_mip, picture(cache[600 + size - last_mip.nbytes :], SHAPE, 2))
        assert (manager.statistics.moves, manager.statistics.bytes_moved) == (2, 512 + size)


def test_zeroed_keys_are_zero(device: Device, profile: DeviceProfile, cache: Bytes) -> None:
    written = staged(profile).place(A, 2, 64, 128).place(B, 3, 0, 32)
    written.add(*image(profile, 3, SHAPE, 1), transfer(1, [(0, 0, 512)], [(0, 2, 0, 512)]))
    written.add(Fill(longs(A, B)), publish((A, 2, 64), (B, 3, 0)))
    with MemoryManager(device, profile, {0: cache}) as manager:
        manager.submit(written)
        manager.settle()
        place = manager.location(A)
        assert place is not None
        around = read_buffer(device, profile, place.handle, 0, 256)
        assert not around[64:192].any()
        assert np.array_equal(around[:64], cache[:64])
        assert np.array_equal(around[192:], cache[192:256])
        texture = manager.location(B)
        assert texture is not None
        assert not read_image(device, profile, texture.handle, SHAPE, READ).any()


def test_what_frames_may_use_is_destroyed_after_them(device: Device, profile: DeviceProfile) -> None:
    frames = Timeline(device, "frames")
    first = Written().place(A, 2, 0, 256).add(*buffer(profile, 2, 256), publish((A, 2, 0)))
    second = Written().add(Withdraw(longs(A)), Destroy(2), Free(2))
    with MemoryManager(device, profile, frames=frames) as manager:
        manager.submit(first)
        manager.settle()
        bytes_before, buffers_before = manager.live_bytes, device.handles.counts()["Buffer"]
        frame = frames.next()
        manager.submit(second)
        for _ in range(3):
            assert not manager.advance()
        assert manager.location(A) is None
        assert manager.steps_left == 0
        assert manager.live_bytes == bytes_before
        assert device.handles.counts()["Buffer"] == buffers_before
        everything = constants.VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT
        device.submit(device.graphics, [], signals=[frames.signal(frame, everything)])
        assert frames.wait(frame)
        assert manager.advance()
        assert manager.live_bytes == 0
    frames.close()


def test_memory_on_its_way_out_is_waited_for_before_more_is_taken(
    device: Device, profile: DeviceProfile
) -> None:
    frames = Timeline(device, "frames")
    needs = profile.buffer_requirements(1 << 20, BufferUsage.TRANSFER_DST).size
    small = profile.with_budgets({0: needs + 4096})
    first = Written().add(*buffer(small, 2, 1 << 20, BufferUsage.TRANSFER_DST))
    second = Written().add(Destroy(2), Free(2), *buffer(small, 3, 1 << 20, BufferUsage.TRANSFER_DST))
    with MemoryManager(device, small, frames=frames) as manager:
        manager.submit(first)
        manager.settle()
        frame = frames.next()
        manager.submit(second)
        for _ in range(3):
            assert not manager.advance()
            assert manager.live_bytes == needs
        everything = constants.VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT
        device.submit(device.graphics, [], signals=[frames.signal(frame, everything)])
        manager.settle()
        assert manager.live_bytes == needs
    frames.close()


def test_memory_is_bound_again_only_after_the_frames_that_used_it(
    device: Device, profile: DeviceProfile
) -> None:
    frames = Timeline(device, "frames")
    first = Written().add(*buffer(profile, 2, 4096))
    second = Written().add(Destroy(2), CreateBuffer(3, 4096, int(STAGED)), Bind(3, 2, 0))
    with MemoryManager(device, profile, frames=frames) as manager:
        manager.submit(first)
        manager.settle()
        frame = frames.next()
        manager.submit(second)
        for _ in range(3):
            assert not manager.advance()
            assert manager.steps_left == 1
        everything = constants.VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT
        device.submit(device.graphics, [], signals=[frames.signal(frame, everything)])
        manager.settle()
        assert manager.live().resources["id"].tolist() == [3]
    frames.close()


def test_a_mapped_ring_is_written_in_place(device: Device, profile: DeviceProfile) -> None:
    usage = BufferUsage.UNIFORM_BUFFER | BufferUsage.TRANSFER_SRC
    written = Written().place(A, 2, 256, 768, 256).add(*buffer(profile, 2, 4096, usage, mapped=True))
    written.add(publish((A, 2, 256)))
    with MemoryManager(device, profile) as manager:
        manager.submit(written)
        manager.settle()
        place = manager.location(A)
        assert place is not None
        assert place.mapped is not None
        assert (len(place.mapped), place.stride) == (768, 256)
        place.mapped[:] = np.arange(768) % 251
        manager.flush(A, 0, 768)
        assert np.array_equal(contents(device, manager, A), np.arange(768) % 251)


def test_a_mapped_place_is_given_away_only_after_the_frames_that_read_it(
    device: Device, profile: DeviceProfile
) -> None:
    frames = Timeline(device, "frames")
    first = Written().place(A, 2, 0, 256).add(*buffer(profile, 2, 512, mapped=True), publish((A, 2, 0)))
    second = Written().place(B, 2, 0, 256).add(Withdraw(longs(A)), publish((B, 2, 0)))
    with MemoryManager(device, profile, frames=frames) as manager:
        manager.submit(first)
        manager.settle()
        frame = frames.next()
        manager.submit(second)
        assert not manager.advance()
        assert manager.location(B) is None
        everything = constants.VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT
        device.submit(device.graphics, [], signals=[frames.signal(frame, everything)])
        assert frames.wait(frame)
        assert manager.advance()
        assert manager.location(B) is not None
    frames.close()


def test_an_attachment_has_a_plain_view_and_one_per_layer(device: Device, profile: DeviceProfile) -> None:
    shape = ImageShape(Format.D32_SFLOAT, 64, 64)
    usage = ImageUsage.DEPTH_STENCIL_ATTACHMENT | ImageUsage.SAMPLED
    written = Written().place(A, 2, 0, 1).place(B, 3, 0, 1)
    written.add(*image(profile, 2, shape, 1, usage), *image(profile, 3, shape, 4, usage))
    written.add(publish((A, 2, 0), (B, 3, 0)))
    with MemoryManager(device, profile) as manager:
        manager.submit(written)
        manager.settle()
        place = manager.location(A)
        assert place is not None
        assert manager.layer_view(A) == place.view
        views = [manager.layer_view(B, layer) for layer in range(4)]
        assert len({str(view) for view in views}) == 4
        assert manager.layer_view(B, 2) == views[2]
        assert device.handles.counts()["ImageView"] == 6
        with pytest.raises(DioramaInternalError, match="no published image"):
            manager.layer_view(C)


def test_changes_are_told_once(device: Device, profile: DeviceProfile) -> None:
    first = Written().place(A, 2, 0, 64).place(B, 2, 64, 64).add(*buffer(profile, 2, 256))
    first.add(publish((A, 2, 0), (B, 2, 64)))
    second = Written().place(A, 2, 0, 64).add(Withdraw(longs(B)))
    with MemoryManager(device, profile) as manager:
        manager.submit(first)
        manager.settle()
        version = manager.published.version
        assert manager.published.changed() == {A, B}
        assert manager.published.changed() == frozenset()
        manager.submit(second)
        manager.settle()
        assert manager.published.changed() == {B}
        assert manager.published.version > version
        assert manager.location(B) is None


def test_the_live_table_says_what_lives(device: Device, profile: DeviceProfile) -> None:
    written = Written().place(A, 2, 0, 64).place(B, 3, 0, chain_bytes(SHAPE))
    written.add(*buffer(profile, 2, 256), *image(profile, 3, SHAPE, 2), publish((B, 3, 0), (A, 2, 0)))
    with MemoryManager(device, profile) as manager:
        manager.submit(written)
        manager.settle()
        live = manager.live()
        assert live.allocations["id"].tolist() == [2, 3]
        assert live.allocations["dedicated"].tolist() == [False, True]
        assert live.allocations["size"].sum() == manager.live_bytes
        assert live.resources["allocation"].tolist() == [2, 3]
        assert live.resources["layers"].tolist() == [1, 2]
        assert live.subresources["key"].tolist() == [A, B]
        assert manager.live() is live


@pytest.mark.parametrize("function", ["vkAllocateMemory", "vkCreateBuffer", "vkBindBufferMemory2"])
def test_a_step_that_fails_is_carried_out_by_the_next_advance(
    device: Device, profile: DeviceProfile, cache: Bytes, function: str
) -> None:
    written = staged(profile).place(A, 2, 0, 64)
    written.add(transfer(1, [(9, 0, 64)], [(0, 2, 0, 64)]), publish((A, 2, 0)))
    with MemoryManager(device, profile, {0: cache}) as manager:
        manager.submit(written)
        with (
            faults.injected(2, Result.OUT_OF_DEVICE_MEMORY, function=function),
            pytest.raises(OutOfDeviceMemory),
        ):
            manager.settle()
        manager.settle()
        assert np.array_equal(contents(device, manager, A), cache[9:73])


def test_what_was_published_before_a_failure_is_there(
    device: Device, profile: DeviceProfile, cache: Bytes
) -> None:
    written = staged(profile).place(A, 2, 0, 64)
    written.add(transfer(1, [(9, 0, 64)], [(0, 2, 0, 64)]), publish((A, 2, 0)), *buffer(profile, 3, 64))
    with MemoryManager(device, profile, {0: cache}) as manager:
        manager.submit(written)
        with (
            faults.injected(3, Result.OUT_OF_DEVICE_MEMORY, function="vkAllocateMemory"),
            pytest.raises(OutOfDeviceMemory),
        ):
            manager.settle()
        assert np.array_equal(contents(device, manager, A), cache[9:73])


def test_every_failing_call_leaves_nothing_behind(
    device: Device, profile: DeviceProfile, cache: Bytes
) -> None:
    base, nth, failed = device.handles.counts(), 0, True
    written = staged(profile).place(A, 2, 0, 64).add(*image(profile, 3, SHAPE, 2))
    written.add(transfer(1, [(9, 0, 64)], [(0, 2, 0, 64)]), publish((A, 2, 0)))
    end_staging(written)
    while failed:
        nth += 1
        with faults.injected(nth, Result.OUT_OF_HOST_MEMORY) as injected:
            with suppress(OutOfHostMemory), MemoryManager(device, profile, {0: cache}) as manager:
                manager.submit(written)
                manager.settle()
            failed = injected.hits > 0
        assert device.handles.counts() == base
        assert nth < 100
    assert nth > 15


def test_a_lost_device_still_closes_in_order(device: Device, profile: DeviceProfile, cache: Bytes) -> None:
    base = device.handles.counts()
    written = staged(profile).place(A, 2, 0, 64)
    written.add(transfer(1, [(9, 0, 64)], [(0, 2, 0, 64)]), publish((A, 2, 0)))
    manager = MemoryManager(device, profile, {0: cache})
    manager.submit(written)
    with faults.injected(1, Result.DEVICE_LOST, function="vkQueueSubmit2", onwards=True):
        with pytest.raises(DeviceLost, match="memory step"):
            manager.settle()
        assert device.lost
        manager.close()
    assert device.handles.counts() == base


def test_an_interrupt_while_recording_leaves_nothing_behind(
    device: Device, profile: DeviceProfile, cache: Bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    base = device.handles.counts()
    written = staged(profile).place(A, 2, 0, 64).add(*image(profile, 3, SHAPE, 2))
    written.add(transfer(1, [(9, 0, 64)], [(0, 2, 0, 64)]), publish((A, 2, 0)))
    monkeypatch.setattr("engine.memory.copies.transfer", interrupt)
    with MemoryManager(device, profile, {0: cache}) as manager:
        manager.submit(written)
        with pytest.raises(KeyboardInterrupt):
            manager.settle()
        assert device.handles.counts() != base
    assert device.handles.counts() == base


def test_a_transfer_beyond_its_cache_is_our_own_mistake(
    device: Device, profile: DeviceProfile, cache: Bytes
) -> None:
    written = staged(profile).add(transfer(1, [(len(cache) - 32, 0, 64)], [(0, 2, 0, 64)]))
    with MemoryManager(device, profile, {0: cache}) as manager:
        manager.submit(written)
        with pytest.raises(DioramaInternalError, match="beyond the 4194304 bytes of its cache"):
            manager.settle()


def test_places_are_handed_from_queue_to_queue(device: Device, profile: DeviceProfile, cache: Bytes) -> None:
    size = chain_bytes(SHAPE)
    written = staged(profile).place(A, 2, 0, 64).place(B, 3, 1, size).add(*image(profile, 3, SHAPE, 2))
    images = mip_copies(SHAPE, 1024, 3, 1)
    written.add(transfer(1, [(0, 0, 64), (99, 1024, size)], [(0, 2, 0, 64)], images, keys=(A, B)))
    written.add(Release(longs(A, B), QueueKind.TRANSFER, QueueKind.GRAPHICS))
    written.add(Acquire(longs(A, B), QueueKind.TRANSFER, QueueKind.GRAPHICS))
    written.add(publish((A, 2, 0), (B, 3, 1)))
    with MemoryManager(device, profile, {0: cache}) as manager:
        manager.submit(written)
        manager.settle()
        assert np.array_equal(contents(device, manager, A), cache[:64])
        place = manager.location(B)
        assert place is not None
        seen = read_image(device, profile, place.handle, SHAPE, READ, layer=1)
        assert np.array_equal(seen, picture(cache[99:], SHAPE))


def test_a_hand_over_given_up_half_way_is_ended_before_its_place_is_written_again(
    device: Device, profile: DeviceProfile, cache: Bytes
) -> None:
    first = staged(profile).place(A, 2, 0, 64)
    first.add(transfer(1, [(0, 0, 64)], [(0, 2, 0, 64)], keys=(A,)))
    first.add(Release(longs(A), QueueKind.TRANSFER, QueueKind.GRAPHICS))
    again = Written().place(B, 2, 0, 64).add(ClearStaging(1))
    again.add(transfer(1, [(640, 0, 64)], [(0, 2, 0, 64)], keys=(B,)))
    again.add(Release(longs(B), QueueKind.TRANSFER, QueueKind.GRAPHICS))
    last = Written().place(B, 2, 0, 64)
    last.add(Release(longs(B), QueueKind.TRANSFER, QueueKind.GRAPHICS))
    last.add(Acquire(longs(B), QueueKind.TRANSFER, QueueKind.GRAPHICS), publish((B, 2, 0)))
    with MemoryManager(device, profile, {0: cache}) as manager:
        for written in (first, again, last):
            manager.submit(written)
            manager.settle()
        assert np.array_equal(contents(device, manager, B), cache[640:704])
