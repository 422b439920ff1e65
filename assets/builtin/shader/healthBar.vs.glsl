// The rectangle of a bar; nothing for a row without size.
#version 450

#include "healthBar.glsl"

layout(location = 0) flat out uint number;
layout(location = 1) flat out vec4 rectangle; // middle and half size, in texels

void main() {
    number = gl_InstanceIndex;
    HealthBar bar = healthBars.row[number];
    vec2 size = vec2(wholeTexels(bar.size.x), wholeTexels(bar.size.y));
    vec2 low = anchored(bar.place.xy, bar.place.zw * frame.contentScale, size);
    if (bar.size.x == 0.0)
        size = vec2(0.0);
    rectangle = vec4(low + 0.5 * size, 0.5 * size);
    gl_Position = overlayCorner(gl_VertexIndex, low, size);
}
