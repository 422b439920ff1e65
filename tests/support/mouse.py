"""Panels under a mouse: an ImGui context without window or device, and a session without a runtime."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from imgui_bundle import imgui

from engine.plan.model.plan import Plan
from engine.plan.resident.resident import Resident
from engine.scene.snapshot import Snapshot
from engine.tableau import ROOT
from engine.tableau.tableau import Tableau
from viewer.guard import Guard
from viewer.panels.panel import Placed
from viewer.panels.workspace import Workspace
from viewer.session.session import Rectangle, Session
from viewer.ui import style

SIZE = (1280, 720)


class Mouse:
    """An ImGui context of SIZE points, and a mouse on it."""

    def __init__(self) -> None:
        self.context = imgui.create_context()
        io = imgui.get_io()
        io.set_ini_filename("")
        io.display_size = SIZE
        io.config_flags |= imgui.ConfigFlags_.docking_enable.value
        style.apply(1.0)
        io.backend_flags |= imgui.BackendFlags_.renderer_has_textures.value

    def frame(self, draw: Callable[[], None]) -> None:
        """Draw a frame."""
        imgui.get_io().delta_time = 1 / 60
        imgui.new_frame()
        draw()
        imgui.render()
        for texture in imgui.get_platform_io().textures:
            if texture.status == imgui.ImTextureStatus.want_create:
                texture.set_tex_id(1)
            texture.set_status(imgui.ImTextureStatus.ok)

    def click(self, draw: Callable[[], None], x: float, y: float) -> None:
        """Move to a place, press and release."""
        io = imgui.get_io()
        io.add_mouse_pos_event(x, y)
        self.frame(draw)
        for down in (True, False):
            io.add_mouse_button_event(0, down)
            self.frame(draw)
        self.frame(draw)

    def press(self, draw: Callable[[], None], key: Any) -> None:
        """Press a key and release it."""
        for down in (True, False):
            imgui.get_io().add_key_event(key, down)
            self.frame(draw)
        self.frame(draw)


@pytest.fixture
def mouse() -> Iterator[Mouse]:
    """A context for one test."""
    made = Mouse()
    yield made
    imgui.destroy_context(made.context)


def quiet(name: str, message: str) -> None:
    """Fail where something raises that must not."""
    raise AssertionError(f"{name}: {message}")


class SettledMemory:
    """What panels read of a memory manager that has carried out a plan."""

    steps_left = 0
    settled = True

    def __init__(self, plan: Plan) -> None:
        self.live_bytes = plan.planned_bytes
        rows = plan.memory.allocations
        self._allocated = rows["id"].copy(), rows["size"].astype(np.int64)

    def leaving(self) -> list[tuple[int, int, int]]:
        """Nothing waits to be freed."""
        return []

    def allocated(self) -> tuple[np.ndarray, np.ndarray]:
        """Ids and bytes of all memory."""
        return self._allocated


def session_of(tableau: Tableau, plan: Plan | None = None, **parts: Any) -> Session:
    """Make a session of a tableau and a plan; `parts` are further attributes of its runtime."""

    def nobody(*_: object) -> None:
        raise AssertionError("nobody calls this")

    home = SimpleNamespace(path=Path("a.hu"), document=SimpleNamespace(name="a.hu"))
    part = SimpleNamespace(
        root=ROOT,
        home=home,
        opened=home.path,
        files=(home,),
        dbs=(),
        saver=SimpleNamespace(before=Snapshot.of(tableau)),
    )
    common: dict[str, Any] = {"tableau": tableau, "plan": plan, "compaction": nobody, "compact": nobody}
    common["scene"] = SimpleNamespace(tableau=tableau, parts=(part,), dbs=(), part_of=lambda row: part)
    common["planner"] = SimpleNamespace(owners=lambda requesters: np.full(len(requesters), ROOT, np.int32))
    common["library"] = SimpleNamespace(version=0)
    common["hold"] = SimpleNamespace(waiting=None, is_on=False)
    if plan is not None:
        common |= {"resident": Resident.settled_at(plan), "memory": SettledMemory(plan)}
    runtime = SimpleNamespace(**{**common, **parts})
    return Session(runtime, lambda text: quiet("report", text))  # type: ignore[arg-type]


def workspace_of(session: Session, panels: list[Placed], guard: Guard | None = None) -> Workspace:
    """Make a workspace whose panels must not raise, unless there is a `guard`."""
    return Workspace(session, guard or Guard(quiet), panels)


def drawn(workspace: Workspace, session: Session) -> Callable[[], None]:
    """Return what draws a frame of a workspace."""

    def draw() -> None:
        session.begin_frame(session.statistics)
        workspace.draw()

    return draw


def middle(box: Rectangle) -> tuple[float, float]:
    """The middle of a rectangle."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
