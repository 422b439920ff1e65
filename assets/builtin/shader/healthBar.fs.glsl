// A bar, full from the left, lighter above than below. Colours are multiplied by alpha.
#version 450

#include "healthBar.glsl"

layout(location = 0) flat in uint number;
layout(location = 1) flat in vec4 rectangle;
layout(location = 0) out vec4 colour;

const float SHADING = 0.3;

void main() {
    HealthBar bar = healthBars.row[number];
    vec2 halfSize = rectangle.zw, at = gl_FragCoord.xy - rectangle.xy;
    float border = bar.border > 0.0 ? wholeTexels(bar.border) : 0.0;
    float radius = min(bar.radius * frame.contentScale, min(halfSize.x, halfSize.y));
    vec2 innerSize = max(halfSize - border, 0.0);
    float inner = coverage(roundedBox(at, innerSize, min(max(radius - border, 0.0), min(innerSize.x, innerSize.y))));
    float full = coverage(at.x - innerSize.x * (2.0 * bar.full - 1.0));
    vec3 fill = bar.color * (1.0 - SHADING * at.y / max(innerSize.y, 0.5));
    vec3 inside = mix(bar.background.rgb, fill, full);
    float alpha = coverage(roundedBox(at, halfSize, radius)) * bar.background.a;
    colour = vec4(mix(bar.borderColor, inside, inner) * alpha, alpha);
}
