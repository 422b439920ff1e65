"""Updators: numpy views of staging itself, copied on leaving, from any thread, and nothing after an error."""

from __future__ import annotations

import gc
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw
from support.resources import resources_on

from engine.memory.device.problems import OutOfBounds, StagingFull, UseAfterClose, WrongArray
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.requirements import ImageShape
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import BufferUsage, ImageUsage
from engine.storage.resources.resource_allocator import ResourceAllocator
from engine.storage.updators import row_pitch
from engine.vk.device import Device

pytestmark = pytest.mark.gpu
VERTEX = BufferUsage.VERTEX_BUFFER
READABLE = ImageUsage.SAMPLED | ImageUsage.TRANSFER_SRC
COLOUR = ImageShape(Format.R8G8B8A8_UNORM, 37, 19, 3)


def staging_bytes(resources: ResourceAllocator) -> Any:
    memory = resources.staging.uploads.memory
    assert memory is not None
    view = memory.map()
    memory.unmap()
    return view


def test_a_buffer_updator_is_a_view_of_staging_and_arrives(resources: ResourceAllocator) -> None:
    with resources.create_buffer(4096, VERTEX, name="vertices") as buffer:
        with buffer.updator(256, 1024, dtype=np.float32) as view:
            assert view.shape == (256,)
            assert np.shares_memory(view, staging_bytes(resources))
            view[:] = np.arange(256)
        assert (buffer.read(256, 1024, dtype=np.float32) == np.arange(256)).all()


@pytest.mark.parametrize("format", [Format.R8_UNORM, Format.R8G8B8A8_UNORM, Format.R16G16_UNORM])
@pytest.mark.parametrize("pitch", [1, 256, 48])
def test_padded_rows_arrive_unsheared(
    device: Device, profile: DeviceProfile, format: Format, pitch: int
) -> None:
    limits = replace(
        profile.limits,
        optimal_buffer_copy_row_pitch_alignment=pitch,
        optimal_buffer_copy_offset_alignment=pitch,
    )
    rng = np.random.default_rng(1)
    with (
        resources_on(device, replace(profile, limits=limits)) as resources,
        resources.create_image(ImageShape(format, 37, 19, 2), READABLE, layers=3) as image,
    ):
        pictures = {}
        for layer, mip in ((0, 0), (2, 0), (1, 1)):
            updator = image.updator(layer, mip)
            with updator as view:
                assert view.strides[0] == updator.staging_row_pitch
                assert updator.staging_row_pitch % pitch == 0
                assert updator.staging_row_pitch % format.info.block_bytes == 0
                picture = rng.integers(0, 255, view.shape).astype(view.dtype)
                view[...] = picture
            pictures[layer, mip] = picture
        for (layer, mip), picture in pictures.items():
            assert (image.read(layer, mip) == picture).all()


def test_row_pitch_is_of_whole_texel_blocks() -> None:
    assert row_pitch(ImageShape(Format.R32G32B32_SFLOAT, 5, 5), 5, 64) == 192
    assert row_pitch(ImageShape(Format.BC7_SRGB_BLOCK, 20, 20), 20, 1) == 5 * 16
    assert row_pitch(ImageShape(Format.R8_UNORM, 3, 3), 3, 1) == 3


def test_a_region_changes_nothing_beside_it(resources: ResourceAllocator) -> None:
    with resources.create_image(COLOUR, READABLE, layers=2) as image:
        before = np.full((19, 37, 4), 9, np.uint8)
        image.update(before, 1)
        with image.updator(1, region=(3, 5, 7, 11)) as view:
            assert view.shape == (11, 7, 4)
            view[...] = 200
        before[5:16, 3:10] = 200
        assert (image.read(1) == before).all()


def test_compressed_formats_are_written_by_blocks(resources: ResourceAllocator) -> None:
    shape = ImageShape(Format.BC1_RGBA_UNORM_BLOCK, 16, 8, 2)
    with resources.create_image(shape, READABLE) as image:
        with image.updator() as view:
            assert view.shape == (2, 4, 8)
            view[...] = 1
        with pytest.raises(OutOfBounds, match="cuts through texel blocks"):
            image.updator(region=(2, 0, 4, 4))
        with pytest.raises(WrongArray, match="takes blocks"):
            image.update(np.zeros((8, 16, 4), np.uint8))
        resources.staging.settle()


