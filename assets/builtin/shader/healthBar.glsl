// A bar in a rounded frame.
#pragma once

#include "overlay.glsl"

struct HealthBar {
    vec4 place;       // xy: anchor in parts of the viewport; zw: offset in points
    vec4 background;  // linear, and the opacity of all of it
    vec3 color;
    float full;       // from 0 to 1
    vec3 borderColor;
    float border;     // points
    vec2 size;        // points
    float radius;     // points
};

layout(set = 0, binding = 1, std430) readonly buffer HealthBars { HealthBar row[]; } healthBars;
