// Morphed vertices: what the targets of a mesh add to them, by the weights of the object that is drawn.
// A vertex shader that includes this has an input `morph`, and calls morphVertex before it bends vertices.
#pragma once

#include "draws.glsl"

layout(constant_id = 23) const bool hasMorph = false; // whether the mesh has targets

struct Morph { uvec4 numbers; };   // row 0: x: objects; then theirs: first row of their weights, targets, first delta;
                                   // then rows of four weights
struct MorphDelta {
    vec3 position; uint target;    // what a target of weight 1 adds, in metres
    uvec4 turns;                   // to normal and tangent, as 16-bit floats
};
layout(set = 0, binding = 12, std430) readonly buffer Morphs { Morph row[]; } morphs;
layout(set = 0, binding = 13, std430) readonly buffer MorphDeltas { MorphDelta row[]; } morphDeltas;

// The numbers of an object, nothing where it is not morphed. `deltas` are those of its vertex: first << 8 | count.
uvec4 morphOf(uint object, uint deltas) {
    if (!hasMorph || (deltas & 255u) == 0u || object >= morphs.row[0].numbers.x)
        return uvec4(0u);
    return morphs.row[object + 1u].numbers;
}

float morphWeight(uvec4 of, uint target) {
    return target < of.y ? uintBitsToFloat(morphs.row[of.x + target / 4u].numbers[target % 4u]) : 0.0;
}

vec3 morphedPosition(uint object, uint deltas, vec3 position) {
    uvec4 of = morphOf(object, deltas);
    if (of.y == 0u)
        return position;
    for (uint i = 0u; i < (deltas & 255u); ++i) {
        MorphDelta delta = morphDeltas.row[of.z + (deltas >> 8) + i];
        position += morphWeight(of, delta.target) * delta.position;
    }
    return position;
}

void morphVertex(uint object, uint deltas, inout vec3 position, inout vec3 normal, inout vec3 tangent) {
    uvec4 of = morphOf(object, deltas);
    if (of.y == 0u)
        return;
    for (uint i = 0u; i < (deltas & 255u); ++i) {
        MorphDelta delta = morphDeltas.row[of.z + (deltas >> 8) + i];
        float weight = morphWeight(of, delta.target);
        if (weight == 0.0)
            continue;
        vec2 middle = unpackHalf2x16(delta.turns.y);
        position += weight * delta.position;
        normal += weight * vec3(unpackHalf2x16(delta.turns.x), middle.x);
        tangent += weight * vec3(middle.y, unpackHalf2x16(delta.turns.z));
    }
}
