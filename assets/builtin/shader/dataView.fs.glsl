// One value of a surface, which view modes show in place of its light (engine/graph/view_mode.py).
#version 450

#include "frame.glsl"
#include "mask.glsl"
#include "normalMap.glsl"

struct Material {
    uint layers[6];
    vec4 baseColor;
    float roughness;
    float metallic;
    float normalScale;
    vec3 emissive;
    float occlusionStrength;
    float alphaCutoff;
    uint filled;
};
layout(set = 0, binding = 3, std430) readonly buffer Materials { Material row[]; } materials;

layout(set = 1, binding = 0) uniform sampler2DArray albedo;
layout(set = 1, binding = 1) uniform sampler2DArray normal;
layout(set = 1, binding = 3) uniform sampler2DArray roughness;
layout(set = 1, binding = 4) uniform sampler2DArray emissive;
layout(set = 1, binding = 5) uniform sampler2DArray occlusion;

layout(push_constant) uniform Shown { float value; } shown; // an index of DATA

layout(constant_id = 0) const uint alphaMode = 0u;
layout(constant_id = 2) const bool hasTangents = false;
layout(constant_id = 11) const bool lacksNormals = false;
layout(constant_id = 3) const bool hasColors = false;
layout(constant_id = 9) const bool readsColors = false; // whether the material's own shaders do
const uint MASK = 1u, BLEND = 2u, OCCLUSION = 1u << 5;

layout(location = 0) out vec4 colour;

#define FULL_MATERIAL
#include "surfaceInputs.glsl"
#include "tangentFrame.glsl"

void main() {
    Material m = materials.row[material];
    vec3 geometric = normalize(geometricNormal);
    mat3 tbn = hasTangents ? givenFrame(geometric) : tangentFrame(geometric, uvAlbedoNormal.zw);
    vec4 base = texture(albedo, vec3(uvAlbedoNormal.xy, m.layers[0])) * m.baseColor;
    vec3 bump = directionOf(texture(normal, vec3(uvAlbedoNormal.zw, m.layers[1])).xyz);
    vec3 arm = texture(roughness, vec3(uvTangentRoughness.zw, m.layers[3])).rgb;
    vec3 emitted = m.emissive * texture(emissive, vec3(uvEmissiveOcclusion.xy, m.layers[4])).rgb;
    float open = texture(occlusion, vec3(uvEmissiveOcclusion.zw, m.layers[5])).r;
    if (hasColors && readsColors)
        base *= vertexColor;
    if (alphaMode == MASK && !isCovered(base.a, m.alphaCutoff) || alphaMode == BLEND && base.a <= 0.0)
        discard;

    vec3 n = normalize((gl_FrontFacing ? tbn : -tbn) * vec3(bump.xy * m.normalScale, bump.z));
    if (lacksFaces && !hasTangents)
        n = geometric;
    if (lacksNormals)
        n = vec3(0.0);
    float away = -(frame.viewFromFrame * vec4(position, 1.0)).z;
    open = mix(1.0, (m.filled & OCCLUSION) != 0u ? open : arm.r, m.occlusionStrength);
    vec3 values[8] = vec3[](
        base.rgb,
        n * 0.5 + 0.5,
        vec3(arm.g * m.roughness),
        vec3(arm.b * m.metallic),
        vec3(open),
        emitted,
        vec3(1.0 / (1.0 + max(away, 0.0))),
        vec3(fract(uvAlbedoNormal.xy), 0.0)
    );
    colour = vec4(values[int(shown.value)], 1.0);
}
