"""Outline: chosen objects are drawn into a mask, and a pass over the picture draws the mask's border.

The mask has what is seen of them: bent by bones, morphed, with the holes of their materials. Each object has
a row of a buffer, by its number, from which the shaders know the colour and width of its line.
"""

import numpy as np

from engine.feature import Feature
from engine.feature.mesh_assets import alpha_requirements, mesh_drawables, mesh_requirements
from engine.graph import (
    PICTURE,
    ColorTarget,
    DrawPass,
    FullscreenPass,
    ImageDecl,
    ImageRead,
    MaterialParameter,
    RasterState,
)
from engine.plan import AlphaMode, Blend, CullMode, Format
from engine.tableau.schema import asset_field, color_field, float_field

MOST = 16.0  # pixels
MASK = ImageDecl("outlineMask", Format.R8G8B8A8_UNORM, clear=(0.0, 0.0, 0.0, 0.0))
WIDTHS = ImageDecl("outlineWidths", Format.R8G8B8A8_UNORM, clear=(0.0, 0.0, 0.0, 0.0))

VERTEX = """#version 450
#include "frame.glsl"
#include "morph.glsl"
#include "skin.glsl"
struct Outline { vec4 line; };                                    // colour, width
layout(set = 0, binding = 4, std430) readonly buffer Outlines { Outline row[]; } outlines; // by object
layout(location = 0) in vec3 pos;
layout(location = 2) in uvec4 frameIdxs;
layout(location = 3) in vec4 frameWeights;
layout(location = 4) in vec4 frameWeights2;
layout(location = 5) in uint morph;
layout(location = 0) flat out vec4 line;
#ifdef HOLES
layout(location = 1) in vec2 uv_albedo;
layout(location = 6) in vec4 color;
layout(constant_id = 3) const bool hasColors = false;             // the mesh has colours,
layout(constant_id = 9) const bool readsColors = false;           // and the shaders of its material read them
layout(location = 1) out vec3 uvAlpha;
layout(location = 2) flat out uint material;
#endif
void main() {
    uvec2 row = draws.row[gl_InstanceIndex];
    line = outlines.row[row.x].line;
#ifdef HOLES
    uvAlpha = vec3(uv_albedo, hasColors && readsColors ? color.a : 1.0);
    material = row.y;
#endif
    vec3 formed = morphedPosition(row.x, morph, pos);
    gl_PointSize = 1.0;
    vec3 placed = skinnedPosition(row.x, formed, frameIdxs, frameWeights, frameWeights2);
    gl_Position = frame.viewProjection * vec4(placed, 1.0);
}
"""
FILL = """#version 450
layout(location = 0) flat in vec4 line;
layout(location = 0) out vec4 colour;
layout(location = 1) out vec4 width;
#ifdef HOLES
#include "mask.glsl"
struct Material { uint layers[1]; vec4 baseColor; float alphaCutoff; };
layout(set = 0, binding = 3, std430) readonly buffer Materials { Material row[]; } materials;
layout(set = 1, binding = 0) uniform sampler2DArray albedo;
layout(location = 1) in vec3 uvAlpha;
layout(location = 2) flat in uint material;
#endif
void main() {
#ifdef HOLES
    Material m = materials.row[material];
    float alpha = texture(albedo, vec3(uvAlpha.xy, m.layers[0])).a * m.baseColor.a * uvAlpha.z;
    if (!isCovered(alpha, m.alphaCutoff))
        discard;
#endif
    colour = vec4(line.rgb, 1.0);
    width = vec4(line.a);
}
"""
BORDER = """#version 450
layout(set = 0, binding = 0) uniform Frame { float outlineWidth; } frame; // of the widest line, in pixels
layout(set = 0, binding = 1) uniform sampler2D mask;
layout(set = 0, binding = 2) uniform sampler2D widths;
layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;
void main() {
    vec2 texel = 1.0 / vec2(textureSize(mask, 0));
    vec3 line = vec3(0.0);
    float here = texture(mask, uv).a, most = 0.0;
    for (float away = 1.0; away < frame.outlineWidth + 1.0; away += 1.0)
        for (int i = 0; i < 24; ++i) {
            float turn = 6.2832 * float(i) / 24.0;
            vec2 place = uv + vec2(cos(turn), sin(turn)) * texel * away;
            vec4 seen = textureLod(mask, place, 0.0);
            if (seen.a <= most)
                continue;
            float width = textureLod(widths, place, 0.0).r / seen.a * MOST;
            float part = seen.a * clamp(width - away + 1.0, 0.0, 1.0);
            line = part > most ? seen.rgb / seen.a : line;
            most = max(most, part);
        }
    float edge = max(most - here, 0.0);
    colour = vec4(line * edge, edge);
}
""".replace("MOST", str(MOST))


