"""Pages: many ranges in few buffers, that grow, never overlap and return."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from engine.memory.device.problems import DoubleFree, NotMappable, OutOfBounds, UseAfterClose
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.terms.vocabulary import BufferUsage
from engine.storage.allocators.interface import MemoryMapping
from engine.storage.buffer_pages import BufferPages
from engine.storage.resources.resource_allocator import ResourceAllocator
from engine.vk.device import Device

pytestmark = pytest.mark.gpu
VERTEX, STORAGE = BufferUsage.VERTEX_BUFFER, BufferUsage.STORAGE_BUFFER


def test_what_does_not_fit_makes_another_page(device: Device, resources: ResourceAllocator) -> None:
    with BufferPages(resources, VERTEX, page_bytes=1 << 16, name="meshes") as pages:
        made = [pages.allocate(40_000, name=f"mesh {i}") for i in range(3)]
        assert [row.page for row in made] == [0, 1, 2]
        small = pages.allocate(20_000)
        assert small.page == 0
        large = pages.allocate(100_000)
        assert large.buffer.size >= 100_000
        assert len(pages.pages) == 4
        names = {row.name for block in resources.memory.statistics().blocks for row in block.allocations}
        assert {f"meshes page {i}" for i in range(4)} <= names


def test_ranges_hold_what_was_written_whatever_is_allocated_and_freed(resources: ResourceAllocator) -> None:
    rng = np.random.default_rng(11)
    with BufferPages(resources, STORAGE, page_bytes=1 << 16) as pages:
        live: list[tuple[Any, Any]] = []
        for _ in range(150):
            if live and rng.random() < 0.45:
                row, data = live.pop(int(rng.integers(len(live))))
                with row.download() as seen:
                    assert (seen.wait() == data).all()
                row.free()
                resources.collect()
            else:
                data = rng.integers(0, 256, int(rng.integers(1, 9000)), np.uint8)
                row = pages.allocate(len(data))
                row.update(data)
                live.append((row, data))
            places = sorted((row.page, row.offset, row.size) for row, _data in live)
            for (page, offset, size), (other, after, _size) in itertools.pairwise(places):
                assert page != other or offset + size <= after
        for row, _data in live:
            row.free()
        resources.staging.settle()
        resources.collect()
        assert len(pages.pages) == 1
        assert pages.free_bytes == pages.pages[0].size
        assert pages.trim() == 1 << 16


def test_a_range_is_handed_out_again_only_after_its_last_use(
    device: Device, resources: ResourceAllocator
) -> None:
    with BufferPages(resources, VERTEX, page_bytes=4096) as pages:
        first = pages.allocate(4096)
        first.update(np.ones(4096, np.uint8))
        first.free()
        assert pages.allocate(4096).page == 1  # the copy into the first is still to come
        resources.staging.settle()
        resources.collect()
        assert pages.allocate(4096).page == 0


def test_ranges_are_aligned_for_their_descriptors(
    resources: ResourceAllocator, profile: DeviceProfile
) -> None:
    step = profile.limits.min_storage_buffer_offset_alignment
    with BufferPages(resources, STORAGE, alignment=12) as pages:
        for row in [pages.allocate(17, alignment=20) for _ in range(5)]:
            assert row.offset % step == row.offset % 12 == row.offset % 20 == 0


def test_misuse_of_a_range_is_reported_by_name(resources: ResourceAllocator) -> None:
    pages = BufferPages(resources, VERTEX, name="meshes")
    row = pages.allocate(64, name="cube")
    for offset, size in ((0, 65), (-1, 4), (60, 8)):
        with pytest.raises(OutOfBounds, match="cube"):
            row.updator(offset, size)
    with pytest.raises(OutOfBounds, match="cube"):
        row.update(np.zeros(65, np.uint8))
    with pytest.raises(OutOfBounds, match="0 bytes"):
        pages.allocate(0)
    row.free()
    with pytest.raises(DoubleFree, match="cube"):
        row.free()
    with pytest.raises(UseAfterClose, match="cube"):
        row.update(np.zeros(4, np.uint8))
    pages.close()
    with pytest.raises(UseAfterClose, match="meshes"):
        pages.allocate(1)


def test_a_mapped_range_is_written_in_place_and_touches_no_other(resources: ResourceAllocator) -> None:
    mapping = MemoryMapping.HOST_ACCESS_RANDOM
    with BufferPages(resources, BufferUsage.VERTEX_BUFFER, mapping=mapping) as pages:
        ranges = [pages.allocate(100) for _ in range(3)]
        for value, found in enumerate(ranges):
            with found.mapped() as view:
                assert view.shape == (100,)
                view[:] = value
        assert [set(found.download().wait().tolist()) for found in ranges] == [{0}, {1}, {2}]
        assert resources.staging.scheduled == 0
    pages = BufferPages(resources, BufferUsage.VERTEX_BUFFER)
    with pages, pytest.raises(NotMappable), pages.allocate(100).mapped():
        pass
