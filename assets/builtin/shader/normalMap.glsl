// Directions in textures. A texture of two channels (r8g8, bc5) has x and y, and 0 as its third: z follows from them.
vec3 directionOf(vec3 texel) {
    vec3 d = texel * 2.0 - 1.0;
    return texel.z > 0.0 ? d : vec3(d.xy, sqrt(max(1.0 - dot(d.xy, d.xy), 0.0)));
}
