"""The light feature: directional lights, the first of which casts shadows."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np
import numpy.typing as npt

from engine.feature import Feature, FrameView
from engine.math import orthographic_reversed, view_from_world
from engine.tableau.schema import choice_field, color_field, float_field
from features.shadow_caster import SHADOW_TEXELS, ShadowCaster

MAX_LIGHTS = 4
"""How many lights the Frame block holds; further ones are not used."""

MARGIN = 1.04
"""The width of the shadow map relative to the casters' box, so that filtering never reaches its border."""

_AT_HIGH = np.array(list(product((False, True), repeat=3)))
"""Which coordinates of the eight corners of a box are its highest."""


class Light(Feature):
    """Directional light along the object's -Z, with ambient light from sky and ground."""

    type_name = "light"
    fields = (
        choice_field("kind", "directional", choices=("directional",)),
        color_field("color", (1.0, 1.0, 1.0), help="colour in linear light"),
        float_field("intensity", 3.0, minimum=0.0, maximum=1e6, help="factor on the colour"),
        color_field("sky", (0.22, 0.27, 0.36), help="light from above, where this is the first light"),
        color_field("ground", (0.10, 0.085, 0.07), help="light from below, where this is the first light"),
    )

    absent = "models are drawn without light"

    def frame_values(self, frame: FrameView) -> Mapping[str, npt.ArrayLike]:
        """Return directions and colours of the lights, and the shadow matrix of the first one."""
        rows = frame.enabled(self.type_name)
        count = min(len(rows), MAX_LIGHTS)
        if not count:
            return {}
        worlds = frame.world(rows.objects[:count])
        backwards = worlds[:, 2, :3]
        towards = backwards / np.linalg.norm(backwards, axis=1, keepdims=True)
        colors = rows["color"][:count] * rows["intensity"][:count, None]
        matrix, texel = _shadow_view(worlds[0], frame.bounds(ShadowCaster.type_name))
        return {
            "lightDirection": towards,
            "lightColor": colors,
            "skyAmbient": rows["sky"][0],
            "groundAmbient": rows["ground"][0],
            "lightViewProjection": matrix,
            "shadow": [texel, 1.0 / SHADOW_TEXELS, count],
        }


def _shadow_view(
    world: npt.NDArray[np.float32], bounds: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]] | None
) -> tuple[npt.NDArray[np.float32], float]:
    """Return the matrix that fits the casters' box into the shadow map, and a texel's size in metres."""
    low, high = bounds if bounds is not None else (np.full(3, -1.0, np.float32), np.ones(3, np.float32))
    corners = np.where(_AT_HIGH, high, low)
    view = view_from_world(world)
    seen = corners @ view[:3, :3] + view[3, :3]
    least, most = seen.min(axis=0), seen.max(axis=0)
    view[3, :3] -= (least + most) / 2
    half = np.maximum(most - least, 1e-3) * (MARGIN / 2)
    side, deep = float(max(half[0], half[1])), float(half[2])
    matrix = view @ orthographic_reversed(-side, side, -side, side, -deep, deep)
    return matrix, 2.0 * side / SHADOW_TEXELS
