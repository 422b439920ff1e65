#pragma once

// Lights and their shadows, for shaders of passes that read `shadowMap`, `localShadows` and `clusters`.

#include "frame.glsl"
#include "clusters.glsl"

struct Light {
    vec3 position;      // in the frame's space
    float range;        // metres
    vec3 color;         // lux of a directional light, else candela
    uint kind;          // 0: directional, 1: point, 2: spot
    vec3 direction;     // against which it shines
    float coneScale;    // of the cosine from the axis: 0 at the outer, 1 at the inner angle of a spot
    float coneOffset;
    int shadow;         // its first map, -1 without one
};
struct ShadowView { mat4 matrix; };
layout(set = 0, binding = 6, std430) readonly buffer Lights { Light row[]; } lights;
layout(set = 0, binding = 7, std430) readonly buffer ShadowViews { ShadowView row[]; } shadowViews;
layout(set = 0, binding = 8, std430) readonly buffer Clusters { uint words[]; } clusters;
layout(set = 0, binding = 4) uniform sampler2DArrayShadow shadowMap;
layout(set = 0, binding = 9) uniform sampler2DArrayShadow localShadows;

// What of these the frame has: a pipeline leaves out the rest, also where a driver runs both sides of a branch.
layout(constant_id = 16) const bool hasShadowMap = false;
layout(constant_id = 15) const bool hasShadowMapLayers = false;
layout(constant_id = 17) const bool hasLocalShadows = false;
layout(constant_id = 18) const bool hasClusters = false;

const uint POINT_LIGHT = 1u, SPOT_LIGHT = 2u;

// How much of a point on a map is lit: 3 x 3 bilinear comparisons around it, one where it lies outside.
float comparedCascade(vec3 at, float layer) {
    if (any(lessThan(at.xy, vec2(0.0))) || any(greaterThan(at.xy, vec2(1.0))))
        return 1.0;
    float sum = 0.0;
    for (int y = -1; y <= 1; ++y)
        for (int x = -1; x <= 1; ++x)
            sum += texture(shadowMap, vec4(at.xy + vec2(x, y) * frame.shadow.y, layer, at.z));
    return sum / 9.0;
}

// A point on the map of a cascade, moved off its surface by a texel or so where the light grazes it.
vec3 onCascade(int cascade, vec3 position, vec3 geometric, float cosine, out vec2 border) {
    vec3 moved = position + geometric * frame.shadowTexels[cascade] * (0.6 + 2.4 * (1.0 - cosine));
    vec4 clip = frame.shadowMatrices[cascade] * vec4(moved, 1.0);
    border = 1.0 - abs(clip.xy);
    return vec3(clip.xy * 0.5 + 0.5, max(clip.z, 0.0));
}

// How much of a point is lit that a cascade holds. Shadows fade at the border of the last one, and all in it while it appears.
float litByCascade(int cascade, int last, vec3 at, vec2 border) {
    float found = comparedCascade(at, float(cascade));
    if (cascade < last)
        return found;
    float inside = smoothstep(0.08, 0.96, min(border.x, border.y) * frame.shadow.w);
    return mix(1.0, found, inside * min(frame.shadow.z, 1.0));
}

// How much of the first directional light reaches a surface: from the nearest cascade that holds the point, mixed with the
// next one towards its border, and all over while the first one is about to be replaced.
float litByCascades(vec3 position, vec3 geometric, float cosine) {
    int last = int(frame.shadow.x) - 1, cascade = 0;
    vec2 border;
    vec3 at = onCascade(cascade, position, geometric, cosine, border);
    if (hasShadowMapLayers) {
        while (cascade < last && (min(border.x, border.y) <= 0.01 || at.z >= 1.0))
            at = onCascade(++cascade, position, geometric, cosine, border);
    }
    float found = litByCascade(cascade, last, at, border);
    if (hasShadowMapLayers && cascade < last) {
        vec2 nextBorder;
        vec3 next = onCascade(cascade + 1, position, geometric, cosine, nextBorder);
        float inside = smoothstep(0.01, 0.12, min(border.x, border.y));
        if (cascade == 0)
            inside *= clamp(2.0 - frame.shadow.z, 0.0, 1.0);
        return mix(litByCascade(cascade + 1, last, next, nextBorder), found, inside);
    }
    return found;
}

