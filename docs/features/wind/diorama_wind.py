"""Wind: a pass of its own draws models with vertices that sway, lit by the lights of the scene.

Each object has a row of a buffer, by its number: its colour, and the wind that it stands in.
"""

import numpy as np

from engine.feature import Feature
from engine.feature.mesh_assets import mesh_drawables, mesh_requirements
from engine.graph import SCENE_COLOR, SCENE_DEPTH, ColorTarget, DepthTarget, DrawPass, RasterState
from engine.plan import CullMode
from engine.tableau.schema import asset_field, color_field, float_field

VERTEX = """#version 450
layout(set = 0, binding = 0) uniform Frame {
    mat4 viewProjection; vec4 origin; float time; uvec4 lightCounts;
} frame;
struct Gust { vec3 color; vec3 shape; };                          // heading, strength, speed
layout(set = 0, binding = 1, std430) readonly buffer Instances { mat4 placement[]; } instances;
layout(set = 0, binding = 2, std430) readonly buffer Draws { uvec2 row[]; } draws;
layout(set = 0, binding = 4, std430) readonly buffer Winds { Gust row[]; } winds; // by object
layout(location = 0) in vec3 pos;
layout(location = 1) in vec3 normal;
layout(location = 0) out vec3 surface;
layout(location = 1) out float height;
layout(location = 2) flat out vec3 color;
void main() {
    uint object = draws.row[gl_InstanceIndex].x;
    Gust wind = winds.row[object];
    mat4 m = instances.placement[object];
    vec3 place = m[3].xyz, world = mat3(m) * pos + place;
    float free = clamp(pos.y + 0.5, 0.0, 1.0);                    // what stands on the ground stays there
    float turn = frame.time * wind.shape.z + dot(world.xz, vec2(0.7, 0.4));
    float sway = wind.shape.y * free * free * (0.6 * sin(turn) + 0.4 * sin(2.3 * turn + 1.0) + 0.5);
    world.x += sway * cos(wind.shape.x);
    world.z += sway * sin(wind.shape.x);
    surface = mat3(m) * normal;
    height = free;
    color = wind.color;
    gl_PointSize = 1.0;
    gl_Position = frame.viewProjection * vec4(world - frame.origin.xyz, 1.0);
}
"""
FRAGMENT = """#version 450
layout(set = 0, binding = 0) uniform Frame {
    mat4 viewProjection; vec4 origin; float time; uvec4 lightCounts;
} frame;
struct Light { vec3 color; uint kind; vec3 direction; };
layout(set = 0, binding = 3, std430) readonly buffer Lights { Light row[]; } lights;
layout(location = 0) in vec3 surface;
layout(location = 1) in float height;
layout(location = 2) flat in vec3 color;
layout(location = 0) out vec4 colour;
void main() {
    vec3 n = normalize(gl_FrontFacing ? surface : -surface), sum = vec3(0.25);
    for (uint i = 0u; i < frame.lightCounts.x; ++i)
        sum += lights.row[i].color * max(dot(n, lights.row[i].direction), 0.0) / 3.14159;
    colour = vec4(color * sum * mix(0.4, 1.0, height), 1.0);
}
"""


class Wind(Feature):
    """Draws a model that sways in the wind, whatever its material."""

    type_name = "wind"
    fields = (
        asset_field(
            "asset", types=("mesh", "model"), help="what sways; its lower end, at y -0.5, stands still"
        ),
        color_field("color", (0.2, 0.5, 0.1), help="of the surface, in linear light"),
        float_field("strength", 0.3, minimum=0.0, maximum=10.0, unit="m", help="how far the upper end moves"),
        float_field("speed", 2.0, minimum=0.0, maximum=50.0, unit="rad/s", help="of the sway"),
        float_field("heading", 0.5, unit="rad", help="from X towards Z"),
    )
    buffers = ("winds",)
    shaders = {"sway.vs": VERTEX, "sway.fs": FRAGMENT}

    def requirements(self, asset, library):
        """The mesh."""
        return mesh_requirements(asset, library)

    def drawables(self, asset, library):
        """The mesh, whatever its material."""
        return mesh_drawables(asset, library)

    def passes(self, rows):
        """One pass into the scene's images, beside that of visible models."""
        return (
            DrawPass(
                "wind",
                draws="wind",
                color=(ColorTarget(SCENE_COLOR),),
                depth=DepthTarget(SCENE_DEPTH),
                shaders=("wind/sway.vs", "wind/sway.fs"),
                state=RasterState(cull=CullMode.NONE),
            ),
        )

    def buffer_rows(self, rows):
        """One for each object up to the last one that sways."""
        return {"winds": int(rows.objects.max(initial=-1)) + 1}

    def buffer_values(self, frame):
        """Colour, direction, strength and speed, by object."""
        rows = frame.enabled("wind")
        colors, shapes = np.zeros((2, int(rows.objects.max(initial=-1)) + 1, 3), np.float32)
        colors[rows.objects] = rows["color"]
        shapes[rows.objects] = np.stack((rows["heading"], rows["strength"], rows["speed"]), axis=1)
        return {"winds": {"color": colors, "shape": shapes}}
