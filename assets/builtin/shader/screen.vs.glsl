// The vertex stage of fullscreen passes: one triangle that covers the target, at depth 0, the farthest.
#version 450

layout(location = 0) out vec2 uv; // (0, 0) at the upper left, (1, 1) at the lower right

void main() {
    uv = vec2(gl_VertexIndex == 1 ? 2.0 : 0.0, gl_VertexIndex == 2 ? 2.0 : 0.0);
    gl_Position = vec4(2.0 * uv - 1.0, 0.0, 1.0);
}
