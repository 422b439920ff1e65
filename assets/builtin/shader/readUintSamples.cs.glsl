// Reads samples of images, see readSamples.glsl. Of images whose texels are unsigned integers.
#version 450
#extension GL_EXT_samplerless_texture_functions : require

#define TEXTURE utexture2DMS
#define VALUE uvec4
#include "readSamples.glsl"
