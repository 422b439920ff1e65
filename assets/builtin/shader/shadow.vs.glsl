// The shadow pass's only stage: what casts, as the light sees it.
#version 450

#include "frame.glsl"
#include "draws.glsl"

layout(location = 0) in vec3 pos;

void main() {
    gl_PointSize = 1.0;
    gl_Position = frame.viewProjection * objectMatrix(draws.row[gl_InstanceIndex].x) * vec4(pos, 1.0);
}
