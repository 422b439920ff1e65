"""A new descriptor pool is created when all are full or fragmented."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.gpu import checked_device

from engine.render.descriptor_pools import SETS_PER_POOL, DescriptorPools
from engine.render.pipelines.layouts import BindingSlot, Layouts
from engine.testing import assert_same_pixels, open_scene
from engine.vk.binding import constants as c
from engine.vk.device import Device
from engine.vk.errors import OutOfHostMemory, Result
from engine.vk.faults import faults

pytestmark = pytest.mark.gpu

KIND = c.VK_DESCRIPTOR_TYPE_STORAGE_BUFFER
ALLOCATE = "vkAllocateDescriptorSets"


@pytest.fixture
def device() -> Iterator[Device]:
    with checked_device() as made:
        yield made


@pytest.fixture
def layout(device: Device) -> Iterator[Any]:
    layouts = Layouts(device)
    yield layouts.set_layout((BindingSlot(0, KIND, 4, c.VK_SHADER_STAGE_VERTEX_BIT),))
    layouts.close()


@pytest.fixture
def pools(device: Device, layout: Any) -> Iterator[DescriptorPools]:
    made = DescriptorPools(device, (KIND,), "pool")
    yield made
    made.close()
    assert "DescriptorPool" not in device.handles.counts()


def count(device: Device) -> int:
    return device.handles.counts().get("DescriptorPool", 0)


def test_any_number_of_sets_can_be_allocated_and_freed_sets_are_reused(
    device: Device, layout: Any, pools: DescriptorPools
) -> None:
    made = [pools.allocate(layout, 4) for _ in range(2 * SETS_PER_POOL)]
    before = count(device)  # some drivers allocate more than a pool was created for
    for handle, pool in made:
        pools.free(handle, pool)
    for _ in range(2 * SETS_PER_POOL):
        pools.allocate(layout, 4)
    assert count(device) == before


@pytest.mark.parametrize("result", [Result.OUT_OF_POOL_MEMORY, Result.FRAGMENTED_POOL])
def test_a_pool_that_the_driver_reports_full_gets_another(
    device: Device, layout: Any, pools: DescriptorPools, result: Result
) -> None:
    _, first = pools.allocate(layout, 4)
    with faults.injected(1, result, function=ALLOCATE) as reported:
        _, second = pools.allocate(layout, 4)
    assert reported.hits == 1
    assert second != first
    assert count(device) == 2


def test_out_of_host_memory_creates_nothing_and_the_next_call_succeeds(
    device: Device, layout: Any, pools: DescriptorPools
) -> None:
    with faults.injected(1, Result.OUT_OF_HOST_MEMORY), pytest.raises(OutOfHostMemory):
        pools.allocate(layout, 4)
    assert count(device) == 0
    with faults.injected(2, Result.OUT_OF_HOST_MEMORY), pytest.raises(OutOfHostMemory):
        pools.allocate(layout, 4)
    pools.allocate(layout, 4)
    assert count(device) == 1


@pytest.mark.parametrize("result", [Result.OUT_OF_POOL_MEMORY, Result.FRAGMENTED_POOL])
def test_a_scene_is_drawn_although_its_descriptor_pool_is_full(result: Result) -> None:
    with open_scene("scenes/cube.hu", size=(64, 48)) as scene:
        shown = scene.frame()
        pools = scene.host.objects()["DescriptorPool"]
        scene["cube"].shadowCaster.active = False
        scene.settle()
        scene["cube"].shadowCaster.active = True
        with faults.injected(1, result, function=ALLOCATE) as reported:
            scene.settle()
            assert_same_pixels(scene.frame(), shown, levels=0, share=0)
        assert reported.hits == 1
        assert scene.host.objects()["DescriptorPool"] == pools + 1
