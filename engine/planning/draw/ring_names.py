"""Names of the rings with the values of features: one for each block that shaders declare."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass

from engine.graph import PICTURE_VIEW
from engine.planning.draw.blocks import Block
from engine.planning.draw.shading import RowBlock, ShaderSet

FRAME = "frame"
"""The name of the uniform block with the values of the frame, and of the ring with the first one."""


@dataclass(frozen=True)
class ColumnRing:
    """The ring of one block of rows of a feature's buffer; `count` is how many rows it has room for."""

    buffer: str
    block: Block
    count: int


class RingNames:
    """Gives each Frame block of a view, and each block of rows of a buffer, a ring.

    The blocks of `usual` shaders have the plain name of what they hold, others add a digest of their members:
    so a name follows from the block alone, whatever was there before.
    """

    def __init__(self, buffers: Container[str] = (), usual: ShaderSet | None = None) -> None:
        """`buffers` are the names of those that features fill."""
        self._buffers = buffers
        self._usual: set[tuple[str, Block]] = set()
        if usual is not None:
            self._usual = {(row.buffer, row.block) for row in usual.rows}
            if usual.frame is not None:
                self._usual.add((FRAME, usual.frame))

    def frame(self, view: str, block: Block) -> str:
        """Return the ring of the Frame block of a view."""
        return self._name(FRAME, block) + (f".{view}" if view != PICTURE_VIEW else "")

    def columns(self, shading: ShaderSet) -> Iterator[tuple[str, RowBlock]]:
        """Yield the rings of buffers that features fill and shaders read."""
        for row in shading.rows:
            if row.buffer in self._buffers:
                yield self._name(row.buffer, row.block), row

    def _name(self, name: str, block: Block) -> str:
        return name if (name, block) in self._usual else f"{name}.{block.digest}"
