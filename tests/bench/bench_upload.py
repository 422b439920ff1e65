"""The cost of uploading a gigabyte, compared with raw copies, alone and while a scene is drawn."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterable
from pathlib import Path

from harness import Row
from uploads import MIB, Frames, World, driver_of, opened

from engine.memory.streaming.manager import Pace
from engine.plan.resident.resident import Resident
from engine.plan.terms.policy import Policy

AIMS = {1_000: 0.9, 50_000: 0.6}
ROUNDS = 3
TOTAL = 1024 * MIB
CPU_MS = 0.5
STAGING = 2 * Policy().staging


def rows() -> Iterable[Row]:
    """Upload the same bytes in few and in many assets, with nothing else going on and during frames."""
    with tempfile.TemporaryDirectory() as folder, opened() as device:
        for count, aim in AIMS.items():
            with World(device, Path(folder), count, TOTAL) as world:
                yield from _speed(world, aim)
    with tempfile.TemporaryDirectory() as folder, Frames() as frames:
        for count in AIMS:
            with World(frames.device, Path(folder), count, TOTAL) as world:
                yield from _beside_frames(frames, world, count)


def _speed(world: World, aim: float) -> Iterable[Row]:
    world.reference()  # what the system has never given out is slow to touch first
    ours, whole, other, fills, copies = [], [], [], [], []
    for _ in range(ROUNDS):
        fill, copy = world.reference()
        fills.append(fill)
        copies.append(copy)
        arrived, settled = world.upload()
        ours.append(arrived)
        whole.append(settled)
        other.append(world.upload_otherwise())
    fill, copy, value, through, all_of_it = (_rate(times) for times in (fills, copies, ours, other, whole))
    slower = "numpy copy into mapped staging" if fill < copy else "vkCmdCopyBuffer into new memory"
    driver = driver_of(world.device)
    yield Row(
        f"upload.{world.count}_assets",
        value,
        "GB/s",
        f"{slower} (numpy {fill:.2f}, vkCmdCopyBuffer {copy:.2f} GB/s)",
        min(fill, copy),
        aim=f">= {aim:g} of the slower copy",
        holds=value >= aim * min(fill, copy),
        driver=driver,
    )
    yield Row(
        f"upload.{world.count}_whole",
        all_of_it,
        "GB/s",
        "the same without making memory and giving staging back",
        value,
        driver=driver,
    )
    yield Row(
        f"upload.{world.count}_default",
        value,
        "GB/s",
        "the same through staging" if world.is_direct else "the same straight to where it belongs",
        through,
        aim="the default is no slower, within the noise: >= 0.9 x",
        holds=value >= 0.9 * through,
        driver=driver,
    )
    if world.count == min(AIMS):
        peak = _staging_peak(world)
        words = "its two staging buffers"
        yield Row(
            "upload.staging",
            peak / MIB,
            "MiB",
            words,
            STAGING / MIB,
            aim="never above them",
            holds=peak <= STAGING,
            driver=driver,
        )


def _staging_peak(world: World) -> int:
    """The most bytes live beyond the planned ones while everything is uploaded through staging."""
    resident = Resident()
    schedule = world.schedule(resident)
    with world.manager(resident, pace=Pace(direct=False)) as manager:
        manager.submit(schedule)
        most = 0
        while not manager.advance():
            most = max(most, manager.live_bytes)
    return most - world.plan.planned_bytes


def _beside_frames(frames: Frames, world: World, count: int) -> Iterable[Row]:
    idle, busy, cpu = frames.beside(world)
    median, p99 = statistics.median(idle), _p99(busy)
    software = frames.software
    aim = 3.0 if software else 1.5
    name = "frame_p99" if count == min(AIMS) else f"frame_p99_{count}"
    driver = driver_of(world.device)
    yield Row(
        f"upload.{name}",
        p99,
        "ms",
        f"median of the idle scene ({len(busy)} frames during the upload; idle p99 {_p99(idle):.2f} ms)",
        median,
        aim=f"<= {aim:g} x",
        holds=p99 <= aim * median,
        driver=driver,
    )
    name = "manager_cpu" if count == min(AIMS) else f"manager_cpu_{count}"
    mean = statistics.fmean(cpu)
    yield Row(
        f"upload.{name}",
        mean,
        "ms/frame",
        f"the aim itself (p99 {_p99(cpu):.2f} ms)",
        CPU_MS,
        aim=f"<= {CPU_MS:g} ms",
        holds=mean <= CPU_MS,
        driver=driver,
    )


def _rate(times: list[float]) -> float:
    return TOTAL / statistics.median(times) / 1e9


def _p99(values: list[float]) -> float:
    return sorted(values)[max(int(len(values) * 0.99) - 1, 0)]
