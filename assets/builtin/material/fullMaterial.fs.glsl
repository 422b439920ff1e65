// The full material's fragment stage: the default one with vertex colours, index of refraction, strength and tint of
// what is reflected, a clear coat, and surfaces without light.
#version 450

#define FULL_MATERIAL
#include "surface.fs.glsl"
