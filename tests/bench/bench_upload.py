"""What bringing a gigabyte to the device costs, beside the slower of the two copies that it consists of."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterable
from pathlib import Path

from harness import Row
from uploads import MIB, World, driver_of, opened

AIMS = {1_000: 0.9, 50_000: 0.6}
ROUNDS = 3
TOTAL = 1024 * MIB


def rows() -> Iterable[Row]:
    """Upload the same bytes in few and in many assets."""
    with tempfile.TemporaryDirectory() as folder, opened() as device:
        for count, aim in AIMS.items():
            with World(device, Path(folder), count, TOTAL) as world:
                yield _speed(world, aim)


def _speed(world: World, aim: float) -> Row:
    world.reference()  # what the system has never given out is slow to touch first
    ours, fills, copies = [], [], []
    for _ in range(ROUNDS):
        fill, copy = world.reference()
        fills.append(fill)
        copies.append(copy)
        ours.append(world.upload())
    fill, copy, value = (TOTAL / statistics.median(times) / 1e9 for times in (fills, copies, ours))
    slower = "numpy copy into mapped staging" if fill < copy else "vkCmdCopyBuffer into new memory"
    ratio = value / min(fill, copy)
    return Row(
        f"upload.{world.count}_assets",
        value,
        "GB/s",
        f"{slower} (numpy {fill:.2f}, vkCmdCopyBuffer {copy:.2f} GB/s)",
        min(fill, copy),
        aim=f">= {aim:g} of the slower copy",
        holds=ratio >= aim,
        driver=driver_of(world.device),
    )
