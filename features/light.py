"""The light feature: directional lights, the first of which casts shadows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from engine.feature import Feature, FrameView
from engine.math import unit_axes
from engine.tableau.schema import choice_field, color_field, float_field
from features._shadow_view import shadow_view
from features.shadow_caster import SHADOW_TEXELS, ShadowCaster

MAX_LIGHTS = 4
"""How many lights the Frame block holds; further ones are not used."""


class Light(Feature):
    """Directional light along the object's -Z, with ambient light from sky and ground."""

    type_name = "light"
    fields = (
        choice_field("kind", "directional", choices=("directional",)),
        color_field("color", (1.0, 1.0, 1.0), help="colour in linear light"),
        float_field("intensity", 3.0, minimum=0.0, maximum=1e6, help="factor on the colour"),
        color_field("sky", (0.22, 0.27, 0.36), help="light from above, where this is the first light"),
        float_field(
            "shadowDistance",
            40.0,
            minimum=1.0,
            maximum=1e6,
            help="metres from the camera within which shadows fall, where casters are spread wider",
        ),
        color_field("ground", (0.10, 0.085, 0.07), help="light from below, where this is the first light"),
    )

    absent = "models are drawn without light"
    instead = ("skybox",)

    def frame_values(self, frame: FrameView) -> Mapping[str, npt.ArrayLike]:
        """Return directions and colours of the lights, and the shadow matrix of the first one."""
        rows = frame.enabled(self.type_name)
        count = min(len(rows), MAX_LIGHTS)
        if not count:
            return {}
        lights = frame.world(rows.objects[:count])
        axes = [unit_axes(light) for light in lights]
        colors = rows["color"][:count] * rows["intensity"][:count, None]
        casters, distance = frame.bounds(ShadowCaster.type_name), float(rows["shadowDistance"][0])
        shadow = shadow_view(tuple(lights[0, 3, :3].tolist()), axes[0], casters, frame, distance)
        return {
            "lightDirection": np.array([back for _, _, back in axes], np.float32),
            "lightColor": colors,
            "skyAmbient": rows["sky"][0],
            "groundAmbient": rows["ground"][0],
            "lightViewProjection": shadow.matrix,
            "shadow": [shadow.texel, 1.0 / SHADOW_TEXELS, count, shadow.fade],
        }
