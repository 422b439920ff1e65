// The vertex stage of the default and the full material: from the object's space to the frame's and to clip space.
// Devices have 16 locations of attributes, which the full one takes: some hold the coordinates of two textures.

#include "../shader/frame.glsl"
#include "../shader/morph.glsl"
#include "../shader/skin.glsl"

layout(location = 0) in vec3 pos;
layout(location = 1) in vec3 normal;
layout(location = 2) in vec2 uv_albedo;    // also in place of the following ones where a mesh lacks them
layout(location = 3) in vec2 uv_normal;
#ifdef FULL_MATERIAL
layout(location = 4) in vec4 color;        // linear
#else
layout(location = 4) in vec2 uv_tangent;
#endif
layout(location = 5) in vec2 uv_roughness;
layout(location = 6) in vec2 uv_emissive;
layout(location = 7) in vec2 uv_occlusion;
layout(location = 8) in vec4 tangent;      // to the right in the normal map; w: -1 where that is mirrored
layout(location = 9) in uvec4 frameIdxs;   // the bones that move the vertex, as skin.glsl reads them
layout(location = 10) in vec4 frameWeights;
layout(location = 11) in vec4 frameWeights2;
layout(location = 12) in uint morph;       // the deltas of the vertex, as morph.glsl reads them
#ifdef FULL_MATERIAL
layout(location = 13) in vec2 uv_clearcoatNormal;
layout(location = 14) in vec4 uv_clearcoat; // of clearcoat; of clearcoatRoughness, where the mesh has four numbers
layout(location = 15) in vec4 uv_specular;  // of specular; of specularColor, likewise
#endif

// What the pipeline is made for: see docs/scenes.md.
layout(constant_id = 11) const bool lacksNormals = false;
#ifdef FULL_MATERIAL
layout(constant_id = 7) const bool hasClearcoatPair = false;
layout(constant_id = 8) const bool hasSpecularPair = false;
#endif

layout(location = 0) out vec3 position;
layout(location = 1) out vec3 geometricNormal;
layout(location = 2) out vec4 uvAlbedoNormal;
layout(location = 3) out vec4 uvTangentRoughness;
layout(location = 4) flat out uint material;
layout(location = 5) out vec4 uvEmissiveOcclusion;
layout(location = 6) out vec4 surfaceTangent;
#ifdef FULL_MATERIAL
layout(location = 7) out vec4 vertexColor;
layout(location = 8) out vec4 uvClearcoat;
layout(location = 9) out vec4 uvSpecular;
layout(location = 10) out vec2 uvClearcoatNormal;
#endif

void main() {
    uvec2 row = draws.row[gl_InstanceIndex];
    vec3 formed = pos, formedNormal = normal, formedTangent = tangent.xyz;
    if (lacksNormals)
        formedNormal = vec3(0.0);
    morphVertex(row.x, morph, formed, formedNormal, formedTangent);
    Vertex vertex =
        skinnedVertex(row.x, formed, formedNormal, formedTangent, frameIdxs, frameWeights, frameWeights2);
    position = vertex.position;
    geometricNormal = vertex.normal;
    uvAlbedoNormal = vec4(uv_albedo, uv_normal);
#ifdef FULL_MATERIAL
    uvTangentRoughness = vec4(uv_normal, uv_roughness);
    vertexColor = color;
    uvClearcoat = hasClearcoatPair ? uv_clearcoat : uv_clearcoat.xyxy;
    uvSpecular = hasSpecularPair ? uv_specular : uv_specular.xyxy;
    uvClearcoatNormal = uv_clearcoatNormal;
#else
    uvTangentRoughness = vec4(uv_tangent, uv_roughness);
#endif
    uvEmissiveOcclusion = vec4(uv_emissive, uv_occlusion);
    surfaceTangent = vec4(unitOf(vertex.tangent), tangent.w * objectHand(row.x));
    material = row.y;
    gl_PointSize = 1.0;
    gl_Position = frame.viewProjection * vec4(position, 1.0);
}