// How much of a local light reaches a surface: 4 bilinear comparisons on its map, or on the face of its cube. They reach 1.5
// texels to each side. Over a texel the plane of a triangle comes nearer by as much as its normal turns from the map's axis,
// however the light falls on it. The map's depths lie 2.5 texels of that behind on one side of a texel (`depth_bias_slope`),
// so that moving the point off its plane by half a texel covers both, and a thousandth of its depth what is rounded. More
// would shorten shadows, so it is moved on only where the surface is bent and grazed, as there a triangle is in the way of
// its neighbours. A map is wider than its light, so no point that is lit leaves it.
float litLocally(Light light, vec3 position, vec3 geometric, vec3 face, float cosine) {
    vec3 away = position - light.position;
    int map = light.shadow;
    if (light.kind == POINT_LIGHT) {
        vec3 size = abs(away);
        if (size.x >= size.y && size.x >= size.z)
            map += away.x >= 0.0 ? 0 : 1;
        else if (size.y >= size.z)
            map += away.y >= 0.0 ? 2 : 3;
        else
            map += away.z >= 0.0 ? 4 : 5;
    }
    mat4 matrix = shadowViews.row[map].matrix;
    vec4 clip = matrix * vec4(position, 1.0);
    vec3 right = vec3(matrix[0].x, matrix[1].x, matrix[2].x), up = vec3(matrix[0].y, matrix[1].y, matrix[2].y);
    float scale = max(length(right), 1e-6), texel = 2.0 * frame.localShadow.x * clip.w / scale;
    float turned = (abs(dot(face, right)) + abs(dot(face, up))) / scale;
    float texels = 0.5 * turned / max(dot(face, geometric), 0.5);
    texels += 2.4 * (1.0 - cosine) * min(4.0 * length(cross(face, geometric)), 1.0);
    float off = texel * texels + 1e-3 * clip.w;
    clip = matrix * vec4(position + geometric * off, 1.0);
    if (clip.w <= 0.0)
        return 1.0;
    vec3 at = vec3(clip.xy / clip.w * 0.5 + 0.5, clip.z / clip.w);
    float sum = 0.0;
    for (int y = 0; y < 2; ++y)
        for (int x = 0; x < 2; ++x)
            sum += texture(localShadows, vec4(at.xy + (vec2(x, y) - 0.5) * frame.localShadow.x, float(map), at.z));
    return sum / 4.0;
}

// The direction to a light and its light at a position, without shadow, in lux on a surface that faces it. The square of the
// distance is smoothly taken to zero at the light's range (Karis, "Real Shading in Unreal Engine 4", 2013).
vec3 lightAt(Light light, vec3 position, out vec3 towards) {
    if (light.kind == 0u) {
        towards = light.direction;
        return light.color;
    }
    vec3 way = light.position - position;
    float squared = max(dot(way, way), 1e-4);
    towards = way * inversesqrt(squared);
    float part = squared / (light.range * light.range);
    float window = clamp(1.0 - part * part, 0.0, 1.0);
    float strength = window * window / squared;
    if (light.kind == SPOT_LIGHT) {
        float cone = clamp(dot(towards, light.direction) * light.coneScale + light.coneOffset, 0.0, 1.0);
        strength *= cone * cone;
    }
    return light.color * strength;
}

// The cluster of a fragment at a position in the frame's space.
uint clusterAt(vec2 fragment, vec3 position) {
    float depth = -(frame.viewFromFrame * vec4(position, 1.0)).z;
    vec2 part = clamp(fragment * frame.targetSize.zw, 0.0, 0.99999);
    return clusterNumber(uvec3(part * vec2(CLUSTERS.xy), clusterSlice(depth)));
}

// Where a search for the local lights that reach a point has come: the words of its cluster, or all words without clusters.
struct LightSearch { uint start, word, words, bits; };

LightSearch lightSearch(vec2 fragment, vec3 position) {
    if (frame.lightCounts.z != 0u)
        return LightSearch(clusterAt(fragment, position) * CLUSTER_WORDS, 0u, frame.lightCounts.z, 0u);
    return LightSearch(0u, 0u, (frame.lightCounts.y + 31u) / 32u, 0u);
}

// Finds the next local light within whose range a position lies. Neighbours that search together shade together, however
// many lights lie between.
bool nextLight(inout LightSearch search, vec3 position, out uint number) {
    bool found = false;
    while (!found && (search.bits != 0u || search.word < search.words)) {
        if (search.bits == 0u) {
            search.bits = frame.lightCounts.z != 0u ? clusters.words[search.start + search.word] : 0xffffffffu;
            uint left = frame.lightCounts.y - search.word * 32u;
            if (left < 32u)
                search.bits &= (1u << left) - 1u;
            search.word += 1u;
        } else {
            uint at = (search.word - 1u) * 32u + uint(findLSB(search.bits));
            search.bits &= search.bits - 1u;
            number = frame.lightCounts.x + at;
            vec3 way = lights.row[number].position - position;
            float range = lights.row[number].range;
            found = dot(way, way) < range * range;
        }
    }
    return found;
}
