"""The scene between the panels: clicks select, and what is selected is outlined by passes of its frame."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from imgui_bundle import imgui
from numpy.typing import NDArray

from viewer.panels.scene_view.camera_views import CameraViews
from viewer.panels.scene_view.gizmo import Gizmo
from viewer.panels.scene_view.gizmo_model import GizmoDrag, record
from viewer.panels.scene_view.object_shapes import Shapes, shapes_of, with_descendants
from viewer.panels.scene_view.scene_picker import ScenePicker
from viewer.panels.scene_view.tool_bar import ToolBar
from viewer.panels.scene_view.view_modes import ViewModes
from viewer.panels.scene_view.view_space import ViewSpace, view_space
from viewer.panels.workspace import Workspace
from viewer.session.commands import Command
from viewer.session.session import Session
from viewer.window.camera_controller import CameraController

CLICK_POINTS = 4.0
"""A mouse that moves further while its button is down drags."""


class SceneView:
    """What is drawn over the scene, and what the mouse does there. Close it.

    `otherwise` is the command that Esc runs where nothing is selected.
    """

    def __init__(self, session: Session, workspace: Workspace, camera: CameraController) -> None:
        """`camera` turns around what is selected from now on."""
        self._session = session
        self._workspace = workspace
        self._camera = camera
        self.picker = ScenePicker(session)
        self._chosen: NDArray[np.int32] = np.zeros(0, np.int32)
        self._chosen_of: tuple[int, int] = (-1, -1)
        self.gizmo = Gizmo(session, self._moved)
        self.views = CameraViews(session, camera, lambda: self.space, self._shapes)
        self.modes = ViewModes(session)
        self._tools = ToolBar(session, self.modes)
        self.has_grid, self.has_tools = False, True
        self._pivot_of: tuple[int, int] = (-1, -1)
        self._pivot: NDArray[np.float64] | None = None
        camera.pivot = self._find_pivot
        self._pressed: tuple[float, float] | None = None
        self.otherwise: Command | None = None
        self.space: ViewSpace | None = None
        workspace.overlays["scene view"] = self.draw
        workspace.reserve = lambda area: self._tools.height(area) if self.has_tools else 0.0
        session.commands.add(
            Command(
                "Clear selection",
                "Edit",
                self._escape,
                ("Esc",),
                is_enabled=lambda: bool(len(session.selection.objects)) or self._may_end_other(),
            ),
            Command("Grid", "View", self._switch_grid, ("Ctrl+G",), is_checked=lambda: self.has_grid),
            Command("Tool bar", "View", self._switch_tools, is_checked=lambda: self.has_tools),
        )

    def draw(self) -> None:
        """Draw over the scene, and take clicks."""
        session = self._session
        self._choose()
        self.modes.apply(grid=self.has_grid, outline=len(self._chosen) > 0)
        self.views.advance()
        self.space = view_space(session.runtime, self._workspace.area)
        session.places["scene"] = self._workspace.area
        self.picker.poll()
        if self._workspace.has_bar:
            self._tools.draw(self._workspace.area)
        if self.space is None:
            return
        self._take_clicks(self.space)
        self.gizmo.draw(self.space, self._camera.row)

    @property
    def takes_left_button(self) -> bool:
        """Whether the left button is not the camera's now."""
        return self.gizmo.takes_mouse

    def _choose(self) -> None:
        """Have the next frames outline what is selected, with all below it; but not while plans wait."""
        session = self._session
        version = session.selection.version, session.runtime.tableau.structure_version
        if version != self._chosen_of:
            self._chosen_of = version
            self._chosen = with_descendants(session.runtime.tableau, session.selection.objects)
        if not session.runtime.hold.is_on:
            session.runtime.planner.choose(self._chosen)

    def _take_clicks(self, space: ViewSpace) -> None:
        io = imgui.get_io()
        at = (io.mouse_pos.x, io.mouse_pos.y)
        if imgui.is_mouse_clicked(0):
            self._pressed = None if io.want_capture_mouse or self.gizmo.takes_mouse else at
        elif imgui.is_mouse_released(0) and self._pressed is not None:
            is_click = is_close(self._pressed, at, CLICK_POINTS * self._session.runtime.content_scale)
            pixel = space.pixel_at(*at)
            if is_click and pixel is not None and self._session.runtime.plan is not None:
                self.picker.pick(pixel, add=io.key_shift, toggle=io.key_ctrl)
            self._pressed = None

    def _switch_grid(self) -> None:
        self.has_grid = not self.has_grid

    def _switch_tools(self) -> None:
        self.has_tools = not self.has_tools

    def _escape(self) -> None:
        """End a drag, of a handle or a number, as if it had not been; else select nothing, or `otherwise`."""
        history = self._session.editing.history
        if self.gizmo.cancel():
            return
        if history.is_merging:
            self._session.editing.run(history.cancel)
            imgui.internal.clear_active_id()
            return
        if not len(self._session.selection.objects) and self.otherwise is not None:
            self.otherwise.run()
        self._session.selection.clear()

    def _may_end_other(self) -> bool:
        return self.otherwise is not None and self.otherwise.is_enabled()

    def _moved(self, drag: GizmoDrag) -> None:
        """A drag of the gizmo is one change of the scene."""
        editing = self._session.editing
        editing.run(lambda: record(editing.editor, drag))
        self._session.wake()

    def _shapes(self, rows: NDArray[np.int32] | None) -> Shapes:
        runtime = self._session.runtime
        tables = runtime.needs.tables.values() if runtime.needs is not None else ()
        return shapes_of(tables, rows if rows is None else with_descendants(runtime.tableau, rows))

    def _find_pivot(self) -> NDArray[np.float64] | None:
        """Return the middle of what is selected, which a camera turns around; None for nothing.

        It is looked at again when something else is selected, and stays while the camera turns.
        """
        session = self._session
        version = session.selection.version, session.runtime.tableau.structure_version
        if version != self._pivot_of:
            self._pivot_of = version
            box = self.views.selected_box()
            self._pivot = None if box is None else (box[0] + box[1]) / 2
            self._camera.look_again()
        return self._pivot


def is_close(press: Iterable[float], now: Iterable[float], points: float) -> bool:
    """Whether a mouse has stayed within so many points: a click, not a drag."""
    return all(abs(a - b) <= points for a, b in zip(press, now, strict=True))
