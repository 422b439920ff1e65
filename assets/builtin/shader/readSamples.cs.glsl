// Reads samples of images, see readSamples.glsl. Of images whose texels are fractions or floats.
#version 450
#extension GL_EXT_samplerless_texture_functions : require

#define TEXTURE texture2DMS
#define VALUE vec4
#include "readSamples.glsl"
