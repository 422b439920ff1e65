"""Whatever stands on memory and whichever call fails in it: it unwinds, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pytest
from support.resources import resources_on

from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.requirements import ImageShape
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import BufferUsage, ImageUsage
from engine.storage.atlas import Atlas
from engine.storage.buffer_pages import BufferPages
from engine.storage.resources.resource_allocator import ResourceAllocator
from engine.storage.ring_fences import RingFences
from engine.vk.device import Device
from engine.vk.errors import Result, VulkanError
from engine.vk.faults import faults

pytestmark = pytest.mark.gpu
PICTURE = np.full((40, 40, 4), 7, np.uint8)


def in_an_atlas(resources: ResourceAllocator) -> None:
    shape = ImageShape(Format.R8G8B8A8_UNORM, 64, 64)
    usage = ImageUsage.SAMPLED | ImageUsage.TRANSFER_SRC
    with Atlas(resources, shape, layers=1, usage=usage) as atlas:
        regions = [atlas.allocate(40, 40) for _ in range(2)]  # on a page each
        for region in regions:
            region.update(PICTURE)
        with atlas.pages[0].download() as seen:
            seen.wait()
        regions[0].free()
        resources.collect()
        atlas.trim()


def in_pages(resources: ResourceAllocator) -> None:
    with BufferPages(resources, BufferUsage.STORAGE_BUFFER, page_bytes=1 << 16) as pages:
        ranges = [pages.allocate(40_000) for _ in range(2)]
        for row in ranges:
            row.update(np.arange(10_000, dtype=np.uint32))
        with ranges[1].download() as seen:
            seen.wait()
        ranges[0].free()
        resources.collect()
        pages.trim()


def in_a_ring(resources: ResourceAllocator) -> None:
    device = resources.device
    with RingFences(device, 2, dict[str, int]) as ring:
        for _ in range(3):
            slot = ring.wait_and_get()
            ring.submit(slot, device.graphics, [])


@pytest.mark.parametrize("work", [in_an_atlas, in_pages, in_a_ring])
@pytest.mark.parametrize("result", [Result.OUT_OF_HOST_MEMORY, Result.OUT_OF_DEVICE_MEMORY])
def test_whichever_call_fails_nothing_is_left_behind(
    device: Device, profile: DeviceProfile, work: Callable[[ResourceAllocator], None], result: Result
) -> None:
    base, nth, hits = device.handles.counts(), 0, 1
    while hits:
        nth += 1
        with (
            faults.injected(nth, result) as injected,
            suppress(VulkanError),
            resources_on(device, profile, upload_bytes=1 << 18, download_bytes=1 << 18) as resources,
        ):
            work(resources)
        hits = injected.hits
        assert device.handles.counts() == base, f"call {nth}"
    assert nth > 8
