"""The report of a run, as `--report` writes it."""

from __future__ import annotations

import os
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from engine.humon import Problem
    from engine.runtime.frame_facts import FrameFacts
    from engine.runtime.runtime import Runtime

SCHEMA = 1
KEPT_FRAMES = 1 << 16
_IMPORTED = time.time()


def seconds_since_start() -> float:
    """Return the age of this process; where the system does not report it, that of this module's import."""
    try:
        after_name = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        started = int(after_name[19]) / os.sysconf("SC_CLK_TCK")
        uptime = time.clock_gettime(time.CLOCK_BOOTTIME)
    except (OSError, AttributeError, ValueError):
        return time.time() - _IMPORTED
    return uptime - started


@dataclass
class RunLog:
    """Figures of the frames of a run; times in milliseconds, of the last KEPT_FRAMES drawn frames.

    `frames` counts all frames, `drawn` those that were drawn: not while the window has no area or the
    attachments are not resident. `losses` has one warning per lost device.
    """

    frames: int = 0
    drawn: int = 0
    wall_ms: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT_FRAMES))
    cpu_ms: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT_FRAMES))
    settled_at: int | None = None
    first_frame_s: float | None = None
    losses: list[Problem] = field(default_factory=list)

    def note(self, facts: FrameFacts, runtime: Runtime) -> None:
        """Record the figures of one frame; waits for the first drawn one, to measure when it has completed.

        Raises DeviceLost from that wait; nothing is recorded then.
        """
        if self.first_frame_s is None and facts.drawn:
            runtime.wait()
            self.first_frame_s = seconds_since_start()
        self.frames += 1
        if facts.drawn:
            self.drawn += 1
            self.wall_ms.append(facts.wall_ms)
            self.cpu_ms.append(facts.cpu_ms)
        if facts.settled and self.settled_at is None:
            self.settled_at = self.frames


def make_report(runtime: Runtime, log: RunLog, scene: str) -> dict[str, Any]:
    """Return the report of a run before it is closed; `finish_report` completes it afterwards."""
    plan, adapter = runtime.plan, runtime.device.adapter
    assert plan is not None
    tables = runtime.tableau.tables.values()
    statistics = runtime.memory.statistics
    resources = plan.memory.resources
    images = int((resources["kind"] == 1).sum())
    return {
        "schema": SCHEMA,
        "scene": scene,
        "device": {
            "name": adapter.name,
            "type": adapter.type.name.lower(),
            "driver": adapter.driver,
            "api": adapter.api,
        },
        "frames": log.frames,
        "frames_drawn": log.drawn,
        "settled_at_frame": log.settled_at,
        "first_frame_s": None if log.first_frame_s is None else round(log.first_frame_s, 4),
        "frame_ms": _spread(log.wall_ms),
        "cpu_ms": _spread(log.cpu_ms),
        "objects": len(runtime.tableau),
        "features": {
            "active": sum(len(table.rows_active()) for table in tables),
            "enabled": sum(len(table.rows_enabled()) for table in tables),
        },
        "plan": {
            "planned_bytes": plan.planned_bytes,
            "live_bytes": runtime.memory.live_bytes,
            "allocations": len(plan.memory.allocations),
            "buffers": len(resources) - images,
            "images": images,
            "subresources": len(plan.memory.subresources),
            "waste_bytes": plan.waste_bytes,
            "waiting_bytes": plan.waiting_bytes,
        },
        "schedule": {
            "steps": statistics.steps,
            "cycles": statistics.cycles,
            "bytes_uploaded": statistics.bytes_uploaded,
            "moves": statistics.moves,
        },
        "draws": {
            "calls": runtime.renderer.draws.calls,
            "instances": runtime.renderer.draws.instances,
            "triangles": runtime.renderer.draws.triangles,
            "views": [
                {"pass": name, "view": view, "drawn": drawn, "of": of}
                for name, view, drawn, of in runtime.renderer.rows_in_views()
            ],
        },
        "validation": {"enabled": runtime.instance.validation.supported, "messages": 0},
        "live_objects_after_close": None,
        "warnings": [problem.render() for problem in runtime.problems],
    }


def finish_report(report: dict[str, Any], runtime: Runtime, log: RunLog) -> dict[str, Any]:
    """Add what is only known after closing: validation messages, lost devices, leaked objects."""
    report["warnings"] = [*(loss.render() for loss in log.losses), *report["warnings"]]
    report["validation"]["messages"] = sum(len(instance.messages) for instance in runtime.instances)
    report["live_objects_after_close"] = sum(instance.handles.left_behind for instance in runtime.instances)
    return report


def _spread(values: deque[float]) -> dict[str, float | None]:
    """Return median, 99th percentile and maximum."""
    if not values:
        return {"p50": None, "p99": None, "max": None}
    p50, p99 = np.percentile(values, [50, 99])
    return {"p50": round(float(p50), 4), "p99": round(float(p99), 4), "max": round(max(values), 4)}
