// The rows of a draw list: which object and which material each instance is, and where the object is.
#pragma once

#include "frame.glsl"

layout(set = 0, binding = 1, std430) readonly buffer Instances { mat4 placement[]; } instances;
layout(set = 0, binding = 2, std430) readonly buffer Draws { uvec2 row[]; } draws; // object, material

// The matrix from an object's own space to the frame's. Of a placement, columns 0 to 2 are the object's axes and column 3
// its position in the world, rounded to floats; the last row has what rounding left, and -1 for a mirrored object.
mat4 objectMatrix(uint object) {
    mat4 m = instances.placement[object];
    precise vec3 near = m[3].xyz - frame.origin.xyz;
    precise vec3 position = near + vec3(m[0].w, m[1].w, m[2].w);
    return mat4(vec4(m[0].xyz, 0.0), vec4(m[1].xyz, 0.0), vec4(m[2].xyz, 0.0), vec4(position, 1.0));
}

// A direction of an object, such as a tangent, in the frame's space, of any length. Axes are brought near length 1 first.
vec3 objectDirection(uint object, vec3 direction) {
    mat4 m = instances.placement[object];
    vec3 longest = max(abs(m[0].xyz), max(abs(m[1].xyz), abs(m[2].xyz)));
    float size = max(max(longest.x, longest.y), max(longest.z, 1e-30));
    return mat3(m[0].xyz / size, m[1].xyz / size, m[2].xyz / size) * direction;
}

// -1 for a mirrored object, else 1.
float objectHand(uint object) {
    return instances.placement[object][3].w;
}

// The direction of an object's normal in the frame's space, of any length: by the cofactor matrix, which is right for every
// scale, turned outwards where the object is mirrored. Axes are brought near length 1 first, so that nothing underflows.
vec3 objectNormal(uint object, vec3 normal) {
    mat4 m = instances.placement[object];
    vec3 longest = max(abs(m[0].xyz), max(abs(m[1].xyz), abs(m[2].xyz)));
    float size = max(max(longest.x, longest.y), max(longest.z, 1e-30));
    mat3 a = mat3(m[0].xyz / size, m[1].xyz / size, m[2].xyz / size);
    vec3 turned = mat3(cross(a[1], a[2]), cross(a[2], a[0]), cross(a[0], a[1])) * normal * m[3].w;
    float most = max(max(abs(turned.x), abs(turned.y)), abs(turned.z));
    return most > 0.0 ? turned / most : vec3(0.0, 1.0, 0.0);
}
