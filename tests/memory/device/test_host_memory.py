"""Claims about staging in pages of the host: every byte arrives, and where they cannot be had others are."""

from __future__ import annotations

import numpy as np
import pytest
from support.schedule_worlds import World

from engine.memory.device import host_memory
from engine.memory.device.host_memory import EXTENSION, HostMemory
from engine.memory.device.objects import Objects
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.resident.steps import Allocate, CreateBuffer
from engine.plan.terms.vocabulary import BufferUsage
from engine.vk.device import Device
from engine.vk.errors import Result
from engine.vk.faults import faults

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True)
def small_ones_too(device: Device, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Have all staging made of pages, where the device takes them; addresses of all that were made."""
    if EXTENSION not in device.extensions:
        pytest.skip(f"{device.adapter.name} has no {EXTENSION}")
    monkeypatch.setattr(host_memory, "LEAST", 4096)
    made: list[int] = []
    begin = HostMemory.__init__

    def counted(self: HostMemory, size: int) -> None:
        begin(self, size)
        made.append(self.address)

    monkeypatch.setattr(HostMemory, "__init__", counted)
    return made


def bring(world: World, *, drawn: bool) -> None:
    keys = list(world.assets)
    world.submit(keys)
    while not world.manager.settled:
        if drawn:
            world.frame()
        else:
            world.manager.settle()
    assert world.problems(keys) == []


@pytest.mark.parametrize("seed", range(4))
def test_while_frames_are_drawn_all_bytes_arrive_through_pages_of_the_host(
    device: Device, profile: DeviceProfile, seed: int, small_ones_too: list[int]
) -> None:
    with World(device, profile, seed, direct=False) as world:
        bring(world, drawn=True)
    assert small_ones_too


def test_with_nothing_drawn_staging_is_the_drivers_own(
    device: Device, profile: DeviceProfile, small_ones_too: list[int]
) -> None:
    with World(device, profile, 1, direct=False) as world:
        bring(world, drawn=False)
    assert not small_ones_too


REFUSALS = (Result.OUT_OF_DEVICE_MEMORY, Result.OUT_OF_HOST_MEMORY, Result.INVALID_EXTERNAL_HANDLE)


@pytest.mark.parametrize("result", REFUSALS)
@pytest.mark.parametrize("function", ["vkGetMemoryHostPointerPropertiesEXT", "vkAllocateMemory"])
def test_pages_that_the_driver_does_not_take_are_replaced_by_its_own(
    device: Device, profile: DeviceProfile, function: str, result: Result
) -> None:
    base = device.handles.counts()
    objects = Objects(device, profile)
    objects.create_buffer(CreateBuffer(1, 1 << 20, int(BufferUsage.TRANSFER_SRC)))
    size = profile.buffer_requirements(1 << 20, BufferUsage.TRANSFER_SRC).size
    with faults.injected(1, result, function=function) as reported:
        made = objects.make_memory(Allocate(1, 0, size, 1, mapped=True), gently=True)
    assert reported.hits == 1
    objects.take(made)
    assert made.mapped is not None
    made.mapped[:] = 7
    assert np.all(made.mapped == 7)
    objects.close()
    assert device.handles.counts() == base
