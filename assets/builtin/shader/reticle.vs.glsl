// The rectangle around a reticle in the middle of the viewport; nothing for a row without size.
#version 450

#include "reticle.glsl"

layout(location = 0) flat out uint number;
layout(location = 1) flat out vec2 middle; // of the reticle, in texels

void main() {
    number = gl_InstanceIndex;
    Reticle reticle = reticles.row[number];
    float odd = oddHalf(reticle);
    vec2 centre = (frame.viewport.xy + 0.5 * frame.viewport.zw) * frame.pictureSize;
    middle = floor(centre - odd + 0.5) + odd;
    float reach = fromMiddle(0.5 * reticle.size, odd) + reticle.outline * frame.contentScale + 1.0;
    if (reticle.size == 0.0)
        reach = 0.0;
    gl_Position = overlayCorner(gl_VertexIndex, middle - reach, vec2(2.0 * reach));
}
