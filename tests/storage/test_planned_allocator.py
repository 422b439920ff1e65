"""Planned allocations: the same classes in a running scene, and no byte beside the plan."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import numpy as np
import pytest

from engine.memory.device.problems import DoubleFree, NotMappable, NotReady, StagingFull, UseAfterClose
from engine.memory.device.samplers import SamplerPool
from engine.memory.streaming.manager import MemoryManager
from engine.plan.placement.planner import make_plan
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.coalesce import coalesce
from engine.plan.requirements.requirements import ImageShape, RequirementTable
from engine.plan.requirements.sources import Sources
from engine.plan.schedule.schedule import Resident, make_schedule
from engine.plan.terms.formats import Format
from engine.plan.terms.keys import Keys
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import BufferUsage, ImageUsage
from engine.storage.allocators.interface import MemoryMapping
from engine.storage.allocators.planned import PlannedAllocator
from engine.storage.buffer_pages import BufferPages
from engine.storage.resources.resource_allocator import ResourceAllocator
from engine.storage.staging_memory import StagingMemoryManager
from engine.vk.device import Device

pytestmark = pytest.mark.gpu
VERTEX = BufferUsage.VERTEX_BUFFER
SHAPE = ImageShape(Format.R8G8B8A8_UNORM, 32, 32)
RANDOM = MemoryMapping.HOST_ACCESS_RANDOM


@dataclass
class World:
    """What a runtime does: plan what is asked for, and carry it out."""

    profile: DeviceProfile
    manager: MemoryManager
    resident: Resident
    keys: Keys
    requesters: list[PlannedAllocator] = field(default_factory=list)

    def replan(self) -> None:
        table = RequirementTable(self.keys)
        for each in self.requesters:
            requester = table.requesters.add(each.requester)
            for need in each.requirements():
                table.add(need, requester)
        plan = make_plan(coalesce(table), self.profile, self.resident.snapshot(), Policy())
        nothing = Sources.of(*np.zeros((4, 0), np.int64))
        self.manager.submit(make_schedule(self.resident, plan, nothing))
        self.manager.settle()
        assert self.manager.live_bytes == plan.memory.planned_bytes


@pytest.fixture
def world(device: Device, profile: DeviceProfile) -> Iterator[World]:
    resident = Resident()
    with MemoryManager(device, profile, {}, state=resident) as manager:
        yield World(profile, manager, resident, Keys())


@contextmanager
def planned(device: Device, world: World) -> Iterator[ResourceAllocator]:
    """Yield a resource allocator whose staging and resources are all requirements."""
    with ExitStack() as stack:
        memory = PlannedAllocator(world.manager, world.keys, "storage")
        world.requesters.append(memory)
        staging = StagingMemoryManager(
            device, world.profile, memory, upload_bytes=1 << 18, download_bytes=1 << 18
        )
        stack.callback(staging.close)
        samplers = SamplerPool(device)
        stack.callback(samplers.close)
        yield stack.enter_context(ResourceAllocator(device, memory, staging, samplers))


def test_resources_come_with_the_plan_and_go_with_it(device: Device, world: World) -> None:
    with planned(device, world) as resources:
        memory = world.requesters[0]
        buffer = resources.create_buffer(5000, VERTEX, name="vertices", why="a test")
        image = resources.create_image(SHAPE, ImageUsage.SAMPLED | ImageUsage.TRANSFER_SRC, layers=3)
        assert not buffer.memory.ready
        with pytest.raises(NotReady, match=r"memory\.not_ready.*vertices"):
            assert buffer.handle
        with pytest.raises(StagingFull):  # its own memory is only asked for just now
            buffer.updator(timeout_s=0).open()
        resources.staging.downloads.take(1, 1)
        world.replan()
        assert memory.ready
        data = np.random.default_rng(1).integers(0, 256, 5000, np.uint8)
        picture = np.random.default_rng(2).integers(0, 256, (32, 32, 4), np.uint8)
        buffer.update(data)
        image.update(picture, 2)
        assert (buffer.read() == data).all()
        assert (image.read(2) == picture).all()
        reported = memory.statistics()
        assert reported.allocated == world.manager.live_bytes
        assert {"vertices", "image", "staging uploads", "staging downloads"} == {
            row.name for block in reported.blocks for row in block.allocations
        }
        before = world.manager.live_bytes
        buffer.close()
        world.replan()
        assert world.manager.live_bytes == before  # frames may still use it: it is not even withdrawn
        resources.collect()
        world.replan()
        assert world.manager.live_bytes < before
        image.close()
    world.replan()
    assert world.manager.live_bytes == 0


def test_a_growing_buffer_is_a_growing_plan(device: Device, world: World) -> None:
    with planned(device, world) as resources, BufferPages(resources, VERTEX, page_bytes=1 << 16) as pages:
        first = pages.allocate(60_000)
        resources.staging.uploads.take(1, 1)
        resources.staging.downloads.take(1, 1)
        world.replan()
        one = world.manager.live_bytes
        first.update(np.full(60_000, 7, np.uint8))
        handle = first.buffer.handle
        second = pages.allocate(60_000)
        assert not second.buffer.memory.ready
        world.replan()
        assert second.buffer.memory.ready
        assert first.buffer.handle == handle
        assert world.manager.live_bytes - one >= 1 << 16
        with first.download() as seen:
            assert (seen.wait() == 7).all()


def test_planned_host_memory_stays_mapped(device: Device, world: World) -> None:
    memory = PlannedAllocator(world.manager, world.keys, "storage")
    world.requesters.append(memory)
    mapped = memory.allocate_buffer(100, VERTEX, RANDOM, name="ring")
    hidden = memory.allocate_buffer(100, VERTEX, name="hidden")
    world.replan()
    mapped.map()[:] = 5
    mapped.flush(10, 20)
    mapped.unmap()
    assert (mapped.map() == 5).all()
    if (
        memory.statistics().blocks[0].mapped
        and hidden.location is not None
        and hidden.location.mapped is None
    ):
        with pytest.raises(NotMappable, match="hidden"):
            hidden.map()
    mapped.free()
    with pytest.raises(DoubleFree, match="ring"):
        mapped.free()
    with pytest.raises(UseAfterClose, match="ring"):
        mapped.map()
    memory.close()
    assert memory.leaks == ["hidden"]
    world.replan()
    assert world.manager.live_bytes == 0


def test_what_is_asked_for_has_its_requester_in_the_plan(device: Device, world: World) -> None:
    memory = PlannedAllocator(world.manager, world.keys, "storage")
    before = memory.version
    memory.allocate_buffer(100, VERTEX, name="vertices")
    assert memory.version > before
    (need,) = memory.requirements()
    assert world.keys.name(need.key).startswith("storage: vertices")
    memory.close()
    assert list(memory.requirements()) == []
