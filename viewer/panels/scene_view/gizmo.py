"""The gizmo on the selected objects: ImGuizmo's handles, over the picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from imgui_bundle import ImVec2, ImVec4, imgui
from imgui_bundle.imguizmo import im_guizmo

from viewer.panels import widgets
from viewer.panels.scene_view.gizmo_model import Doubles, GizmoDrag, Operation, Rows, pivot_of, readout
from viewer.panels.scene_view.view_space import ViewSpace
from viewer.session.commands import Command
from viewer.session.session import Session
from viewer.ui import style

SNAPS = {Operation.MOVE: 0.25, Operation.TURN: 15.0, Operation.SCALE: 0.1}
"""Steps while Ctrl is held: metres, degrees, parts."""
_OPERATIONS = {
    Operation.MOVE: im_guizmo.OPERATION.translate,
    Operation.TURN: im_guizmo.OPERATION.rotate,
    Operation.SCALE: im_guizmo.OPERATION.scale,
}
_KEYS = {Operation.MOVE: "W", Operation.TURN: "E", Operation.SCALE: "R"}
_SIZE = 0.16
"""The length of a handle, in parts of the picture's width."""
_TEXT_AT = 14.0
_ONE_AXIS, _LONGEST = "X : -0000.000", "YZ : Y -0000.000 Z -0000.000"
"""Where ImGuizmo writes, in points right and down of the gizmo, and the longest texts."""
_WIDTHS = (
    "translation_line_thickness",
    "translation_line_arrow_size",
    "rotation_line_thickness",
    "rotation_outer_line_thickness",
    "scale_line_thickness",
    "scale_line_circle_size",
    "center_circle_size",
)

Moved = Callable[[GizmoDrag], None]


