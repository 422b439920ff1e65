"""A gigabyte of assets in a cache file, their plan, and the raw copies that an upload is compared with."""

from __future__ import annotations

import mmap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Self

import numpy as np

from engine.memory.commands import copies
from engine.memory.commands.recorder import Recorder
from engine.memory.commands.structures import rows
from engine.memory.device.live_profile import live_profile
from engine.memory.device.objects import Objects
from engine.memory.streaming.manager import MemoryManager, Pace
from engine.plan.model.plan import Plan
from engine.plan.placement.planner import make_plan
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.coalesce import coalesce
from engine.plan.requirements.requirements import Requirement, RequirementTable
from engine.plan.requirements.sources import Sources
from engine.plan.resident.resident import Resident
from engine.plan.resident.steps import Allocate, Bind, CreateBuffer, Transfer
from engine.plan.schedule.schedule import Schedule, make_schedule
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import BufferUsage, Contents, Kind, MemoryProperty
from engine.vk.device import Device
from engine.vk.instance import Instance

MIB = 1 << 20
POLICY = Policy()
ROOT = Path(__file__).resolve().parents[2]
SIZES = {True: (320, 240), False: (1920, 1080)}  # by whether the driver draws on the CPU
IDLE_FRAMES = 300
DB = 1
STAGING = 256 * MIB
# Requirements of meshes: vertices of 32 bytes and indices of 4, which lie in different runs.
KINDS = ((BufferUsage.VERTEX_BUFFER, 32), (BufferUsage.INDEX_BUFFER, 4))


@contextmanager
def opened() -> Iterator[Device]:
    """Open the default device without validation."""
    instance = Instance("diorama bench")
    try:
        with Device(instance, instance.choose()) as device:
            yield device
    finally:
        instance.close()


def driver_of(device: Device) -> str:
    """Name the device for a row."""
    profile = live_profile(device)
    return f"{profile.name} {profile.driver}"


