"""The memory manager publishes addresses, views, mapped rings, changes and the live table."""

from __future__ import annotations

import numpy as np
import pytest
from support.schedules import (
    SHAPE,
    A,
    B,
    C,
    Written,
    buffer,
    chain_bytes,
    contents,
    image,
    longs,
    publish,
)

from engine.memory.streaming.manager import MemoryManager
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.requirements import ImageShape
from engine.plan.resident.steps import (
    Withdraw,
)
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import BufferUsage, ImageUsage
from engine.vk.device import Device
from engine.vk.errors import DioramaInternalError

pytestmark = pytest.mark.gpu


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


def test_an_attachment_has_a_2d_view_and_one_per_layer(device: Device, profile: DeviceProfile) -> None:
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
        assert manager.part_view(A) == place.view
        views = [manager.part_view(B, layer) for layer in range(4)]
        assert len({str(view) for view in views}) == 4
        assert manager.part_view(B, 2) == views[2]
        assert device.handles.counts()["ImageView"] == 6
        with pytest.raises(DioramaInternalError, match="no published image"):
            manager.part_view(C)


def test_changes_are_reported_once(device: Device, profile: DeviceProfile) -> None:
    first = Written().place(A, 2, 0, 64).place(B, 2, 64, 64).add(*buffer(profile, 2, 256))
    first.add(publish((A, 2, 0), (B, 2, 64)))
    second = Written().place(A, 2, 0, 64).add(Withdraw(longs(B)))
    with MemoryManager(device, profile) as manager:
        manager.submit(first)
        manager.settle()
        version = manager.published.version
        assert manager.published.changed().tolist() == sorted((A, B))
        assert manager.published.changed().tolist() == []
        manager.submit(second)
        manager.settle()
        assert manager.published.changed().tolist() == [B]
        assert manager.published.version > version
        assert manager.location(B) is None


def test_the_live_table_lists_all_live_objects(device: Device, profile: DeviceProfile) -> None:
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
