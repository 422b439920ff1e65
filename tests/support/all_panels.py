"""Every panel of a window side by side, of a scene that is planned for a device that is not there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from imgui_bundle import imgui, implot
from support.mouse import Mouse, SettledMemory, drawn, session_of, workspace_of
from support.random_scenes import profile

from engine.assets import open_library
from engine.memory.device.addresses import Statistics
from engine.memory.streaming.manager import Pace
from engine.plan.model.plan import Plan
from engine.plan.schedule.schedule import Schedule
from engine.planning.scene import ScenePlanner
from engine.runtime.observation import Observers
from engine.scene import load_scene
from viewer.panels.make_panels import make_panels
from viewer.panels.panel import Placed
from viewer.panels.what_if.what_if_tips import WhatIfTips
from viewer.panels.workspace import Workspace
from viewer.session.preferences import Preferences
from viewer.session.session import Session

COLUMNS, TILE = 5, (380, 300)
DISPLAY = (COLUMNS * TILE[0], 4 * TILE[1])


@dataclass(frozen=True)
class AllPanels:
    """A session of a scene without a device, and a mouse on all of its panels."""

    mouse: Mouse
    session: Session
    workspace: Workspace
    draw: Callable[[], None]

    def frame(self, count: int = 1) -> None:
        """Draw so many frames."""
        for _ in range(count):
            self.mouse.frame(self.draw)


@contextmanager
def all_panels(
    scene_file: Path, plan_of: Callable[[Plan], Plan] = lambda plan: plan, *, side_by_side: bool = True
) -> Iterator[AllPanels]:
    """Draw all panels of a scene, each in a place of its own on DISPLAY, or docked in their places.

    `plan_of` may take another plan.
    """
    scene = load_scene(scene_file)
    with open_library(scene.dbs) as library:
        planner = ScenePlanner(scene.tableau, scene.registry, library, profile("nvidia-h200"), (320, 240))
        scene.tableau.update_world()
        needs = planner.needs()
        plan = plan_of(planner.plan(needs))
        memory = SettledMemory(plan)
        memory.statistics, memory.pace = Statistics(), Pace()
        memory.heap_bytes = [0] * len(planner.profile.heaps)
        budgets = [(heap.size, 0) for heap in planner.profile.heaps]
        renderer = SimpleNamespace(
            graph=needs.graph,
            pass_times={one.declaration.name: 0.25 for one in needs.graph.passes},
            pipeline_cache_bytes=0,
            draws=SimpleNamespace(calls=1, instances=1, triangles=12),
            rows_in_views=tuple,
            ready=False,
        )
        parts = {
            "scene": scene,
            "registry": scene.registry,
            "library": library,
            "planner": planner,
            "profile": planner.profile,
            "needs": needs,
            "memory": memory,
            "device": SimpleNamespace(extensions=(), memory_budget=lambda: budgets),
            "instance": SimpleNamespace(handles=SimpleNamespace(counts=dict)),
            "renderer": renderer,
            "schedule": Schedule(plan, (), 0, 0),
            "observers": Observers(),
            "hold": SimpleNamespace(is_on=False, waiting=None),
            "size": (320, 240),
            "frames": 1,
        }
        mouse = Mouse()
        plots = implot.create_context()
        imgui.get_io().display_size = DISPLAY if side_by_side else (1920, 1080)
        session = session_of(scene.tableau, plan, **parts)
        panels = make_panels(session)
        session.preferences = Preferences(
            layout=tiled(panels) if side_by_side else "", shown=tuple(p.title for p in panels)
        )
        workspace = workspace_of(session, panels)
        workspace.overlays["what-if"] = WhatIfTips(session).draw
        try:
            yield AllPanels(mouse, session, workspace, drawn(workspace, session))
        finally:
            session.pictures.close()
            session.editing.close()
            implot.destroy_context(plots)
            imgui.destroy_context(mouse.context)


def tiled(panels: Iterable[Placed]) -> str:
    """The layout of windows side by side, none of them docked."""
    lines = []
    for number, placed in enumerate(panels):
        row, column = divmod(number, COLUMNS)
        lines += [
            f"[Window][{placed.window}]",
            f"Pos={column * TILE[0]},{20 + row * TILE[1]}",
            f"Size={TILE[0]},{TILE[1] - 5}",
            "Collapsed=0",
            "",
        ]
    return "\n".join(lines)
