"""2,000 random schedules on the device, read back byte by byte, with core and synchronization validation."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from pathlib import Path

from harness import Row

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.gpu import checked_device
from support.schedule_worlds import run

from engine.memory.device.live_profile import live_profile

SCHEDULES = 2_000
PER_WORLD = 20


def rows() -> Iterable[Row]:
    """Half of them use staging, half write straight into their buffers."""
    start = time.perf_counter()
    wrong: list[str] = []
    with checked_device() as device:
        profile = live_profile(device)
        driver = f"{profile.name} {profile.driver}"
        for seed in range(SCHEDULES // PER_WORLD):
            wrong += run(device, profile, 1000 + seed, PER_WORLD, direct=bool(seed % 2))
    for line in wrong[:10]:
        print(line, file=sys.stderr)
    yield Row(
        "schedules.random_2000",
        float(len(wrong)),
        "differences",
        f"caches and plans, in {time.perf_counter() - start:.0f} s",
        aim="0, validation silent",
        holds=not wrong,
        driver=driver,
    )
