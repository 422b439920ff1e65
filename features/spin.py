"""The spin feature: an object turns about an axis of its own."""

from __future__ import annotations

import numpy as np

from engine.feature import Feature, FeatureRows, Motion, MotionFrame
from engine.math import axis_angle, multiply
from engine.tableau.schema import angle_field, float_field, vec3_field


class Spin(Feature):
    """The object turns about an axis of its own as time passes, from where its own rotation has it."""

    type_name = "spin"
    fields = (
        vec3_field("axis", (0.0, 1.0, 0.0), nonzero=True, help="in the object's own axes, of any length"),
        float_field(
            "speed",
            45.0,
            minimum=-36000.0,
            maximum=36000.0,
            unit="degrees/s",
            help="counter-clockwise as seen from the tip of the axis",
        ),
        angle_field("phase", 0.0, minimum=-360.0, maximum=360.0, help="how far it is turned at time 0"),
    )

    def animate(self, rows: FeatureRows, frame: MotionFrame) -> Motion:
        """Turn each object by its speed and the time."""
        turned = np.mod(rows["speed"].astype(np.float64) * frame.time, 360.0)  # degrees
        spun = axis_angle(rows["axis"], np.radians(turned) + rows["phase"])
        return Motion(rows.objects, rotation=multiply(frame.rotation(rows.objects), spun))
