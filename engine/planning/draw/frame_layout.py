"""Where the Frame blocks of shader sets lie in the ring of frame values; equal blocks share one place."""

from __future__ import annotations

from collections.abc import Iterable

from engine.planning.draw.blocks import Block

ALIGNMENT = 256
"""Of each block, in bytes: the largest that a device may ask for (minUniformBufferOffsetAlignment)."""


class FrameLayout:
    """The Frame blocks that the shader sets of a frame declare.

    Attributes
    ----------
    starts : dict of Block to int
        Where each lies, in bytes.
    size : int
        Bytes of all of them.
    """

    def __init__(self, blocks: Iterable[Block]) -> None:
        self.starts: dict[Block, int] = {}
        self.size = 0
        for block in blocks:
            if block not in self.starts:
                start = -(-self.size // ALIGNMENT) * ALIGNMENT
                self.starts[block] = start
                self.size = start + block.size

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FrameLayout) and self.starts == other.starts

    __hash__ = None  # type: ignore[assignment]
