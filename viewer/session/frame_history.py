"""The last frames as columns: how long they took, what was done in them, and why some took long."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FRAMES = 600
"""How many frames are kept: ten seconds at 60 a second."""
MEDIAN_OF = 120
HITCH = 1.5
"""A frame that takes more than so many times the median of those before it is a hitch."""
LEAST_MS = 4.0
"""Frames shorter than this are no hitches, whatever the others take."""

FRAME = np.dtype(
    [
        ("number", np.int64),
        ("wall_ms", np.float64),
        ("cpu_ms", np.float64),
        ("panels_ms", np.float64),
        ("device_ms", np.float64),
        ("collector_ms", np.float64),
        ("steps", np.int32),
        ("planned", np.bool_),
        ("resized", np.bool_),
    ]
)
"""A frame: wall time of all of it, CPU of the scene and of the panels, time on the device (0 unless taken),
of the garbage collector; how many steps of the schedule it did, whether it was planned again or resized."""


@dataclass(frozen=True, slots=True)
class Hitch:
    """A frame that took long: its number and time, that of the median before it, and why."""

    number: int
    wall_ms: float
    median_ms: float
    cause: str


class FrameHistory:
    """A ring of the last FRAMES frames, and the last hitches."""

    def __init__(self) -> None:
        self._rows = np.zeros(FRAMES, FRAME)
        self._count = 0
        self.hitches: list[Hitch] = []

    def __len__(self) -> int:
        return min(self._count, FRAMES)

    def note(self, **values: float | bool) -> Hitch | None:
        """Note a frame by the fields of FRAME; return it if it is a hitch."""
        before = self.column("wall_ms")[-MEDIAN_OF:]
        at = self._count % FRAMES
        self._rows[at] = np.zeros((), FRAME)
        row = self._rows[at]
        for name, value in values.items():
            row[name] = value
        self._count += 1
        median = float(np.median(before)) if len(before) >= 8 else np.inf
        wall = float(row["wall_ms"])
        if wall <= max(LEAST_MS, HITCH * median):
            return None
        hitch = Hitch(int(row["number"]), wall, median, cause_of(row, median))
        self.hitches = [*self.hitches[-49:], hitch]
        return hitch

    def column(self, name: str) -> NDArray[np.float64]:
        """A field of FRAME of the frames that are kept, oldest first, float64[n]."""
        values = self._rows[name]
        if self._count <= FRAMES:
            return np.ascontiguousarray(values[: self._count], np.float64)
        start = self._count % FRAMES
        return np.concatenate((values[start:], values[:start])).astype(np.float64)


def cause_of(row: np.void, median: float) -> str:
    """Say what made a frame slow, from what it did: the largest part of the time that others did not take."""
    wall, cpu, panels = (float(row[name]) for name in ("wall_ms", "cpu_ms", "panels_ms"))
    excess = wall - median
    if float(row["collector_ms"]) > 0.5 * excess:
        return f"garbage collection, {row['collector_ms']:.1f} ms"
    if panels > 0.5 * excess and panels > cpu:
        return f"the panels, {panels:.1f} ms of CPU"
    if cpu > 0.5 * excess:
        parts = []
        if row["resized"]:
            parts.append("another size of the picture")
        if row["planned"]:
            parts.append("a new plan")
        if row["steps"]:
            parts.append(f"{int(row['steps']):,} steps of the schedule")
        return f"{', '.join(parts) or 'the scene'}, {cpu:.1f} ms of CPU"
    if float(row["device_ms"]) > 0.5 * wall:
        return f"the GPU, {row['device_ms']:.1f} ms"
    if row["planned"] or row["resized"]:
        return "the GPU or the display, after a new plan"
    return "the GPU, the display or another process: no CPU time of ours"