def test_an_array_larger_than_staging_goes_in_pieces(device: Device, profile: DeviceProfile) -> None:
    rng = np.random.default_rng(2)
    with resources_on(device, profile, upload_bytes=64 << 10) as resources:
        data = rng.integers(0, 256, 300_001, np.uint8)
        with resources.create_buffer(300_001 + 64, VERTEX) as buffer:
            buffer.update(data, 64)
            assert (buffer.read(64) == data).all()
        picture = rng.integers(0, 256, (200, 150, 4), np.uint8)
        with resources.create_image(ImageShape(Format.R8G8B8A8_UNORM, 150, 200), READABLE) as image:
            image.update(picture)
            assert (image.read() == picture).all()
        assert resources.staging.uploads.peak <= 64 << 10


def test_an_error_inside_the_scope_schedules_nothing(resources: ResourceAllocator) -> None:
    with resources.create_buffer(64, VERTEX) as buffer:
        buffer.update(np.full(64, 5, np.uint8))
        resources.staging.settle()
        with pytest.raises(ZeroDivisionError), buffer.updator() as view:
            view[:] = 1 // 0
        assert resources.staging.scheduled == 0
        assert resources.staging.uploads.used == 0
        assert (buffer.read() == 5).all()


def test_later_writes_to_one_place_win(resources: ResourceAllocator) -> None:
    with (
        resources.create_buffer(1000, VERTEX) as buffer,
        resources.create_image(COLOUR, READABLE) as image,
    ):
        expected, picture = np.zeros(1000, np.uint8), np.zeros((19, 37, 4), np.uint8)
        buffer.update(expected)
        image.update(picture)
        rng = np.random.default_rng(4)
        for value in range(1, 60):
            begin, end = sorted(rng.integers(0, 1001, 2).tolist())
            x, y = int(rng.integers(0, 30)), int(rng.integers(0, 15))
            if begin < end:
                buffer.update(np.full(end - begin, value, np.uint8), begin)
                expected[begin:end] = value
            image.update(np.full((4, 7, 4), value, np.uint8), at=(x, y))
            picture[y : y + 4, x : x + 7] = value
        assert (buffer.read() == expected).all()
        assert (image.read() == picture).all()


def test_a_download_sees_what_was_scheduled_before_it_and_nothing_later(
    resources: ResourceAllocator,
) -> None:
    with resources.create_buffer(256, VERTEX) as buffer:
        buffer.update(np.full(256, 1, np.uint8))
        with buffer.download() as download:
            buffer.update(np.full(256, 2, np.uint8))
            assert not download.ready
            assert (download.wait() == 1).all()
        assert (buffer.read() == 2).all()


def test_updators_work_from_eight_threads_at_once(resources: ResourceAllocator) -> None:
    with resources.create_buffer(8 * 64 * 1024, VERTEX) as buffer:

        def work(index: int) -> None:
            for row in range(64):
                with buffer.updator((index * 64 + row) * 1024, 1024) as view:
                    view[:] = (index * 64 + row) % 251

        with ThreadPoolExecutor(8) as pool:
            futures = [pool.submit(work, index) for index in range(8)]
            while not all(future.done() for future in futures):
                resources.staging.submit()
            for future in futures:
                future.result()
        expected = np.repeat(np.arange(512) % 251, 1024).astype(np.uint8)
        seen = np.concatenate([buffer.read(at, 1 << 18) for at in (0, 1 << 18)])
        assert (seen == expected).all()


def test_pillow_draws_and_decodes_straight_into_staging(resources: ResourceAllocator) -> None:
    size = (37, 19)
    source = Pillow.new("RGBA", size, (10, 20, 30, 255))
    ImageDraw.Draw(source).ellipse((4, 3, 30, 15), fill=(250, 128, 3, 200))
    file = io.BytesIO()
    source.save(file, "PNG")
    with resources.create_image(COLOUR, READABLE) as image:
        updator = image.updator()
        with updator as view:
            pitch = updator.staging_row_pitch
            target = Pillow.frombuffer("RGBA", size, updator.data, "raw", "RGBA", pitch, 1)
            decoded = Pillow.open(file)
            made = Pillow.core.get_stats()
            decoded.im = target.im  # the decoder writes where this points
            decoded.load()
            blocks = ("new_count", "allocated_blocks", "reused_blocks")
            after = Pillow.core.get_stats()
            assert [after[key] for key in blocks] == [made[key] for key in blocks]  # no pixels of its own
            assert (view == np.asarray(source)).all()
            target.readonly = 0
            ImageDraw.Draw(target).rectangle((0, 0, 2, 2), fill=(1, 2, 3, 4))
            assert view[1, 1].tolist() == [1, 2, 3, 4]
            del target, decoded
        ImageDraw.Draw(source).rectangle((0, 0, 2, 2), fill=(1, 2, 3, 4))
        assert (image.read() == np.asarray(source)).all()


