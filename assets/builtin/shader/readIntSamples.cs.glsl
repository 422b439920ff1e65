// Reads samples of images, see readSamples.glsl. Of images whose texels are integers.
#version 450
#extension GL_EXT_samplerless_texture_functions : require

#define TEXTURE itexture2DMS
#define VALUE ivec4
#include "readSamples.glsl"
