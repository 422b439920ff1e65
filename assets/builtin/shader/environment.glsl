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

// The part of all light that a surface reflects by single bounces (GGX with height-correlated Smith visibility), as a
// factor of f0 and what is added to it (Karis, "Real Shading in Unreal Engine 4", 2013). Cubic polynomials of roughness
// and of the square of 1 - nv, fitted to sums over half vectors: 0.008 and 0.004 off on average, at most 0.05, where the
// smoothest surfaces are seen at grazing angles. tests/features/test_reflectance.py compares them with the sums.
const mat4 REFLECTED = mat4(0.953, 0.638, -1.745, 0.448, -0.082, 1.068, -4.585, 4.478,
                            0.89, -9.377, 22.976, -15.58, -0.814, 7.262, -15.419, 9.837);
const mat4 REFLECTED_WITHOUT_F0 = mat4(0.006, -0.004, -0.023, 0.023, -0.199, 0.021, 1.31, -1.168,
                                       0.96, 3.091, -12.721, 8.896, 0.419, -6.685, 15.343, -9.227);
vec2 reflectance(float rough, float nv) {
    float t = (1.0 - nv) * (1.0 - nv);
    vec4 along = vec4(1.0, t, t * t, t * t * t), across = vec4(1.0, rough, rough * rough, rough * rough * rough);
    float all = min(dot(across, REFLECTED * along), 1.0);
    float edge = max(dot(across, REFLECTED_WITHOUT_F0 * along), 0.0);
    return vec2(all - edge, edge);
}

// The light of the environment that a surface sends to the eye. What single bounces lose comes back from further ones
// (Turquin, "Practical Multiple Scattering Compensation for Microfacet Models", 2019), so that nothing is lost: white is
// white under a white sky. Rough surfaces reflect from nearer to the normal than a mirror does (Lagarde and de Rousiers,
// "Moving Frostbite to Physically Based Rendering", 2014).
vec3 fromEnvironment(
    samplerCube cube, vec3 n, float nv, vec3 mirrored, float spread, vec3 f0, vec3 diffuse, float rough
) {
    float smoothness = 1.0 - rough * rough;
    vec3 direction = normalize(mix(n, mirrored, smoothness * (sqrt(smoothness) + rough * rough)));
    vec2 part = reflectance(rough, nv);
    vec3 reflected = (f0 * part.x + part.y) * (1.0 + f0 * (1.0 / (part.x + part.y) - 1.0));
    return reflected * reflectedFrom(cube, direction, rough, spread) + diffuse * (1.0 - reflected) * irradianceOf(n);
}

// The part of all light that a surface reflects, with what single bounces lose, of its parts by `reflectance`.
vec3 reflectedPart(vec2 part, vec3 f0, float f90) {
    return (f0 * part.x + f90 * part.y) * (1.0 + f0 * (1.0 / (part.x + part.y) - 1.0));
}

// The same light of a surface that reflects f90 at grazing angles. What of it is not metal reflects `dielectric` to
// `dielectricEdge`, whatever its tint: the largest of the three is missing below it (KHR_materials_specular).
vec3 fromEnvironment(
    samplerCube cube, vec3 n, float nv, vec3 mirrored, float spread, vec3 f0, float f90, vec3 dielectric,
    float dielectricEdge, vec3 diffuse, float rough
) {
    float smoothness = 1.0 - rough * rough;
    vec3 direction = normalize(mix(n, mirrored, smoothness * (sqrt(smoothness) + rough * rough)));
    vec2 part = reflectance(rough, nv);
    vec3 below = reflectedPart(part, dielectric, dielectricEdge);
    float passed = 1.0 - max(max(below.r, below.g), below.b);
    return reflectedPart(part, f0, f90) * reflectedFrom(cube, direction, rough, spread) + diffuse * passed * irradianceOf(n);
}
