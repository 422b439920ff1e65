"""Claims about which members of a block a shader uses."""

from __future__ import annotations

from support.shaders import compiled

from engine.assets.spirv.member_use import used_members

TEXT = """#version 450
layout(set = 0, binding = 0) uniform Frame {{ mat4 a; vec4 b[3]; vec4 c; vec4 d; }} frame;
layout(set = 0, binding = 1) uniform Other {{ vec4 e; }} other;
layout(location = 0) out vec4 color;
vec4 unused() {{ return frame.d; }}
vec4 deep(int i) {{ return frame.b[i]; }}
vec4 called(int i) {{ return deep(i) + other.e; }}
void main() {{ {body} }}
"""


def used(body: str) -> frozenset[str] | None:
    return used_members(compiled(TEXT.format(body=body), "frag"), "Frame")


def test_members_count_that_the_entry_point_or_what_it_calls_names() -> None:
    assert used("color = vec4(0);") == frozenset()
    assert used("color = frame.c * other.e;") == {"c"}
    assert used("color = frame.a[1] + frame.c.xxxx;") == {"a", "c"}
    assert used("color = called(int(gl_FragCoord.x));") == {"b"}


def test_a_block_that_is_read_as_a_whole_is_used_as_a_whole() -> None:
    text = """#version 450
struct Frame { vec4 a; vec4 b; };
layout(set = 0, binding = 0) uniform Block { Frame whole; } block;
layout(location = 0) out vec4 color;
void main() { color = block.whole.b; }
"""
    assert used_members(compiled(text, "frag"), "Block") == {"whole"}
    array = """#version 450
layout(set = 0, binding = 0) uniform Frame { vec4 a; vec4 b; } frames[2];
layout(location = 0) out vec4 color;
void main() { color = frames[1].b; }
"""
    assert used_members(compiled(array, "frag"), "Frame") == frozenset(), "an array is no block"
