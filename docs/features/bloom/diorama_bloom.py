"""Bloom: bright light is taken in smaller and smaller images, and added to the scene around where it is."""

from engine.feature import Feature
from engine.graph import SCENE_COLOR, ColorTarget, Extent, FullscreenPass, ImageDecl, ImageRead
from engine.plan import Blend, Format
from engine.tableau.schema import float_field

LEVELS = 5
IMAGES = tuple(
    ImageDecl(f"bloom{n}", Format.R16G16B16A16_SFLOAT, Extent(scale=0.5 ** (n + 1))) for n in range(LEVELS)
)
BRIGHT = """#version 450
layout(set = 0, binding = 0) uniform Frame { float bloomThreshold; float bloomStrength; } frame;
layout(set = 0, binding = 1) uniform sampler2D scene;
layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;
void main() {
    vec2 t = 0.5 / vec2(textureSize(scene, 0));
    vec3 sum = vec3(0.0);
    for (int i = 0; i < 4; ++i) {                                 // darker where one texel alone is bright
        vec3 c = texture(scene, uv + vec2(i & 1, i >> 1) * 2.0 * t - t).rgb;
        float most = max(c.r, max(c.g, c.b));
        sum += c * max(most - frame.bloomThreshold, 0.0) / max(most, 1e-4) / (1.0 + most);
    }
    colour = vec4(min(sum, 64.0), 1.0);
}
"""
SMALLER = """#version 450
layout(set = 0, binding = 0) uniform sampler2D finer;
layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;
void main() {
    vec2 t = 1.0 / vec2(textureSize(finer, 0));
    vec3 sum = texture(finer, uv).rgb * 4.0;
    for (int i = 0; i < 4; ++i)
        sum += texture(finer, uv + (vec2(i & 1, i >> 1) * 2.0 - 1.0) * t).rgb;
    colour = vec4(sum / 8.0, 1.0);
}
"""
ADD = """#version 450
layout(set = 0, binding = 0) uniform Frame { float bloomThreshold; float bloomStrength; } frame;
layout(set = 0, binding = 1) uniform sampler2D b0;
layout(set = 0, binding = 2) uniform sampler2D b1;
layout(set = 0, binding = 3) uniform sampler2D b2;
layout(set = 0, binding = 4) uniform sampler2D b3;
layout(set = 0, binding = 5) uniform sampler2D b4;
layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;
vec3 smooth9(sampler2D image) {                                   // a tent filter, which hides the texels
    vec2 t = 1.0 / vec2(textureSize(image, 0));
    vec3 sum = vec3(0.0);
    for (int y = -1; y <= 1; ++y)
        for (int x = -1; x <= 1; ++x)
            sum += texture(image, uv + vec2(x, y) * t).rgb * float((2 - abs(x)) * (2 - abs(y)));
    return sum / 16.0;
}
void main() {
    vec3 sum = smooth9(b0) + smooth9(b1) + smooth9(b2) + smooth9(b3) + smooth9(b4);
    colour = vec4(sum * frame.bloomStrength / 5.0, 0.0);
}
"""


class Bloom(Feature):
    """Bright light spreads over what is beside it in the picture, as in an eye or a lens."""

    type_name = "bloom"
    at_most = 1
    fields = (
        float_field("threshold", 1.0, minimum=0.0, help="light that is weaker does not spread"),
        float_field("strength", 0.6, minimum=0.0, maximum=10.0, help="factor on what spreads"),
    )
    shaders = {"bright.fs": BRIGHT, "smaller.fs": SMALLER, "add.fs": ADD}

    def passes(self, rows):
        """Bright light, then ever smaller images of it, then their sum over the scene."""
        found = [
            FullscreenPass(
                "bloomBright",
                color=(ColorTarget(IMAGES[0]),),
                reads=(ImageRead(SCENE_COLOR, "scene"),),
                after=("sky", "forward", "blended", "sparks"),
                shader="bloom/bright.fs",
            )
        ]
        for n in range(1, LEVELS):
            found.append(
                FullscreenPass(
                    f"bloomSmaller{n}",
                    color=(ColorTarget(IMAGES[n]),),
                    reads=(ImageRead(IMAGES[n - 1], "finer"),),
                    shader="bloom/smaller.fs",
                )
            )
        add = FullscreenPass(
            "bloom",
            color=(ColorTarget(SCENE_COLOR, Blend.ADD),),
            reads=tuple(ImageRead(image, f"b{n}") for n, image in enumerate(IMAGES)),
            shader="bloom/add.fs",
        )
        return (*found, add)

    def frame_values(self, frame):
        """Threshold and strength of the first enabled row."""
        rows = frame.enabled("bloom")
        if not len(rows):
            return {"bloomThreshold": 1e9}
        return {"bloomThreshold": rows["threshold"][0], "bloomStrength": rows["strength"][0]}
