"""The camera feature: perspective or orthographic, looking along its object's -Z."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from engine.feature import Feature, FrameView, View
from engine.feature.frame import Lens
from engine.math import frame_origin, orthographic_reversed, perspective_reversed, view_from_world
from engine.tableau.schema import angle_field, choice_field, float_field

DEFAULT_EYE = (0.0, 1.6, 5.0)
"""The eye position of a frame without an enabled camera, looking along -Z."""

_DEFAULT_WORLD = np.identity(4)
_DEFAULT_WORLD[3, :3] = DEFAULT_EYE


class Camera(Feature):
    """The view of the scene; the first enabled camera is the one in use."""

    type_name = "camera"
    fields = (
        choice_field("projection", "perspective", choices=("perspective", "orthographic")),
        angle_field("fovY", 45.0, minimum=1.0, maximum=179.0, help="vertical field of view (perspective)"),
        float_field("height", 4.0, minimum=1e-3, help="metres from bottom to top (orthographic)"),
        float_field("near", 0.05, minimum=1e-4, help="distance of the near plane in metres (perspective)"),
        float_field(
            "depth", 1000.0, minimum=1e-2, help="metres of depth, half behind the camera (orthographic)"
        ),
        float_field("exposure", 1.0, minimum=0.0, maximum=1000.0, help="factor on all light"),
    )

    absent = "the scene is seen in the default view"

    def view(self, frame: FrameView) -> View:
        """Return the view of the camera in use."""
        aspect = frame.size[0] / frame.size[1]
        diagonal = math.hypot(aspect, 1.0)
        rows = frame.enabled(self.type_name)
        world = _DEFAULT_WORLD.copy()
        fov_y, near = math.radians(45.0), 0.05
        if len(rows):
            world = frame.world(rows.objects[:1])[0].copy()
            fov_y, near = float(rows["fovY"][0]), float(rows["near"][0])
        if len(rows) and rows["projection"][0]:
            top, deep = float(rows["height"][0]) / 2, float(rows["depth"][0]) / 2
            projection = orthographic_reversed(-top * aspect, top * aspect, -top, top, -deep, deep)
            lens = Lens(-deep, top * diagonal, 0.0)
        else:
            projection = perspective_reversed(fov_y, aspect, near)
            lens = Lens(0.0, 0.0, math.tan(fov_y / 2) * diagonal)
        eye = world[3, :3].copy()
        origin = frame_origin(eye)
        world[3, :3] -= origin
        turned = view_from_world(world)
        return View(origin, turned @ projection, eye, -turned[:3, 2].astype(np.float64), lens)

    def frame_values(self, frame: FrameView) -> Mapping[str, npt.ArrayLike]:
        """Return the matrix from the frame's space to clip space, the eye's position and the exposure."""
        view = frame.view or self.view(frame)
        rows = frame.enabled(self.type_name)
        exposure = float(rows["exposure"][0]) if len(rows) else 1.0
        position = (view.eye - view.origin).tolist()
        return {"viewProjection": view.view_projection, "cameraPosition": [*position, exposure]}
