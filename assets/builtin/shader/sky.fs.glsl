// The sky: the environment of the skybox in use, in the direction of each texel. Where there is none, or it is only
// light, nothing is drawn.
#version 450

layout(set = 0, binding = 0, std140) uniform Frame {
    mat4 clipToDirection; // from x, y, 0, 1 in clip space to a direction in the world
    vec4 environment;
    vec4 irradiance[9];
    float skyVisible;
} frame;
layout(set = 0, binding = 1) uniform samplerCube environment;

#include "environment.glsl"

layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;

void main() {
    if (frame.skyVisible == 0.0)
        discard;
    vec3 direction = (frame.clipToDirection * vec4(uv * 2.0 - 1.0, 0.0, 1.0)).xyz;
    colour = vec4(reflectedFrom(environment, normalize(direction), 0.0, 0.0), 1.0);
}
