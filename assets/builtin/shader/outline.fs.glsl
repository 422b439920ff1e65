// A bright line with a dark border around what a mask covers, over the picture and behind what lies over it.
#version 450

#include "viewEncoding.glsl"

layout(set = 0, binding = 0, std140) uniform Frame { float contentScale; } frame;
layout(set = 0, binding = 1) uniform sampler2D picture;
layout(set = 0, binding = 2) uniform sampler2D mask;
layout(set = 0, binding = 3) uniform sampler2D cover; // alpha: how much lies over the picture

layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;

const vec3 LINE = vec3(0.902, 0.557, 0.290), BORDER = vec3(0.0);
const float WIDTH = 1.75, BORDER_WIDTH = 1.25; // points
const vec2 AROUND[8] = vec2[](vec2(1, 0), vec2(0.7071, 0.7071), vec2(0, 1), vec2(-0.7071, 0.7071), vec2(-1, 0),
                              vec2(-0.7071, -0.7071), vec2(0, -1), vec2(0.7071, -0.7071));

float covered(vec2 place) {
    return min(texture(mask, place).a * 8.0, 1.0); // glass covers little, and has an outline, too
}

// How much is covered somewhere around, so far away.
float around(vec2 away) {
    float most = 0.0;
    for (int i = 0; i < 8; ++i)
        most = max(most, covered(uv + AROUND[i] * away));
    return most;
}

void main() {
    colour = vec4(texture(picture, uv).rgb, 1.0);
    float here = covered(uv);
    if (here >= 1.0)
        return;
    vec2 point = max(frame.contentScale, 1.0) / vec2(textureSize(mask, 0));
    float border = around(point * (WIDTH + BORDER_WIDTH));
    float seen = (1.0 - here) * (1.0 - texture(cover, uv).a);
    float line = max(around(point * WIDTH), border == 0.0 ? 0.0 : around(point * WIDTH * 0.5));
    colour.rgb = mix(colour.rgb, BORDER, max(border, line) * 0.55 * seen);
    colour.rgb = mix(colour.rgb, storedAs(LINE), line * seen);
}