class Gizmo:
    """Draws the handles, and moves objects while one is dragged; `is_local`: along the objects' own axes.

    `operation` is None where no handles are shown. They are in the left `share` of the picture alone.
    """

    def __init__(self, session: Session, moved: Moved) -> None:
        """`moved` is called at the end of each drag that has changed something."""
        self._session = session
        self._moved = moved
        self.operation: Operation | None = Operation.MOVE
        self.is_local = False
        self.share = 1.0
        self._drag: GizmoDrag | None = None
        self._matrix: Doubles = np.eye(4)
        self._is_shown = False
        self._is_cancelled = False
        self._scale = 1.0
        session.commands.add(*self._commands())
        session.editing.finish_drag = self._end

    @property
    def takes_mouse(self) -> bool:
        """Whether the left button is the gizmo's now."""
        return self._is_cancelled or (self._is_shown and (im_guizmo.is_over() or self._drag is not None))

    def draw(self, space: ViewSpace, camera: int | None) -> None:
        """Draw the handles on what is selected, without the camera in use, and follow a drag."""
        if not imgui.is_mouse_down(0):
            self._is_cancelled = False
        rows = self._session.selection.objects
        rows = rows[rows != camera] if camera is not None else rows
        self._is_shown = self.operation is not None and bool(len(rows))
        if self.operation is None or not len(rows) or self._is_cancelled:
            self._end()
            return
        self._follow(space, rows, self.operation)

    def cancel(self) -> bool:
        """Put everything back to where the drag began; return whether there was one."""
        drag, self._drag = self._drag, None
        if drag is None:
            return False
        drag.before.write(self._session.runtime.tableau, drag.rows)
        self._is_cancelled = True
        im_guizmo.enable(False)
        im_guizmo.enable(True)
        return True

    def _follow(self, space: ViewSpace, rows: Rows, operation: Operation) -> None:
        tableau = self._session.runtime.tableau
        if self._drag is None:
            primary = self._session.selection.primary
            self._matrix = pivot_of(
                tableau, rows, primary if primary in rows else None, local=self._is_along_own
            )
        before = self._matrix.copy()
        draw, (x0, y0, x1, y1) = imgui.get_background_draw_list(), space.place
        right = x0 + (x1 - x0) * self.share
        draw.push_clip_rect((x0, y0), (right, y1), True)
        first = draw.cmd_buffer.size()
        changed, matrix = self._manipulate(space, operation)
        for number in range(first - 1, draw.cmd_buffer.size()):  # ImGuizmo clips to the whole picture
            clip = draw.cmd_buffer[number].clip_rect
            draw.cmd_buffer[number].clip_rect = ImVec4(clip.x, clip.y, min(clip.z, right), clip.w)
        if im_guizmo.is_using():
            self._drag = self._drag or GizmoDrag(tableau, rows, operation, before)
            self._session.wake()
            if changed and np.isfinite(matrix).all():
                self._matrix = matrix
                self._drag.transforms(matrix).write(tableau, self._drag.rows)
            self._say(space, readout(operation, self._drag.pivot, self._matrix, local=self._is_along_own))
        else:
            self._end()
        draw.pop_clip_rect()

    def _manipulate(self, space: ViewSpace, operation: Operation) -> tuple[bool, Doubles]:
        """Let ImGuizmo draw and follow the mouse; return whether, and to where, the gizmo was moved."""
        origin = space.view.origin
        shown = self._matrix.copy()
        shown[3, :3] -= origin
        distance = max(float(np.linalg.norm(self._matrix[3, :3] - space.view.eye)), 1e-3)
        im_guizmo.set_orthographic(space.is_parallel)
        im_guizmo.set_drawlist(imgui.get_background_draw_list())
        x0, y0, x1, y1 = space.place
        im_guizmo.set_rect(x0, y0, x1 - x0, y1 - y0)
        im_guizmo.set_gizmo_size_clip_space(_SIZE)
        self._scale_lines()
        matrix = im_guizmo.Matrix16(shown.ravel().tolist())
        snap = im_guizmo.Matrix3([SNAPS[operation]] * 3) if imgui.get_io().key_ctrl else None
        mode = im_guizmo.MODE.local if self.is_local else im_guizmo.MODE.world
        io = imgui.get_io()
        mouse = ImVec2(io.mouse_pos.x, io.mouse_pos.y)
        if self._drag is None and mouse.x > x0 + (x1 - x0) * self.share:
            io.mouse_pos = ImVec2(-1e6, -1e6)  # handles that are not shown there are not pressed
        changed = im_guizmo.manipulate(
            im_guizmo.Matrix16(space.view.view_from_frame.astype(np.float64).ravel().tolist()),
            im_guizmo.Matrix16(space.plain_projection(distance).ravel().tolist()),
            _OPERATIONS[operation],
            mode,
            matrix,
            None,
            snap,
        )
        io.mouse_pos = mouse
        moved = np.array(matrix.values, np.float64).reshape(4, 4)
        moved[3, :3] += origin
        return changed, moved

    @property
    def _is_along_own(self) -> bool:
        return self.is_local or self.operation is Operation.SCALE

    def _say(self, space: ViewSpace, text: str) -> None:
        """Write how far a drag has come, over what ImGuizmo writes there without units."""
        at, _ = space.project(self._matrix[3, :3])
        gap = imgui.get_font_size() * 0.5
        is_short = self.operation is Operation.MOVE and text.count(" ") < 3
        covered = imgui.calc_text_size(_ONE_AXIS if is_short else _LONGEST)
        left, top = float(at[0]) + _TEXT_AT, float(at[1]) + _TEXT_AT
        right = left + max(covered.x, imgui.calc_text_size(text).x) + gap
        draw = imgui.get_background_draw_list()
        low, high = (left - gap, top - gap * 0.5), (right, top + covered.y + gap * 0.5)
        draw.add_rect_filled(low, high, widgets.color(style.POPUP), gap * 0.5)
        draw.add_text((left, top), widgets.color(style.TEXT), text)

    def _scale_lines(self) -> None:
        """Make the lines of the handles as wide as the display asks for."""
        scale = self._session.runtime.content_scale
        if scale == self._scale:
            return
        handles, ratio = im_guizmo.get_style(), scale / self._scale
        self._scale = scale
        for name in _WIDTHS:
            setattr(handles, name, getattr(handles, name) * ratio)

    def _end(self) -> None:
        """End a drag, if there is one, as a change of the scene."""
        drag, self._drag = self._drag, None
        if drag is not None and not drag.now.equals(drag.before):
            self._moved(drag)

    def _commands(self) -> list[Command]:
        def choose(operation: Operation | None) -> Command:
            def run() -> None:
                self.operation = operation

            title = f"Gizmo: {operation}" if operation is not None else "Gizmo: none"
            return Command(
                title,
                "Scene",
                run,
                (_KEYS[operation],) if operation is not None else ("G",),
                is_enabled=self._is_free,
                is_checked=lambda: self.operation is operation,
            )

        def turn_axes() -> None:
            self.is_local = not self.is_local

        return [
            *(choose(operation) for operation in (*Operation, None)),
            Command(
                "Gizmo along own axes",
                "Scene",
                turn_axes,
                ("X",),
                is_enabled=self._is_free,
                is_checked=lambda: self.is_local,
            ),
        ]

    def _is_free(self) -> bool:
        """Whether keys are not those of a flight or a drag."""
        return self._drag is None and not imgui.is_mouse_down(1)
