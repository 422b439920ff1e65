"""What a session remembers of memory: snapshots and the timeline; and what of it is being looked at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine.plan.model.plan import Plan
from viewer.panels.history.memory_image import MemoryImage
from viewer.panels.history.plan_causes import PlanCauses
from viewer.panels.history.snapshots import Snapshot, Snapshots
from viewer.panels.history.timeline import Timeline
from viewer.session.session import Session

NOW = "now"
COUNTED = ("Buffer", "DeviceMemory", "Image")
"""The types of Vulkan objects that a leak check counts: others are made when they are used, and kept."""


class MemoryHistory:
    """Follows the plans of a session's runtime from now on."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.snapshots = Snapshots()
        self.timeline = Timeline(PlanCauses(session.runtime).find)
        session.runtime.observers.add(self.timeline)
        self._now: tuple[Plan, Snapshot] | None = None

    def now(self) -> Snapshot | None:
        """Memory as the present plan has it; None before there is one. Made once for each plan."""
        runtime = self.session.runtime
        plan = runtime.plan
        if plan is None:
            return None
        if self._now is None or self._now[0] is not plan:
            snapshot = Snapshot(NOW, self.session.statistics.scene, 0, MemoryImage.of(plan), 0)
            self._now = plan, snapshot
        return self._now[1]

    def take(self, name: str) -> Snapshot | None:
        """Add a snapshot of memory as it is; None before there is a plan."""
        found = self.current(name)
        return None if found is None else self.snapshots.add(found)

    def take_compared(self) -> Snapshot | None:
        """Add a snapshot of the scene that is shown beside this one, named after it; None without one."""
        if self.session.compared is None:
            return None
        name, runtime = self.session.compared
        if runtime.plan is None:
            return None
        image = MemoryImage.of(runtime.plan)
        return self.snapshots.add(Snapshot(name, name, runtime.frames, image, runtime.memory.live_bytes))

    def current(self, name: str = NOW) -> Snapshot | None:
        """Memory as it is, with what is live at this moment."""
        now, runtime = self.now(), self.session.runtime
        if now is None:
            return None
        counts = runtime.instance.handles.counts()
        return replace(
            now,
            name=name,
            frame=runtime.frames,
            live_bytes=runtime.memory.live_bytes,
            objects={kind: counts[kind] for kind in COUNTED if kind in counts},
        )

    def save(self, snapshot: Snapshot, path: Path) -> None:
        """Write a snapshot. Raises InputError."""
        from viewer.panels.history.files.snapshot_file import write_snapshot

        write_snapshot(path, snapshot)

    def open(self, path: Path) -> Snapshot:
        """Add the snapshot of a file. Raises InputError."""
        from viewer.panels.history.files.snapshot_reader import read_snapshot

        return self.snapshots.add(read_snapshot(path))