class World:
    """`count` buffers of `total` bytes together, in a cache file that is in the page cache."""

    def __init__(self, device: Device, folder: Path, count: int, total: int) -> None:
        self.device, self.count = device, count
        self.profile = live_profile(device)
        random = np.random.default_rng(count)
        sizes = random.integers(total // count * 3 // 4, total // count * 5 // 4, count) // 4 * 4
        sizes += (total - int(sizes.sum())) // count // 4 * 4
        self.offsets = np.cumsum(-(-sizes // 16) * 16) - -(-sizes // 16) * 16
        self.sizes, self.bytes = sizes, int(sizes.sum())
        self._file = self._write(folder / f"{count}.cache", random)
        self.cache = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        keys = DB << 32 | np.arange(count)
        self.keys = keys
        self.sources = Sources.of(keys, np.full(count, DB), self.offsets, sizes)
        self.plan = self._plan(self.profile)

    def _write(self, path: Path, random: np.random.Generator):
        noise = random.integers(0, 256, 16 * MIB, np.uint8)
        end = int(self.offsets[-1] + self.sizes[-1])
        with path.open("wb") as out:
            for at in range(0, end, len(noise)):
                noise[:8] = np.frombuffer(at.to_bytes(8, "little"), np.uint8)
                out.write(noise[: end - at])
        return path.open("rb")

    def _plan(self, profile: DeviceProfile) -> Plan:
        table = RequirementTable()
        requester = table.requesters.add("visibleModel", "bench")
        for key, size in zip(self.keys.tolist(), self.sizes.tolist(), strict=True):
            usage, alignment = KINDS[key % len(KINDS)]
            table.add(
                Requirement(
                    key,
                    Kind.BUFFER,
                    size,
                    alignment,
                    usage=usage,
                    properties=MemoryProperty.DEVICE_LOCAL,
                    contents=Contents.CACHE,
                ),
                requester,
            )
        return make_plan(coalesce(table), profile, None, POLICY)

    @property
    def is_direct(self) -> bool:
        """Whether the plan has everything where the host can write to it."""
        place = self.plan.address(int(self.keys[0]))
        return bool(self.profile.memory_types[place.memory_type].properties & MemoryProperty.HOST_VISIBLE)

    def schedule(self, resident: Resident, plan: Plan | None = None) -> Schedule:
        """Make the schedule that uploads everything."""
        return make_schedule(resident, plan or self.plan, self.sources)

    def manager(self, resident: Resident, **more) -> MemoryManager:
        """Make a manager that reads from the cache file."""
        cache = SimpleNamespace(
            descriptor=self._file.fileno(), begin=0, size=len(self.cache), data=memoryview(self.cache)
        )
        return MemoryManager(self.device, self.profile, {DB: cache}, state=resident, **more)

    def upload_otherwise(self) -> float:
        """The same as `upload`, through staging if that writes straight to the device, and the reverse."""
        if self.is_direct:
            return self.upload(pace=Pace(direct=False))[0]
        heaps = tuple(replace(heap, device_local=True) for heap in self.profile.heaps)
        return self.upload(self._plan(replace(self.profile, heaps=heaps)))[0]

    def upload(self, plan: Plan | None = None, **more) -> tuple[float, float]:
        """Upload everything at once: seconds from the allocation of memory to the last key, and in total.

        Like the references it begins with the plan's memory and a staging buffer made; all is from submit
        to settled, staging given back.
        """
        resident = Resident()
        schedule = self.schedule(resident, plan)
        with self.manager(resident, **more) as manager:
            begun = time.perf_counter()
            manager.submit(schedule)
            while not isinstance(manager.open_steps[0], Transfer):
                manager.advance(cycles=0, milliseconds=1e9, hurry=True)
                if not isinstance(manager.open_steps[0], Transfer):
                    manager.wait()
            self._allocate_staging(manager)
            start = time.perf_counter()
            while manager.statistics.published < self.count:
                manager.advance(cycles=1 << 30, milliseconds=1e9, hurry=True)
                if manager.statistics.published < self.count:
                    manager.wait()
            end = time.perf_counter()
            manager.settle()
            return end - start, time.perf_counter() - begun

    @staticmethod
    def _allocate_staging(manager: MemoryManager) -> None:
        """Create the staging buffer of the first transfer, if it needs one."""
        executor = manager._executor
        first = next(step for step in manager.open_steps if isinstance(step, Transfer))
        if len(first.buffer_copies) and executor.transfers._writable(first):
            return
        while not executor._allocate_staging(first.staging):
            executor.background.wait()

    def reference(self) -> tuple[float, float]:
        """Seconds of copying the bytes into mapped staging, and of vkCmdCopyBuffer into new memory."""
        objects, queue = Objects(self.device, self.profile), self.device.transfer or self.device.graphics
        recorder = Recorder(self.device, queue, "reference")
        try:
            return self._reference(objects, recorder)
        finally:
            recorder.drain()
            objects.close()
            recorder.close()

    def _reference(self, objects: Objects, recorder: Recorder) -> tuple[float, float]:
        cache = np.frombuffer(self.cache, np.uint8)
        visible = MemoryProperty.HOST_VISIBLE | MemoryProperty.HOST_COHERENT
        self._buffer(objects, 0, STAGING, BufferUsage.TRANSFER_SRC, visible)
        self._buffer(objects, 1, len(cache), BufferUsage.TRANSFER_DST, MemoryProperty.DEVICE_LOCAL)
        staging = objects.resources[0].mapped
        assert staging is not None
        staging[:] = 1
        filling = copying = 0.0
        for at in range(0, len(cache), STAGING):
            size = min(STAGING, len(cache) - at)
            start = time.perf_counter()
            staging[:size] = cache[at : at + size]
            filled = time.perf_counter()
            region = rows("VkBufferCopy2", 1)
            region["dstOffset"], region["size"] = at, size
            commands = recorder.commands()
            copies._copy_buffer(self.device.vk, commands, objects.resources[0], objects.resources[1], region)
            recorder.timeline.wait(recorder.submit())
            filling += filled - start
            copying += time.perf_counter() - filled
        return filling, copying

    def _buffer(
        self, objects: Objects, number: int, size: int, usage: BufferUsage, properties: MemoryProperty
    ) -> None:
        needs = self.profile.buffer_requirements(size, usage)
        types = self.profile.memory_types
        fits = [
            i
            for i, t in enumerate(types)
            if t.properties & properties == properties and needs.type_bits >> i & 1
        ]
        objects.create_buffer(CreateBuffer(number, size, int(usage)))
        mapped = bool(properties & MemoryProperty.HOST_VISIBLE)
        objects.allocate(Allocate(number, fits[0], needs.size, mapped=mapped))
        objects.bind(Bind(number, number, 0), needs.size)

    def close(self) -> None:
        """Close the cache file."""
        self.cache.close()
        self._file.close()
        Path(self._file.name).unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Frames:
    """The cube, drawn headless while something else is uploaded on the same device."""

    def __init__(self) -> None:
        from engine.assets import open_library
        from engine.runtime.options import RuntimeOptions
        from engine.runtime.runtime import Runtime
        from engine.scene import load_scene

        scene = load_scene(ROOT / "scenes" / "cube.hu")
        self._library = open_library(scene.dbs)
        with Runtime(scene, self._library, RuntimeOptions(size=(64, 64), validate=False)) as asked:
            self.software = asked.profile.device_type == "cpu"
        options = RuntimeOptions(size=SIZES[self.software], validate=False)
        self._runtime = Runtime(scene, self._library, options)
        self._runtime.settle()
        self.device = self._runtime.device

    def beside(self, world: World) -> tuple[list[float], list[float], list[float]]:
        """Milliseconds of frames of the idle scene, of those during the upload, and of the manager's CPU."""
        resident = Resident()
        schedule = world.schedule(resident)
        idle, busy, cpu = [], [], []
        for _ in range(50):
            self._runtime.frame()
        for _ in range(IDLE_FRAMES):
            idle.append(self._frame(lambda: None)[0])
        with world.manager(resident, frames=self._runtime.timeline) as manager:
            manager.submit(schedule)
            while not manager.settled:
                wall, spent = self._frame(manager.advance)
                busy.append(wall)
                cpu.append(spent)
            self._runtime.wait()
        return idle, busy, cpu

    def _frame(self, before: Callable[[], object]) -> tuple[float, float]:
        start, cpu = time.perf_counter(), time.thread_time()
        before()
        cpu = time.thread_time() - cpu
        self._runtime.frame()
        return (time.perf_counter() - start) * 1e3, cpu * 1e3

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._runtime.close()
        self._library.close()
