"""Water: a view from below the surface draws what it mirrors, and a plane shows that with ripples."""

import numpy as np

from engine.feature import Feature
from engine.graph import (
    SCENE_COLOR,
    SCENE_DEPTH,
    ColorTarget,
    DepthTarget,
    Extent,
    ImageDecl,
    ImageRead,
    PrimitivePass,
    RepeatedPass,
)
from engine.plan import Blend, Format
from engine.tableau.schema import color_field, float_field

HALF = Extent(scale=0.5)
MIRRORED = ImageDecl("waterMirrored", Format.R16G16B16A16_SFLOAT, HALF, clear=(0.0, 0.0, 0.0, 0.0))
DEPTH = ImageDecl("waterDepth", Format.D32_SFLOAT, HALF, clear=(0.0, 0.0, 0.0, 0.0))

VERTEX = """#version 450
layout(set = 0, binding = 0) uniform Frame {
    mat4 viewProjection; vec4 origin; vec4 cameraPosition; vec4 waterPlace; vec4 waterColor; float time;
} frame;
layout(location = 0) out vec3 world;
layout(location = 1) out vec4 clip;
void main() {
    vec2 corner = vec2(gl_VertexIndex == 1 || gl_VertexIndex > 3, gl_VertexIndex == 2 || gl_VertexIndex == 3
                       || gl_VertexIndex == 5) * 2.0 - 1.0;
    world = frame.waterPlace.xyz + vec3(corner.x, 0.0, corner.y) * frame.waterPlace.w;
    clip = frame.viewProjection * vec4(world - frame.origin.xyz, 1.0);
    gl_Position = clip;
}
"""
FRAGMENT = """#version 450
layout(set = 0, binding = 0) uniform Frame {
    mat4 viewProjection; vec4 origin; vec4 cameraPosition; vec4 waterPlace; vec4 waterColor; float time;
} frame;
layout(set = 0, binding = 1) uniform sampler2D mirrored;
layout(location = 0) in vec3 world;
layout(location = 1) in vec4 clip;
layout(location = 0) out vec4 colour;
vec2 slope(vec2 at) {
    vec2 sum = vec2(0.0);
    for (int i = 0; i < 5; ++i) {
        float turn = 1.9 * float(i), size = 1.6 + 1.3 * float(i);
        vec2 way = vec2(cos(turn), sin(turn));
        sum += way * cos(dot(at, way) * size + frame.time * sqrt(9.8 * size) * 0.35) / size;
    }
    return sum;
}
void main() {
    vec3 eye = normalize(frame.cameraPosition.xyz + frame.origin.xyz - world);
    vec2 bent = slope(world.xz) * frame.waterColor.a;
    vec3 n = normalize(vec3(-bent.x, 1.0, -bent.y));
    vec2 uv = clip.xy / clip.w * vec2(0.5, -0.5) + 0.5 + n.xz * 0.25;   // the mirrored picture is upside down
    vec4 seen = texture(mirrored, uv);
    float fresnel = 0.02 + 0.98 * pow(1.0 - max(dot(n, eye), 0.0), 5.0);
    vec3 sky = mix(vec3(0.35, 0.45, 0.6), vec3(0.12, 0.22, 0.45), max(reflect(-eye, n).y, 0.0));
    vec3 above = seen.rgb + sky * (1.0 - clamp(seen.a, 0.0, 1.0));    // what blends covers a part of it
    colour = vec4(mix(frame.waterColor.rgb, above, fresnel), 1.0);
}
"""


class Water(Feature):
    """A square of water at the object's place, which mirrors all visible models above it."""

    type_name = "water"
    at_most = 1
    fields = (
        float_field("size", 20.0, minimum=0.1, maximum=1e5, unit="m", help="from the middle to each side"),
        color_field("color", (0.01, 0.05, 0.06), help="of the water itself, in linear light"),
        float_field("ripples", 0.05, minimum=0.0, maximum=1.0, help="how steep the waves are"),
    )
    shaders = {"plane.vs": VERTEX, "plane.fs": FRAGMENT}

    def passes(self, rows):
        """Two passes draw what is mirrored, solid and then what blends, and one the plane."""
        mirrored = RepeatedPass(
            "waterMirrored",
            repeats="forward",
            color=(ColorTarget(MIRRORED),),
            depth=DepthTarget(DEPTH),
            views=("water",),
        )
        blended = RepeatedPass(
            "waterBlended",
            repeats="blended",
            color=(ColorTarget(MIRRORED, Blend.PREMULTIPLIED),),
            depth=DepthTarget(DEPTH, write=False),
            views=("water",),
        )
        plane = PrimitivePass(
            "water",
            color=(ColorTarget(SCENE_COLOR),),
            depth=DepthTarget(SCENE_DEPTH),
            reads=(ImageRead(MIRRORED, "mirrored"),),
            shaders=("water/plane.vs", "water/plane.fs"),
            vertices=6,
        )
        return mirrored, blended, plane

    def frame_values(self, frame):
        """Place and look of the first enabled water."""
        rows = frame.enabled("water")
        if not len(rows):
            return {"waterPlace": [0.0, -1e6, 0.0, 0.0]}
        place = frame.world(rows.objects[:1])[0, 3, :3]
        return {
            "waterPlace": [*place, rows["size"][0]],
            "waterColor": [*rows["color"][0], rows["ripples"][0]],
        }

    def views(self, frame):
        """The picture's view mirrored in the surface, cut off below it, and upside down.

        Turned upside down, faces have the same side in front as before. The near plane is put on the surface,
        as in E. Lengyel, "Oblique View Frustum Depth Projection and Clipping", 2005, for reversed depth.
        """
        rows, view = frame.enabled("water"), frame.view
        if not len(rows) or view is None:
            return {}
        height = frame.world(rows.objects[:1])[0, 3, 1] - view.origin[1]
        mirror = np.diag([1.0, -1.0, 1.0, 1.0])
        mirror[3, 1] = 2.0 * height
        matrix = mirror @ view.view_projection.astype(np.float64)
        x, y, _ = view.half_size
        corners = np.array([[i * x, j * y, -1.0] for i in (-1, 1) for j in (-1, 1)])
        steepest = -(corners @ view.view_from_frame[:3, :3].T)[:, 1].min()
        above = np.array([0.0, 1.0, 0.0, -height])
        matrix[:, 2] = matrix[:, 3] - above / max(steepest, 1e-3)
        matrix[:, 1] *= -1.0
        eye = view.eye - view.origin
        return {
            "water": {
                "viewProjection": matrix,
                "cameraPosition": [eye[0], 2.0 * height - eye[1], eye[2], 1.0],
            }
        }
