"""Outline: chosen objects are drawn into a mask, and a pass over the picture draws the mask's border."""

from engine.feature import Feature
from engine.feature.mesh_assets import mesh_drawables, mesh_requirements
from engine.graph import PICTURE, ColorTarget, DrawPass, FullscreenPass, ImageDecl, ImageRead
from engine.plan import Blend, Format
from engine.tableau.schema import asset_field, color_field, float_field

MASK = ImageDecl("outlineMask", Format.R8G8B8A8_UNORM, clear=(0.0, 0.0, 0.0, 0.0))

VERTEX = """#version 450
#include "draws.glsl"
layout(location = 0) in vec3 pos;
void main() {
    gl_PointSize = 1.0;
    gl_Position = frame.viewProjection * objectMatrix(draws.row[gl_InstanceIndex].x) * vec4(pos, 1.0);
}
"""
FILL = """#version 450
layout(location = 0) out vec4 colour;
void main() { colour = vec4(1.0); }
"""
BORDER = """#version 450
layout(set = 0, binding = 0) uniform Frame { vec4 outlineColor; float outlineWidth; } frame;
layout(set = 0, binding = 1) uniform sampler2D mask;
layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;
void main() {
    vec2 texel = frame.outlineWidth / vec2(textureSize(mask, 0));
    float here = texture(mask, uv).a, most = 0.0;
    for (int i = 0; i < 24; ++i) {
        float turn = 6.2832 * float(i) / 24.0;
        for (float part = 0.5; part <= 1.0; part += 0.5)
            most = max(most, texture(mask, uv + vec2(cos(turn), sin(turn)) * texel * part).a);
    }
    float edge = max(most - here, 0.0) * frame.outlineColor.a;
    colour = vec4(frame.outlineColor.rgb * edge, edge);
}
"""


class Outline(Feature):
    """Draws a line around the object's visible model, also where something stands before it."""

    type_name = "outline"
    draws_as = "visibleModel"
    fields = (
        asset_field("asset", types=("mesh", "model"), optional=True, help="by default the visible model"),
        color_field("color", (1.0, 0.55, 0.05), help="in linear light"),
        float_field("width", 3.0, minimum=0.5, maximum=16.0, help="pixels"),
    )
    shaders = {"mask.vs": VERTEX, "mask.fs": FILL, "border.fs": BORDER}

    def requirements(self, asset, library):
        """The mesh."""
        return mesh_requirements(asset, library)

    def drawables(self, asset, library):
        """The mesh, whatever its material."""
        return mesh_drawables(asset, library)

    def passes(self, rows):
        """One pass fills the mask, one draws its border over the finished picture."""
        return (
            DrawPass(
                "outlineMask",
                draws="outline",
                color=(ColorTarget(MASK),),
                shaders=("outline/mask.vs", "outline/mask.fs"),
            ),
            FullscreenPass(
                "outline",
                color=(ColorTarget(PICTURE, Blend.PREMULTIPLIED),),
                reads=(ImageRead(MASK, "mask"),),
                after=("toneMap", "fxaa"),
                shader="outline/border.fs",
            ),
        )

    def frame_values(self, frame):
        """Colour and width of the first enabled outline."""
        rows = frame.enabled("outline")
        if not len(rows):
            return {}
        return {"outlineColor": [*rows["color"][0], 1.0], "outlineWidth": rows["width"][0]}
