// The default material's vertex stage: object to world to clip, normals by the cofactor matrix, so
// that scaled objects shade right.
#version 450

#include "../shader/frame.glsl"
#include "../shader/draws.glsl"

layout(location = 0) in vec3 pos;
layout(location = 1) in vec3 normal;
layout(location = 2) in vec2 uv_albedo;
layout(location = 3) in vec2 uv_normal;
layout(location = 4) in vec2 uv_tangent;
layout(location = 5) in vec2 uv_roughness;

layout(location = 0) out vec3 worldPosition;
layout(location = 1) out vec3 worldNormal;
layout(location = 2) out vec4 uvAlbedoNormal;
layout(location = 3) out vec4 uvTangentRoughness;
layout(location = 4) flat out uint material;

void main() {
    uvec2 row = draws.row[gl_InstanceIndex];
    mat4 world = instances.world[row.x];
    vec4 position = world * vec4(pos, 1.0);
    mat3 cofactors = mat3(cross(world[1].xyz, world[2].xyz),
                          cross(world[2].xyz, world[0].xyz),
                          cross(world[0].xyz, world[1].xyz));
    worldPosition = position.xyz;
    worldNormal = cofactors * normal;
    uvAlbedoNormal = vec4(uv_albedo, uv_normal);
    uvTangentRoughness = vec4(uv_tangent, uv_roughness);
    material = row.y;
    gl_PointSize = 1.0;
    gl_Position = frame.viewProjection * position;
}
