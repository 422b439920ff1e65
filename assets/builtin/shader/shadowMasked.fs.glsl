// What casts a shadow of a surface with holes: where its alpha reaches the cutoff.
#version 450

#include "mask.glsl"

struct Material {
    uint layers[1];
    vec4 baseColor;
    float alphaCutoff;
};
layout(set = 0, binding = 3, std430) readonly buffer Materials { Material row[]; } materials;

layout(set = 1, binding = 0) uniform sampler2DArray albedo;

layout(location = 0) in vec2 uv;
layout(location = 1) flat in uint material;
layout(location = 2) in float vertexAlpha;

void main() {
    Material m = materials.row[material];
    if (!isCovered(texture(albedo, vec3(uv, m.layers[0])).a * m.baseColor.a * vertexAlpha, m.alphaCutoff))
        discard;
}
