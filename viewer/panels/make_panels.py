"""All panels of a window, in the order of their tabs, each in its first place."""

from __future__ import annotations

from viewer.panels.animation.animation_panel import AnimationPanel
from viewer.panels.assets.assets_panel import AssetsPanel
from viewer.panels.history.memory_history import MemoryHistory
from viewer.panels.history.snapshots_panel import SnapshotsPanel
from viewer.panels.history.timeline_panel import TimelinePanel
from viewer.panels.memory.map_panel import MapPanel
from viewer.panels.memory.plan_models import SharedModels
from viewer.panels.outliner.outliner_panel import OutlinerPanel
from viewer.panels.panel import Dock, LaterPanel, Panel, Placed
from viewer.panels.plans.plans_panel import PlansPanel
from viewer.panels.problems.problems_panel import ProblemsPanel
from viewer.panels.properties.properties_panel import PropertiesPanel
from viewer.panels.source.source_panel import SourcePanel
from viewer.session.session import Session


def make_panels(session: Session) -> list[Placed]:
    """Make every panel for a session; they take what is drawn and changed from it.

    Those that follow nothing before they are seen are made then, and their modules imported.
    """
    problems, memory = ProblemsPanel(session), SharedModels(session)
    history = MemoryHistory(session)

    def why() -> Panel:
        from viewer.panels.memory.why_panel import WhyPanel

        return WhyPanel(session, memory)

    def heaps() -> Panel:
        from viewer.panels.memory.heaps_panel import HeapsPanel

        return HeapsPanel(session, memory)

    def table() -> Panel:
        from viewer.panels.memory.table.table_panel import TablePanel

        return TablePanel(session, memory)

    def frame() -> Panel:
        from viewer.panels.frame.frame_panel import FramePanel

        return FramePanel(session)

    def schedule() -> Panel:
        from viewer.panels.schedule.schedule_panel import SchedulePanel

        return SchedulePanel(session)

    def devices() -> Panel:
        from viewer.panels.what_if.other_devices_panel import OtherDevicesPanel

        return OtherDevicesPanel(session)

    return [
        Placed(OutlinerPanel(session), Dock.LEFT),
        Placed(PropertiesPanel(session), Dock.RIGHT),
        Placed(LaterPanel("why", why), Dock.RIGHT),
        Placed(LaterPanel("heaps", heaps), Dock.RIGHT),
        Placed(MapPanel(session, memory), Dock.BOTTOM),
        Placed(LaterPanel("memory table", table), Dock.BOTTOM),
        Placed(AnimationPanel(session), Dock.BOTTOM),
        Placed(AssetsPanel(session), Dock.BOTTOM),
        Placed(LaterPanel("frame", frame), Dock.BOTTOM),
        Placed(SourcePanel(session), Dock.BOTTOM),
        Placed(LaterPanel("schedule", schedule), Dock.BOTTOM),
        Placed(SnapshotsPanel(history), Dock.BOTTOM),
        Placed(TimelinePanel(history), Dock.BOTTOM),
        Placed(PlansPanel(history), Dock.BOTTOM),
        Placed(LaterPanel("other devices", devices), Dock.BOTTOM, shown=False),
        Placed(problems, Dock.BOTTOM, label=problems.label),
    ]
