// The shadow pass of what has holes: as shadow.vs.glsl, with the texture coordinates of its alpha.
#version 450

#include "frame.glsl"
#include "morph.glsl"
#include "skin.glsl"

layout(location = 0) in vec3 pos;
layout(location = 1) in vec2 uv_albedo;
layout(location = 2) in uvec4 frameIdxs;
layout(location = 3) in vec4 frameWeights;
layout(location = 4) in vec4 frameWeights2;
layout(location = 5) in uint morph;
layout(location = 6) in vec4 color;

layout(constant_id = 3) const bool hasColors = false;   // whether the mesh has colours
layout(constant_id = 9) const bool readsColors = false; // whether the material's own shaders read them

layout(location = 0) out vec2 uv;
layout(location = 1) flat out uint material;
layout(location = 2) out float vertexAlpha;

void main() {
    uvec2 row = draws.row[gl_InstanceIndex];
    uv = uv_albedo;
    material = row.y;
    vertexAlpha = hasColors && readsColors ? color.a : 1.0;
    gl_PointSize = 1.0;
    vec3 formed = morphedPosition(row.x, morph, pos);
    vec3 placed = skinnedPosition(row.x, formed, frameIdxs, frameWeights, frameWeights2);
    gl_Position = frame.viewProjection * vec4(placed, 1.0);
}
