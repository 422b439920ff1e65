// What the vertex stage of the builtin materials, surface.vs.glsl, passes to fragments.
#pragma once

layout(location = 0) in vec3 position;
layout(location = 1) in vec3 geometricNormal;
layout(location = 2) in vec4 uvAlbedoNormal;
layout(location = 3) in vec4 uvTangentRoughness;
layout(location = 4) flat in uint material;
layout(location = 5) in vec4 uvEmissiveOcclusion;
layout(location = 6) in vec4 surfaceTangent;
#ifdef FULL_MATERIAL
layout(location = 7) in vec4 vertexColor;
layout(location = 8) in vec4 uvClearcoat;
layout(location = 9) in vec4 uvSpecular;
layout(location = 10) in vec2 uvClearcoatNormal;
#endif
