"""Moves the first enabled camera of a tableau by mouse and keys."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.tableau.columns import distinct
from engine.tableau.handles import ObjectHandle
from engine.tableau.tableau import Tableau
from viewer.window import orbit_camera as controls
from viewer.window.camera_input import CameraInput

Doubles = NDArray[np.float64]
CAMERA = "camera"
SPEED = 2.0  # metres a second
FAST = 4.0  # times that with shift


class CameraController:
    """Turns input into the transform of a camera's object; without input the transform is not written.

    The target is the point on the line of sight nearest to `pivot`, where there is one, else to the mean
    position of all objects that draw an asset; orbits turn around the pivot. If anything else has moved the
    camera, the view is made from its transform again.
    """

    def __init__(self, tableau: Tableau, pivot: Callable[[], Doubles | None] = lambda: None) -> None:
        """`pivot` returns the place in the world, float64[3], that the user looks at; None for none."""
        self._tableau = tableau
        self.pivot = pivot
        self._view: controls.View | None = None
        self._written: tuple[object, ...] = ()
        self._home: tuple[controls.View, int, Doubles, Doubles] | None = None
        """The view that is gone back to, its camera, and the transform of that, to the last digit."""

    def apply(self, pointer: CameraInput) -> bool:
        """Apply one frame of input; returns whether the camera was changed."""
        if not _is_used(pointer):
            return False
        camera = self._camera()
        if camera is None:
            return False
        view = self._view_of(camera)
        steered = self._steer(view, pointer, camera)
        if steered == view:
            return False
        if self._is_orthographic(camera):
            height = float(camera.camera.height) * steered.distance / view.distance
            if height != camera.camera.height:
                camera.camera.height = max(height, 1e-3)
        self._write(camera, steered)
        return True

    @property
    def row(self) -> int | None:
        """The object of the camera in use; None without one."""
        camera = self._camera()
        return None if camera is None else camera.row

    @property
    def view(self) -> controls.View | None:
        """How the camera in use sees, in the space of its parent; None without one."""
        camera = self._camera()
        return None if camera is None else self._view_of(camera)

    @property
    def height(self) -> float | None:
        """The height in metres of an orthographic picture; None in a perspective or without a camera."""
        camera = self._camera()
        if camera is None or not self._is_orthographic(camera):
            return None
        return float(camera.camera.height)

    def show(self, view: controls.View, height: float | None = None) -> None:
        """Let the camera in use see so, and where `height` is given with that height, orthographic."""
        camera = self._camera()
        if camera is None:
            return
        if height is not None:
            camera.camera.height = max(height, 1e-3)
        self._write(camera, view)

    def switch_projection(self) -> None:
        """Make the camera in use orthographic, or perspective again: what is at the target keeps its size."""
        camera = self._camera()
        if camera is None:
            return
        view = self._view_of(camera)
        slope = 2.0 * math.tan(math.radians(camera.camera.fovY) / 2)
        if self._is_orthographic(camera):
            distance = float(camera.camera.height) / slope
            camera.camera.projection = "perspective"
            self._write(camera, replace(view, distance=max(distance, controls.CLOSEST)))
        else:
            camera.camera.height = max(view.distance * slope, 1e-3)
            camera.camera.projection = "orthographic"

    def local(self, point: Doubles) -> Doubles:
        """Return a place in the world in the space of the parent of the camera in use."""
        camera = self._camera()
        return point if camera is None or camera.parent is None else _in_frame(camera.parent, point)

    def _write(self, camera: ObjectHandle, view: controls.View) -> None:
        home = self._home
        if home is not None and home[:2] == (view, camera.row):
            camera.translation, camera.rotation = home[2:]
        else:
            camera.translation, camera.rotation = controls.transform_of(view)
        self._view, self._written = view, self._state(camera)

    def _steer(self, view: controls.View, pointer: CameraInput, camera: ObjectHandle) -> controls.View:
        right, down = pointer.right, pointer.down
        if pointer.right_button:
            view = controls.look(view, right, down)
            keys = pointer.keys
            metres = SPEED * (FAST if pointer.shift else 1.0) * pointer.seconds * max(view.distance / 5, 0.2)
            sides = ("d" in keys) - ("a" in keys)
            ups = ("e" in keys) - ("q" in keys)
            view = controls.fly(view, sides, ups, ("w" in keys) - ("s" in keys), metres)
        elif pointer.middle_button or (pointer.left_button and pointer.shift):
            view = controls.pan(view, right, down, self._height_at_target(view, camera))
        elif pointer.left_button:
            pivot = self.pivot()
            if pivot is None:
                view = controls.orbit(view, right, down)
            else:
                view = controls.orbit_about(view, right, down, self.local(pivot).tolist())
        if pointer.wheel:
            view = controls.zoom(view, pointer.wheel)
        return view

    def _camera(self) -> ObjectHandle | None:
        table = self._tableau.tables.get(CAMERA)
        if table is None:
            return None
        rows = table.rows_enabled()
        return self._tableau.handle(int(table.object[rows[0]])) if len(rows) else None

    def _view_of(self, camera: ObjectHandle) -> controls.View:
        if self._view is not None and self._written == self._state(camera):
            return self._view
        return self._view_from(camera, camera.translation, camera.rotation)

    def home(self, translation: NDArray[np.floating], rotation: NDArray[np.floating]) -> controls.View | None:
        """Return how the camera in use sees from a transform, which `show` gives it then; None without."""
        camera = self._camera()
        if camera is None:
            return None
        exact = np.array(translation, np.float64), np.array(rotation, np.float64)
        view = self._view_from(camera, *exact)
        self._home = view, camera.row, *exact
        return view

    def _view_from(
        self, camera: ObjectHandle, translation: NDArray[np.floating], rotation: NDArray[np.floating]
    ) -> controls.View:
        tables = [table for table in self._tableau.tables.values() if table.schema.asset_fields]
        owners = [table.object[table.rows_active()] for table in tables]
        origins = self._tableau.origin[distinct(np.concatenate([np.zeros(0, np.int32), *owners]))]
        pivot = self.pivot()
        if pivot is None:
            pivot = origins.mean(axis=0) if len(origins) else np.zeros(3)
        if camera.parent is not None:
            pivot = _in_frame(camera.parent, pivot)
        return controls.view_of(translation, rotation, pivot)

    @staticmethod
    def _state(camera: ObjectHandle) -> tuple[object, ...]:
        return (camera, *camera.translation.tolist(), *camera.rotation.tolist())

    def look_again(self) -> None:
        """Make the view from the camera's transform again: the pivot is another one."""
        self._view = None

    @staticmethod
    def _is_orthographic(camera: ObjectHandle) -> bool:
        return bool(camera.camera.projection == "orthographic")

    def _height_at_target(self, view: controls.View, camera: ObjectHandle) -> float:
        if self._is_orthographic(camera):
            return float(camera.camera.height)
        return 2.0 * view.distance * math.tan(math.radians(camera.camera.fovY) / 2)


def _in_frame(parent: ObjectHandle, point: NDArray[np.floating]) -> Doubles:
    """Transform a point from world space to the space of an object."""
    return np.asarray(np.append(point, 1.0) @ np.linalg.inv(parent.world)[:, :3])


def _is_used(pointer: CameraInput) -> bool:
    held = pointer.left_button or pointer.middle_button or pointer.right_button
    moved = pointer.right != 0.0 or pointer.down != 0.0 or bool(pointer.keys)
    return pointer.wheel != 0.0 or (held and moved)
