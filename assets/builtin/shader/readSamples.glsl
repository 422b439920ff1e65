// Writes one sample of every texel of an image that has several, or what they are together, as four numbers.
// Before it is included: TEXTURE and VALUE, the types of the image and of its texels.
#pragma once

layout(local_size_x = 8, local_size_y = 8) in;
layout(set = 0, binding = 0) uniform TEXTURE image;
layout(set = 0, binding = 1, std430) writeonly buffer Found { VALUE texel[]; } found;
layout(push_constant) uniform Choice {
    int chosen; // a sample, or -1: the average of all, -2: the least of each channel, -3: the greatest
    int samples;
    int top;    // the first row
    int rows;
} choice;

void main() {
    int width = textureSize(image).x;
    ivec2 at = ivec2(gl_GlobalInvocationID.xy);
    if (at.x >= width || at.y >= choice.rows) {
        return;
    }
    ivec2 from = ivec2(at.x, choice.top + at.y);
    VALUE value = texelFetch(image, from, max(choice.chosen, 0));
    for (int number = 1; choice.chosen < 0 && number < choice.samples; number++) {
        VALUE next = texelFetch(image, from, number);
        value = choice.chosen == -1 ? value + next : choice.chosen == -2 ? min(value, next) : max(value, next);
    }
    found.texel[at.y * width + at.x] = choice.chosen == -1 ? value / VALUE(choice.samples) : value;
}
