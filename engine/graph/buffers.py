"""Buffers of a frame that shaders write: their declarations, and how passes use them."""

from __future__ import annotations

from dataclasses import dataclass

from engine.plan.terms.drawing import ShaderStage


@dataclass(frozen=True)
class BufferDecl:
    """A storage buffer of `size` bytes in device memory. All declarations of one name must be equal.

    What a pass writes is there for the passes after it. In the next frame it is undefined, unless the buffer
    `persists`: then it is zero at first, and keeps what is written for as long as a pass uses it.
    """

    name: str
    size: int
    persists: bool = False


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
