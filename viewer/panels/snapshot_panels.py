"""The panels of a window that shows a snapshot: its memory, and that no scene is open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from imgui_bundle import imgui

from viewer.panels import widgets
from viewer.panels.history.files.snapshot_plan import snapshot_plan
from viewer.panels.history.snapshots import Snapshot
from viewer.panels.history.snapshots_panel import SnapshotsPanel
from viewer.panels.make_panels import make_panels
from viewer.panels.memory.map.places import Places
from viewer.panels.memory.map.tiles import Tiles
from viewer.panels.memory.map_panel import MapPanel
from viewer.panels.memory.plan_models import PlanModels, SharedModels
from viewer.panels.memory.request_columns import RequestColumns
from viewer.panels.memory.resident_overlay import ResidentOverlay
from viewer.panels.memory.table.table_panel import TablePanel
from viewer.panels.memory.why_panel import WhyPanel
from viewer.panels.number_format import bytes_text
from viewer.panels.panel import Panel, Placed
from viewer.session.memory_totals import MemoryTotals
from viewer.session.session import Session

KEPT = ("source", "problems", "snapshots")
"""Titles of panels that are as with a scene."""


class SnapshotModels(SharedModels):
    """The models of a snapshot, all of whose memory is resident."""

    def __init__(self, session: Session, snapshot: Snapshot) -> None:
        super().__init__(session)
        plan = snapshot_plan(snapshot.image, session.runtime.profile)
        places = Places.of(plan, staging=False)
        self._models = PlanModels(plan, places, Tiles.of(places), RequestColumns(plan.requirements))
        begin, used, _ = places.ranges
        none = np.zeros(0, np.int64)
        presence = np.zeros(len(places), np.uint8)
        self._overlay = ResidentOverlay(presence, none, none, (int((used - begin).sum()), 0, 0), unfilled=0)
        rest = max(snapshot.live_bytes - plan.planned_bytes, 0)
        self._totals = MemoryTotals(plan.planned_bytes, plan.planned_bytes, leaving=rest)

    def _follow(self) -> None:
        """A snapshot does not change."""


class SnapshotHeaps:
    """What of each heap was allocated."""

    title = "heaps"

    def __init__(self, snapshot: Snapshot) -> None:
        image = snapshot.image
        allocated = image.heap_bytes().tolist()
        self.lines = [image.device.name]
        for number, (heap, size) in enumerate(zip(image.device.heaps, allocated, strict=True)):
            where = "of the device" if heap.device_local else "of the host"
            budget = f"budget {bytes_text(heap.budget)}, size {bytes_text(heap.size)}"
            self.lines.append(f"heap {number} {where}: {bytes_text(size)} allocated, {budget}")

    def draw(self) -> None:
        """Draw the lines into the current window."""
        for line in self.lines:
            widgets.cut(line, more=(line,))


class NoScenePanel:
    """In place of a panel that needs a scene: what the window shows."""

    def __init__(self, title: str, snapshot: Snapshot) -> None:
        self.title = title
        self._text = (
            f"No scene is open: this is the memory of {snapshot.scene} in frame {snapshot.frame:,}, "
            f"the snapshot '{snapshot.name}'."
        )

    def draw(self) -> None:
        """Draw the text into the current window."""
        imgui.push_text_wrap_pos(0.0)
        widgets.quiet(self._text)
        imgui.pop_text_wrap_pos()


@dataclass(frozen=True)
class SnapshotWindow:
    """What a window shows instead of a scene."""

    snapshot: Snapshot

    def panels(self, session: Session) -> list[Placed]:
        """Make every panel, in the places that they have with a scene, and no command that acts on one."""
        session.commands.has_scene = False
        models = SnapshotModels(session, self.snapshot)
        of_memory: tuple[Panel, ...] = (
            MapPanel(session, models, recorded=True),
            TablePanel(session, models),
            WhyPanel(session, models),
            SnapshotHeaps(self.snapshot),
        )
        own = {panel.title: panel for panel in of_memory}
        made = []
        for placed in make_panels(session):
            if placed.title in KEPT:
                made.append(placed)
                continue
            panel = own.get(placed.title) or NoScenePanel(placed.title, self.snapshot)
            made.append(Placed(panel, placed.dock, placed.shown))
        snapshots = next(each.panel for each in made if each.title == SnapshotsPanel.title)
        assert isinstance(snapshots, SnapshotsPanel)
        snapshots.has_scene = False
        snapshots.show(self.snapshot)
        return made
