"""Mirror: six views from inside an object draw a cube of what surrounds it, which its mesh mirrors."""

from engine.feature import Feature
from engine.feature.mesh_assets import mesh_drawables, mesh_requirements
from engine.graph import (
    SCENE_COLOR,
    SCENE_DEPTH,
    ColorTarget,
    DepthTarget,
    DrawPass,
    Extent,
    ImageDecl,
    ImageRead,
    RepeatedPass,
)
from engine.math import cube_views
from engine.plan import Blend, Format, FrontFace
from engine.tableau.schema import asset_field

SIDE = Extent(width=256, height=256)
FACES = ImageDecl(
    "mirrorFaces", Format.R16G16B16A16_SFLOAT, SIDE, clear=(0.0, 0.0, 0.0, 0.0), layers=6, cube=True
)
DEPTH = ImageDecl("mirrorDepth", Format.D32_SFLOAT, SIDE, clear=(0.0, 0.0, 0.0, 0.0), layers=6)
VIEWS = tuple(f"mirror.{side}" for side in ("+x", "-x", "+y", "-y", "+z", "-z"))

VERTEX = """#version 450
#include "draws.glsl"
layout(location = 0) in vec3 pos;
layout(location = 1) in vec3 normal;
layout(location = 0) out vec3 place;
layout(location = 1) out vec3 turned;
void main() {
    uint object = draws.row[gl_InstanceIndex].x;
    place = (objectMatrix(object) * vec4(pos, 1.0)).xyz;
    turned = objectNormal(object, normal);
    gl_PointSize = 1.0;
    gl_Position = frame.viewProjection * vec4(place, 1.0);
}
"""
FRAGMENT = """#version 450
#include "frame.glsl"
layout(set = 0, binding = 3) uniform samplerCube faces;
layout(location = 0) in vec3 place;
layout(location = 1) in vec3 turned;
layout(location = 0) out vec4 colour;
void main() {
    vec3 n = normalize(turned), seen = reflect(normalize(place - frame.cameraPosition.xyz), n);
    vec3 sky = mix(vec3(0.10, 0.09, 0.08), vec3(0.30, 0.42, 0.60), smoothstep(-0.1, 0.6, seen.y));
    vec4 around = texture(faces, seen);
    colour = vec4((around.rgb + sky * (1.0 - clamp(around.a, 0.0, 1.0))) * 0.95, 1.0);
}
"""


class Mirror(Feature):
    """The object's mesh mirrors the visible models around it, as they are seen from its place."""

    type_name = "mirror"
    at_most = 1
    fields = (asset_field("asset", types=("mesh", "model"), help="what mirrors"),)
    shaders = {"ball.vs": VERTEX, "ball.fs": FRAGMENT}

    def requirements(self, asset, library):
        """The mesh."""
        return mesh_requirements(asset, library)

    def drawables(self, asset, library):
        """The mesh, whatever its material."""
        return mesh_drawables(asset, library)

    def passes(self, rows):
        """Two passes draw what is around, a face of the cube in each view, and one the mesh."""
        around = RepeatedPass(
            "mirrorFaces",
            repeats="forward",
            color=(ColorTarget(FACES),),
            depth=DepthTarget(DEPTH),
            views=VIEWS,
            front_face=FrontFace.CLOCKWISE,
        )
        blended = RepeatedPass(
            "mirrorBlended",
            repeats="blended",
            color=(ColorTarget(FACES, Blend.PREMULTIPLIED),),
            depth=DepthTarget(DEPTH, write=False),
            views=VIEWS,
            front_face=FrontFace.CLOCKWISE,
        )
        ball = DrawPass(
            "mirror",
            draws="mirror",
            color=(ColorTarget(SCENE_COLOR),),
            depth=DepthTarget(SCENE_DEPTH),
            reads=(ImageRead(FACES, "faces"),),
            shaders=("mirror/ball.vs", "mirror/ball.fs"),
        )
        return around, blended, ball

    def views(self, frame):
        """A view towards each face of the cube, from the first enabled mirror's place."""
        rows = frame.enabled("mirror")
        if not len(rows):
            return {}
        place = frame.world(rows.objects[:1])[0, 3, :3] - frame.origin
        found = {}
        for name, matrix in zip(VIEWS, cube_views(0.05), strict=True):
            around = matrix.copy()
            around[3] -= place @ matrix[:3]
            found[name] = {"viewProjection": around, "cameraPosition": [*place, 1.0]}
        return found
