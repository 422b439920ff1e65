// The shadow pass's only stage: what casts, as the light sees it.
#version 450

layout(set = 0, binding = 0, std140) uniform Frame {
    mat4 viewProjection;
    mat4 lightViewProjection;
    vec4 cameraPosition;    // xyz: world; w: exposure
    vec4 skyAmbient;        // rgb: light from above
    vec4 groundAmbient;     // rgb: light from below
    vec4 lightDirection[4]; // xyz: towards the light
    vec4 lightColor[4];    // rgb: colour times intensity
    vec4 shadow;            // x: size of a texel in metres; y: 1 / texels; z: lights in use
} frame;

layout(set = 0, binding = 1, std430) readonly buffer Instances { mat4 world[]; } instances;
layout(set = 0, binding = 2, std430) readonly buffer Draws { uvec2 row[]; } draws; // object, material

layout(location = 0) in vec3 pos;

void main() {
    gl_Position = frame.lightViewProjection * instances.world[draws.row[gl_InstanceIndex].x] * vec4(pos, 1.0);
}
