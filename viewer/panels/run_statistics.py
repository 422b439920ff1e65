"""The statistics of a run that the inspector shows beside tableau and plan, updated every frame."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RunStatistics:
    """The statistics at the current frame; sizes in bytes, times in milliseconds."""

    scene: str = ""
    device: str = ""
    frame_ms: float = 0.0
    cpu_ms: float = 0.0
    planned_bytes: int = 0
    live_bytes: int = 0
    waste_bytes: int = 0
    steps_done: int = 0
    steps: int = 0
    settled: bool = True
    problems: tuple[str, ...] = field(default=())
