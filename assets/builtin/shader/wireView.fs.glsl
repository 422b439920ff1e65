// The edges of triangles over what is lit, as view modes draw them (engine/graph/view_mode.py).
#version 450

layout(location = 0) out vec4 colour;

void main() {
    colour = vec4(0.02, 0.75, 0.9, 1.0);
}
