// Draws ImGui's triangles: positions in points, colours sRGB-encoded as ImGui keeps them.
#version 450

layout(location = 0) in vec2 position;
layout(location = 1) in vec2 uv;
layout(location = 2) in vec4 color;

layout(push_constant) uniform Frame {
    vec2 scale;
    vec2 offset;
    vec2 uvScale;   // where in its atlas page the texture lies
    vec2 uvOffset;
} frame;

layout(location = 0) out vec2 out_uv;
layout(location = 1) out vec4 out_color;

vec3 decoded(vec3 encoded) {
    vec3 low = encoded / 12.92;
    vec3 high = pow((encoded + 0.055) / 1.055, vec3(2.4));
    return mix(high, low, lessThanEqual(encoded, vec3(0.04045)));
}

void main() {
    out_uv = uv * frame.uvScale + frame.uvOffset;
    out_color = vec4(decoded(color.rgb), color.a);
    gl_Position = vec4(position * frame.scale + frame.offset, 0.0, 1.0);
}
