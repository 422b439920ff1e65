"""Particles: a compute pass moves them in a buffer that persists, a primitive pass draws and blends them.

Each enabled fountain has a row of a buffer, and its own sparks. These are a part of the pass that draws them,
which stands among what else blends as far from the eye as the middle of its fountain: panes behind that are
drawn before all sparks of it, and panes before it over them.
"""

import numpy as np

from engine.feature import Feature
from engine.graph import (
    SCENE_COLOR,
    SCENE_DEPTH,
    BufferDecl,
    BufferUse,
    ColorTarget,
    ComputePass,
    DepthTarget,
    PrimitivePass,
)
from engine.plan import Blend
from engine.plan.terms.drawing import ShaderStage
from engine.tableau.schema import float_field

COUNT = 4096  # of each fountain
HALF_HEIGHT = 1 / 15  # metres, of a fountain of 1 m/s

MOVE = """#version 450
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) uniform Frame { float time; uint fountainCount; } frame;
struct Spark { vec4 place; vec4 speed; };                         // place: in the world; w: part of its life
struct Fountain { vec3 place; float speed; };
layout(set = 0, binding = 1, std430) buffer Sparks { Spark row[]; } sparks;
layout(set = 0, binding = 2, std430) readonly buffer Fountains { Fountain row[]; } fountains;
float hash(uint n) { n = (n ^ 61u) ^ (n >> 16); n *= 9u; n ^= n >> 4; n *= 0x27d4eb2du; n ^= n >> 15;
                     return float(n & 0xffffffu) / 16777216.0; }
void main() {
    uint of = gl_GlobalInvocationID.y, i = gl_GlobalInvocationID.x + of * COUNTu;
    if (i >= uint(sparks.row.length())) return;
    if (of >= frame.fountainCount) {                              // one that is switched off
        sparks.row[i] = Spark(vec4(0.0, 0.0, 0.0, 1.0), vec4(0.0));
        return;
    }
    Fountain fountain = fountains.row[of];
    Spark s = sparks.row[i];
    float life = 1.0 + 2.0 * hash(i), t = frame.time + hash(i * 7u + 1u) * life;
    float born = floor(t / life) * life, age = t - born;          // where it is follows from the time alone
    uint seed = i * 3u + uint(born * 16.0) * 977u;
    float turn = 6.2832 * hash(seed), out_ = 0.25 + hash(seed + 1u);
    vec3 v = vec3(cos(turn) * out_, 3.0 + hash(seed + 2u), sin(turn) * out_) * (fountain.speed / 3.0);
    s.place = vec4(fountain.place + v * age - vec3(0.0, 2.4, 0.0) * age * age, age / life);
    s.speed = vec4(v - vec3(0.0, 4.8, 0.0) * age, 0.0);
    sparks.row[i] = s;
}
""".replace("COUNT", str(COUNT))
VERTEX = """#version 450
#include "frame.glsl"
layout(set = 0, binding = 1, std430) readonly buffer Sparks { mat2x4 row[]; } sparks;
layout(location = 0) out vec2 corner;
layout(location = 1) out float age;
void main() {
    vec2 corners[6] = vec2[](vec2(-1, -1), vec2(1, -1), vec2(1, 1), vec2(-1, -1), vec2(1, 1), vec2(-1, 1));
    vec4 place = sparks.row[gl_InstanceIndex][0];
    corner = corners[gl_VertexIndex];
    age = place.w;
    vec4 clip = frame.viewProjection * vec4(place.xyz - frame.origin.xyz, 1.0);
    clip.xy += corner * vec2(frame.targetSize.y / frame.targetSize.x, 1.0) * 0.03;
    gl_Position = clip;
}
"""
FRAGMENT = """#version 450
#include "air.glsl"
layout(location = 0) in vec2 corner;
layout(location = 1) in float age;
layout(location = 0) out vec4 colour;
void main() {
    float glow = exp(-4.0 * dot(corner, corner)) * (1.0 - age);
    vec3 light = mix(vec3(4.0, 2.2, 0.7), vec3(1.5, 0.2, 0.05), age) * glow;
    colour = throughAir(vec4(light, 0.0), metresAt(gl_FragCoord.z));  // adds light, and covers nothing
}
"""


class Particles(Feature):
    """A fountain of sparks above the object."""

    type_name = "particles"
    fields = (
        float_field("speed", 3.0, minimum=0.0, maximum=300.0, unit="m/s", help="upwards, of the slowest"),
    )
    buffers = ("fountains",)
    shaders = {"move.cs": MOVE, "spark.vs": VERTEX, "spark.fs": FRAGMENT}

    def passes(self, rows):
        """One pass that moves, and one that draws what it has moved."""
        sparks = BufferDecl("sparks", COUNT * 32 * len(rows), persists=True)
        written = BufferUse(sparks, "sparks", writes=True, stages=ShaderStage.COMPUTE)
        threads = (COUNT, len(rows), 1)
        return (
            ComputePass("moveSparks", buffers=(written,), shader="particles/move.cs", threads=threads),
            PrimitivePass(
                "sparks",
                color=(ColorTarget(SCENE_COLOR, Blend.ADD),),
                depth=DepthTarget(SCENE_DEPTH, write=False),
                buffers=(BufferUse(sparks, "sparks", stages=ShaderStage.VERTEX),),
                after=("sky", "fog", "haze"),
                shaders=("particles/spark.vs", "particles/spark.fs"),
                vertices=6,
                instances=COUNT,
                among="blended",
                parts=len(rows),
            ),
        )

    def frame_values(self, frame):
        """How many fountains there are."""
        return {"fountainCount": len(frame.enabled("particles"))}

    def places(self, frame):
        """The middle of each enabled fountain, half as high as sparks rise in the middle of theirs."""
        rows = frame.enabled("particles")
        middles = frame.world(rows.objects)[:, 3, :3].copy()
        middles[:, 1] += HALF_HEIGHT * rows["speed"] ** 2
        return middles

    def buffer_values(self, frame):
        """Where each enabled fountain stands, and how fast it is."""
        rows = frame.enabled("particles")
        places = frame.world(rows.objects)[:, 3, :3]
        return {"fountains": {"place": places.astype(np.float32), "speed": rows["speed"]}}
