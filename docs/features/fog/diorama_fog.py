"""Fog: a pass over the screen that reads the depth of the scene and blends over its light.

It comes before what blends, which writes no depth. That is drawn through the same fog by its own shaders, as
these know the colour and shape of the air in the picture.
"""

from engine.feature import Feature
from engine.graph import (
    PICTURE_VIEW,
    SCENE_COLOR,
    SCENE_DEPTH,
    ColorTarget,
    FullscreenPass,
    ImageRead,
    Sampler,
)
from engine.plan import Blend
from engine.tableau.schema import color_field, float_field

SHADER = """#version 450
#include "air.glsl"
layout(set = 0, binding = 1) uniform sampler2D depth;
layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;
void main() {
    float part = hiddenByAir(metresAt(texture(depth, uv).r));
    colour = vec4(frame.airColor.rgb * part, part);               // premultiplied
}
"""


class Fog(Feature):
    """Fills the air with fog, the denser the farther one looks."""

    type_name = "fog"
    at_most = 1
    fields = (
        color_field("color", (0.55, 0.62, 0.7), help="of fog that nothing is seen through; linear light"),
        float_field("density", 0.05, minimum=0.0, maximum=100.0, unit="per m", help="of fog"),
        float_field("start", 0.0, minimum=0.0, unit="m", help="from the eye, where it begins"),
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

    def views(self, frame):
        """Colour and shape of the air in the picture: other views have no pass that fogs what is solid."""
        rows = frame.enabled("fog")
        if not len(rows):
            return {}
        return {
            PICTURE_VIEW: {"airColor": rows["color"][0], "airShape": [rows["density"][0], rows["start"][0]]}
        }