def with_holes(shader):
    """The shader for materials whose alpha makes holes."""
    return shader.replace("#version 450\n", "#version 450\n#define HOLES\n")


class Outline(Feature):
    """Draws a line around the object's visible model, also where something stands before it."""

    type_name = "outline"
    draws_as = "visibleModel"
    fields = (
        asset_field("asset", types=("mesh", "model"), optional=True, help="by default the visible model"),
        color_field("color", (1.0, 0.55, 0.05), help="in linear light"),
        float_field("width", 3.0, minimum=0.5, maximum=MOST, unit="pixels", help="of the line"),
    )
    buffers = ("outlines",)
    shaders = {
        "mask.vs": VERTEX,
        "mask.fs": FILL,
        "holes.vs": with_holes(VERTEX),
        "holes.fs": with_holes(FILL),
        "border.fs": BORDER,
    }

    def requirements(self, asset, library):
        """The mesh, and the texture with its holes."""
        yield from mesh_requirements(asset, library)
        yield from alpha_requirements(asset, library)

    def drawables(self, asset, library):
        """The mesh; the material of a model may have holes."""
        return mesh_drawables(asset, library)

    def passes(self, rows):
        """Two passes fill the mask, with what is whole and what has holes; one draws its border."""
        whole = DrawPass(
            "outlineMask",
            draws="outline",
            color=(ColorTarget(MASK), ColorTarget(WIDTHS)),
            shaders=("outline/mask.vs", "outline/mask.fs"),
            state=RasterState(cull=CullMode.NONE),
            materials=(AlphaMode.OPAQUE, AlphaMode.BLEND),
        )
        holes = DrawPass(
            "outlineHoles",
            draws="outline",
            color=(ColorTarget(MASK), ColorTarget(WIDTHS)),
            shaders=("outline/holes.vs", "outline/holes.fs"),
            state=RasterState(cull=CullMode.NONE),
            parameters=(MaterialParameter("baseColor", (1.0, 1.0, 1.0, 1.0), 0.0),),
            materials=(AlphaMode.MASK,),
            needs_rows=True,
        )
        border = FullscreenPass(
            "outline",
            color=(ColorTarget(PICTURE, Blend.PREMULTIPLIED),),
            reads=(ImageRead(MASK, "mask"), ImageRead(WIDTHS, "widths")),
            after=("toneMap", "fxaa"),
            shader="outline/border.fs",
        )
        return whole, holes, border

    def frame_values(self, frame):
        """The width of the widest line."""
        return {"outlineWidth": frame.enabled("outline")["width"].max(initial=0.0)}

    def buffer_rows(self, rows):
        """One for each object up to the last one with an outline."""
        return {"outlines": int(rows.objects.max(initial=-1)) + 1}

    def buffer_values(self, frame):
        """Colour and width of the line of each object."""
        rows = frame.enabled("outline")
        lines = np.zeros((int(rows.objects.max(initial=-1)) + 1, 4), np.float32)
        lines[rows.objects, :3] = rows["color"]
        lines[rows.objects, 3] = rows["width"] / MOST
        return {"outlines": {"line": lines}}
