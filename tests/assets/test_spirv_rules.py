"""What a shader may not ask of a device: refused when it is imported, before a driver sees it."""

from __future__ import annotations

import struct

import pytest
from support.sampling import Sample
from support.shaders import compiled, facts

from engine.assets import ShaderStage
from engine.assets.spirv.capabilities import CAPABILITIES, capability_faults
from engine.assets.spirv.module import reflect
from engine.assets.spirv.types import ShaderFaultError, SpirvError
from engine.humon import InputError

OUT = "layout(location = 0) out vec4 c;\n"
COMPUTED = "layout(local_size_x = 1) in;\nlayout(set = 0, binding = 0) buffer B { int n; float v; } b;\n"
REFUSED = {
    "Float64": ("vert", "void main() { double a = gl_VertexIndex; gl_Position = vec4(a); }"),
    "Float16": (
        "vert",
        "#extension GL_EXT_shader_explicit_arithmetic_types : require\n"
        "void main() { float16_t a = float16_t(gl_VertexIndex); gl_Position = vec4(a); }",
    ),
    "Int16": (
        "vert",
        "#extension GL_EXT_shader_explicit_arithmetic_types : require\n"
        "void main() { int16_t a = int16_t(gl_VertexIndex); gl_Position = vec4(a); }",
    ),
    "ClipDistance": ("vert", "void main() { gl_Position = vec4(1); gl_ClipDistance[0] = 1.0; }"),
    "CullDistance": ("vert", "void main() { gl_Position = vec4(1); gl_CullDistance[0] = 1.0; }"),
    "capability Geometry, which": ("frag", OUT + "void main() { c = vec4(gl_PrimitiveID); }"),
    "SampleRateShading": ("frag", OUT + "void main() { c = vec4(gl_SampleID); }"),
    "InterpolationFunction": (
        "frag",
        "layout(location = 0) in vec2 uv;\n" + OUT + "void main() { c = interpolateAtCentroid(uv).xyxy; }",
    ),
    "FragmentShaderPixelInterlockEXT": (
        "frag",
        "#extension GL_ARB_fragment_shader_interlock : require\nlayout(pixel_interlock_ordered) in;\n"
        + OUT
        + "void main() { beginInvocationInterlockARB(); endInvocationInterlockARB(); c = vec4(1); }",
    ),
    "StencilExportEXT": (
        "frag",
        "#extension GL_ARB_shader_stencil_export : require\n"
        + OUT
        + "void main() { gl_FragStencilRefARB = 1; }",
    ),
    "GroupNonUniform": (
        "comp",
        "#extension GL_KHR_shader_subgroup_basic : require\nlayout(local_size_x = 1) in;\n"
        "layout(set = 0, binding = 0) buffer B { uint v; } b;\nvoid main() { b.v = gl_SubgroupSize; }",
    ),
    "PhysicalStorageBufferAddresses": (
        "frag",
        "#extension GL_EXT_buffer_reference : require\n"
        "layout(buffer_reference) readonly buffer P { vec4 v; };\n"
        "layout(set = 0, binding = 0) uniform B { P p; } b;\n" + OUT + "void main() { c = b.p.v; }",
    ),
    "the capability Geometry": (
        "geom",
        "layout(points) in; layout(points, max_vertices = 1) out;\nvoid main() { EmitVertex(); }",
    ),
    "'huge' 8589934588": (
        "comp",
        COMPUTED + "float huge[2147483647];\nvoid main() { huge[b.n] = 1.0; b.v = huge[b.n + 1]; }",
    ),
    "its variables take 24004 bytes": (
        "comp",
        COMPUTED
        + "void main() { int n = b.n; float a[3000]; float d[3000]; a[n] = d[n + 1] = 2.0; b.v = a[n]; }",
    ),
    "its constant tables take 2400 bytes": (
        "comp",
        COMPUTED + "const float t[600] = float[](" + ", ".join(f"{n}.0" for n in range(600)) + ");\n"
        "void main() { b.v = t[b.n]; }",
    ),
    "its shared variables take": (
        "comp",
        "layout(local_size_x = 1) in;\nlayout(set = 0, binding = 0) buffer B { float v; } b;\n"
        "shared float s[3000];\nshared float r[3000];\nvoid main() { s[1] = r[2]; b.v = s[2]; }",
    ),
    "'uv' has the location 20": (
        "vert",
        "layout(location = 20) in vec4 uv;\nvoid main() { gl_Position = uv; }",
    ),
    "has the location 16": (
        "vert",
        "layout(location = 15) in vec4 uv[2];\nvoid main() { gl_Position = uv[1]; }",
    ),
    "'c' has an index": ("frag", "layout(location = 0, index = 1) out vec4 c;\nvoid main() { c = vec4(1); }"),
    "binding 4000": (
        "frag",
        "layout(set = 1, binding = 4000) uniform sampler2D t;\n"
        + OUT
        + "void main() { c = texture(t, vec2(0)); }",
    ),
    "the uniform block 'b' has 40000 bytes": (
        "frag",
        "layout(set = 0, binding = 0) uniform B { vec4 v[2500]; } b;\n" + OUT + "void main() { c = b.v[1]; }",
    ),
    "'b' may be written to": (
        "frag",
        "layout(set = 0, binding = 0) buffer B { vec4 v; } b;\n" + OUT + "void main() { c = b.v; }",
    ),
    "the push constants 'p' end at byte 144": (
        "comp",
        "layout(local_size_x = 1) in;\nlayout(push_constant) uniform P { vec4 v[9]; } p;\n"
        "layout(set = 0, binding = 0) buffer B { vec4 v; } b;\nvoid main() { b.v = p.v[1]; }",
    ),
    "its work groups have 1024 x 64 x 1": (
        "comp",
        "layout(local_size_x = 1024, local_size_y = 64) in;\nvoid main() {}",
    ),
}


