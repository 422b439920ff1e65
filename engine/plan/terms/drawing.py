"""Enums of shaderPlan, pipelinePlan and descriptorSetPlan, with the values of the Vulkan headers."""

from __future__ import annotations

from enum import IntEnum, IntFlag


class ShaderStage(IntFlag):
    """VkShaderStageFlagBits."""

    VERTEX = 0x1
    GEOMETRY = 0x8
    FRAGMENT = 0x10
    COMPUTE = 0x20


class DescriptorType(IntEnum):
    """VkDescriptorType."""

    SAMPLER = 0
    COMBINED_IMAGE_SAMPLER = 1
    SAMPLED_IMAGE = 2
    STORAGE_IMAGE = 3
    UNIFORM_TEXEL_BUFFER = 4
    STORAGE_TEXEL_BUFFER = 5
    UNIFORM_BUFFER = 6
    STORAGE_BUFFER = 7
    UNIFORM_BUFFER_DYNAMIC = 8
    STORAGE_BUFFER_DYNAMIC = 9
    INPUT_ATTACHMENT = 10


class Topology(IntEnum):
    """VkPrimitiveTopology."""

    POINT_LIST = 0
    LINE_LIST = 1
    LINE_STRIP = 2
    TRIANGLE_LIST = 3
    TRIANGLE_STRIP = 4


class CullMode(IntFlag):
    """VkCullModeFlagBits; 0 culls nothing."""

    NONE = 0
    FRONT = 1
    BACK = 2


class FrontFace(IntEnum):
    """VkFrontFace."""

    COUNTER_CLOCKWISE = 0
    CLOCKWISE = 1


class CompareOp(IntEnum):
    """VkCompareOp."""

    NEVER = 0
    LESS = 1
    EQUAL = 2
    LESS_OR_EQUAL = 3
    GREATER = 4
    NOT_EQUAL = 5
    GREATER_OR_EQUAL = 6
    ALWAYS = 7


class Blend(IntEnum):
    """Colour blending: replace, straight alpha, premultiplied alpha, additive."""

    OPAQUE = 0
    ALPHA = 1
    PREMULTIPLIED = 2
    ADD = 3
