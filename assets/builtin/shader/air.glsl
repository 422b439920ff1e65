#pragma once

// What the air hides of what is seen through it. Features give airColor and airShape in the views that have air.
#include "frame.glsl"

// The distance along the view of a depth of the picture, in metres in front of the eye. Depth 0 is where nothing is.
float metresAt(float depth) {
    vec4 of = frame.depthToMetres;
    return depth > 0.0 ? (of.x - depth * of.y) / (of.z - depth * of.w) : 1e9;
}

// The part of what is so far away that the air hides.
float hiddenByAir(float metres) {
    return 1.0 - exp(-frame.airShape.x * max(metres - frame.airShape.y, 0.0));
}

// Light that is multiplied by its coverage, so far away, as it is seen through the air. What covers nothing loses its light.
vec4 throughAir(vec4 light, float metres) {
    return vec4(mix(light.rgb, frame.airColor.rgb * light.a, hiddenByAir(metres)), light.a);
}
