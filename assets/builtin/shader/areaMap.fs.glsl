// The scene from above, shown as the camera shows light; an arrow where the camera is. Colours are multiplied by alpha.
#version 450

#include "areaMap.glsl"
#include "toneCurves.glsl"

layout(set = 0, binding = 2) uniform sampler2D areaMap;

layout(location = 0) flat in uint number;
layout(location = 1) flat in vec3 square;
layout(location = 0) out vec4 colour;

const float EDGE = 0.1;         // of the marker's size: how wide its dark edge is
const float EDGE_OPACITY = 0.7;

// The distance to an arrow of height 2 that points along +y, with a notch below. Sides are given by their normals.
float arrow(vec2 at) {
    at.x = abs(at.x);
    float side = dot(at - vec2(0.0, 1.0), normalize(vec2(1.8, 0.75)));
    float notch = dot(at - vec2(0.0, -0.4), normalize(vec2(-0.4, -0.75)));
    return max(side, notch);
}

void main() {
    AreaMap map = areaMaps.row[number];
    vec2 at = gl_FragCoord.xy - square.xy;
    float halfSize = square.z;
    vec4 scene = texture(areaMap, 0.5 + 0.5 * at / halfSize);
    vec3 light = max(scene.rgb, 0.0) * frame.exposure;
    vec3 seen = clamp(shown(light, frame.toneMapping), 0.0, 1.0)
              + (1.0 - clamp(scene.a, 0.0, 1.0)) * map.background.rgb;

    float reach = 0.5 * map.markerSize * frame.contentScale;
    if (reach > 0.0) {
        vec2 from = at - map.marker.xy * 2.0 * halfSize;
        vec2 ahead = map.marker.zw;
        vec2 turned = vec2(ahead.y * from.x - ahead.x * from.y, dot(ahead, from)) / reach;
        float distance = arrow(turned) * reach;
        seen = mix(seen, vec3(0.0), EDGE_OPACITY * coverage(distance - 2.0 * EDGE * reach));
        seen = mix(seen, map.markerColor, coverage(distance));
    }

    float border = map.border > 0.0 ? wholeTexels(map.border) : 0.0;
    float radius = min(map.radius * frame.contentScale, halfSize);
    float innerSize = max(halfSize - border, 0.0);
    float inner = coverage(roundedBox(at, vec2(innerSize), min(max(radius - border, 0.0), innerSize)));
    float alpha = coverage(roundedBox(at, vec2(halfSize), radius)) * map.background.a;
    colour = vec4(mix(map.borderColor, seen, inner) * alpha, alpha);
}
