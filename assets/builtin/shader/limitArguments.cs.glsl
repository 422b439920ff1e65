// Copies draw commands that shaders have written, with numbers that are within the limits of the pass that draws them.
#version 450

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint words = 4;       // of a command: 5 with indices
layout(constant_id = 1) const uint start = 0;       // the first word of the first command
layout(constant_id = 2) const uint most = 1;        // commands
layout(constant_id = 3) const uint counted = 0;     // 1: counts says how many there are
layout(constant_id = 4) const uint vertices = 0;    // (or indices) of a command at most
layout(constant_id = 5) const uint last = 0;        // the end of all vertices (or indices)
layout(constant_id = 6) const uint instances = 0;   // the end of all instances
layout(constant_id = 7) const uint anyInstance = 1; // 0: the first instance must be 0
layout(set = 0, binding = 0, std430) readonly buffer Arguments { uint word[]; } arguments;
layout(set = 0, binding = 1, std430) readonly buffer Counts { uint count; } counts;
layout(set = 0, binding = 2, std430) buffer Limited { uint count; uint unused[3]; uint word[]; } limited;

void main() {
    uint number = gl_GlobalInvocationID.x;
    if (number >= most) {
        return;
    }
    uint count = counted == 1u ? min(counts.count, most) : most;
    uint from = start + number * words, to = number * words;
    uint first = min(arguments.word[from + 2u], last);
    uint firstInstance = anyInstance == 1u ? min(arguments.word[from + words - 1u], instances) : 0u;
    uint drawn = number < count ? 1u : 0u;
    limited.word[to] = drawn * min(min(arguments.word[from], vertices), last - first);
    limited.word[to + 1u] = drawn * min(arguments.word[from + 1u], instances - firstInstance);
    limited.word[to + 2u] = first;
    if (words == 5u) {
        limited.word[to + 3u] = arguments.word[from + 3u];
    }
    limited.word[to + words - 1u] = firstInstance;
    if (number == 0u) {
        limited.count = count;
    }
}
