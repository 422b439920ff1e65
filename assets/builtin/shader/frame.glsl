#pragma once

// What every pass knows of its frame and its view; features fill the members by name. Positions are in the frame's space:
// metres from an origin near the eye, so that floats are precise there, along the axes of the world.
layout(set = 0, binding = 0, std140) uniform Frame {
    mat4 viewProjection;
    mat4 viewFromFrame;     // to the eye's space, which looks along -z
    mat4 shadowMatrices[4]; // to the clip space of each cascade of the first directional light
    vec4 cameraPosition;    // xyz: position; w: 1
    vec4 lens;              // xy: half the picture's width and height, at a distance of 1 if z is 1, anywhere if it is 0
    vec4 targetSize;        // xy: texels of the picture; zw: 1 / xy
    vec4 skyAmbient;        // rgb: light from above
    vec4 groundAmbient;     // rgb: light from below
    vec4 shadow;            // x: cascades; y: 1 / texels of a map; w: how fast shadows fade at the border of the last;
                            // z: up to 1 how much the last one shows, from there on the first one shows 2 - z
    vec4 shadowTexels;      // size of a texel in metres, of each cascade
    vec4 localShadow;       // x: 1 / texels of a map of a local light
    uvec4 lightCounts;      // x: directional lights; y: local lights; z: words of each cluster, 0 where there are none
    vec4 environment;       // x, y: cosine and sine of its rotation; z: factor; w: last level of its cube, 0: none
    vec4 irradiance[9];     // rgb: of the environment, over pi, see environment.glsl
    vec4 origin;            // xyz: where in the world the frame's origin is
    vec4 depthToMetres;     // what metresAt in air.glsl takes of the projection of the picture
    vec4 airColor;          // rgb: what things fade into with their distance, where a feature says so
    vec4 airShape;          // x: how much of them a metre hides; y: metres in front of the eye at which that begins
} frame;
