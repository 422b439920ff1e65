// The rows of a draw list: which object and which material each instance is.
layout(set = 0, binding = 1, std430) readonly buffer Instances { mat4 world[]; } instances;
layout(set = 0, binding = 2, std430) readonly buffer Draws { uvec2 row[]; } draws; // object, material
