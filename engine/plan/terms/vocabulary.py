"""Enums of plans: kinds, usages, stages, accesses and memory properties, with Vulkan's values.

Values are those of the Vulkan 1.3 headers (synchronization2 for `Stage` and `Access`), so that a plan made
where no Vulkan is installed can be passed to a device unchanged. Names print as the seed writes them:
flags as `vertex_buffer_bit`, memory properties as `deviceLocal`, everything else in lower case.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, IntEnum, IntFlag
from typing import TypeVar


class Kind(IntEnum):
    """What a resource is: a VkBuffer or a VkImage."""

    BUFFER = 0
    IMAGE = 1


class QueueKind(IntEnum):
    """The kind of queue that uses a resource; a device maps it to one of its queue families."""

    GRAPHICS = 0
    COMPUTE = 1
    TRANSFER = 2


class Dedicated(IntEnum):
    """Whether a requirement needs a dedicated VkDeviceMemory."""

    NO = 0
    PREFER = 1
    YES = 2


class Contents(IntEnum):
    """The initial contents: undefined, zeros, or a range of an asset cache."""

    UNDEFINED = 0
    ZERO = 1
    CACHE = 2


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
    SHADER_DEVICE_ADDRESS = 0x20000


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


class MemoryProperty(IntFlag):
    """VkMemoryPropertyFlagBits."""

    DEVICE_LOCAL = 0x1
    HOST_VISIBLE = 0x2
    HOST_COHERENT = 0x4
    HOST_CACHED = 0x8
    LAZILY_ALLOCATED = 0x10
    PROTECTED = 0x20


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
    ALL_COMMANDS = 0x10000
    COPY = 0x1_0000_0000
    RESOLVE = 0x2_0000_0000
    BLIT = 0x4_0000_0000
    CLEAR = 0x8_0000_0000
    INDEX_INPUT = 0x10_0000_0000
    VERTEX_ATTRIBUTE_INPUT = 0x20_0000_0000


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
    MEMORY_WRITE = 0x10000
    SHADER_SAMPLED_READ = 0x1_0000_0000
    SHADER_STORAGE_READ = 0x2_0000_0000
    SHADER_STORAGE_WRITE = 0x4_0000_0000


F = TypeVar("F", bound=IntFlag)


def flag_names(flags: IntFlag) -> tuple[str, ...]:
    """Names of the set bits, lowest first, as the seed prints them; unknown bits as `0x...`.

    Memory properties are written as `deviceLocal`, all other flags as `vertex_buffer_bit`.
    """
    return tuple(_flag_name(flags, bit) for bit in _bits(int(flags)))


def flags_from_names(kind: type[F], names: Iterator[str] | list[str] | tuple[str, ...]) -> F:
    """Parse names that `flag_names` printed; KeyError names the first unknown one."""
    known = {_flag_name(member, int(member)): member for member in kind}
    result = kind(0)
    for name in names:
        result |= kind(int(name, 16)) if name.startswith("0x") else known[name]
    return result


def word(member: Enum) -> str:
    """An enum member in plan text: `triangle_list`, `r8g8b8a8_unorm`, `graphics`."""
    return member.name.lower()


def _bits(value: int) -> Iterator[int]:
    while value:
        bit = value & -value
        yield bit
        value ^= bit


def _flag_name(flags: IntFlag, bit: int) -> str:
    member = type(flags)(bit)
    if member.name is None or "|" in member.name:
        return hex(bit)
    if isinstance(flags, MemoryProperty):
        head, *tail = member.name.lower().split("_")
        return head + "".join(part.capitalize() for part in tail)
    return f"{member.name.lower()}_bit"
