#pragma once

// How the view is cut into clusters: evenly along its width and height, and in depth so that each slice is as many times
// as deep as the one before. The first begins at the eye, the last has no end.
const uvec3 CLUSTERS = uvec3(16, 8, 24);
const uint CLUSTER_WORDS = 32u; // of 32 lights each
const float FIRST_SLICE = 0.5, LAST_SLICE = 100.0; // metres: where the first slice ends and the last begins

uint clusterNumber(uvec3 at) {
    return (at.z * CLUSTERS.y + at.y) * CLUSTERS.x + at.x;
}

float slicesOf(float depth) {
    return 1.0 + log(depth / FIRST_SLICE) * (float(CLUSTERS.z) - 2.0) / log(LAST_SLICE / FIRST_SLICE);
}

uint clusterSlice(float depth) {
    return depth < FIRST_SLICE ? 0u : uint(clamp(slicesOf(depth), 1.0, float(CLUSTERS.z) - 1.0));
}

// Where a slice begins, in metres from the eye.
float sliceStart(uint slice) {
    if (slice == 0u)
        return 0.0;
    return FIRST_SLICE * pow(LAST_SLICE / FIRST_SLICE, (float(slice) - 1.0) / (float(CLUSTERS.z) - 2.0));
}
