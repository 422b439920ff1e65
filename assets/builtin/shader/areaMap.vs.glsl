// The square of a map; nothing for a row without size.
#version 450

#include "areaMap.glsl"

layout(location = 0) flat out uint number;
layout(location = 1) flat out vec3 square; // middle and half size, in texels

void main() {
    number = gl_InstanceIndex;
    AreaMap map = areaMaps.row[number];
    float size = map.size > 0.0 ? wholeTexels(map.size) : 0.0;
    vec2 low = anchored(map.place.xy, map.place.zw * frame.contentScale, vec2(size));
    square = vec3(low + 0.5 * size, 0.5 * size);
    gl_Position = overlayCorner(gl_VertexIndex, low, vec2(size));
}
