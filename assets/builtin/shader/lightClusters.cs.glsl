// Finds the local lights that reach each cluster: a thread tests 32 lights against the box around one of them.
#version 450

#include "frame.glsl"
#include "clusters.glsl"

layout(local_size_x = 64) in;

struct Light {
    vec3 position;
    float range;
    vec3 color;
    uint kind;
    vec3 direction;
    float coneScale;
    float coneOffset;
    int shadow;
};
layout(set = 0, binding = 1, std430) readonly buffer Lights { Light row[]; } lights;
layout(set = 0, binding = 2, std430) writeonly buffer Clusters { uint words[]; } clusters;

void main() {
    uint cluster = gl_GlobalInvocationID.x, word = gl_GlobalInvocationID.y;
    if (cluster >= CLUSTERS.x * CLUSTERS.y * CLUSTERS.z || word >= frame.lightCounts.z)
        return;
    uvec3 at = uvec3(cluster % CLUSTERS.x, cluster / CLUSTERS.x % CLUSTERS.y, cluster / (CLUSTERS.x * CLUSTERS.y));

    // The box in the eye's space. A parallel view reaches behind the eye, too.
    float begin = sliceStart(at.z), end = at.z + 1u == CLUSTERS.z ? 1e7 : sliceStart(at.z + 1u);
    if (frame.lens.z == 0.0 && at.z == 0u)
        begin = -1e7;
    vec2 low = vec2(at.xy) / vec2(CLUSTERS.xy) * 2.0 - 1.0, high = vec2(at.xy + 1u) / vec2(CLUSTERS.xy) * 2.0 - 1.0;
    vec2 side = frame.lens.xy * vec2(1.0, -1.0);
    vec2 nearScale = frame.lens.z == 0.0 ? side : side * begin, farScale = frame.lens.z == 0.0 ? side : side * end;
    vec2 a = low * nearScale, b = high * nearScale, c = low * farScale, d = high * farScale;
    vec3 boxLow = vec3(min(min(a, b), min(c, d)), -end), boxHigh = vec3(max(max(a, b), max(c, d)), -begin);

    uint bits = 0u;
    for (uint bit = 0u; bit < 32u; ++bit) {
        uint number = word * 32u + bit;
        if (number >= frame.lightCounts.y)
            break;
        Light light = lights.row[frame.lightCounts.x + number];
        vec3 centre = (frame.viewFromFrame * vec4(light.position, 1.0)).xyz;
        vec3 away = centre - clamp(centre, boxLow, boxHigh);
        if (dot(away, away) <= light.range * light.range)
            bits |= 1u << bit;
    }
    clusters.words[cluster * CLUSTER_WORDS + word] = bits;
}