def test_what_no_device_is_opened_with_is_refused_with_its_reason(sample: Sample) -> None:
    rows = list(REFUSED.items())
    for number in sample.of(range(len(rows)), 4):
        reason, (stage, text) = rows[number]
        with pytest.raises(InputError) as caught:
            compiled("#version 460\n" + text + "\n", stage)
        assert {problem.code for problem in caught.value.problems} == {"shader.interface"}, reason
        assert any(reason in problem.message for problem in caught.value.problems), caught.value
        assert all(problem.help and problem.position for problem in caught.value.problems), reason


def test_a_fault_is_at_the_line_of_its_variable() -> None:
    text = (
        "#version 450\nvoid main() {\n}\nlayout(location = 20) in vec4 far;\n"
        "void f() { gl_Position = far; }\n"
    )
    with pytest.raises(InputError) as caught:
        compiled(text, "vert")
    (problem,) = caught.value.problems
    assert problem.position is not None
    assert (problem.position.line, problem.position.column) == (4, 31)


MATRICES = """#version 460
#extension GL_KHR_memory_scope_semantics : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
  #extension GL_KHR_cooperative_matrix : require
layout(local_size_x = 32) in;
layout(set = 0, binding = 0) buffer B { float16_t v[]; } b;
void main() {
    coopmat<float16_t, gl_ScopeSubgroup, 16, 16, gl_MatrixUseA> m;
    coopMatLoad(m, b.v, 0, 16, gl_CooperativeMatrixLayoutRowMajor);
}
"""


def test_a_capability_is_named_at_what_needs_it_though_its_types_are_unknown() -> None:
    with pytest.raises(InputError) as caught:
        compiled(MATRICES, "comp")
    found = {problem.message: problem for problem in caught.value.problems}
    problem = found["it needs the capability CooperativeMatrixKHR, which no device is opened with"]
    assert problem.code == "shader.interface"
    assert problem.position is not None
    assert (problem.position.line, problem.position.column) == (4, 14)
    assert problem.help.startswith("multiply with vectors, mat4 and loops over 32-bit floats")
    assert any(message.startswith("it needs the capabilities Float16, ") for message in found)


