"""Random assets and interrupted schedules on a real device, for tests of the memory manager."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray
from support.schedules import SAMPLED, STAGED

from engine.memory.readback import picture, read_buffer, read_image
from engine.memory.streaming.manager import MemoryManager, Pace
from engine.plan.model.plan import Plan
from engine.plan.placement.planner import make_plan
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.coalesce import Coalesced, coalesce
from engine.plan.requirements.requirements import ImageShape, Requirement, RequirementTable
from engine.plan.requirements.shapes import mip_levels, tight_bytes
from engine.plan.requirements.sources import Sources
from engine.plan.resident.resident import Resident
from engine.plan.schedule.schedule import make_schedule
from engine.plan.terms.formats import Format
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import BufferUsage, Contents, ImageUsage, Kind, MemoryProperty
from engine.vk.binding import constants
from engine.vk.device import Device
from engine.vk.timeline import Timeline

READ = constants.VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL
SHAPES = (
    ImageShape(Format.R8G8B8A8_SRGB, 64, 32, 7),
    ImageShape(Format.R8G8B8A8_UNORM, 16, 16, 1),
    ImageShape(Format.R8_UNORM, 33, 17, 2),
    ImageShape(Format.R16G16B16A16_SFLOAT, 16, 16, 3, cube=True),
)
SMALL = Policy(block=1 << 20, own=1 << 14, staging=1 << 17, window=1 << 18)


class World:
    """Assets of two databases with random bytes, and a memory manager that holds some of them."""

    def __init__(self, device: Device, profile: DeviceProfile, seed: int, *, direct: bool = True) -> None:
        self.random = np.random.default_rng(seed)
        self.device, self.profile = device, profile
        self.caches: dict[int, NDArray[np.uint8]] = {}
        self.assets: dict[int, Requirement] = {}
        self.ranges: dict[int, tuple[int, int, int]] = {}
        for db in range(2):
            self._make_db(db)
        columns = [(key, *where) for key, where in self.ranges.items()]
        self.sources = Sources.of(*np.array(columns, np.int64).T)
        self.frames = Timeline(device, "frames")
        self.resident = Resident()
        pace = Pace(direct=direct)
        self.manager = MemoryManager(
            device, profile, self.caches, frames=self.frames, pace=pace, state=self.resident
        )
        self.plan: Plan | None = None

    def _make_db(self, db: int) -> None:
        end = 0
        for index in range(24):
            key = db << 32 | index
            if index % 3:
                size = int(self.random.integers(1, 30_000))
                alignment = int(self.random.choice([1, 4, 12, 68, 256]))
                asset = Requirement(key, Kind.BUFFER, size, alignment, usage=STAGED, contents=Contents.CACHE)
            else:
                shape = SHAPES[int(self.random.integers(len(SHAPES)))]
                size = tight_bytes(shape)
                asset = Requirement(key, Kind.IMAGE, shape=shape, usage=SAMPLED, contents=Contents.CACHE)
            begin = -(-(end + int(self.random.integers(0, 3000))) // 16) * 16
            self.assets[key], self.ranges[key] = asset, (db, begin, size)
            end = begin + size
        self.caches[db] = self.random.integers(0, 256, end, np.uint8)

    def choose(self) -> list[int]:
        share = self.random.choice([0.1, 0.5, 0.9])
        return [key for key in self.assets if self.random.random() < share]

    def requirements(self, keys: list[int]) -> Coalesced:
        table = RequirementTable()
        requester = table.requesters.add("visibleModel", "cube")
        for key in keys:
            table.add(self.assets[key], requester)
        ring = table.keys.transient("ring")
        visible = MemoryProperty.HOST_VISIBLE | MemoryProperty.HOST_COHERENT
        usage = BufferUsage.UNIFORM_BUFFER
        table.add(
            Requirement(
                ring, Kind.BUFFER, 700, usage=usage, properties=visible, copies=2, persistent_map=True
            ),
            requester,
        )
        depth = ImageShape(Format.D32_SFLOAT, 40, 30)
        usage_of_depth = ImageUsage.DEPTH_STENCIL_ATTACHMENT
        target = table.keys.transient("depth")
        table.add(Requirement(target, Kind.IMAGE, shape=depth, usage=usage_of_depth), requester)
        return coalesce(table)

    def submit(self, keys: list[int]) -> None:
        self.plan = make_plan(self.requirements(keys), self.profile, self.resident.snapshot(), SMALL)
        self.manager.submit(make_schedule(self.resident, self.plan, self.sources))

    def frame(self) -> None:
        """Submit an empty frame, so that frame tickets are signalled."""
        self.manager.advance(cycles=1, milliseconds=50)  # as in a frame with a new plan
        everything = constants.VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT
        ticket = self.frames.next()
        self.device.submit(self.device.graphics, [], signals=[self.frames.signal(ticket, everything)])

    def wrong(self, keys: list[int]) -> list[int]:
        """The keys whose bytes on the device differ from their cache."""
        return [key for key in keys if not self._is_right(key)]

    def problems(self, keys: list[int]) -> list[str]:
        """The differences of the settled state from plan and caches, as text."""
        assert self.plan is not None
        found = [f"key {key:#x} has other bytes" for key in self.wrong(keys)]
        if not self.resident.settled():
            found.append("the pure state is not settled")
        if self.manager.live_bytes != self.plan.planned_bytes:
            found.append(f"{self.manager.live_bytes} bytes live, {self.plan.planned_bytes} planned")
        live, planned = self.manager.live(), self.plan.memory
        for name, column in (("allocations", "id"), ("resources", "id"), ("subresources", "key")):
            if not np.array_equal(getattr(live, name)[column], getattr(planned, name)[column]):
                found.append(f"{name} differ")
        return found

    def _is_right(self, key: int) -> bool:
        db, begin, size = self.ranges[key]
        place, expected = self.manager.location(key), self.caches[db][begin : begin + size]
        assert place is not None
        shape = self.assets[key].shape
        if shape is None:
            visible = read_buffer(self.device, self.profile, place.handle, place.offset, place.size)
            return np.array_equal(visible, expected)
        for level in mip_levels(shape):
            layer = place.layer + level.layer
            texels = read_image(
                self.device, self.profile, place.handle, shape, READ, layer=layer, mip=level.mip
            )
            of_level = picture(expected[level.offset :], shape, level.mip)
            if not np.array_equal(texels.view(np.uint8), of_level.view(np.uint8)):
                return False
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.device.wait_idle()
        self.manager.close()
        self.frames.close()


def run(device: Device, profile: DeviceProfile, seed: int, schedules: int, *, direct: bool) -> list[str]:
    """Carry out random schedules, most of them replaced halfway; returns the problems of settled states.

    The last schedule transfers all assets.
    """
    with World(device, profile, seed, direct=direct) as world:
        found: list[str] = []
        for number in range(schedules - 1):
            keys = world.choose()
            world.submit(keys)
            for _ in range(int(world.random.integers(0, 8))):
                world.frame()
            if world.random.random() < 0.5:
                world.manager.settle()
                found += [f"seed {seed}, schedule {number}: {what}" for what in world.problems(keys)]
        world.submit(list(world.assets))
        world.manager.settle()
        return found + [f"seed {seed}, last: {what}" for what in world.problems(list(world.assets))]
