// Smooths edges of the finished picture: where brightness changes across a pixel's side, the end of that edge is looked
// for in both directions, and the pixel is blended with its neighbour by how near that end is. After T. Lottes, "FXAA", 2009.
#version 450

layout(set = 0, binding = 0) uniform sampler2D toneMapped;

layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;

const float LEAST_CONTRAST = 0.0312; // below it nothing is an edge, as dark parts are hard to see
const float CONTRAST = 0.125;        // of the brightest neighbour
const float SOFTENING = 0.75;        // how much single pixels that stand out are blended
const int STEPS = 12;

// Perceived brightness, about linear in what the eye sees.
float brightness(vec2 at) {
    return sqrt(dot(textureLod(toneMapped, at, 0.0).rgb, vec3(0.2126, 0.7152, 0.0722)));
}

void main() {
    vec2 texel = 1.0 / vec2(textureSize(toneMapped, 0));
    vec4 middle = textureLod(toneMapped, uv, 0.0);
    float m = brightness(uv);
    float n = brightness(uv + vec2(0, -1) * texel), s = brightness(uv + vec2(0, 1) * texel);
    float w = brightness(uv + vec2(-1, 0) * texel), e = brightness(uv + vec2(1, 0) * texel);
    float most = max(m, max(max(n, s), max(w, e))), least = min(m, min(min(n, s), min(w, e)));
    float contrast = most - least;
    if (contrast < max(LEAST_CONTRAST, most * CONTRAST)) {
        colour = middle;
        return;
    }
    float nw = brightness(uv + vec2(-1, -1) * texel), ne = brightness(uv + vec2(1, -1) * texel);
    float sw = brightness(uv + vec2(-1, 1) * texel), se = brightness(uv + vec2(1, 1) * texel);

    // A pixel that differs from the average of its neighbours stands out alone.
    float around = (2.0 * (n + s + w + e) + nw + ne + sw + se) / 12.0;
    float alone = smoothstep(0.0, 1.0, clamp(abs(around - m) / contrast, 0.0, 1.0));
    float soft = alone * alone * SOFTENING;

    // The edge runs along the axis across which brightness changes most, on the side with the steeper change.
    float vertical = abs(nw + sw - 2.0 * w) + 2.0 * abs(n + s - 2.0 * m) + abs(ne + se - 2.0 * e);
    float horizontal = abs(nw + ne - 2.0 * n) + 2.0 * abs(w + e - 2.0 * m) + abs(sw + se - 2.0 * s);
    bool lies = vertical >= horizontal;
    float first = lies ? n : w, second = lies ? s : e;
    bool isFirst = abs(first - m) >= abs(second - m);
    vec2 across = (lies ? vec2(0, texel.y) : vec2(texel.x, 0)) * (isFirst ? -1.0 : 1.0);
    vec2 along = lies ? vec2(texel.x, 0) : vec2(0, texel.y);
    float edge = 0.5 * (m + (isFirst ? first : second));
    float gradient = 0.25 * abs((isFirst ? first : second) - m);

    vec2 start = uv + 0.5 * across, ends[2];
    float differs[2];
    for (int side = 0; side < 2; ++side) {
        vec2 step = side == 0 ? -along : along, at = start;
        float found = 0.0;
        for (int i = 0; i < STEPS; ++i) {
            at += step * (i < 5 ? 1.0 : i < 9 ? 2.0 : 4.0);
            found = brightness(at) - edge;
            if (abs(found) >= gradient)
                break;
        }
        ends[side] = at;
        differs[side] = found;
    }
    float before = length((uv - ends[0]) / texel * (lies ? vec2(1, 0) : vec2(0, 1)));
    float after = length((ends[1] - uv) / texel * (lies ? vec2(1, 0) : vec2(0, 1)));
    bool beforeIsNearer = before < after;
    // Only where the edge ends away from this pixel's own side does it pass through the pixel.
    bool passes = ((beforeIsNearer ? differs[0] : differs[1]) < 0.0) != (m - edge < 0.0);
    float part = passes ? 0.5 - min(before, after) / (before + after) : 0.0;
    colour = vec4(textureLod(toneMapped, uv + across * max(part, soft), 0.0).rgb, middle.a);
}
