"""A feature of tests: a pass that draws the visible models in two views, and one that shows both."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import numpy as np

from engine.feature import Feature
from engine.graph import (
    SCENE_COLOR,
    ColorTarget,
    DepthTarget,
    Extent,
    FullscreenPass,
    ImageDecl,
    ImageRead,
)
from engine.math import orthographic_reversed
from engine.plan.terms.formats import Format
from engine.tableau.schema import float_field
from features.visible_model import FORWARD

COVER = """#version 450
layout(set = 0, binding = 0) uniform sampler2DArray eyes;
layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;
void main() {
    float a = texture(eyes, vec3(uv, 0)).a, b = texture(eyes, vec3(uv, 1)).a;
    colour = vec4(a, b, 0.0, 1.0);
}
"""
EYES = ImageDecl(
    "eyes", Format.R16G16B16A16_SFLOAT, Extent(width=64, height=64), clear=(0.0, 0.0, 0.0, 0.0), layers=2
)
DEPTH = ImageDecl("eyesDepth", Format.D32_SFLOAT, EYES.extent, clear=(0.0, 0.0, 0.0, 0.0), layers=2)


class Eyes(Feature):
    """Shows the scene as two eyes see it, the left one in red and the right one in green."""

    type_name = "eyes"
    fields = (
        float_field("apart", 1.0, help="metres between the eyes"),
        float_field("left", 4.0, help="metres that the left eye sees"),
        float_field("right", 4.0, help="metres that the right eye sees"),
    )
    shaders = MappingProxyType({"cover.fs": COVER})

    def passes(self, rows):
        """The pass with two views, and the one that covers the picture with both."""
        return (
            replace(
                FORWARD,
                name="eyes",
                color=(ColorTarget(EYES),),
                depth=DepthTarget(DEPTH),
                views=("left", "right"),
            ),
            FullscreenPass(
                "cover",
                color=(ColorTarget(SCENE_COLOR),),
                reads=(ImageRead(EYES, "eyes"),),
                after=("forward",),
                shader="eyes/cover.fs",
            ),
        )

    def views(self, frame):
        """Both views, from z = 0 along -Z."""
        rows = frame.enabled("eyes")
        apart = float(rows["apart"][0]) if len(rows) else 0.0
        found = {}
        for name, side in (("left", -0.5), ("right", 0.5)):
            half = float(rows[name][0]) / 2 if len(rows) else 2.0
            moved = np.eye(4, dtype=np.float32)
            moved[3, :3] = frame.origin - np.array([side * apart, 0.0, 0.0])
            found[name] = {"viewProjection": moved @ orthographic_reversed(-half, half, -half, half, 0.1, 10)}
        return found


def covered(picture: np.ndarray, channel: int) -> tuple[float, float]:
    """The first and last column of a picture where a channel is full, in parts of its width."""
    columns = np.flatnonzero((picture[:, :, channel] > 250).any(axis=0))
    return columns[0] / picture.shape[1], (columns[-1] + 1) / picture.shape[1]
