"""The Frame blocks of shader sets, each in a ring of its own; equal blocks of a view share one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from engine.planning.draw.blocks import Block
from engine.planning.draw.ring_names import RingNames


class FrameLayout:
    """The Frame blocks that the shader sets of a frame declare, each once for every view that it is used in.

    Their values are packed one behind the other.

    Attributes
    ----------
    starts : dict of (str, Block) to int
        Where the block of each view begins, in bytes.
    size : int
        Bytes of all of them.
    """

    def __init__(self, blocks: Iterable[tuple[str, Block]], names: RingNames | None = None) -> None:
        self._names = names or RingNames()
        self.starts: dict[tuple[str, Block], int] = {}
        self.size = 0
        for view, block in blocks:
            if (view, block) not in self.starts:
                self.starts[view, block] = self.size
                self.size += -(-block.size // 16) * 16

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FrameLayout) and self.starts == other.starts

    __hash__ = None  # type: ignore[assignment]

    def rings(self, packed: npt.NDArray[np.uint8] | None) -> Iterator[tuple[str, npt.NDArray[np.uint8]]]:
        """Yield the ring of each block with its part of `packed`, uint8[size]; nothing for None."""
        if packed is not None:
            for (view, block), start in self.starts.items():
                yield self._names.frame(view, block), packed[start : start + block.size]
