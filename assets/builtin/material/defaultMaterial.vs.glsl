// The default material's vertex stage.
#version 450

#include "surface.vs.glsl"
