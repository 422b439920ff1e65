// What the four fragments of a quad have in common. A fragment that is not drawn, as it is outside of the triangle or behind
// what was drawn before, may read zeros from buffers. What changes from pixel to pixel would follow from these, and with
// them from the order of draws and from what else lies in the pages of a material's textures.
#pragma once

// Of two numbers each the one that is farther from zero.
vec4 farther(vec4 one, vec4 other) {
    return mix(one, other, greaterThan(abs(other), abs(one)));
}

// Values that all fragments of a triangle read alike, as those of the quad read them that are drawn.
vec4 ofQuad(vec4 read) {
    read = farther(read, read + dFdxFine(read) * ((int(gl_FragCoord.x) & 1) == 0 ? 1.0 : -1.0));
    return farther(read, read + dFdyFine(read) * ((int(gl_FragCoord.y) & 1) == 0 ? 1.0 : -1.0));
}