def test_capabilities_without_a_name_are_numbers_and_those_of_one_kind_are_one_fault() -> None:
    found = list(capability_faults([1, 61, 9999, 63, 63, 34]))
    assert [fault.message for fault in found] == [
        f"it needs {what}, which no device is opened with"
        for what in ("the capabilities GroupNonUniform, GroupNonUniformArithmetic", "the capability 9999")
    ]
    assert all(fault.help for fault in found)


def test_a_capability_is_found_behind_other_instructions_without_a_validator() -> None:
    code = compiled("#version 450\nvoid main() { gl_Position = vec4(1); }\n", "vert")
    with pytest.raises(ShaderFaultError, match="Float64"):
        reflect(code[:52] + struct.pack("<2I", 2 << 16 | 17, 10) + code[52:], ShaderStage.VERTEX)


ACCEPTED = [
    "void main() { if (gl_FragCoord.x > 4.0) discard; c = vec4(dFdxFine(gl_FragCoord.y)); }",
    "layout(early_fragment_tests) in;\nvoid main() { c = vec4(1); }",
    "layout(depth_less) out float gl_FragDepth;\nvoid main() { gl_FragDepth = 0.0; c = vec4(1); }",
    "const float t[4] = float[](1, 2, 3, 4);\nvoid main() { c = vec4(t[int(gl_FragCoord.x) & 3]); }",
    "layout(location = 0) in vec4 v[4];\nvoid main() { float a[256]; a[3] = v[2].x; c = vec4(a[2]); }",
    "layout(constant_id = 0) const int N = 8;\nvoid main() { float a[N]; a[1] = 2.0; c = vec4(a[0]); }",
]


LARGE = [
    "float huge[2147483647];\nvoid main() { huge[n] = 1.0; c = vec4(huge[n + 1]); }",
    "void main() { float a[3000]; float b[3000]; a[n] = b[n + 1] = 2.0; c = vec4(a[n] + b[n]); }",
    "const float t[600] = float[](" + ", ".join(f"{n}.0" for n in range(600)) + ");\n"
    "void main() { c = vec4(t[n]); }",
]


def test_how_much_a_stage_of_a_pass_may_hold_is_left_to_its_trial(sample: Sample) -> None:
    for number in sample.of(range(len(LARGE)), 1):
        assert compiled(
            "#version 450\nlayout(location = 0) flat in int n;\n" + OUT + LARGE[number] + "\n", "frag"
        )


def test_what_every_device_has_is_imported(sample: Sample) -> None:
    for number in sample.of(range(len(ACCEPTED)), 1):
        assert compiled("#version 450\n" + OUT + ACCEPTED[number] + "\n", "frag")


POINTS = [
    ("void main() { gl_Position = vec4(1); }", False),
    ("void main() { gl_Position = vec4(1); gl_PointSize = 2.0; }", True),
    ("void f(int i) { if (i > 1) gl_PointSize = 1.0; }\nvoid main() { f(gl_VertexIndex); }", True),
    ("void f() { gl_PointSize = 1.0; }\nvoid main() { gl_Position = vec4(1); }", False),
    ("void main() { gl_Position = vec4(gl_PointSize); }", False),
    (
        "out gl_PerVertex { float gl_PointSize; };\nvoid main() { gl_PointSize = 1.0; }",
        True,
    ),
]


def test_a_vertex_shader_is_known_to_write_the_size_of_points(sample: Sample) -> None:
    for number in sample.of(range(len(POINTS)), 1):
        text, writes = POINTS[number]
        found = facts("#version 450\n" + text + "\n", "vert")
        assert found.reflection.writes_point_size is writes, text


def test_arrays_of_matrices_and_structs_take_a_location_for_each_column_and_member() -> None:
    text = (
        "#version 450\nstruct S { vec2 a; uint b; };\nlayout(location = 1) in mat2 m[2];\n"
        "layout(location = 0, component = 2) out vec2 v;\nlayout(location = 1) out S s;\n"
        "void main() { s.a = m[1][0]; s.b = 1u; v = s.a; }\n"
    )
    found = facts(text, "vert").reflection
    assert [(row.name, row.location) for row in found.inputs] == [
        *(("m[0][0]", 1), ("m[0][1]", 2), ("m[1][0]", 3), ("m[1][1]", 4)),
    ]
    outputs = [(row.name, row.location, row.component, row.components, row.kind) for row in found.outputs]
    assert outputs == [("v", 0, 2, 2, "float"), ("s.a", 1, 0, 2, "float"), ("s.b", 2, 0, 1, "uint")]


