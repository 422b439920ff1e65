// The full material's vertex stage: that of the default one, with colours and the coordinates of more textures.
#version 450

#define FULL_MATERIAL
#include "surface.vs.glsl"
