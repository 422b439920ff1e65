#pragma once

// What every pass knows of its frame; features fill the members by name. Positions are in the frame's space: metres
// from an origin near the eye, so that floats are precise there, along the axes of the world.
layout(set = 0, binding = 0, std140) uniform Frame {
    mat4 viewProjection;
    mat4 lightViewProjection;
    vec4 cameraPosition;    // xyz: position; w: 1
    vec4 skyAmbient;        // rgb: light from above
    vec4 groundAmbient;     // rgb: light from below
    vec4 lightDirection[4]; // xyz: towards the light
    vec4 lightColor[4];    // rgb: colour times intensity
    vec4 shadow;            // x: size of a texel in metres; y: 1 / texels; z: lights in use; w: how fast shadows fade
    vec4 environment;       // x, y: cosine and sine of its rotation; z: factor; w: last level of its cube, 0: none
    vec4 irradiance[9];     // rgb: of the environment, over pi, see environment.glsl
    vec4 origin;            // xyz: where in the world the frame's origin is
} frame;