MAIN = int.from_bytes(b"main", "little")
SMALL_GROUP = (16, 1, 17, 1, 1, 1)


def module(*instructions: tuple[int, ...], model: int = 0) -> bytes:
    words = [0x07230203, 0x00010600, 0, 1000, 0]
    for op, *operands in ((17, 1), (15, model, 1, MAIN, 0, 9), *instructions, (54, 2, 1, 0, 3), (56,)):
        words += [(len(operands) + 1) << 16 | op, *operands]
    return struct.pack(f"<{len(words)}I", *words)


def test_a_length_of_64_bits_counts_whole() -> None:
    """Its low word alone says one element."""
    array = [(22, 4, 32), (21, 5, 64, 0), (43, 5, 6, 1, 1), (28, 7, 4, 6), (32, 8, 6, 7), (59, 8, 9, 6)]
    with pytest.raises(ShaderFaultError, match="take 17179869188 bytes"):
        reflect(module((17, 11), SMALL_GROUP, *array, model=5), ShaderStage.COMPUTE)


@pytest.mark.parametrize(
    "size",
    [
        ((16, 1, 17, 4096, 1, 1),),
        ((331, 1, 38, 7, 6, 6), (21, 5, 32, 0), (43, 5, 6, 1), (50, 5, 7, 4096)),
        (
            (16, 1, 17, 1, 1, 1),
            (71, 8, 11, 25),
            (21, 5, 32, 0),
            (43, 5, 6, 1),
            (50, 5, 7, 4096),
            (51, 4, 8, 7, 6, 6),
        ),
    ],
    ids=["LocalSize", "LocalSizeId", "WorkgroupSize"],
)
def test_the_size_of_work_groups_is_limited_however_it_is_given(size: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ShaderFaultError, match="have 4096 x 1 x 1 invocations"):
        reflect(module(*size, model=5), ShaderStage.COMPUTE)


def test_a_huge_constant_is_refused() -> None:
    array = [(22, 4, 32), (21, 5, 32, 0), (43, 5, 6, 1 << 30), (28, 7, 4, 6), (46, 7, 10)]
    with pytest.raises(ShaderFaultError, match="values of 4294967296 bytes"):
        reflect(module(SMALL_GROUP, *array, model=5), ShaderStage.COMPUTE)


def test_types_nest_to_a_limit() -> None:
    arrays = [(28, 10 + level, 9 + level, 6) for level in range(1, 5000)]
    with pytest.raises(SpirvError, match="deeper"):
        reflect(module((22, 10, 32), (21, 5, 32, 0), (43, 5, 6, 1), *arrays), ShaderStage.VERTEX)


def test_an_array_with_a_computed_length_is_refused() -> None:
    with pytest.raises(SpirvError, match="computed"):
        reflect(module((22, 4, 32), (28, 7, 4, 6)), ShaderStage.VERTEX)


def test_every_feature_of_the_table_is_one_that_devices_are_opened_with() -> None:
    adapter = pytest.importorskip("engine.vk.adapter")
    opened = {
        name
        for table in (adapter.REQUIRED_FEATURES, adapter.OPTIONAL_FEATURES)
        for row in table.values()
        for name in row
    }
    assert set(CAPABILITIES.values()) - {""} <= opened


def test_an_execution_mode_that_no_device_is_opened_with_is_named() -> None:
    code = compiled("#version 450\n" + OUT + "void main() { c = vec4(1); }\n", "frag")
    execution_mode, origin_upper_left, maximally_reconverges = 3 << 16 | 16, 7, 6023
    words = list(struct.unpack(f"<{len(code) // 4}I", code))
    at = words.index(execution_mode) + 2
    assert words[at] == origin_upper_left
    words[at] = maximally_reconverges
    with pytest.raises(ShaderFaultError, match="execution mode 6023"):
        reflect(struct.pack(f"<{len(words)}I", *words), ShaderStage.FRAGMENT)
