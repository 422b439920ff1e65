"""Values of the shaders' Frame block: every feature returns its own, by member name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from engine.feature import Box, Feature, FrameView, Registry
from engine.planning.draw.tables import DrawTable
from engine.tableau import Tableau


def frame_block(
    registry: Registry,
    tableau: Tableau,
    tables: Mapping[str, DrawTable],
    size: tuple[int, int],
    guard: Callable[[Feature, Exception], None],
) -> npt.NDArray[np.uint8] | None:
    """Pack the values of all features, in the order of their names, into one block for all shaders.

    `guard` is called with a feature whose code raises or whose values do not fit a block; they are left out.
    Returns uint8[n], or None where no shader has a Frame block.
    """
    blocks = [block for table in tables.values() for block in table.frame_blocks()]
    if not blocks:
        return None

    def bounds(feature: str) -> Box | None:
        for table in tables.values():
            if table.declaration.draws == feature:
                return table.bounds()
        return None

    view = FrameView(tableau, size, bounds)
    data = np.zeros(max(block.size for block in blocks), np.uint8)
    for name in registry:
        updated = data.copy()
        try:
            values = registry[name].frame_values(view)
            for block in blocks:
                block.pack_into(updated[: block.size], values)
        except Exception as error:  # noqa: BLE001 (a feature's author may raise anything; it is reported)
            guard(registry[name], error)
        else:
            data = updated
    return data
