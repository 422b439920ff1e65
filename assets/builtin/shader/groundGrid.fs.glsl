// A grid on the ground, y = 0, over the picture and behind what stands before it or lies over the picture; lines a
// power of ten of metres apart.
#version 450

#include "viewEncoding.glsl"

layout(set = 0, binding = 0, std140) uniform Frame {
    mat4 viewProjection;
    mat4 viewFromFrame;
    vec4 viewport;
    vec4 lens;
    vec4 origin;
} frame;
layout(set = 0, binding = 1) uniform sampler2D picture;
layout(set = 0, binding = 2) uniform sampler2D sceneDepth;
layout(set = 0, binding = 3) uniform sampler2D cover; // alpha: how much lies over the picture

layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;

const float APART = 40.0; // texels between lines, at least
const float NEARER = 0.1;          // of a texel's metres, in a view without perspective
const float NEARER_SHARE = 0.004;  // of the distance, in one with it
const vec3 DARK = vec3(0.1, 0.11, 0.13), LIGHT = vec3(0.75, 0.77, 0.8), X_AXIS = vec3(0.86, 0.25, 0.25), Z_AXIS = vec3(0.25, 0.42, 0.90);

// How much of a texel lines cover that lie at multiples of `apart`, where it is `wide` metres.
vec2 covered(vec2 place, float apart, vec2 wide) {
    vec2 away = abs(fract(place / apart - 0.5) - 0.5) * apart;
    return clamp(1.0 - away / wide, 0.0, 1.0);
}

float depthOf(vec3 place) {
    vec4 projected = frame.viewProjection * vec4(place, 1.0);
    return projected.z / projected.w;
}

void main() {
    vec3 below = texture(picture, uv).rgb;
    colour = vec4(below, 1.0);
    vec2 clip = (uv - frame.viewport.xy) / frame.viewport.zw * 2.0 - 1.0;
    vec2 across = vec2(clip.x, -clip.y) * frame.lens.xy;
    bool isParallel = frame.lens.z == 0.0;
    mat3 turned = transpose(mat3(frame.viewFromFrame));
    vec3 eye = turned * ((isParallel ? vec3(across, 0.0) : vec3(0.0)) - frame.viewFromFrame[3].xyz);
    vec3 ray = turned * (isParallel ? vec3(0.0, 0.0, -1.0) : vec3(across, -1.0));

    float away = (-frame.origin.y - eye.y) / ray.y;
    vec3 met = eye + ray * away;
    vec2 place = met.xz + frame.origin.xz;
    vec2 wide = max(fwidth(place), vec2(1e-6));
    float depth = depthOf(met);
    bool isSeen = (isParallel || away > 0.0) && depth > 0.0 && depth < 1.0;
    // A ground at y = 0 must not hide it: what is nearer by less than this is behind it.
    float nearer = depthOf(met - ray * (isParallel ? max(wide.x, wide.y) * NEARER : away * NEARER_SHARE)) + 1e-7;
    if (!isSeen || texture(sceneDepth, uv).r > nearer || any(greaterThan(abs(clip), vec2(1.0))))
        return;

    float level = log(max(wide.x, wide.y) * APART) / log(10.0);
    float apart = pow(10.0, ceil(level)), fresh = ceil(level) - level; // finer lines appear as the eye comes nearer
    vec2 fine = covered(place, apart, wide), coarse = covered(place, apart * 10.0, wide);
    float strength = max(max(fine.x, fine.y) * 0.45 * clamp(fresh * 3.0, 0.0, 1.0), max(coarse.x, coarse.y) * 0.7);
    vec2 axis = clamp(1.5 - abs(place.yx) / wide.yx, 0.0, 1.0);
    vec3 lines = dot(below, vec3(0.2126, 0.7152, 0.0722)) > 0.12 ? DARK : LIGHT;
    vec3 tint = mix(mix(storedAs(lines), storedAs(X_AXIS), axis.x), storedAs(Z_AXIS), axis.y);
    float fade = clamp(abs(normalize(ray).y) * 14.0 - 0.2, 0.0, 1.0); // towards the horizon
    float uncovered = 1.0 - texture(cover, uv).a;
    colour.rgb = mix(below, tint, uncovered * fade * max(strength, max(axis.x, axis.y) * 0.8));
}
