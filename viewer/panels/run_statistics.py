"""What the inspector shows besides tableau and plan: facts of the run, gathered once a frame."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RunStatistics:
    """Figures of the frame at hand; sizes in bytes, times in milliseconds."""

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
