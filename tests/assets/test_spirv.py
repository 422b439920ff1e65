"""SPIR-V: reflection of modules, and invalid modules."""

from __future__ import annotations

import json
import struct
from contextlib import suppress
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sampling import amount
from support.shaders import compiled

from engine.assets import (
    AssetType,
    DescriptorType,
    Reflection,
    ShaderFacts,
    ShaderStage,
    SpecConstant,
    VertexFormat,
)
from engine.assets.cache.facts import facts_from_json, facts_to_json
from engine.assets.spirv.module import check_module, reflect
from engine.assets.spirv.types import SpirvError

EVERYTHING = """#version 460
layout(location = 0) in vec3 pos;
layout(location = 1) in uint bone;
layout(location = 2) in mat4 placing;
layout(location = 6) in ivec2 corner;
layout(location = 0) out vec2 uv;
layout(location = 1) flat out uint kind;
struct Item { mat4 world; uvec4 ids; };
layout(set = 0, binding = 0) uniform View { mat4 viewProj; vec3 eye; float far; float steps[3]; } view;
layout(set = 0, binding = 1) readonly buffer Items { uint count; Item row[]; } items;
layout(set = 0, binding = 2) readonly buffer Sums { vec4 sum[4]; } sums;
layout(set = 1, binding = 0) uniform sampler2DArray pictures[7];
layout(set = 1, binding = 1) uniform sampler2DShadow shadowMap;
layout(set = 1, binding = 2) uniform texture2D loose;
layout(set = 1, binding = 3) uniform sampler taker;
layout(set = 1, binding = 4, rgba8) uniform readonly image2D target;
layout(push_constant) uniform Push { layout(offset = 16) mat4 a; vec2 b; } pushed;
layout(constant_id = 7) const bool upright = true;
layout(constant_id = 3) const uint alphaMode = 1u;
void main() {
    vec4 all = texture(pictures[1], vec3(0)) + texture(shadowMap, vec3(0));
    all += pushed.a[0] + vec4(pushed.b, 0, 0);
    all += texture(sampler2D(loose, taker), vec2(0)) + vec4(view.eye, view.steps[1]) + view.far;
    all += sums.sum[0] + imageLoad(target, corner);
    gl_Position = view.viewProj * placing * items.row[gl_InstanceIndex].world * vec4(pos, 1.0) + all;
    uv = upright ? pos.xy : pos.xy * float(alphaMode);
    kind = bone;
}
"""
COMPUTE = """#version 450
layout(local_size_x = 8, local_size_y = 4) in;
layout(set = 0, binding = 0) buffer Data { float value[]; } data;
void main() { data.value[gl_GlobalInvocationID.x] = 1.0; }
"""


@cache
def everything() -> Reflection:
    return reflect(compiled(EVERYTHING, "vert"), ShaderStage.VERTEX)


def test_inputs_have_name_location_and_format_without_builtins() -> None:
    rows = [(row.name, row.location, row.format) for row in everything().inputs]
    columns = [(f"placing[{i}]", 2 + i, VertexFormat.R32G32B32A32_SFLOAT) for i in range(4)]
    assert rows == [
        ("pos", 0, VertexFormat.R32G32B32_SFLOAT),
        ("bone", 1, VertexFormat.R32_UINT),
        *columns,
        ("corner", 6, VertexFormat.R32G32_SINT),
    ]
    assert [row.kind for row in everything().inputs] == ["float", "uint", *["float"] * 4, "int"]


def test_outputs_have_name_location_and_format_without_builtins() -> None:
    rows = [(row.name, row.location, row.components, row.kind) for row in everything().outputs]
    assert rows == [("uv", 0, 2, "float"), ("kind", 1, 1, "uint")]


def test_bindings_have_set_binding_type_and_count() -> None:
    rows = {
        (row.set, row.binding): (row.name, row.descriptor_type, row.count, row.type)
        for row in everything().bindings
    }
    assert rows == {
        (0, 0): ("view", DescriptorType.UNIFORM_BUFFER, 1, "View"),
        (0, 1): ("items", DescriptorType.STORAGE_BUFFER, 1, "Items"),
        (0, 2): ("sums", DescriptorType.STORAGE_BUFFER, 1, "Sums"),
        (1, 0): ("pictures", DescriptorType.COMBINED_IMAGE_SAMPLER, 7, "sampler2DArray"),
        (1, 1): ("shadowMap", DescriptorType.COMBINED_IMAGE_SAMPLER, 1, "sampler2DShadow"),
        (1, 2): ("loose", DescriptorType.SAMPLED_IMAGE, 1, "texture2D"),
        (1, 3): ("taker", DescriptorType.SAMPLER, 1, "sampler"),
        (1, 4): ("target", DescriptorType.STORAGE_IMAGE, 1, "image2D"),
    }


