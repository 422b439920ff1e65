// One channel of the finished picture as grey: red, green, blue, or how much of a texel the scene covers.
#version 450

#include "viewEncoding.glsl"

layout(set = 0, binding = 0) uniform sampler2D picture;
layout(set = 0, binding = 1) uniform sampler2D sceneColor;

layout(push_constant) uniform Shown { float channel; } shown; // an index of CHANNELS

layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;

void main() {
    int channel = int(shown.channel);
    vec3 whole = texture(picture, uv).rgb;
    float coverage = clamp(texture(sceneColor, uv).a, 0.0, 1.0);
    colour = vec4(channel < 3 ? vec3(whole[min(channel, 2)]) : storedAs(vec3(coverage)), 1.0);
}
