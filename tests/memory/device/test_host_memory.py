"""Staging in imported host pages: every byte is uploaded, and the driver's memory is the fallback."""

from __future__ import annotations

import numpy as np
import pytest
from support.schedule_worlds import World

from engine.memory.device import host_memory
from engine.memory.device.host_memory import EXTENSION, HostPages, allocate_host_pages
from engine.memory.device.objects import Objects
from engine.plan.profile.device_profile import DeviceProfile, MemoryRequirements
from engine.plan.resident.steps import Allocate, CreateBuffer
from engine.plan.terms.vocabulary import BufferUsage, MemoryProperty
from engine.vk.device import Device
from engine.vk.errors import Result, VulkanError
from engine.vk.faults import faults

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True)
def small_ones_too(device: Device, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Have all staging use host pages if the device can import them; collects their addresses."""
    if EXTENSION not in device.extensions:
        pytest.skip(f"{device.adapter.name} has no {EXTENSION}")
    monkeypatch.setattr(host_memory, "MIN_BYTES", 4096)
    made: list[int] = []
    begin = HostPages.__init__

    def counted(self: HostPages, size: int) -> None:
        begin(self, size)
        made.append(self.address)

    monkeypatch.setattr(HostPages, "__init__", counted)
    return made


def upload(world: World, *, drawn: bool) -> None:
    keys = list(world.assets)
    world.submit(keys)
    while not world.manager.settled:
        if drawn:
            world.frame()
        else:
            world.manager.settle()
    assert world.problems(keys) == []


@pytest.mark.parametrize("seed", range(4))
def test_while_frames_are_drawn_all_bytes_are_uploaded_through_host_pages(
    device: Device, profile: DeviceProfile, seed: int, small_ones_too: list[int]
) -> None:
    with World(device, profile, seed, direct=False) as world:
        upload(world, drawn=True)
    assert small_ones_too


def test_while_nothing_is_drawn_staging_uses_driver_memory(
    device: Device, profile: DeviceProfile, small_ones_too: list[int]
) -> None:
    with World(device, profile, 1, direct=False) as world:
        upload(world, drawn=False)
    assert not small_ones_too


def imported_type(device: Device, profile: DeviceProfile, needs: MemoryRequirements) -> int:
    """The first memory type that a buffer may be in, the host sees, and pages of this process may be."""
    visible = MemoryProperty.HOST_VISIBLE | MemoryProperty.HOST_COHERENT
    for number, row in enumerate(profile.memory_types):
        if needs.type_bits >> number & 1 and row.properties & visible == visible:
            try:
                if allocate_host_pages(device, needs.size, number) is not None:
                    return number
            except VulkanError:
                continue
    pytest.skip(f"{device.adapter.name} imports pages as no type that the host sees")


REFUSALS = (Result.OUT_OF_DEVICE_MEMORY, Result.OUT_OF_HOST_MEMORY, Result.INVALID_EXTERNAL_HANDLE)


@pytest.mark.parametrize("result", REFUSALS)
@pytest.mark.parametrize("function", ["vkGetMemoryHostPointerPropertiesEXT", "vkAllocateMemory"])
def test_pages_that_the_driver_rejects_are_replaced_by_driver_memory(
    device: Device, profile: DeviceProfile, function: str, result: Result
) -> None:
    base = device.handles.counts()
    needs = profile.buffer_requirements(1 << 20, BufferUsage.TRANSFER_SRC)
    number = imported_type(device, profile, needs)
    objects = Objects(device, profile)
    objects.create_buffer(CreateBuffer(1, 1 << 20, int(BufferUsage.TRANSFER_SRC)))
    with faults.injected(1, result, function=function) as reported:
        made = objects.allocate_memory(Allocate(1, number, needs.size, 1, mapped=True), while_drawing=True)
    assert reported.hits == 1
    objects.register(made)
    assert made.mapped is not None
    made.mapped[:] = 7
    assert np.all(made.mapped == 7)
    objects.close()
    assert device.handles.counts() == base
