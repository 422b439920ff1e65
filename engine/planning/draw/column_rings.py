"""Rings with the columns of features: each block of rows that shaders declare for a buffer has a ring."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass

from engine.planning.draw.blocks import Block
from engine.planning.draw.shading import RowBlock, ShaderSet


@dataclass(frozen=True)
class ColumnRing:
    """The ring of one block of rows of a feature's buffer; `count` is how many rows it has room for."""

    buffer: str
    block: Block
    count: int


class ColumnRings:
    """Names of rings, by buffer and block; a name never changes, whatever is switched."""

    def __init__(self, buffers: Container[str] = ()) -> None:
        """`buffers` are the names of those that features fill."""
        self._buffers = buffers
        self._names: dict[tuple[str, Block], str] = {}
        self._counts: dict[str, int] = {}

    def of(self, shading: ShaderSet) -> Iterator[tuple[str, RowBlock]]:
        """Yield the rings that shaders read, by name; the first block of a buffer has the buffer's own."""
        for row in shading.rows:
            if row.buffer not in self._buffers:
                continue
            found = self._names.get((row.buffer, row.block))
            if found is None:
                number = self._counts[row.buffer] = self._counts.get(row.buffer, 0) + 1
                found = row.buffer if number == 1 else f"{row.buffer}.{number}"
                self._names[row.buffer, row.block] = found
            yield found, row
