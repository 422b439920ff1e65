"""A second scene on the device of the first one, seen by the first one's camera."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from engine.graph import PICTURE
from engine.graph.view_mode import GRID_PICTURE, ViewMode
from engine.math.transform import decompose
from engine.runtime.runtime import Runtime

if TYPE_CHECKING:
    from engine.assets import AssetLibrary
    from engine.render.frame_recorder import FrameImage
    from engine.scene import Scene
    from engine.tableau import Tableau

CAMERA = "camera"


class SecondScene:
    """Draws a scene as large as the first one, at the same time of its clock. Close it.

    It has a plan and memory of its own, within what the first scene leaves of the budgets when it is opened.
    Its own cameras are switched off: one at its top has the place and the fields of that in use of the first.
    What hangs under its own camera in use, such as overlays, hangs under that one.
    """

    def __init__(self, first: Runtime, scene: Scene, library: AssetLibrary, name: str) -> None:
        """Takes over `library`. Raises VulkanError, with everything released."""
        self.name = name
        self._first = first
        self._library = library
        try:
            options = replace(first.options, size=first.size, shared=first.device, outputs=(PICTURE,))
            self.runtime = Runtime(scene, library, options)
        except BaseException:
            library.close()
            raise
        used = first.memory.heap_bytes
        self.runtime.limit_budget(
            {heap: max(first.profile.budget(heap) - bytes_, 0) for heap, bytes_ in enumerate(used)}
        )
        self._camera = _own_camera(scene.tableau)
        self._seen: tuple[object, ...] = ()
        self._has_grid = False

    @property
    def picture(self) -> FrameImage | None:
        """The image of its last frame that was drawn, in TRANSFER_SRC layout; None while there is none."""
        drawn = self.runtime.renderer.drawn_image
        return (drawn(GRID_PICTURE.name) if self._has_grid else None) or drawn(PICTURE.name)

    def frame(self, mode: ViewMode, *, grid: bool) -> None:
        """Draw a frame, with a grid on the ground or without.

        Raises PlanError or OutOfDeviceMemory where it does not fit into memory.
        """
        first, own = self._first, self.runtime
        if own.size != first.size:
            first.wait()  # its last frame shows the picture that is replaced
            own.resize(*first.size)
        own.content_scale = first.content_scale
        if own.tableau.clock.time != first.tableau.clock.time:
            own.tableau.clock.set(first.tableau.clock.time)
        own.planner.show(mode, grid=grid)
        own.planner.watch(frozenset({GRID_PICTURE.name} if grid else ()))
        self._has_grid = grid
        self._follow_camera()
        own.frame()

    def close(self) -> None:
        """Release everything; no frame of the first scene that shows its picture may be in flight."""
        self.runtime.close()
        self._library.close()

    def _follow_camera(self) -> None:
        tableau = self._first.tableau
        table = tableau.tables.get(CAMERA)
        own = self.runtime.tableau.handle(self._camera)
        is_there = table is not None and bool(len(table.rows_enabled()))
        if own.camera.enabled != is_there:
            own.camera["enabled"] = is_there
        if table is None or not is_there:
            return
        row = int(table.object[table.rows_enabled()[0]])
        shown = tableau.handle(row).camera
        names = [field.name for field in table.schema.fields]
        fields = {name: getattr(shown, name) for name in names}
        world = tableau.world(np.array([row], np.int32))[0]
        seen = (world.tobytes(), *(np.asarray(value).tolist() for value in fields.values()))
        if seen == self._seen:
            return
        self._seen = seen
        own.translation, own.rotation, _ = decompose(world)
        for name, value in fields.items():
            setattr(own.camera, name, value)


def _own_camera(tableau: Tableau) -> int:
    """Switch off all cameras of a scene; return the object of a new one, with the one in use below it."""
    table = tableau.tables.get(CAMERA)
    in_use = np.zeros(0, np.int32)
    if table is not None:
        rows = table.rows_enabled()
        in_use = table.object[rows[:1]].astype(np.int32)
        table.set_flag("enabled", rows, False)
    name, number = "comparedCamera", 2
    while name in tableau:
        name, number = f"comparedCamera{number}", number + 1
    made = tableau.add_object(name, features={CAMERA: {}})
    if len(in_use):
        tableau.remove_feature(CAMERA, in_use)  # what is below it then hangs under the other
        tableau.rearranging.reparent(in_use, made.row)
        below = tableau.handle(int(in_use[0]))
        below.translation, below.rotation = (0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0)
    return made.row
