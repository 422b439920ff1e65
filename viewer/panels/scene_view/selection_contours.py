"""Outlines the selected objects over the picture: silhouettes of their meshes, else their boxes.

They are drawn by the panels, so that they are in no picture that is written, and no part of the scene.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from imgui_bundle import imgui

from viewer.panels import widgets
from viewer.panels.scene_view.object_shapes import (
    BOX_EDGES,
    Doubles,
    Rows,
    Shapes,
    shapes_of,
    with_descendants,
)
from viewer.panels.scene_view.silhouettes import SilhouetteMeshes
from viewer.panels.scene_view.view_space import ViewSpace
from viewer.session.session import Session
from viewer.ui import style

MAX_SILHOUETTES = 32
MAX_BOXES = 200
MAX_LINES = 3000
"""More lines are not drawn one by one: boxes take their place."""
_HALO: style.Color = (0.0, 0.0, 0.0, 0.55)


class SelectionContours:
    """Draws into the background of the window, above the picture and below the panels. Close it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._meshes = SilhouetteMeshes(session.runtime.library)
        self._rows: Rows = np.empty(0, np.int32)
        self._version: tuple[int, int] | None = None

    def draw(self, space: ViewSpace, scale: float) -> None:
        """Draw the outline of what is selected; lines are `scale` times as wide as at 96 dots per inch."""
        rows = self._selected()
        if not len(rows):
            return
        shapes = selected_shapes(self._session, rows)
        lines = self._lines(shapes, space)
        if self._meshes.pending:
            self._session.wake()
        draw_lines(lines, space, scale)

    def close(self) -> None:
        """Wait for the thread that reads meshes."""
        self._meshes.close()

    def _selected(self) -> Rows:
        """The selected objects and all below them."""
        selection, tableau = self._session.selection, self._session.runtime.tableau
        version = selection.version, tableau.structure_version
        if version != self._version:
            self._version, self._rows = version, with_descendants(tableau, selection.objects)
        return self._rows

    def _lines(self, shapes: Shapes, space: ViewSpace) -> Doubles:
        """Return the lines in the window, [n, 4]."""
        if not len(shapes):
            return np.zeros((0, 4))
        if len(shapes) <= MAX_SILHOUETTES:
            found = self._silhouettes(shapes, space)
            if sum(len(lines) for lines in found) <= MAX_LINES:
                return np.concatenate(found)
        if len(shapes) <= MAX_BOXES:
            return _boxes(shapes.corners, space)
        assert shapes.bounds is not None
        low, high = shapes.bounds
        corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
        return _boxes((low + corners * (high - low))[None], space)

    def _silhouettes(self, shapes: Shapes, space: ViewSpace) -> list[Doubles]:
        eyes = space.eye_as_seen(shapes.world)
        found = []
        for index, mesh in enumerate(shapes.meshes.tolist()):
            edges = None if shapes.bent[index] else self._meshes.find((mesh[0], mesh[1]))
            if edges is None:
                found.append(_boxes(shapes.corners[index, None], space))
                continue
            ends = edges.positions[edges.ends[edges.silhouette(eyes[index])]]
            world = shapes.world[index]
            found.append(space.lines(*(ends[:, i] @ world[:3, :3] + world[3, :3] for i in range(2))))
        return found


def selected_shapes(session: Session, rows: Rows | None) -> Shapes:
    """Return what the picture shows of objects; None: of all."""
    runtime = session.runtime
    tables = [
        runtime.tableau.tables[feature.type_name] for feature in runtime.registry.values() if feature.morphs
    ]
    morphed = [table.object[table.rows_enabled()] for table in tables]
    bent = np.concatenate([np.zeros(0, np.int32), *morphed]).astype(np.int32)
    passes = tuple(runtime.needs.tables.values()) if runtime.needs is not None else ()
    return shapes_of(passes, runtime.tableau, rows, bent)


def draw_lines(lines: Doubles, space: ViewSpace, scale: float) -> None:
    """Draw lines of the window [n, 4] as a bright line on a dark one, within the picture."""
    draw = imgui.get_background_draw_list()
    draw.push_clip_rect(space.place[:2], space.place[2:], True)
    for tint, width in ((_HALO, 3.5), (style.ACCENT, 1.75)):
        packed = widgets.color(tint)
        for x0, y0, x1, y1 in lines.tolist():
            draw.add_line((x0, y0), (x1, y1), packed, width * scale)
    draw.pop_clip_rect()


def _boxes(corners: Doubles, space: ViewSpace) -> Doubles:
    """The edges of boxes [n, 8, 3] as lines in the window."""
    ends = corners[:, BOX_EDGES]
    return space.lines(ends[:, :, 0].reshape(-1, 3), ends[:, :, 1].reshape(-1, 3))


def is_close(press: Iterable[float], now: Iterable[float], points: float) -> bool:
    """Whether a mouse has stayed within so many points: a click, not a drag."""
    return all(abs(a - b) <= points for a, b in zip(press, now, strict=True))
