"""Stages of real shaders against each other and against what their pass gives."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.sampling import Sample
from support.shaders import facts

from engine.graph import PushValue
from engine.plan.terms.drawing import ShaderStage
from engine.plan.terms.formats import Format
from engine.planning.draw.interfaces import PassInterface, Stage, interface_faults
from features._shadow_maps import cascade_passes
from features.visible_model import FORWARD

GIVEN = PassInterface.of(FORWARD, frozenset())
HEAD = "#version 460\n"
VERTEX = "layout(location = 0) in vec3 pos;\n{}\nvoid main() {{ {} gl_Position = vec4(pos, 1.0); }}\n"
FRAGMENT = "{}\nlayout(location = 0) out vec4 colour;\nvoid main() {{ {} }}\n"
PLAIN_VERTEX = VERTEX.format("layout(location = 0) out vec2 uv;", "uv = pos.xy;")
PLAIN_FRAGMENT = FRAGMENT.format("layout(location = 0) in vec2 uv;", "colour = uv.xyxy;")


def faults(vertex: str, fragment: str = "", given: PassInterface = GIVEN) -> list[str]:
    texts = {ShaderStage.VERTEX: ("vert", vertex), ShaderStage.FRAGMENT: ("frag", fragment)}
    stages = {
        stage: Stage(short, facts(HEAD + text, short).reflection)
        for stage, (short, text) in texts.items()
        if text
    }
    found = list(interface_faults(stages, given))
    assert all(fault.message and fault.help for fault in found)
    return [fault.message for fault in found]


def reading(declaration: str, body: str) -> str:
    return FRAGMENT.format(declaration, body)


BINDINGS = {
    "layout(push_constant) uniform P { vec4 v; } p;": ("p.v", "reads the push constant 'v'"),
    "layout(set = 0, binding = 0) uniform F { vec4 v; } frame;": ("frame.v", "as the block F"),
    "layout(set = 0, binding = 0) readonly buffer Frame { vec4 v; } frame;": ("frame.v", "as storage_buffer"),
    "layout(set = 0, binding = 0) uniform sampler2D frame;": (
        "texture(frame, vec2(0))",
        "as combined_image_sampler",
    ),
    "layout(set = 0, binding = 0) uniform Draws { vec4 v; } draws;": ("draws.v", "as uniform_buffer"),
    "layout(set = 0, binding = 0) uniform Frame { vec4 v; } frame[2];": ("frame[0].v", "as an array"),
    "struct S { vec4 v; };\nlayout(set = 0, binding = 0) uniform Frame { S s; } frame;": (
        "frame.s.v",
        "has 's' in the block 'frame' as S",
    ),
    "layout(set = 0, binding = 3) readonly buffer Materials { vec4 v; } materials;": (
        "materials.v",
        "not as rows",
    ),
    "struct S { vec4 v[2000]; };\n"
    "layout(set = 0, binding = 3) readonly buffer Materials { S row[]; } materials;": (
        "materials.row[0].v[1]",
        "not as rows",
    ),
    "struct T { vec4 v; };\nstruct S { T t; };\n"
    "layout(set = 0, binding = 3) readonly buffer Materials { S row[]; } materials;": (
        "materials.row[0].t.v",
        "has 't' in the block 'materials' as T",
    ),
    "layout(set = 0, binding = 4) uniform sampler2D shadowMap;": (
        "texture(shadowMap, vec2(0))",
        "binds 'shadowMap' as sampler2D",
    ),
    "layout(set = 0, binding = 4) uniform sampler2DShadow shadowMap;": (
        "vec4(texture(shadowMap, vec3(0)))",
        "binds 'shadowMap' as sampler2DShadow",
    ),
    "layout(set = 0, binding = 4) uniform Frame { vec4 v; } shadowMap;": (
        "shadowMap.v",
        "binds 'shadowMap' as Frame",
    ),
    "layout(set = 0, binding = 5) uniform sampler2D sky;": ("texture(sky, vec2(0))", "does not provide"),
    "layout(set = 1, binding = 0) uniform sampler2DArray all[3];": (
        "texture(all[1], vec3(0))",
        "as an array",
    ),
    "layout(set = 1, binding = 0) uniform sampler3D cube;": ("texture(cube, vec3(0))", "as sampler3D"),
    "layout(set = 2, binding = 0) uniform Other { vec4 v; } other;": ("other.v", "in set 2"),
}


def test_what_a_pass_does_not_provide_is_a_fault(sample: Sample) -> None:
    rows = list(BINDINGS.items())
    for number in sample.of(range(len(rows)), 2):
        declaration, (value, message) = rows[number]
        (found,) = faults(VERTEX.format("", ""), reading(declaration, f"colour = {value}.xxxx;"))
        assert message in found


def test_what_a_pass_provides_is_no_fault() -> None:
    declarations = (
        "layout(set = 0, binding = 0) uniform Frame { mat4 viewProjection; vec4 list[3]; uint n; } frame;\n"
        "layout(set = 0, binding = 2) readonly buffer Draws { uvec2 row[]; } draws;\n"
        "struct M { uint layers[8]; vec4 baseColor; };\n"
        "layout(set = 0, binding = 3) readonly buffer Materials { M row[]; } materials;\n"
        "layout(set = 0, binding = 4) uniform sampler2DArrayShadow shadowMap;\n"
        "layout(set = 1, binding = 0) uniform sampler2DArray albedo;\n"
    )
    body = (
        "colour = frame.list[1] * materials.row[draws.row[0].y].baseColor * texture(shadowMap, vec4(0)) "
        "+ texture(albedo, vec3(0));"
    )
    assert faults(VERTEX.format("", ""), reading(declarations, body)) == []


STAGES = {
    "nothing writes it": (
        "",
        "",
        "in vec4 tint;",
        "tint",
        "reads 'tint' at location 0, which vert does not write",
    ),
    "another location": (
        "layout(location = 1) out vec4 tint;",
        "tint = vec4(1);",
        "in vec4 tint;",
        "tint",
        "reads 'tint' at location 0",
    ),
    "too few components": (
        "layout(location = 0) out vec2 tint;",
        "tint = vec2(1);",
        "in vec4 tint;",
        "tint",
        "reads 'tint.z' at location 0",
    ),
    "another kind": (
        "layout(location = 0) out vec4 tint;",
        "tint = vec4(1);",
        "flat in uvec4 tint;",
        "vec4(tint)",
        "reads 'tint' as uint; vert writes it as float",
    ),
    "a longer array": (
        "layout(location = 0) out vec4 tint[2];",
        "tint[0] = tint[1] = vec4(1);",
        "in vec4 tint[3];",
        "tint[2]",
        "reads 'tint[2]' at location 2",
    ),
}


def test_a_fragment_stage_reads_what_the_vertex_stage_writes(sample: Sample) -> None:
    rows = list(STAGES.values())
    for number in sample.of(range(len(rows)), 2):
        output, write, declared, read, message = rows[number]
        fragment = reading(f"layout(location = 0) {declared}", f"colour = {read};")
        (found,) = faults(VERTEX.format(output, write), fragment)
        assert message in found


def test_a_fragment_stage_may_read_less_than_is_written() -> None:
    output = "layout(location = 0) out vec4 a;\nlayout(location = 1) out vec4 b;"
    fragment = reading("layout(location = 0) in vec2 first;", "colour = first.xyxy;")
    assert faults(VERTEX.format(output, "a = b = vec4(1);"), fragment) == []


def test_parts_of_a_location_are_matched_by_component() -> None:
    output = "layout(location = 0) out vec2 a;\nlayout(location = 0, component = 2) out vec2 b;"
    vertex = VERTEX.format(output, "a = b = vec2(1);")
    part = "layout(location = 0, component = {}) in {} part;"
    assert faults(vertex, reading(part.format(2, "vec2"), "colour = part.xyxy;")) == []
    assert faults(vertex, reading(part.format(3, "float"), "colour = vec4(part);")) == []
    only = VERTEX.format("layout(location = 0, component = 2) out vec2 b;", "b = vec2(1);")
    (found,) = faults(only, reading(part.format(1, "vec2"), "colour = part.xyxy;"))
    assert "reads 'part.y'" in found


COLOURS = [
    (
        "layout(location = 0) out uvec4 c;\nvoid main() { c = uvec4(1); }",
        "colour 0 (R16G16B16A16_SFLOAT) as float",
    ),
    ("layout(location = 0) out vec3 c;\nvoid main() { c = vec3(1); }", "does not write all of colour 0"),
    ("layout(location = 1) out vec4 c;\nvoid main() { c = vec4(1); }", "does not write all of colour 0"),
    ("void main() {}", "does not write all of colour 0"),
    ("", "there is no fragment shader"),
]


def test_every_colour_of_a_pass_is_written_whole_and_in_its_kind(sample: Sample) -> None:
    for number in sample.of(range(len(COLOURS)), 1):
        output, message = COLOURS[number]
        assert message in faults(VERTEX.format("", ""), output)[0]


def test_colours_that_a_pass_does_not_have_are_a_fault() -> None:
    more = (
        "layout(location = 0) out vec4 c;\nlayout(location = 1) out vec4 d;\nvoid main() { c = d = vec4(1); }"
    )
    assert ["writes 'd' at location 1" in text for text in faults(VERTEX.format("", ""), more)] == [True]
    shadow = PassInterface.of(cascade_passes(1)[0], None)
    assert faults(VERTEX.format("", "")) != []
    assert faults(VERTEX.format("", ""), given=shadow) == []
    assert len(faults(PLAIN_VERTEX, PLAIN_FRAGMENT, shadow)) == 1


def test_integer_targets_take_integers() -> None:
    counts = PassInterface(GIVEN.buffers, {}, colors=(Format.R32_UINT,))
    one = "layout(location = 0) out uint c;\nvoid main() { c = 1u; }"
    assert faults(VERTEX.format("", ""), one, counts) == []
    assert len(faults(PLAIN_VERTEX, PLAIN_FRAGMENT, counts)) == 1


def test_vertex_attributes_have_locations_of_their_own() -> None:
    shared = "layout(location = 1) in vec2 a;\nlayout(location = 1, component = 2) in vec2 b;"
    (found,) = faults(VERTEX.format(shared, "gl_PointSize = a.x + b.y;"), reading("", "colour = vec4(1);"))
    assert "reads 'b' at location 1" in found


def test_a_feature_that_the_device_lacks_is_named() -> None:
    vertex = VERTEX.format("", "gl_PointSize = float(gl_DrawID);")
    fragment = reading("", "colour = vec4(1);")
    (found,) = faults(vertex, fragment)
    assert "needs the feature shaderDrawParameters" in found
    for features in (None, frozenset({"shaderDrawParameters"})):
        assert faults(vertex, fragment, PassInterface.of(FORWARD, features)) == []


def test_a_shader_declares_members_of_the_frame_anywhere_and_with_their_types() -> None:
    shared = "layout(set = 0, binding = 0) uniform Frame {{ {} }} frame;"
    engine = facts(
        HEAD + VERTEX.format(shared.format("mat4 a; vec4 b[2]; vec4 c;"), "gl_PointSize = frame.c.x;"), "vert"
    )
    given = PassInterface.of(FORWARD, None, engine.reflection.bindings[0].members)

    def found(declared: str, read: str) -> list[str]:
        vertex = VERTEX.format(shared.format(declared), f"gl_PointSize = {read};")
        return faults(vertex, reading("", "colour = vec4(1);"), given)

    for right in ("mat4 a;", "mat4 a; vec4 b[2]; vec4 c; vec2 own;", "vec2 own; vec4 c; mat4 a;"):
        assert found(right, "frame.a[0].x" if "c" not in right else "frame.c.x") == []
    for wrong, read in (("mat4 a; vec2 b[2];", "frame.b[1].x"), ("vec4 b[3];", "frame.b[1].x")):
        (message,) = found(wrong, read)
        assert "in the block 'frame' as" in message


def test_an_image_is_read_in_the_stages_that_its_pass_names() -> None:
    declared = "layout(set = 0, binding = 1) uniform sampler2DArrayShadow shadowMap;"
    vertex = VERTEX.format(declared, "gl_PointSize = texture(shadowMap, vec4(0));")
    (message,) = faults(vertex, reading("", "colour = vec4(1);"))
    assert "does not read in that stage" in message


def test_rows_of_materials_hold_a_layer_for_each_texture(sample: Sample) -> None:
    def found(layers: str, binding: int) -> list[str]:
        declared = (
            f"struct M {{ {layers}; vec4 tint; }};\n"
            "layout(set = 0, binding = 3) readonly buffer Materials { M row[]; } materials;\n"
            f"layout(set = 1, binding = {binding}) uniform sampler2DArray albedo;"
        )
        return faults(
            VERTEX.format("", ""),
            reading(declared, "colour = materials.row[0].tint + texture(albedo, vec3(0));"),
        )

    cases = (("uint layers[4]", 3), ("uvec2 layers", 1), ("float layers", 0))
    for number in sample.of(range(len(cases)), 1):
        layers, most = cases[number]
        assert found(layers, most) == []
        assert ["has room for" in text for text in found(layers, most + 1)] == [True]
    assert found("vec4 other", 9) == []


def test_a_fragment_shader_writes_all_channels_of_a_colour() -> None:
    text = "layout(location = 0) in vec2 uv;\nlayout(location = 0) out {} colour;\n"
    text += "void main() {{ colour = {}; }}\n"
    assert faults(PLAIN_VERTEX, text.format("vec4", "uv.xyxy")) == []
    for kind, value in (("vec2", "uv"), ("vec3", "uv.xyx"), ("float", "uv.x")):
        (found,) = faults(PLAIN_VERTEX, text.format(kind, value))
        assert "does not write all of colour 0" in found


def test_a_constant_that_is_set_by_name_has_its_type():
    declared = "layout(constant_id = 0) const {} {} = {};"
    for kind, name, value in (("float", "alphaMode", "1.0"), ("uint", "hasTangents", "1u")):
        source = reading(declared.format(kind, name, value), f"colour = vec4({name});")
        (fault,) = faults(PLAIN_VERTEX, source)
        assert f"declares the constant '{name}' as {kind}" in fault
    for kind, name, value in (
        ("uint", "alphaMode", "1u"),
        ("bool", "hasTangents", "true"),
        ("int", "own", "2"),
    ):
        assert (
            faults(PLAIN_VERTEX, reading(declared.format(kind, name, value), f"colour = vec4({name});")) == []
        )


PUSHING = replace(
    FORWARD, pushes=(PushValue("way", (1.0, 0.0)), PushValue("level", views=((0.0,),)), PushValue("live"))
)
PUSHED = PassInterface.of(PUSHING, frozenset())
BLOCK = "layout(push_constant) uniform P {{ {} }} p;"


def pushes(fragment: str, use: str, vertex: str = "", vertex_use: str = "") -> list[str]:
    """The faults of shaders with these push constants, in a pass that gives `way`, `level` and `live`."""
    block = BLOCK.format(vertex) if vertex else ""
    texts = VERTEX.format(block, vertex_use), reading(BLOCK.format(fragment) if fragment else "", use)
    return faults(*texts, PUSHED)


def test_push_constants_are_what_the_pass_gives_by_name():
    assert pushes("vec2 way; float level; mat4 live;", "colour = p.live[0] + p.way.xyxy * p.level;") == []
    apart = (
        "layout(offset = 16) int level;",
        "colour = vec4(p.level);",
        "vec2 way;",
        "gl_PointSize = p.way.x;",
    )
    assert pushes(*apart) == []
    both = "vec2 way; float level;"
    assert pushes(both, "colour = p.way.xyxy;", both, "gl_PointSize = p.level;") == []


@pytest.mark.parametrize(
    ("fragment", "use", "vertex", "message"),
    [
        ("vec2 other;", "colour = p.other.xyxy;", "", "reads the push constant 'other', which"),
        ("float way;", "colour = vec4(p.way);", "", "it has 2 numbers; there is room for 1"),
        ("uvec2 way; vec3 level[2];", "colour = vec4(p.level[1].x + p.way.x);", "", ""),
        ("vec2 way;", "colour = p.way.xyxy;", "float level;", "at byte 0, and 'level' of vert, at byte 0"),
        ("vec2 way;", "colour = p.way.xyxy;", "layout(offset = 8) vec2 way;", "'way' of vert, at byte 8"),
        ("vec2 way;", "colour = p.way.xyxy;", "vec4 way;", "are not the same"),
    ],
)
def test_push_constants_that_do_not_fit_are_faults(fragment, use, vertex, message):
    first = vertex.split()[-1].rstrip(";") if vertex else ""
    uses = f"gl_PointSize = p.{first}{'' if 'float' in vertex else '.x'};" if vertex else ""
    found = pushes(fragment, use, vertex, uses)
    assert bool(found) is bool(message)
    assert not found or message in found[-1], found


ROWS = "struct R {{ {} }};\nlayout(set = 0, binding = {}, std430) readonly buffer {} {{ R {}[]; }} {};"
FRAME = "layout(set = 0, binding = {}) uniform Frame {{ {} }} frame;"


def shared(vertex: str, fragment: str, vertex_read: str, fragment_read: str) -> list[str]:
    """Return what is wrong with two stages of a pass in which a feature fills the buffer `lamps`."""
    given = replace(GIVEN, columns=frozenset({"lamps"}))
    stages = (
        VERTEX.format(vertex, f"gl_PointSize = {vertex_read};"),
        reading(fragment, f"colour = {fragment_read};"),
    )
    return faults(*stages, given)


@pytest.mark.parametrize(
    ("vertex", "fragment", "message"),
    [
        (
            (0, "mat4 a; vec4 b;"),
            (0, "vec4 own;"),
            "'own' of the block 'frame' lies at byte 0 in one",
        ),
        (
            (0, "vec4 own; vec4 b;"),
            (0, "layout(offset = 16) vec4 own;"),
            "'own' of the block 'frame' is vec4",
        ),
        ((0, "vec4 b; vec4 c[2];"), (0, "layout(offset = 32) vec4 own;"), "where 'c' lies in another"),
        ((0, "vec4 b; vec4 c[2];"), (0, "layout(offset = 48) vec4 own;"), ""),
        ((0, "vec4 own; vec4 b;"), (0, "vec4 own;"), ""),
        ((0, "vec4 own;"), (0, "vec4 own; vec4 b;"), ""),
        ((0, "vec4 b;"), (4, "vec4 own;"), "'own' of the block 'frame' lies at byte 0"),
        ((0, "vec4 b; vec4 own;"), (4, "vec4 own;"), "is vec4 at byte 16 in one stage and vec4 at byte 0 in"),
        ((0, "vec4 own;"), (4, "vec4 own;"), ""),
    ],
)
def test_members_of_frame_blocks_lie_nowhere_upon_others_of_another_stage(vertex, fragment, message) -> None:
    used = ["own" if "own" in declared else "b" for _, declared in (vertex, fragment)]
    found = shared(FRAME.format(*vertex), FRAME.format(*fragment), f"frame.{used[0]}[0]", f"frame.{used[1]}")
    assert [message in one for one in found] == ([True] if message else [])


@pytest.mark.parametrize(
    ("vertex", "fragment", "message"),
    [
        (
            ("vec4 a;", "row"),
            ("vec4 b;", "row"),
            "'b' of the block '{}' lies at byte 0 in one",
        ),
        (
            ("vec4 a;", "row"),
            ("vec4 a; vec4 b;", "all"),
            "a row of the block '{}' has 16 bytes in",
        ),
        (("vec4 a;", "row"), ("vec4 a; vec4 b;", "row"), "in steps of 16 bytes in one stage"),
        (("vec4 a; vec4 b;", "row"), ("vec4 a; vec4 b;", "all"), ""),
    ],
)
@pytest.mark.parametrize("name", ["lamps", "materials"])
def test_members_of_rows_lie_nowhere_upon_others_of_another_stage(name, vertex, fragment, message) -> None:
    block = name.title()
    declared = [ROWS.format(members, 5, block, row, name) for members, row in (vertex, fragment)]
    used = ["b" if "b" in members else "a" for members, _ in (vertex, fragment)]
    found = shared(*declared, f"{name}.{vertex[1]}[0].{used[0]}.x", f"{name}.{fragment[1]}[0].{used[1]}")
    assert [message.format(name) in one for one in found] == ([True] if message else [])


def test_the_hint_says_where_a_member_may_lie_that_lies_upon_others() -> None:
    texts = (
        VERTEX.format(FRAME.format(0, "mat4 a; vec4 b;"), "gl_PointSize = frame.b.x;"),
        reading(FRAME.format(0, "vec4 own;"), "colour = frame.own;"),
    )
    kinds = (ShaderStage.VERTEX, ShaderStage.FRAGMENT)
    stages = {
        kind: Stage(short, facts(HEAD + text, short).reflection)
        for kind, short, text in zip(kinds, ("vert", "frag"), texts, strict=True)
    }
    (fault,) = interface_faults(stages, GIVEN)
    assert fault.help == "give both stages the same block Frame; or write layout(offset = 80) before 'own'"


def test_a_buffer_that_shaders_write_is_read_as_each_stage_likes() -> None:
    given = replace(GIVEN, shared={"raw": (ShaderStage.VERTEX | ShaderStage.FRAGMENT, False)})
    declared = "layout(set = 0, binding = 0) readonly buffer Raw {{ {} raw_; }} raw;"
    vertex = VERTEX.format(declared.format("uint"), "gl_PointSize = float(raw.raw_);")
    other = declared.format("float").replace("raw_", "other")
    assert faults(vertex, reading(other, "colour = vec4(raw.other);"), given) == []
