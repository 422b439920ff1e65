"""The camera feature: perspective or orthographic, looking along its object's -Z."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from engine.feature import Feature, FrameView
from engine.math import orthographic_reversed, perspective_reversed, view_from_world
from engine.tableau.schema import angle_field, choice_field, float_field

DEFAULT_EYE = (0.0, 1.6, 5.0)
"""The eye position of a frame without an enabled camera, looking along -Z."""


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

    def view_projection(self, frame: FrameView) -> npt.NDArray[np.float32]:
        """Return the matrix of the camera in use."""
        aspect = frame.size[0] / frame.size[1]
        rows = frame.enabled(self.type_name)
        if not len(rows):
            view = np.eye(4, dtype=np.float32)
            view[3, :3] = np.negative(DEFAULT_EYE)
            return view @ perspective_reversed(np.radians(45.0), aspect, 0.05)
        world = frame.world(rows.objects[:1])[0]
        if rows["projection"][0] == 0:
            projection = perspective_reversed(float(rows["fovY"][0]), aspect, float(rows["near"][0]))
        else:
            top, deep = float(rows["height"][0]) / 2, float(rows["depth"][0]) / 2
            projection = orthographic_reversed(-top * aspect, top * aspect, -top, top, -deep, deep)
        return view_from_world(world) @ projection

    def frame_values(self, frame: FrameView) -> Mapping[str, npt.ArrayLike]:
        """Return the matrix from world to clip space, the eye's position and the exposure."""
        position = [*DEFAULT_EYE, 1.0]
        rows = frame.enabled(self.type_name)
        if len(rows):
            eye = frame.world(rows.objects[:1])[0, 3, :3]
            position = [*eye.tolist(), float(rows["exposure"][0])]
        return {"viewProjection": self.view_projection(frame), "cameraPosition": position}
