// Skinned vertices: where bones take what they move. Positions, normals and tangents follow up to eight bones, each an
// object with a placement of its own; without a skin, or in a mesh without blend weights, they follow their object.
// A vertex shader that includes this has inputs frameIdxs, frameWeights and frameWeights2.
#pragma once

#include "draws.glsl"

layout(constant_id = 20) const uint blendWeights = 0u;   // of the mesh: how many each vertex has
layout(constant_id = 21) const uint bonesInChannel = 1u; // how many numbers of bones a channel of frameIdxs holds
layout(constant_id = 22) const uint boneBits = 8u;       // bits of each

struct Skin { uint first; uint count; };                 // the bones of an object
struct Bone {                                            // from the space of the mesh to that of the bone
    vec3 right; uint object;                             // the object that the bone is
    vec3 up; float hand;                                 // -1 where the bone mirrors what it moves
    vec3 back;
    vec3 place;
};
layout(set = 0, binding = 10, std430) readonly buffer Skins { Skin row[]; } skins; // row 0: count of objects; then theirs
layout(set = 0, binding = 11, std430) readonly buffer Bones { Bone row[]; } bones;

struct Vertex {
    vec3 position; // in the frame's space
    vec3 normal;   // of any length
    vec3 tangent;
};

uint boneNumber(uvec4 indices, uint number) {
    return (indices[number / bonesInChannel] >> (boneBits * (number % bonesInChannel))) & ((1u << boneBits) - 1u);
}

float boneWeight(vec4 weights, vec4 more, uint number) {
    return number < 4u ? weights[number] : more[number - 4u];
}

bool isSkinned(uint object) {
    return blendWeights > 0u && object < skins.row[0].count && skins.row[object + 1u].count > 0u;
}

vec3 skinnedPosition(uint object, vec3 position, uvec4 indices, vec4 weights, vec4 more) {
    if (!isSkinned(object))
        return (objectMatrix(object) * vec4(position, 1.0)).xyz;
    Skin skin = skins.row[object + 1u];
    vec3 sum = vec3(0.0);
    float total = 0.0;
    for (uint i = 0u; i < blendWeights; ++i) {
        float weight = boneWeight(weights, more, i);
        if (weight <= 0.0)
            continue;
        Bone bone = bones.row[skin.first + min(boneNumber(indices, i), skin.count - 1u)];
        vec3 bound = bone.right * position.x + bone.up * position.y + bone.back * position.z + bone.place;
        sum += weight * (objectMatrix(bone.object) * vec4(bound, 1.0)).xyz;
        total += weight;
    }
    return sum / max(total, 1e-20);
}

vec3 unitOf(vec3 direction) {
    return direction / max(length(direction), 1e-20);
}

Vertex skinnedVertex(uint object, vec3 position, vec3 normal, vec3 tangent, uvec4 indices, vec4 weights, vec4 more) {
    vec3 placed = skinnedPosition(object, position, indices, weights, more);
    if (!isSkinned(object))
        return Vertex(placed, objectNormal(object, normal), objectDirection(object, tangent));
    Skin skin = skins.row[object + 1u];
    vec3 normals = vec3(0.0), tangents = vec3(0.0);
    for (uint i = 0u; i < blendWeights; ++i) {
        float weight = boneWeight(weights, more, i);
        if (weight <= 0.0)
            continue;
        Bone bone = bones.row[skin.first + min(boneNumber(indices, i), skin.count - 1u)];
        mat3 turn = mat3(bone.right, bone.up, bone.back);
        normals += weight * unitOf(objectNormal(bone.object, turn * normal * bone.hand));
        tangents += weight * unitOf(objectDirection(bone.object, turn * tangent));
    }
    return Vertex(placed, normals, tangents);
}
