"""The memory manager uploads, moves and zeroes assets, byte for byte."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.schedules import (
    SHAPE,
    STAGING,
    A,
    B,
    Written,
    buffer,
    chain_bytes,
    contents,
    end_staging,
    image,
    longs,
    mip_copies,
    publish,
    staged,
    transfer,
)

from engine.memory.readback import picture, read_buffer, read_image
from engine.memory.streaming.manager import MemoryManager, Pace
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.requirements import ImageShape
from engine.plan.resident.steps import (
    Acquire,
    ClearStaging,
    Destroy,
    Fill,
    Free,
    Move,
    Release,
    SetWindow,
)
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import Kind, QueueKind
from engine.vk.binding import NULL, constants
from engine.vk.device import Device

pytestmark = pytest.mark.gpu

Bytes = NDArray[np.uint8]
READ = constants.VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL


def test_assets_are_uploaded_byte_for_byte(
    device: Device, profile: DeviceProfile, cache: Bytes, pace: Pace
) -> None:
    written = staged(profile).place(A, 2, 0, 1000).place(B, 2, 4096, 70001)
    reads = [(100, 0, 1000), (5000, 2048, 70001)]
    copies = [(0, 2, 0, 1000), (2048, 2, 4096, 70001)]
    written.add(transfer(1, reads, copies, keys=(A, B)), publish((A, 2, 0), (B, 2, 4096)))
    end_staging(written)
    with MemoryManager(device, profile, {0: cache}, pace=pace) as manager:
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


def test_a_large_transfer_goes_through_threads(device: Device, profile: DeviceProfile, pace: Pace) -> None:
    size = 24 << 20
    cache = np.random.default_rng(3).integers(0, 256, size + 3, np.uint8)
    written = Written().place(A, 2, 0, size)
    written.add(*buffer(profile, 1, size, STAGING, mapped=True), *buffer(profile, 2, size))
    written.add(transfer(1, [(3, 0, size)], [(0, 2, 0, size)], keys=(A,)), publish((A, 2, 0)))
    end_staging(written)
    with MemoryManager(device, profile, {0: cache}, pace=pace) as manager:
        manager.submit(written)
        manager.settle()
        assert np.array_equal(contents(device, manager, A), cache[3:])


def test_texture_layers_and_mips_are_uploaded(
    device: Device, profile: DeviceProfile, cache: Bytes, pace: Pace
) -> None:
    size = chain_bytes(SHAPE)
    written = Written().place(A, 2, 0, size).place(B, 2, 2, size)
    written.add(*buffer(profile, 1, 4096, STAGING, mapped=True), *image(profile, 2, SHAPE, 3))
    copies = mip_copies(SHAPE, 0, 2, 0) + mip_copies(SHAPE, 1024, 2, 2)
    written.add(transfer(1, [(50, 0, size), (900, 1024, size)], images=copies, keys=(A, B)))
    written.add(publish((A, 2, 0), (B, 2, 2)))
    end_staging(written)
    with MemoryManager(device, profile, {0: cache}, pace=pace) as manager:
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


def test_a_texture_may_be_uploaded_in_bands(
    device: Device, profile: DeviceProfile, cache: Bytes, pace: Pace
) -> None:
    shape = ImageShape(Format.R8G8B8A8_UNORM, 16, 8)
    written = Written().place(A, 2, 0, 512)
    written.add(*buffer(profile, 1, 256, STAGING, mapped=True), *image(profile, 2, shape, 1))
    for band in range(2):
        copy = (0, 2, 0, 0, band * 4, 16, 4, 256)
        written.add(SetWindow(0, ()), transfer(1, [(band * 256, 0, 256)], images=[copy]), ClearStaging(1))
    written.add(publish((A, 2, 0)), Destroy(1), Free(1))
    with MemoryManager(device, profile, {0: cache}, pace=pace) as manager:
        manager.submit(written)
        manager.settle()
        place = manager.location(A)
        assert place is not None
        assert np.array_equal(read_image(device, profile, place.handle, shape, READ), picture(cache, shape))
        assert manager.statistics.cycles == 2


def test_steps_of_one_frame_see_what_the_steps_before_them_wrote(
    device: Device, profile: DeviceProfile, cache: Bytes, pace: Pace
) -> None:
    written = staged(profile).place(A, 3, 0, 4096).add(*buffer(profile, 3, 4096))
    written.add(transfer(1, [(0, 0, 4096)], [(0, 2, 0, 4096)]))
    written.add(transfer(1, [(9000, 8192, 4096)], [(8192, 2, 0, 4096)]))
    written.add(Move(longs(A), 2, 3, longs(0), longs(0), longs(4096)), publish((A, 3, 0)))
    with MemoryManager(device, profile, {0: cache}, pace=pace) as manager:
        manager.submit(written)
        assert manager.advance(milliseconds=1e9)
        assert np.array_equal(contents(device, manager, A), cache[9000:13096])


def test_keys_move_on_the_device(device: Device, profile: DeviceProfile, cache: Bytes, pace: Pace) -> None:
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
    with MemoryManager(device, profile, {0: cache}, pace=pace) as manager:
        for written in (first, second):
            manager.submit(written)
            manager.settle()
        assert np.array_equal(contents(device, manager, A), cache[:512])
        place = manager.location(B)
        assert place is not None
        last_mip = read_image(device, profile, place.handle, SHAPE, READ, mip=2)
        assert np.array_equal(last_mip, picture(cache[600 + size - last_mip.nbytes :], SHAPE, 2))
        assert (manager.statistics.moves, manager.statistics.bytes_moved) == (2, 512 + size)


def test_zeroed_keys_are_zero(device: Device, profile: DeviceProfile, cache: Bytes, pace: Pace) -> None:
    written = staged(profile).place(A, 2, 64, 128).place(B, 3, 0, 32)
    written.add(*image(profile, 3, SHAPE, 1), transfer(1, [(0, 0, 512)], [(0, 2, 0, 512)]))
    written.add(Fill(longs(A, B)), publish((A, 2, 64), (B, 3, 0)))
    with MemoryManager(device, profile, {0: cache}, pace=pace) as manager:
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


def test_ownership_is_transferred_between_queue_families(
    device: Device, profile: DeviceProfile, cache: Bytes, pace: Pace
) -> None:
    size = chain_bytes(SHAPE)
    written = staged(profile).place(A, 2, 0, 64).place(B, 3, 1, size).add(*image(profile, 3, SHAPE, 2))
    images = mip_copies(SHAPE, 1024, 3, 1)
    written.add(transfer(1, [(0, 0, 64), (99, 1024, size)], [(0, 2, 0, 64)], images, keys=(A, B)))
    written.add(Release(longs(A, B), QueueKind.TRANSFER, QueueKind.GRAPHICS))
    written.add(Acquire(longs(A, B), QueueKind.TRANSFER, QueueKind.GRAPHICS))
    written.add(publish((A, 2, 0), (B, 3, 1)))
    with MemoryManager(device, profile, {0: cache}, pace=pace) as manager:
        manager.submit(written)
        manager.settle()
        assert np.array_equal(contents(device, manager, A), cache[:64])
        place = manager.location(B)
        assert place is not None
        seen = read_image(device, profile, place.handle, SHAPE, READ, layer=1)
        assert np.array_equal(seen, picture(cache[99:], SHAPE))


def test_an_abandoned_ownership_transfer_is_completed_before_its_range_is_written_again(
    device: Device, profile: DeviceProfile, cache: Bytes, pace: Pace
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
    with MemoryManager(device, profile, {0: cache}, pace=pace) as manager:
        for written in (first, again, last):
            manager.submit(written)
            manager.settle()
        assert np.array_equal(contents(device, manager, B), cache[640:704])
