// Where a fragment is that covers a pixel in part: interpolated inputs are those of the pixel's middle, which may lie beyond
// the edge of the triangle, below the surface that goes on there.
#pragma once

layout(constant_id = 10) const uint samples = 1u; // of each pixel; set where there are several

// The middle of the covered samples of a pixel, from its middle, in pixels; none where two samples that face each other are
// covered, as the triangle holds the middle between them then. Vulkan's standard places of samples.
vec2 coveredMiddle() {
    const int mask = gl_SampleMaskIn[0];
    if (samples == 2u ? (mask & 3) == 3 : (mask & 9) == 9 || (mask & 6) == 6)
        return vec2(0.0);
    const vec2 two[2] = vec2[](vec2(0.25, 0.25), vec2(-0.25, -0.25));
    const vec2 four[4] = vec2[](vec2(-0.125, -0.375), vec2(0.375, -0.125), vec2(-0.375, 0.125), vec2(0.125, 0.375));
    vec2 sum = vec2(0.0);
    float covered = 0.0;
    for (uint i = 0u; i < samples; ++i) {
        if ((mask >> i & 1) != 0) {
            sum += samples == 2u ? two[i] : four[i];
            covered += 1.0;
        }
    }
    return sum / max(covered, 1.0);
}

// Whether there are samples of which a fragment may cover a part.
bool isSampled() {
    return samples == 2u || samples == 4u;
}

// What is interpolated as `value`, where the samples are that the triangle covers, whose middle is `middle`.
vec3 whereCovered(vec3 value, vec2 middle) {
    return value + dFdx(value) * middle.x + dFdy(value) * middle.y;
}
vec4 whereCovered(vec4 value, vec2 middle) {
    return value + dFdx(value) * middle.x + dFdy(value) * middle.y;
}
vec2 whereCovered(vec2 value, vec2 middle) {
    return value + dFdx(value) * middle.x + dFdy(value) * middle.y;
}
