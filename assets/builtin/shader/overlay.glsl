// What overlays share: rectangles over the finished picture, in texels from its upper left corner, within the viewport of the
// camera. Shapes are drawn by the distance from their edge, negative inside, so that edges are one texel wide at any size.
#pragma once

layout(set = 0, binding = 0, std140) uniform Frame {
    vec4 viewport;      // left, top, width and height of what the camera shows, in parts of the picture
    vec2 pictureSize;   // in texels
    float contentScale; // texels per point
    float exposure;     // factor on all light
    int toneMapping;    // the index of a choice of camera.toneMapping
} frame;

// A length in points as whole texels, at least one.
float wholeTexels(float points) {
    return max(floor(points * frame.contentScale + 0.5), 1.0);
}

// The clip-space place of a corner of a rectangle: of six vertices, two triangles.
vec4 overlayCorner(int vertex, vec2 low, vec2 size) {
    vec2 corner = vec2(vertex == 1 || vertex > 3, vertex == 2 || vertex == 3 || vertex == 5);
    return vec4(2.0 * (low + corner * size) / frame.pictureSize - 1.0, 0.0, 1.0);
}

// The upper left corner of a rectangle at whole texels, where parts `anchor` of it and of the viewport meet. It lies `offset`
// texels further in from the edges.
vec2 anchored(vec2 anchor, vec2 offset, vec2 size) {
    vec2 low = frame.viewport.xy * frame.pictureSize, area = frame.viewport.zw * frame.pictureSize;
    vec2 inward = mix(vec2(1.0), vec2(-1.0), greaterThan(anchor, vec2(0.75)));
    return floor(low + anchor * (area - size) + offset * inward + 0.5);
}

// How much of a texel is inside a shape, from the distance of its middle to the edge in texels.
float coverage(float distance) {
    return clamp(0.5 - distance, 0.0, 1.0);
}

// The distance to a rectangle around the origin, of that half size, with corners of this radius.
float roundedBox(vec2 at, vec2 halfSize, float radius) {
    vec2 q = abs(at) - (halfSize - radius);
    return length(max(q, 0.0)) + min(max(q.x, q.y), 0.0) - radius;
}
