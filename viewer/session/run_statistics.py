"""The figures of a run that panels show beside tableau and plan, updated every frame."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.humon import Problem


@dataclass(frozen=True, slots=True)
class RunStatistics:
    """The statistics at the current frame; sizes in bytes, times in milliseconds.

    `frames_per_second` and `cpu_ms`, of a whole frame with the UI, are means of the last second; `idle`:
    no frame was drawn in it, as nothing has changed. `problems` are all present ones, the newest first.
    """

    scene: str = ""
    device: str = ""
    frames_per_second: float = 0.0
    cpu_ms: float = 0.0
    idle: bool = False
    planned_bytes: int = 0
    live_bytes: int = 0
    waste_bytes: int = 0
    steps_done: int = 0
    steps: int = 0
    settled: bool = True
    problems: tuple[Problem, ...] = field(default=())
