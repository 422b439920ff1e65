"""Enums of plans: kinds, usages, stages, accesses and memory properties, with Vulkan's values.

Values are those of the Vulkan 1.3 headers (synchronization2 for `Stage` and `Access`), so that a plan made
where no Vulkan is installed can be passed to a device unchanged. Names print as the seed writes them:
flags as `vertex_buffer_bit`, memory properties as `deviceLocal`, everything else in lower case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, IntEnum, IntFlag
from functools import cache, lru_cache
from typing import TypeVar

from engine.plan.terms.vulkan_enums import Access, BufferUsage, ImageUsage, MemoryProperty, Stage

__all__ = [
    "Access",
    "BufferUsage",
    "Contents",
    "Dedicated",
    "ImageUsage",
    "Kind",
    "MemoryProperty",
    "QueueKind",
    "Stage",
    "flag_names",
    "flags_from_names",
    "word",
]


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


F = TypeVar("F", bound=IntFlag)

_UNKNOWN_BITS = re.compile(r"0x[0-9a-fA-F]{1,16}")
_MOST_SHOWN = 40
"""Characters of an unknown name that an error has."""


def flag_names(flags: IntFlag) -> tuple[str, ...]:
    """Names of the set bits, lowest first, as the seed prints them; unknown bits as `0x...`.

    Memory properties are written as `deviceLocal`, all other flags as `vertex_buffer_bit`.
    """
    return _names_of(type(flags), int(flags))


def flags_from_names(kind: type[F], names: Iterator[str] | list[str] | tuple[str, ...]) -> F:
    """Parse names that `flag_names` printed; KeyError names the first unknown one."""
    known, result = _known(kind), 0
    for name in names:
        if _UNKNOWN_BITS.fullmatch(name):
            result |= int(kind(int(name, 16)))
        elif name in known:
            result |= known[name]
        else:
            raise KeyError(name[:_MOST_SHOWN])
    return kind(result)


def word(member: Enum) -> str:
    """An enum member in plan text: `triangle_list`, `r8g8b8a8_unorm`, `graphics`."""
    return member.name.lower()


def _bits(value: int) -> Iterator[int]:
    while value:
        bit = value & -value
        yield bit
        value ^= bit


@lru_cache(1024)
def _names_of(kind: type[IntFlag], value: int) -> tuple[str, ...]:
    return tuple(_flag_name(kind, bit) for bit in _bits(value))


@cache
def _known(kind: type[IntFlag]) -> dict[str, int]:
    """The bits of a kind of flag by their names."""
    return {_flag_name(kind, int(member)): int(member) for member in kind}


def _flag_name(kind: type[IntFlag], bit: int) -> str:
    member = kind(bit)
    if member.name is None or "|" in member.name:
        return hex(bit)
    if kind is MemoryProperty:
        head, *tail = member.name.lower().split("_")
        return head + "".join(part.capitalize() for part in tail)
    return f"{member.name.lower()}_bit"
