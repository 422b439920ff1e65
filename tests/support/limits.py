"""Time limits that grow with the slowness of the machine, measured by one fixed loop of plain Python.

Limits are written in seconds of a quiet machine on which the loop takes `LOOP_S`. They end what hangs, so
they are generous; a claim about speed belongs in tests/bench.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

LOOP_S = 0.035
"""What the fixed loop takes on the machine that limits are written for."""
_TURNS = 1_000_000
_TIMES = 3


@dataclass(frozen=True, slots=True)
class Loop:
    """The seconds that the fixed loop took: of this process (CPU), and by the clock on the wall."""

    cpu: float
    wall: float


def fixed_loop() -> Loop:
    """Measure the fixed loop: a million additions, the median of three."""
    cpu, wall = [], []
    for _ in range(_TIMES):
        began, began_cpu, total = time.perf_counter(), time.process_time(), 0
        for turn in range(_TURNS):
            total += turn & 7
        cpu.append(time.process_time() - began_cpu)
        wall.append(time.perf_counter() - began)
    return Loop(sorted(cpu)[_TIMES // 2], sorted(wall)[_TIMES // 2])


class Slowness:
    """How many times slower this machine is than the one that limits are written for; at least 1."""

    factor: float = 1.0

    @classmethod
    def measure(cls) -> Loop:
        """Set the factor by the wall clock, so that a busy machine counts as a slow one."""
        loop = fixed_loop()
        cls.factor = max(1.0, loop.wall / LOOP_S)
        return loop


def limit(seconds: float) -> float:
    """Give a limit of so many seconds as it is on this machine."""
    return seconds * Slowness.factor
