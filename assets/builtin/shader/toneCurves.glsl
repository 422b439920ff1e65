// How light beyond the picture's white is shown. Curves work on linear sRGB and leave their results within 0 and 1.
#pragma once

const int NEUTRAL = 0, ACES = 1, AGX = 2, EXPONENTIAL = 3, NONE = 4;

// Khronos PBR Neutral: colours are kept up to 0.8 less the light that a surface reflects head-on (0.04); what is
// brighter is compressed and loses saturation. Specification: Khronos Group, "PBR Neutral Tone Mapper", 2024.
vec3 neutral(vec3 light) {
    const float start = 0.8 - 0.04, desaturation = 0.15;
    float least = min(light.r, min(light.g, light.b));
    light -= least < 0.08 ? least - 6.25 * least * least : 0.04;
    float peak = max(light.r, max(light.g, light.b));
    if (peak < start)
        return light;
    float room = 1.0 - start;
    float compressed = 1.0 - room * room / (peak + room - start);
    light *= compressed / peak;
    return mix(light, vec3(compressed), 1.0 - 1.0 / (desaturation * (peak - compressed) + 1.0));
}

// A rational curve like that of ACES' reference rendering and sRGB output transforms together. Coefficients:
// K. Narkowicz, "ACES Filmic Tone Mapping Curve", 2016.
vec3 aces(vec3 light) {
    light *= 0.6; // as bright as the transforms, which the coefficients alone exceed
    return light * (2.51 * light + 0.03) / (light * (2.43 * light + 0.59) + 0.14);
}

// The curve of AgX (T. Sobotka, 2022): a logarithm within a smaller gamut, then a sigmoid, here a polynomial of order 6
// fitted to it. Matrices and coefficients: B. Wrensch, "Minimal AgX Implementation", 2023.
vec3 agx(vec3 light) {
    const mat3 inset = mat3(0.842479062253094, 0.0423282422610123, 0.0423756549057051,
                            0.0784335999999992, 0.878468636469772, 0.0784336,
                            0.0792237451477643, 0.0791661274605434, 0.879142973793104);
    const mat3 outset = mat3(1.19687900512017, -0.0528968517574562, -0.0529716355144438,
                             -0.0980208811401368, 1.15190312990417, -0.0980434501171241,
                             -0.0990297440797205, -0.0989611768448433, 1.15107367264116);
    const float low = -12.47393, high = 4.026069; // stops
    vec3 x = (clamp(log2(max(inset * light, 1e-10)), low, high) - low) / (high - low);
    vec3 x2 = x * x, x4 = x2 * x2;
    vec3 encoded = 15.5 * x4 * x2 - 40.14 * x4 * x + 31.96 * x4 - 6.868 * x2 * x + 0.4298 * x2 + 0.1191 * x - 0.00232;
    return pow(max(outset * encoded, 0.0), vec3(2.2));
}

// Light as it is shown by one of the choices of camera.toneMapping.
vec3 shown(vec3 light, int curve) {
    switch (curve) {
    case NEUTRAL: return neutral(light);
    case ACES: return aces(light);
    case AGX: return agx(light);
    case EXPONENTIAL: return 1.0 - exp(-light);
    default: return light;
    }
}
