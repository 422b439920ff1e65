from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest
from support.limits import limit

from engine.plan.terms.drawing import CompareOp, CullMode, DescriptorType, FrontFace, ShaderStage, Topology
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import (
    Access,
    BufferUsage,
    ImageUsage,
    MemoryProperty,
    Stage,
    flag_names,
    flags_from_names,
)
from engine.plan.terms.vulkan_enums import Aspect


def test_flags_print_as_in_the_seed_and_parse_to_the_same_flags():
    usage = BufferUsage.VERTEX_BUFFER | BufferUsage.TRANSFER_DST
    assert flag_names(usage) == ("transfer_dst_bit", "vertex_buffer_bit")
    assert flag_names(MemoryProperty.DEVICE_LOCAL | MemoryProperty.HOST_VISIBLE) == (
        "deviceLocal",
        "hostVisible",
    )
    assert flags_from_names(BufferUsage, list(flag_names(usage))) == usage


def test_unknown_bits_print_as_hexadecimal_numbers():
    assert flag_names(BufferUsage(0x80000080)) == ("vertex_buffer_bit", "0x80000000")
    assert flags_from_names(BufferUsage, ["0x80000000"]) == 0x80000000


@pytest.mark.parametrize("name", ["0xzz", "0x", "0x-1", "0x1_0", "0x" + "f" * 1_000_000, "a" * 1_000_000])
def test_what_is_no_hexadecimal_number_of_64_bits_is_an_unknown_name(name):
    with pytest.raises(KeyError) as caught:
        flags_from_names(BufferUsage, [name])
    assert caught.value.args == (name[:40],)


def test_unknown_flag_names_raise_key_error():
    with pytest.raises(KeyError, match="vertex_bufer_bit"):
        flags_from_names(BufferUsage, ["vertex_bufer_bit"])


@pytest.mark.parametrize(
    ("texel", "size", "extent", "aspect", "srgb"),
    [
        (Format.R8G8B8A8_SRGB, 4, 1, Aspect.COLOR, True),
        (Format.R32G32B32_SFLOAT, 12, 1, Aspect.COLOR, False),
        (Format.B10G11R11_UFLOAT_PACK32, 4, 1, Aspect.COLOR, False),
        (Format.BC7_SRGB_BLOCK, 16, 4, Aspect.COLOR, True),
        (Format.D24_UNORM_S8_UINT, 4, 1, Aspect.DEPTH | Aspect.STENCIL, False),
    ],
)
def test_formats_have_the_right_texel_blocks(texel, size, extent, aspect, srgb):
    info = texel.info
    assert (info.block_bytes, info.block_width, info.block_height) == (size, extent, extent)
    assert (info.aspect, info.srgb) == (aspect, srgb)


@pytest.mark.skipif(importlib.util.find_spec("vulkan") is None, reason="the binding is not installed")
@pytest.mark.parametrize(
    ("kind", "pattern"),
    [
        (BufferUsage, "VK_BUFFER_USAGE_{}_BIT"),
        (ImageUsage, "VK_IMAGE_USAGE_{}_BIT"),
        (MemoryProperty, "VK_MEMORY_PROPERTY_{}_BIT"),
        (Aspect, "VK_IMAGE_ASPECT_{}_BIT"),
        (CullMode, "VK_CULL_MODE_{}_BIT"),
        (FrontFace, "VK_FRONT_FACE_{}"),
        (Format, "VK_FORMAT_{}"),
        (ShaderStage, "VK_SHADER_STAGE_{}_BIT"),
        (DescriptorType, "VK_DESCRIPTOR_TYPE_{}"),
        (Topology, "VK_PRIMITIVE_TOPOLOGY_{}"),
        (CompareOp, "VK_COMPARE_OP_{}"),
        (Stage, "VK_PIPELINE_STAGE_2_{}_BIT"),
        (Access, "VK_ACCESS_2_{}_BIT"),
    ],
)
def test_enum_values_are_those_of_vulkan(kind, pattern):
    import vulkan

    known = {m: getattr(vulkan, pattern.format(m.name), None) for m in kind}
    assert sum(value is not None for value in known.values()) > len(known) // 2
    assert [m for m, value in known.items() if value not in (None, int(m))] == []


def test_planning_imports_neither_vulkan_nor_image_libraries():
    code = (
        "import sys, engine.plan.placement.planner, engine.plan.schedule.simulation;"
        "import engine.plan.text.plan_text;"
        "print([m for m in ('vulkan', 'PIL', 'glfw', 'engine.vk', 'engine.assets') if m in sys.modules])"
    )
    reported = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=limit(60), check=True
    )
    assert reported.stdout.strip() == "[]"
