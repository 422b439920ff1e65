"""The camera feature: perspective or orthographic, looking along its object's -Z."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from engine.feature import Feature, FrameView
from engine.feature.frame import FeatureRows
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

    absent = "the scene is seen in the default view"

    def view_projection(self, frame: FrameView) -> npt.NDArray[np.float32]:
        """Return the matrix of the camera in use."""
        return self._view(frame, frame.enabled(self.type_name))[0]

    def _view(
        self, frame: FrameView, rows: FeatureRows
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return the matrix and the eye's position."""
        aspect = frame.size[0] / frame.size[1]
        if not len(rows):
            view = np.eye(4, dtype=np.float32)
            view[3, :3] = np.negative(DEFAULT_EYE)
            projection = perspective_reversed(np.radians(45.0), aspect, 0.05)
            return view @ projection, np.array(DEFAULT_EYE, np.float32)
        world = frame.world(rows.objects[:1])[0]
        if rows["projection"][0] == 0:
            projection = perspective_reversed(float(rows["fovY"][0]), aspect, float(rows["near"][0]))
        else:
            top, deep = float(rows["height"][0]) / 2, float(rows["depth"][0]) / 2
            projection = orthographic_reversed(-top * aspect, top * aspect, -top, top, -deep, deep)
        return view_from_world(world) @ projection, world[3, :3]

    def frame_values(self, frame: FrameView) -> Mapping[str, npt.ArrayLike]:
        """Return the matrix from world to clip space, the eye's position and the exposure."""
        rows = frame.enabled(self.type_name)
        matrix, eye = self._view(frame, rows)
        exposure = float(rows["exposure"][0]) if len(rows) else 1.0
        return {"viewProjection": matrix, "cameraPosition": [*eye.tolist(), exposure]}
