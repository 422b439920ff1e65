"""All panels of a window, in the order of their tabs, each in its first place."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from viewer.panels.animation.animation_panel import AnimationPanel
from viewer.panels.history.memory_history import MemoryHistory
from viewer.panels.outliner.outliner_panel import OutlinerPanel
from viewer.panels.panel import Dock, LaterPanel, Panel, Placed
from viewer.panels.plans.last_plans import LastPlans
from viewer.panels.problems.problems_panel import ProblemsPanel
from viewer.panels.properties.properties_panel import PropertiesPanel
from viewer.session.links import AssetLink, PanelLink, SourceLink
from viewer.session.session import Session

if TYPE_CHECKING:
    from viewer.panels.memory.plan_models import SharedModels


def make_panels(session: Session) -> list[Placed]:
    """Make every panel for a session; they take what is drawn and changed from it.

    Those that follow nothing before they are seen are made then, and their modules imported.
    """
    problems = ProblemsPanel(session)
    history, plans = MemoryHistory(session), LastPlans()
    plans.present = session.runtime.plan
    session.runtime.observers.add(plans)

    @cache
    def models() -> SharedModels:
        from viewer.panels.memory.plan_models import SharedModels

        return SharedModels(session)

    def memory() -> Panel:
        from viewer.panels.memory.map_panel import MapPanel

        return MapPanel(session, models())

    def why() -> Panel:
        from viewer.panels.memory.why_panel import WhyPanel

        return WhyPanel(session, models())

    def heaps() -> Panel:
        from viewer.panels.memory.heaps_panel import HeapsPanel

        return HeapsPanel(session, models())

    def table() -> Panel:
        from viewer.panels.memory.table.table_panel import TablePanel

        return TablePanel(session, models())

    def frame() -> Panel:
        from viewer.panels.frame.frame_panel import FramePanel

        return FramePanel(session)

    def schedule() -> Panel:
        from viewer.panels.schedule.schedule_panel import SchedulePanel

        return SchedulePanel(session, plans)

    def devices() -> Panel:
        from viewer.panels.what_if.other_devices_panel import OtherDevicesPanel

        return OtherDevicesPanel(session)

    def source() -> Panel:
        from viewer.panels.source.source_panel import SourcePanel

        return SourcePanel(session)

    def assets() -> Panel:
        from viewer.panels.assets.assets_panel import AssetsPanel

        return AssetsPanel(session)

    def snapshots() -> Panel:
        from viewer.panels.history.snapshots_panel import SnapshotsPanel

        return SnapshotsPanel(history)

    def timeline() -> Panel:
        from viewer.panels.history.timeline_panel import TimelinePanel

        return TimelinePanel(history)

    def all_plans() -> Panel:
        from viewer.panels.plans.plans_panel import PlansPanel

        return PlansPanel(history, plans)

    sources = LaterPanel("source", source)

    def follow_source(_link: SourceLink) -> None:
        _ = sources.panel  # once it is made it follows links itself, this one among them

    def follow_asset(_link: AssetLink) -> None:
        session.links.follow(PanelLink("assets"))

    session.links.on(SourceLink, follow_source)
    session.links.on(AssetLink, follow_asset)
    return [
        Placed(OutlinerPanel(session), Dock.LEFT),
        Placed(PropertiesPanel(session), Dock.RIGHT),
        Placed(LaterPanel("why", why), Dock.RIGHT),
        Placed(LaterPanel("heaps", heaps), Dock.RIGHT),
        Placed(LaterPanel("memory", memory, lambda: session.runtime.plan is not None), Dock.BOTTOM),
        Placed(LaterPanel("memory table", table), Dock.BOTTOM),
        Placed(AnimationPanel(session), Dock.BOTTOM),
        Placed(LaterPanel("assets", assets), Dock.BOTTOM),
        Placed(LaterPanel("frame", frame), Dock.BOTTOM),
        Placed(sources, Dock.BOTTOM),
        Placed(LaterPanel("schedule", schedule), Dock.BOTTOM),
        Placed(LaterPanel("snapshots", snapshots), Dock.BOTTOM),
        Placed(LaterPanel("timeline", timeline), Dock.BOTTOM),
        Placed(LaterPanel("plans", all_plans), Dock.BOTTOM),
        Placed(LaterPanel("other devices", devices), Dock.BOTTOM, shown=False),
        Placed(problems, Dock.BOTTOM, label=problems.label),
    ]
