// A cross, circle or dot, with a dark edge around it that stands out from bright scenes. Colours are multiplied by alpha.
#version 450

#include "reticle.glsl"

layout(location = 0) flat in uint number;
layout(location = 1) flat in vec2 middle;
layout(location = 0) out vec4 colour;

const float EDGE_OPACITY = 0.55;

float distanceFrom(Reticle reticle, vec2 at) {
    float odd = oddHalf(reticle), radius = fromMiddle(0.5 * reticle.size, odd);
    float halfThickness = 0.5 * wholeTexels(reticle.thickness);
    if (reticle.kind == DOT)
        return length(at) - radius;
    if (reticle.kind == CIRCLE)
        return abs(length(at) - (radius - halfThickness)) - halfThickness;
    float gap = reticle.gap > 0.0 ? fromMiddle(reticle.gap, odd) : 0.0;
    vec2 q = abs(at), along = max(q - radius, gap - q), across = q - halfThickness;
    return min(max(along.x, across.y), max(along.y, across.x));
}

void main() {
    Reticle reticle = reticles.row[number];
    float distance = distanceFrom(reticle, gl_FragCoord.xy - middle);
    float inside = coverage(distance);
    float edge = coverage(distance - reticle.outline * frame.contentScale) - inside;
    colour = reticle.color.a * vec4(reticle.color.rgb * inside, inside + EDGE_OPACITY * edge);
}
