// A reticle, measured in whole texels, so that straight edges lie between texels.
#pragma once

#include "overlay.glsl"

struct Reticle {
    vec4 color;      // linear, and opacity
    float size;      // from edge to edge, in points, as all lengths
    float thickness;
    float gap;       // from the middle to where the arms of a cross begin
    float outline;   // how wide the dark edge is
    uint kind;       // the index of a choice of reticle.kind
};

const uint CROSS = 0, CIRCLE = 1, DOT = 2;

layout(set = 0, binding = 1, std430) readonly buffer Reticles { Reticle row[]; } reticles;

// Half a texel where what lies across the middle is an odd number of texels wide, else 0.
float oddHalf(Reticle reticle) {
    return 0.5 * mod(wholeTexels(reticle.kind == DOT ? reticle.size : reticle.thickness), 2.0);
}

// A length in points from the middle, so that it ends between texels.
float fromMiddle(float points, float oddHalf) {
    return max(floor(points * frame.contentScale - oddHalf + 0.5), 0.0) + oddHalf;
}
