// The default material's fragment stage: metallic-roughness, anisotropic where wanted.
#version 450

#include "surface.fs.glsl"
