// Light of the environment of the skybox in use, for shaders that include frame.glsl, or whose own block Frame has
// `environment` and `irradiance`.
#pragma once

// From a direction in the world to one in the environment, which the skybox turns.
vec3 inEnvironment(vec3 direction) {
    vec2 turn = frame.environment.xy;
    return vec3(turn.x * direction.x - turn.y * direction.z, direction.y, turn.y * direction.x + turn.x * direction.z);
}

// Irradiance over pi of a surface with this normal (Ramamoorthi and Hanrahan, "An Efficient Representation for
// Irradiance Environment Maps", 2001).
vec3 irradianceOf(vec3 normal) {
    vec3 n = inEnvironment(normal);
    vec3 sum = frame.irradiance[0].rgb;
    sum += frame.irradiance[1].rgb * n.y + frame.irradiance[2].rgb * n.z + frame.irradiance[3].rgb * n.x;
    sum += frame.irradiance[4].rgb * n.x * n.y + frame.irradiance[5].rgb * n.y * n.z;
    sum += frame.irradiance[6].rgb * (3.0 * n.z * n.z - 1.0) + frame.irradiance[7].rgb * n.x * n.z;
    sum += frame.irradiance[8].rgb * (n.x * n.x - n.y * n.y);
    return max(sum, vec3(0.0));
}

// What a surface of this roughness reflects from a direction, which changes by `spread` from pixel to pixel: as if it
// were so rough that its lobe is as wide. Levels are those of the importer: level k of n is for the roughness r with
// r * (2 - r) = k / n. Until the cube has arrived its stand-in of one texel is bound, and irradiance is all that is known.
vec3 reflectedFrom(samplerCube cube, vec3 direction, float roughness, float spread) {
    if (textureSize(cube, 0).x < 2)
        return irradianceOf(direction);
    float rough = max(roughness, min(0.5 * sqrt(spread), 1.0));
    float level = frame.environment.w * rough * (2.0 - rough);
    return textureLod(cube, inEnvironment(direction), level).rgb * frame.environment.z;
}

// Factor of f0, and what is added to it, for the part of all light that a surface reflects by single bounces: the fit
// of Karis, "Physically Based Shading on Mobile", 2014.
vec2 reflectance(float rough, float nv) {
    vec4 r = rough * vec4(-1.0, -0.0275, -0.572, 0.022) + vec4(1.0, 0.0425, 1.04, -0.04);
    float a = min(r.x * r.x, exp2(-9.28 * nv)) * r.x + r.y;
    return vec2(-1.04, 1.04) * a + r.zw;
}

// The light of the environment that a surface sends to the eye. What single bounces lose comes back from further ones
// (Fdez-Aguera, "A Multiple-Scattering Microfacet Model for Real-Time Image-based Lighting", 2019), so that nothing
// is lost: white is white under a white sky. Rough surfaces reflect from nearer to the normal than a mirror does
// (Lagarde and de Rousiers, "Moving Frostbite to Physically Based Rendering", 2014).
vec3 fromEnvironment(
    samplerCube cube, vec3 n, float nv, vec3 mirrored, float spread, vec3 f0, vec3 diffuse, float rough
) {
    float smoothness = 1.0 - rough * rough;
    vec3 direction = normalize(mix(n, mirrored, smoothness * (sqrt(smoothness) + rough * rough)));
    vec2 part = reflectance(rough, nv);
    vec3 once = f0 * part.x + part.y;
    float lost = 1.0 - part.x - part.y;
    vec3 average = f0 + (1.0 - f0) / 21.0;
    vec3 again = lost * once * average / (1.0 - lost * average);
    vec3 reflected = once * reflectedFrom(cube, direction, rough, spread);
    return reflected + (again + diffuse * (1.0 - once - again)) * irradianceOf(n);
}
