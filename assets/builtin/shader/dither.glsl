// Dithering for a picture of 256 levels in sRGB.
#pragma once

// What to add to a linear colour at a pixel, so that the levels around it are shown in the right parts: at most half a level,
// and nothing that would change a colour that is a level. It is the same in each frame. Green is opposite to red and blue, so
// that brightness changes less from pixel to pixel. The pattern is that of J. Jimenez, "Next Generation Post Processing in
// Call of Duty: Advanced Warfare", 2014: each block of 3 x 3 pixels has values all over the range.
vec3 dither(vec3 light, vec2 pixel) {
    float part = fract(52.9829189 * fract(dot(floor(pixel), vec2(0.06711056, 0.00583715)))) - 0.5;
    vec3 root = sqrt(max(light, 0.0));
    vec3 level = max(root * (0.62 + 0.38 * root), 0.034) * (2.275 * 0.95 / 255.0); // how much light is a level there
    return level * vec3(part, -part, part);
}