def test_blocks_have_members_with_offsets_sizes_and_strides() -> None:
    view, items, sums = everything().bindings[:3]
    assert [(m.name, m.offset, m.size, m.type, m.count, m.stride) for m in view.members] == [
        ("viewProj", 0, 64, "mat4", 1, 0),
        ("eye", 64, 12, "vec3", 1, 0),
        ("far", 76, 4, "float", 1, 0),
        ("steps", 80, 48, "float", 3, 16),
    ]
    assert view.block_size == 128
    row = items.members[1]
    assert (row.name, row.offset, row.size, row.count, row.stride, row.type) == ("row", 16, 0, 0, 80, "Item")
    assert [(m.name, m.offset, m.type) for m in row.members] == [("world", 0, "mat4"), ("ids", 64, "uvec4")]
    assert (items.readonly, sums.readonly) == (True, True)
    assert sums.block_size == 64


def test_push_constants_have_their_range() -> None:
    (block,) = everything().push_constants
    assert (block.name, block.offset, block.size) == ("pushed", 16, 72)
    assert [(m.name, m.offset, m.size) for m in block.members] == [("a", 16, 64), ("b", 80, 8)]


def test_specialization_constants_have_name_id_and_kind() -> None:
    assert everything().constants == (
        SpecConstant("alphaMode", 3, "uint"),
        SpecConstant("upright", 7, "bool"),
    )


def test_compute_shaders_have_their_group_size() -> None:
    found = reflect(compiled(COMPUTE, "comp"), ShaderStage.COMPUTE)
    assert found.local_size == (8, 4, 1)
    assert found.bindings[0].members[0].count == 0
    assert not found.bindings[0].readonly


def test_reflection_is_the_same_after_json() -> None:
    facts = ShaderFacts(ShaderStage.VERTEX, "main", everything())
    assert facts_from_json(AssetType.SHADER, json.loads(json.dumps(facts_to_json(facts)))) == facts


def test_a_missing_entry_point_is_reported_with_the_existing_ones() -> None:
    code = compiled(EVERYTHING, "vert")
    with pytest.raises(SpirvError, match=r"no entry point 'other'.*main"):
        reflect(code, ShaderStage.VERTEX, "other")
    with pytest.raises(SpirvError, match="fragment_shader_bit"):
        reflect(code, ShaderStage.FRAGMENT)


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda code: code[:16],
        lambda code: code[:-1],
        lambda code: code + b"\0\0",
        lambda code: b"\0\0\0\0" + code[4:],
        lambda code: code[:4][::-1] + code[4:],
        lambda _: b"#version 450\nvoid main() {}\n",
        lambda code: code[:12] + b"\xff\xff\xff\xff" + code[16:],
        lambda code: code[:12] + bytes(4) + code[16:],
    ],
    ids=["empty", "header cut", "odd size", "two more", "no magic", "big-endian", "text", "ids", "no ids"],
)
def test_invalid_modules_are_rejected(damage: object) -> None:
    assert callable(damage)
    with pytest.raises(SpirvError):
        check_module(damage(compiled(EVERYTHING, "vert")))


def module(*instructions: tuple[int, ...]) -> bytes:
    words = [0x07230203, 0x00010600, 0, 1000, 0]
    for op, *operands in instructions:
        words += [(len(operands) + 1) << 16 | op, *operands]
    return struct.pack(f"<{len(words)}I", *words)


MAIN = int.from_bytes(b"main", "little")


def test_types_that_contain_themselves_do_not_hang() -> None:
    entry = (15, 0, 1, MAIN, 0, 9)
    array_of_itself = module(entry, (28, 5, 5, 6), (32, 7, 0, 5), (59, 7, 9, 0), (71, 9, 33, 0))
    struct_of_itself = module(entry, (30, 5, 5, 5), (32, 7, 2, 5), (59, 7, 9, 2), (71, 9, 33, 0))
    for code in (array_of_itself, struct_of_itself):
        with pytest.raises(SpirvError):
            reflect(code, ShaderStage.VERTEX)


def test_a_matrix_of_billions_of_columns_does_not_hang() -> None:
    rows = [(15, 0, 1, MAIN, 0, 9), (22, 3, 32), (23, 4, 3, 4), (24, 5, 4, 0xFFFFFFFF), (32, 7, 1, 5)]
    with pytest.raises(SpirvError, match="components"):
        reflect(module(*rows, (59, 7, 9, 1), (71, 9, 30, 0)), ShaderStage.VERTEX)


def test_structs_that_double_thirty_times_do_not_fill_the_memory() -> None:
    levels = [(30, 11 + n, 10 + n, 10 + n) for n in range(30)]
    rows = [(15, 0, 1, MAIN, 0, 9), (22, 10, 32), *levels, (32, 90, 2, 40), (59, 90, 9, 2), (71, 9, 33, 0)]
    with pytest.raises(SpirvError, match="members"):
        reflect(module(*rows), ShaderStage.VERTEX)


@settings(max_examples=amount(37, 600))
@given(st.data())
def test_a_damaged_module_is_rejected_or_reflected(data: st.DataObject) -> None:
    words = list(struct.unpack(f"<{len(compiled(EVERYTHING, 'vert')) // 4}I", compiled(EVERYTHING, "vert")))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(5, len(words) - 1))
        words[at] = data.draw(st.one_of(st.integers(0, 2**32 - 1), st.integers(0, 200)))
    code = struct.pack(f"<{len(words)}I", *words)
    entry_point = "main"
    with suppress(SpirvError):
        entry_point = reflect(code, ShaderStage.VERTEX).entry_point
    assert entry_point == "main"
