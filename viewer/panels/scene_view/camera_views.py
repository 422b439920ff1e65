"""Where the camera goes on command: to what is selected, along an axis, back to the start, to a bookmark."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from viewer.panels.scene_view.object_shapes import Shapes
from viewer.panels.scene_view.view_space import ViewSpace
from viewer.session.bookmarks import MAX_PLACES, Bookmark, places_of, with_place
from viewer.session.commands import SHOW_SELECTION, Command
from viewer.session.session import Session
from viewer.window import orbit_camera as controls
from viewer.window.camera_controller import CAMERA, CameraController
from viewer.window.orbit_camera import View

Doubles = NDArray[np.float64]
Box = tuple[Doubles, Doubles]
MENU = "Camera"
TRAVEL_S = 0.2
POINT_RADIUS = 0.5
"""Metres around what has no shape, such as a light, that are shown with it."""
SURROUNDS = 10.0
"""What is so many times as large as all the rest, as a ground, is no part of what is shown whole."""
_AXES = (
    ("from the front", 0.0, 0.0, ("Num1", "Alt+1")),
    ("from behind", math.pi, 0.0, ("Ctrl+Num1", "Ctrl+Alt+1")),
    ("from the right", math.pi / 2, 0.0, ("Num3", "Alt+3")),
    ("from the left", -math.pi / 2, 0.0, ("Ctrl+Num3", "Ctrl+Alt+3")),
    ("from above", 0.0, -math.pi / 2, ("Num7", "Alt+7")),
    ("from below", 0.0, math.pi / 2, ("Ctrl+Num7", "Ctrl+Alt+7")),
)
"""Title, yaw and pitch, and keys of the views along the axes."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a camera can be: its view, and the height in metres of an orthographic picture, else None."""

    view: View
    height: float | None


