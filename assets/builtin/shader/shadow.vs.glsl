// The shadow pass's only stage: what casts, as the light sees it.
#version 450

#include "frame.glsl"
#include "morph.glsl"
#include "skin.glsl"

layout(location = 0) in vec3 pos;
layout(location = 2) in uvec4 frameIdxs;
layout(location = 3) in vec4 frameWeights;
layout(location = 4) in vec4 frameWeights2;
layout(location = 5) in uint morph;

void main() {
    gl_PointSize = 1.0;
    uint object = draws.row[gl_InstanceIndex].x;
    vec3 formed = morphedPosition(object, morph, pos);
    vec3 placed = skinnedPosition(object, formed, frameIdxs, frameWeights, frameWeights2);
    gl_Position = frame.viewProjection * vec4(placed, 1.0);
}
