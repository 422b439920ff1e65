// The picture of values of surfaces: colours in linear light, others as they are, in the camera's viewport.
#version 450

#include "viewEncoding.glsl"

layout(set = 0, binding = 0, std140) uniform Frame {
    vec4 viewport;
} frame;
layout(set = 0, binding = 1) uniform sampler2D sceneColor;

layout(push_constant) uniform Shown { float isColor; } shown;

layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;

void main() {
    vec3 value = clamp(texture(sceneColor, uv).rgb, 0.0, 1.0);
    vec2 at = (uv - frame.viewport.xy) / frame.viewport.zw;
    if (any(lessThan(at, vec2(0.0))) || any(greaterThan(at, vec2(1.0))))
        value = vec3(0.0);
    colour = vec4(shown.isColor > 0.5 ? value : storedAs(value), 1.0);
}
