"""Debug options of allocators: fill patterns reveal stale reads, guard margins writes out of bounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.memory.device.problems import Overrun

ALLOCATED = 0xCD
FREED = 0xDD
MARGIN = 0xFD


@dataclass(frozen=True, slots=True)
class Guards:
    """What to watch for; memory that the host cannot see is neither filled nor checked.

    `fill` writes a pattern into memory when it is allocated and another when it is freed; `margin` bytes
    before and after each allocation are compared with a pattern when it is freed, and by `check`.
    """

    fill: bool = False
    margin: int = 0

    def open(self, whole: NDArray[np.uint8], begin: int, end: int, outer: tuple[int, int]) -> None:
        """Mark fresh bytes [begin, end) and the margins around them, out to `outer`."""
        if self.fill:
            whole[begin:end] = ALLOCATED
        if self.margin:
            whole[outer[0] : begin] = MARGIN
            whole[end : outer[1]] = MARGIN

    def check(
        self, whole: NDArray[np.uint8], begin: int, end: int, outer: tuple[int, int], name: str
    ) -> None:
        """Raise Overrun where a margin has changed, naming the first byte."""
        for low, high in ((outer[0], begin), (end, outer[1])) if self.margin else ():
            changed = np.flatnonzero(whole[low:high] != MARGIN)
            if len(changed):
                at = low + int(changed[0])
                place = (
                    f"{begin - at} bytes before its begin"
                    if at < begin
                    else f"{at - end} bytes after its end"
                )
                raise Overrun(name, f"its guard margin was written to, {place}")

    def close(self, whole: NDArray[np.uint8], begin: int, end: int) -> None:
        """Mark freed bytes."""
        if self.fill:
            whole[begin:end] = FREED
