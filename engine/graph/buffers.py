"""Buffers of a frame that shaders write: their declarations, and how passes use them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from engine.graph.declarations import is_name
from engine.plan.terms.drawing import ShaderStage

MAX_COMMANDS = 65_535
"""The most commands of a pass: every device that draws several in one call can draw so many."""


@dataclass(frozen=True)
class BufferDecl:
    """A storage buffer of `size` bytes in device memory. All declarations of one name must be equal.

    What a pass writes is there for the passes after it. In the next frame it is undefined, unless the buffer
    `persists`: then it is zero at first, and keeps what is written for as long as a pass uses it.
    """

    name: str
    size: int
    persists: bool = False

    @property
    def fault(self) -> str:
        """Why there is no such buffer; empty where there may be one."""
        if not is_name(self.name):
            return f"has the name {self.name!r}, which cannot be printed"
        return "" if self.size >= 1 else f"has {self.size} bytes: at least 1 is possible"


class BufferRole(Enum):
    """What a pass uses a buffer for: its shaders, or its draws, which take commands or indices from it."""

    SHADER = auto()
    ARGUMENTS = auto()
    INDICES = auto()


@dataclass(frozen=True)
class BufferUse:
    """A buffer that the shaders of a pass read in these stages, at the binding of that name.

    A pass that `writes` it may read it too; it comes before those that only read it. When no pass of the
    frame writes it, a few zeros are bound instead, as in an ImageRead.
    """

    buffer: BufferDecl
    binding: str
    writes: bool = False
    stages: ShaderStage = ShaderStage.FRAGMENT
    optional: bool = False
    role: BufferRole = BufferRole.SHADER

    @property
    def fault(self) -> str:
        """Why no pass uses a buffer so; empty where one may."""
        return "" if self.stages else "is read in no stage"


@dataclass(frozen=True)
class DrawArguments:
    """What a primitive pass draws, as shaders have written it into a buffer.

    There are `most` commands from byte `offset` on, one behind the other, of four numbers: how many vertices
    and instances, the first vertex, the first instance. In a pass with indices there are five: how many
    indices and instances, the first index, what is added to each index, the first instance. Where there is a
    `count` its first number says how many of them are drawn.
    """

    buffer: BufferDecl
    offset: int = 0
    most: int = 1
    count: BufferDecl | None = None
