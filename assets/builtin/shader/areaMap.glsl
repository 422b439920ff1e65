// A map in a rounded frame, with a marker for the camera.
#pragma once

#include "overlay.glsl"

struct AreaMap {
    vec4 place;       // xy: anchor in parts of the viewport; zw: offset in points
    vec4 marker;      // xy: the camera's place in parts of the map from its middle; zw: where it looks, of length 1
    vec4 background;  // linear, and the opacity of all of it
    vec3 borderColor;
    float border;     // points
    vec3 markerColor;
    float markerSize; // points
    float size;       // points
    float radius;     // points
};

layout(set = 0, binding = 1, std430) readonly buffer AreaMaps { AreaMap row[]; } areaMaps;
