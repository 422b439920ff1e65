"""Fog: a pass over the screen that reads the depth of the scene and blends over its light.

It comes before what blends, which writes no depth: panes and sparks are drawn over the fog, and have none
before themselves.
"""

from engine.feature import Feature
from engine.graph import SCENE_COLOR, SCENE_DEPTH, ColorTarget, FullscreenPass, ImageRead, Sampler
from engine.plan import Blend
from engine.tableau.schema import color_field, float_field

SHADER = """#version 450
layout(set = 0, binding = 0) uniform Frame { vec4 fogColor; vec4 fogShape; } frame;
layout(set = 0, binding = 1) uniform sampler2D depth;
layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;
void main() {
    float near = frame.fogShape.y, d = texture(depth, uv).r;      // depth is near / distance, 0 at infinity
    float far = d > 0.0 ? near / d : 1e6;
    float part = 1.0 - exp(-frame.fogShape.x * max(far - frame.fogShape.z, 0.0));
    colour = vec4(frame.fogColor.rgb * part, part);               // premultiplied
}
"""


class Fog(Feature):
    """Fills the air with fog, the denser the farther one looks."""

    type_name = "fog"
    at_most = 1
    fields = (
        color_field("color", (0.55, 0.62, 0.7), help="of fog that nothing is seen through; linear light"),
        float_field("density", 0.05, minimum=0.0, maximum=100.0, help="per metre"),
        float_field("start", 0.0, minimum=0.0, help="metres from the eye at which it begins"),
    )
    shaders = {"fog.fs": SHADER}

    def passes(self, rows):
        """One pass, after everything that is in the depth of the scene, and before what is not."""
        return (
            FullscreenPass(
                "fog",
                color=(ColorTarget(SCENE_COLOR, Blend.PREMULTIPLIED),),
                reads=(ImageRead(SCENE_DEPTH, "depth", Sampler(nearest=True)),),
                after=("sky", "forward"),
                before=("blended", "sparks"),
                shader="fog/fog.fs",
            ),
        )

    def frame_values(self, frame):
        """Colour and shape of the first enabled fog; none is fog of density 0."""
        rows, cameras = frame.enabled("fog"), frame.enabled("camera")
        near = float(cameras["near"][0]) if len(cameras) else 0.05
        if not len(rows):
            return {"fogShape": [0.0, near, 0.0, 0.0]}
        return {"fogColor": rows["color"][0], "fogShape": [rows["density"][0], near, rows["start"][0], 0.0]}
