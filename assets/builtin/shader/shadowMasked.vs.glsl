// The shadow pass of what has holes: as shadow.vs.glsl, with the texture coordinates of its alpha.
#version 450

#include "frame.glsl"
#include "draws.glsl"

layout(location = 0) in vec3 pos;
layout(location = 1) in vec2 uv_albedo;

layout(location = 0) out vec2 uv;
layout(location = 1) flat out uint material;

void main() {
    uvec2 row = draws.row[gl_InstanceIndex];
    uv = uv_albedo;
    material = row.y;
    gl_PointSize = 1.0;
    gl_Position = frame.viewProjection * objectMatrix(row.x) * vec4(pos, 1.0);
}