class CameraViews:
    """Moves the camera on command, within TRAVEL_S; any other movement of the camera ends that."""

    def __init__(
        self,
        session: Session,
        camera: CameraController,
        space: Callable[[], ViewSpace | None],
        shapes: Callable[[NDArray[np.int32] | None], Shapes],
    ) -> None:
        """`space` returns how the scene is seen, `shapes` what is shown of objects, of all for None."""
        self._session = session
        self._camera = camera
        self._space = space
        self._shapes = shapes
        self._travel: tuple[float, Place, Place] | None = None
        self._expected: View | None = None
        self._start = self._here()
        session.commands.add(*self._commands())

    @property
    def place(self) -> Place | None:
        """Where the camera is; None without one."""
        view = self._camera.view
        return None if view is None else Place(view, self._camera.height)

    def advance(self) -> None:
        """Move a travelling camera on; call it in every frame."""
        if self._travel is None:
            return
        began, first, last = self._travel
        if self._camera.view != self._expected or self._camera.view is None:
            self._travel = None
            return
        share = min(1.0, (time.monotonic() - began) / TRAVEL_S)
        eased = share * share * (3.0 - 2.0 * share)
        height = last.height
        if first.height is not None and last.height is not None:
            height = first.height * (last.height / first.height) ** eased
        self._camera.show(last.view if share >= 1 else controls.between(first.view, last.view, eased), height)
        self._expected = self._camera.view
        if share >= 1.0:
            self._travel = None
        self._session.wake(0.1)

    def travel(self, to: Place) -> None:
        """Let the camera go to a place."""
        first = self.place
        if first is None:
            return
        if (first.height is None) != (to.height is None):
            self._camera.switch_projection()
            first = self.place
            assert first is not None
        self._travel, self._expected = (time.monotonic(), first, to), first.view
        self._session.wake(0.1)

    def frame(self, box: Box | None) -> None:
        """Show a box of the world whole."""
        space, place = self._space(), self.place
        if box is None or space is None or place is None:
            return
        low, high = self._in_space_of_camera(box)
        view = controls.framing(place.view, low, high, space.view.half_size)
        aspect = space.size[0] / space.size[1]
        self.travel(Place(view, None if place.height is None else controls.framed_height(low, high, aspect)))

    def focus(self) -> None:
        """Show what is selected."""
        self.frame(self.selected_box())

    def frame_all(self) -> None:
        """Show all that is drawn, without what surrounds it."""
        self.frame(essential_box(self._shapes(None)))

    def selected_box(self) -> Box | None:
        """Return the box in the world of what is selected; None for nothing."""
        rows = self._session.selection.objects
        if not len(rows):
            return None
        shapes = self._shapes(rows)
        if len(shapes.middle):
            return shapes.bounds
        places = self._session.runtime.tableau.origin[rows]
        return places.min(axis=0) - POINT_RADIUS, places.max(axis=0) + POINT_RADIUS

    def look(self, yaw: float, pitch: float) -> None:
        """Look along a direction at the same target, from as far away."""
        place = self.place
        if place is not None:
            self.travel(replace(place, view=replace(place.view, yaw=yaw, pitch=pitch)))

    def reset(self) -> None:
        """Go back to where the file has the camera; where it has none, to where that was at first."""
        row = self._camera.row
        if row is None or self._start is None:
            return
        (translation, rotation), height = self._start
        changes, rows = self._session.editing.changes, np.array([row], np.int32)
        for _, before, _ in changes.by_part(rows):
            translation, rotation = (before.columns[name][row] for name in ("translation", "rotation"))
            of = before.tables[CAMERA]
            if of.owned_by(rows)[0]:
                at = of.rows_of(rows)[0]
                height = float(of.columns["height"][at]) if of.columns["projection"][at] else None
        view = self._camera.home(translation, rotation)
        if view is not None:
            self.travel(Place(view, height))

    def _here(self) -> tuple[tuple[Doubles, Doubles], float | None] | None:
        """The transform of the camera in use, and its height where it is orthographic."""
        row, tableau = self._camera.row, self._session.runtime.tableau
        if row is None:
            return None
        return (tableau.translation[row].copy(), tableau.rotation[row].copy()), self._camera.height

    def _in_space_of_camera(self, box: Box) -> Box:
        corners = np.array(
            [[box[i][0], box[j][1], box[k][2]] for i in (0, 1) for j in (0, 1) for k in (0, 1)]
        )
        own = np.array([self._camera.local(corner) for corner in corners])
        return own.min(axis=0), own.max(axis=0)

    def _set_bookmark(self, number: int) -> None:
        place, session = self.place, self._session
        if place is None:
            return
        view = place.view
        mark = Bookmark(number, view.target, view.yaw, view.pitch, view.distance, place.height or 0.0)
        kept = with_place(session.preferences.bookmarks, self._scene, mark)
        session.preferences = replace(session.preferences, bookmarks=kept)

    def _go_to_bookmark(self, number: int) -> None:
        mark = self._bookmark(number)
        if mark is not None:
            view = View(mark.target, mark.yaw, mark.pitch, mark.distance)
            self.travel(Place(view, mark.height or None))

    def _bookmark(self, number: int) -> Bookmark | None:
        places = places_of(self._session.preferences.bookmarks, self._scene)
        return next((place for place in places if place.number == number), None)

    @property
    def _scene(self) -> str:
        """The file by which the scene's bookmarks are kept."""
        home = self._session.runtime.scene.parts[0].home
        return "" if home is None else str(home.path.absolute())

    def _commands(self) -> list[Command]:
        def has_camera() -> bool:
            return self._camera.row is not None

        def along(yaw: float, pitch: float) -> Callable[[], None]:
            return lambda: self.look(yaw, pitch)

        def some() -> bool:
            return has_camera() and bool(len(self._session.selection.objects))

        return [
            Command(SHOW_SELECTION, MENU, self.focus, ("F",), some),
            Command("Show all", MENU, self.frame_all, ("Home",), has_camera),
            Command("Back to the start", MENU, self.reset, ("Shift+Home",), lambda: self._start is not None),
            *(
                Command(f"View {title}", MENU, along(yaw, pitch), keys, has_camera)
                for title, yaw, pitch, keys in _AXES
            ),
            Command(
                "Orthographic",
                MENU,
                self._camera.switch_projection,
                ("Num5", "Alt+5"),
                has_camera,
                lambda: self._camera.height is not None,
            ),
            *(command for number in range(1, MAX_PLACES + 1) for command in self._bookmark_commands(number)),
        ]

    def _bookmark_commands(self, number: int) -> list[Command]:
        return [
            Command(
                f"Go to bookmark {number}",
                MENU,
                lambda: self._go_to_bookmark(number),
                (str(number),),
                lambda: self._bookmark(number) is not None,
            ),
            Command(
                f"Set bookmark {number}",
                MENU,
                lambda: self._set_bookmark(number),
                (f"Ctrl+{number}",),
                lambda: self._camera.row is not None,
            ),
        ]


def essential_box(shapes: Shapes) -> Box | None:
    """Return the box around shapes, without those that surround all others, such as a ground or a sky."""
    size = np.linalg.norm(shapes.half, axis=1)
    kept = np.isfinite(size) & np.isfinite(shapes.middle).all(axis=1)
    order = np.argsort(np.where(kept, size, np.inf))[: int(kept.sum())]
    if not len(order):
        return None
    while len(order) > 1 and size[order[-1]] > SURROUNDS * max(size[order[-2]], 1e-9):
        order = order[:-1]
    low = (shapes.middle - shapes.half)[order].min(axis=0)
    return low, (shapes.middle + shapes.half)[order].max(axis=0)
