"""Vulkan's enums and flags in plans, passes and schedules, with Vulkan's numbers.

Written by tools/make_vulkan_enums.py from the constants of the `vulkan` binding; change its lists.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag


class Access(IntFlag):
    """VkAccessFlagBits2."""

    INDIRECT_COMMAND_READ = 0x1
    INDEX_READ = 0x2
    VERTEX_ATTRIBUTE_READ = 0x4
    UNIFORM_READ = 0x8
    INPUT_ATTACHMENT_READ = 0x10
    SHADER_READ = 0x20
    SHADER_WRITE = 0x40
    COLOR_ATTACHMENT_READ = 0x80
    COLOR_ATTACHMENT_WRITE = 0x100
    DEPTH_STENCIL_ATTACHMENT_READ = 0x200
    DEPTH_STENCIL_ATTACHMENT_WRITE = 0x400
    TRANSFER_READ = 0x800
    TRANSFER_WRITE = 0x1000
    HOST_READ = 0x2000
    HOST_WRITE = 0x4000
    MEMORY_READ = 0x8000
    MEMORY_WRITE = 0x1_0000
    SHADER_SAMPLED_READ = 0x1_0000_0000
    SHADER_STORAGE_READ = 0x2_0000_0000
    SHADER_STORAGE_WRITE = 0x4_0000_0000


class Aspect(IntFlag):
    """VkImageAspectFlagBits."""

    COLOR = 0x1
    DEPTH = 0x2
    STENCIL = 0x4


class BufferUsage(IntFlag):
    """VkBufferUsageFlagBits."""

    TRANSFER_SRC = 0x1
    TRANSFER_DST = 0x2
    UNIFORM_TEXEL_BUFFER = 0x4
    STORAGE_TEXEL_BUFFER = 0x8
    UNIFORM_BUFFER = 0x10
    STORAGE_BUFFER = 0x20
    INDEX_BUFFER = 0x40
    VERTEX_BUFFER = 0x80
    INDIRECT_BUFFER = 0x100
    SHADER_DEVICE_ADDRESS = 0x2_0000


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


class CullMode(IntFlag):
    """VkCullModeFlagBits: which faces are not drawn."""

    NONE = 0x0
    FRONT = 0x1
    BACK = 0x2


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


class FormatFeature(IntFlag):
    """VkFormatFeatureFlagBits: what a device does with texels of a format."""

    SAMPLED_IMAGE = 0x1
    STORAGE_IMAGE = 0x2
    COLOR_ATTACHMENT = 0x80
    COLOR_ATTACHMENT_BLEND = 0x100
    DEPTH_STENCIL_ATTACHMENT = 0x200
    SAMPLED_IMAGE_FILTER_LINEAR = 0x1000
    TRANSFER_SRC = 0x4000
    TRANSFER_DST = 0x8000


class FrontFace(IntEnum):
    """VkFrontFace."""

    COUNTER_CLOCKWISE = 0
    CLOCKWISE = 1


class ImageUsage(IntFlag):
    """VkImageUsageFlagBits."""

    TRANSFER_SRC = 0x1
    TRANSFER_DST = 0x2
    SAMPLED = 0x4
    STORAGE = 0x8
    COLOR_ATTACHMENT = 0x10
    DEPTH_STENCIL_ATTACHMENT = 0x20
    TRANSIENT_ATTACHMENT = 0x40
    INPUT_ATTACHMENT = 0x80


class Layout(IntEnum):
    """VkImageLayout: how the texels of an image lie while a pass or a copy uses it."""

    UNDEFINED = 0
    GENERAL = 1
    COLOR_ATTACHMENT = 2
    DEPTH_ATTACHMENT = 3
    SHADER_READ = 5
    TRANSFER_SRC = 6
    TRANSFER_DST = 7
    PRESENT_SRC = 1000001002


class MemoryProperty(IntFlag):
    """VkMemoryPropertyFlagBits."""

    DEVICE_LOCAL = 0x1
    HOST_VISIBLE = 0x2
    HOST_COHERENT = 0x4
    HOST_CACHED = 0x8
    LAZILY_ALLOCATED = 0x10
    PROTECTED = 0x20


class ShaderStage(IntFlag):
    """VkShaderStageFlagBits."""

    VERTEX = 0x1
    GEOMETRY = 0x8
    FRAGMENT = 0x10
    COMPUTE = 0x20


class Stage(IntFlag):
    """VkPipelineStageFlagBits2."""

    TOP_OF_PIPE = 0x1
    DRAW_INDIRECT = 0x2
    VERTEX_INPUT = 0x4
    VERTEX_SHADER = 0x8
    GEOMETRY_SHADER = 0x40
    FRAGMENT_SHADER = 0x80
    EARLY_FRAGMENT_TESTS = 0x100
    LATE_FRAGMENT_TESTS = 0x200
    COLOR_ATTACHMENT_OUTPUT = 0x400
    COMPUTE_SHADER = 0x800
    TRANSFER = 0x1000
    BOTTOM_OF_PIPE = 0x2000
    HOST = 0x4000
    ALL_GRAPHICS = 0x8000
    ALL_COMMANDS = 0x1_0000
    COPY = 0x1_0000_0000
    RESOLVE = 0x2_0000_0000
    BLIT = 0x4_0000_0000
    CLEAR = 0x8_0000_0000
    INDEX_INPUT = 0x10_0000_0000
    VERTEX_ATTRIBUTE_INPUT = 0x20_0000_0000


class Topology(IntEnum):
    """VkPrimitiveTopology."""

    POINT_LIST = 0
    LINE_LIST = 1
    LINE_STRIP = 2
    TRIANGLE_LIST = 3
    TRIANGLE_STRIP = 4
