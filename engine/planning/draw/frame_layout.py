"""Where the Frame blocks of shader sets lie in the ring of frame values; equal ones of a view share one."""

from __future__ import annotations

from collections.abc import Iterable

from engine.planning.draw.blocks import Block

ALIGNMENT = 256
"""Of each block, in bytes: the largest that a device may ask for (minUniformBufferOffsetAlignment)."""


class FrameLayout:
    """The Frame blocks that the shader sets of a frame declare, each once for every view that it is used in.

    Attributes
    ----------
    starts : dict of (str, Block) to int
        Where the block of each view lies, in bytes.
    size : int
        Bytes of all of them.
    """

    def __init__(self, blocks: Iterable[tuple[str, Block]]) -> None:
        self.starts: dict[tuple[str, Block], int] = {}
        self.size = 0
        for view, block in blocks:
            if (view, block) not in self.starts:
                start = -(-self.size // ALIGNMENT) * ALIGNMENT
                self.starts[view, block] = start
                self.size = start + block.size

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FrameLayout) and self.starts == other.starts

    __hash__ = None  # type: ignore[assignment]
