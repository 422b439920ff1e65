"""All panels of a window, in the order of their tabs, each in its first place."""

from __future__ import annotations

from viewer.panels.animation.animation_panel import AnimationPanel
from viewer.panels.assets.assets_panel import AssetsPanel
from viewer.panels.frame.frame_panel import FramePanel
from viewer.panels.history.memory_history import MemoryHistory
from viewer.panels.history.snapshots_panel import SnapshotsPanel
from viewer.panels.history.timeline_panel import TimelinePanel
from viewer.panels.memory.heaps_panel import HeapsPanel
from viewer.panels.memory.map_panel import MapPanel
from viewer.panels.memory.plan_models import SharedModels
from viewer.panels.memory.table.table_panel import TablePanel
from viewer.panels.memory.why_panel import WhyPanel
from viewer.panels.outliner.outliner_panel import OutlinerPanel
from viewer.panels.panel import Dock, Placed
from viewer.panels.plans.plans_panel import PlansPanel
from viewer.panels.problems.problems_panel import ProblemsPanel
from viewer.panels.properties.properties_panel import PropertiesPanel
from viewer.panels.schedule.schedule_panel import SchedulePanel
from viewer.panels.source.source_panel import SourcePanel
from viewer.panels.what_if.other_devices_panel import OtherDevicesPanel
from viewer.session.session import Session


def make_panels(session: Session) -> list[Placed]:
    """Make every panel for a session; they take what is drawn and changed from it."""
    problems, memory = ProblemsPanel(session), SharedModels(session)
    history = MemoryHistory(session)
    return [
        Placed(OutlinerPanel(session), Dock.LEFT),
        Placed(PropertiesPanel(session), Dock.RIGHT),
        Placed(WhyPanel(session, memory), Dock.RIGHT),
        Placed(HeapsPanel(session, memory), Dock.RIGHT),
        Placed(MapPanel(session, memory), Dock.BOTTOM),
        Placed(TablePanel(session, memory), Dock.BOTTOM),
        Placed(AnimationPanel(session), Dock.BOTTOM),
        Placed(AssetsPanel(session), Dock.BOTTOM),
        Placed(FramePanel(session), Dock.BOTTOM),
        Placed(SourcePanel(session), Dock.BOTTOM),
        Placed(SchedulePanel(session), Dock.BOTTOM),
        Placed(SnapshotsPanel(history), Dock.BOTTOM),
        Placed(TimelinePanel(history), Dock.BOTTOM),
        Placed(PlansPanel(history), Dock.BOTTOM),
        Placed(OtherDevicesPanel(session), Dock.BOTTOM, shown=False),
        Placed(problems, Dock.BOTTOM, label=problems.label),
    ]