def test_numpy_computes_straight_into_staging(resources: ResourceAllocator) -> None:
    shape = ImageShape(Format.R32_SFLOAT, 31, 17)
    rows, columns = np.mgrid[0:17, 0:31].astype(np.float32)
    with resources.create_image(shape, READABLE) as image:
        with image.updator() as view:
            address = view.ctypes.data
            np.add(rows, columns, out=view)
            memory = staging_bytes(resources)
            assert memory.ctypes.data <= address < memory.ctypes.data + memory.nbytes
        assert (image.read() == rows + columns).all()


def test_a_thread_that_dies_with_an_open_updator_loses_no_staging(resources: ResourceAllocator) -> None:
    with resources.create_buffer(1 << 19, VERTEX) as buffer:

        def dies() -> None:
            buffer.updator().open()[:] = 1

        for _ in range(6):  # three would fill the staging
            thread = threading.Thread(target=dies)
            thread.start()
            thread.join()
            gc.collect()
        assert resources.staging.scheduled == 0
        buffer.update(np.full(1 << 18, 3, np.uint8))
        assert (buffer.read(0, 1 << 18) == 3).all()


def test_staging_of_a_dropped_updator_is_not_given_away_while_a_view_lives(
    resources: ResourceAllocator,
) -> None:
    with resources.create_buffer(1 << 20, VERTEX) as buffer:
        view = buffer.updator().open()
        part = view[5:10]
        del view
        with pytest.raises(StagingFull):
            buffer.updator(timeout_s=0).open()
        part[:] = 1
        del part
        buffer.updator(timeout_s=0).open()


def test_an_updator_is_used_once_and_its_view_is_locked_after(resources: ResourceAllocator) -> None:
    with resources.create_buffer(64, VERTEX, name="indices") as buffer:
        updator = buffer.updator()
        with updator as view:
            pass
        with pytest.raises(ValueError, match="read-only"):
            view[:] = 1
        for use in (updator.open, updator.close, updator.cancel, lambda: updator.data):
            with pytest.raises(UseAfterClose, match="indices"):
                use()
        resources.staging.settle()


def test_wrong_arrays_and_ranges_are_refused_by_name_and_nothing_is_scheduled(
    resources: ResourceAllocator,
) -> None:
    with (
        resources.create_buffer(64, VERTEX, name="joints") as buffer,
        resources.create_image(COLOUR, READABLE, name="albedo") as image,
    ):
        for offset, size in ((0, 65), (60, 8), (-4, 8), (64, None), (0, 0)):
            with pytest.raises(OutOfBounds, match=r"memory\.bounds.*joints"):
                buffer.updator(offset, size)
        with pytest.raises(OutOfBounds, match="joints"):
            buffer.update(np.zeros(9, np.float64))
        with pytest.raises(WrongArray, match=r"joints.*object"):
            buffer.update(np.array([None]))
        with pytest.raises(WrongArray, match=r"joints.*list"):
            buffer.update([1, 2])  # type: ignore[arg-type]
        with pytest.raises(WrongArray, match="no whole number of float64"):
            buffer.updator(0, 12, dtype=np.float64)
        wrong = [
            np.zeros((19, 37, 4), np.float32),
            np.zeros((19, 37, 3), np.uint8),
            np.zeros((19, 37), np.uint8),
            np.zeros(4, np.uint8),
        ]
        for data in wrong:
            with pytest.raises(WrongArray, match=r"albedo: R8G8B8A8_UNORM takes uint8\[height, width, 4\]"):
                image.update(data)
        for at in ((1, 0), (0, 1), (-1, 0)):
            with pytest.raises(OutOfBounds, match="albedo: region"):
                image.update(np.zeros((19, 37, 4), np.uint8), at=at)
        for layer, mip in ((1, 0), (0, 3), (-1, 0)):
            with pytest.raises(OutOfBounds, match="albedo: layer"):
                image.updator(layer, mip)
        assert resources.staging.scheduled == 0


def test_a_closed_target_is_reported_by_name(resources: ResourceAllocator) -> None:
    buffer = resources.create_buffer(64, VERTEX, name="gone")
    updator = buffer.updator()
    updator.open()
    buffer.close()
    with pytest.raises(UseAfterClose, match="gone"):
        updator.close()
    with pytest.raises(UseAfterClose, match="gone"):
        buffer.update(np.zeros(4, np.uint8))
    assert resources.staging.uploads.used == 0
