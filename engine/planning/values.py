"""Values for the shaders' Frame block: every enabled feature gives its own, by member name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from engine.feature import Box, Feature, FrameView, Registry
from engine.planning.tables import DrawTable
from engine.tableau import Tableau


def frame_values(
    registry: Registry,
    tableau: Tableau,
    tables: dict[str, DrawTable],
    size: tuple[int, int],
    guard: Callable[[Feature, Exception], None],
) -> dict[str, npt.ArrayLike]:
    """Collect the Frame block's values from all features, in the order of their names.

    `guard` is told of a feature whose code raises; its values are left out.
    """

    def bounds(feature: str) -> Box | None:
        for table in tables.values():
            if table.declaration.draws == feature:
                return table.bounds(tableau.world, drawn_rows(table))
        return None

    view = FrameView(tableau, size, bounds)
    values: dict[str, npt.ArrayLike] = {}
    for name in registry:
        try:
            values.update(registry[name].frame_values(view))
        except Exception as error:  # noqa: BLE001 (a feature's author may raise anything; it is reported)
            guard(registry[name], error)
    return values


def drawn_rows(table: DrawTable) -> npt.NDArray[np.bool_]:
    """Say of each of a draw table's rows whether it is enabled now."""
    if table.feature is None:
        return np.zeros(0, np.bool_)
    return table.feature.flags("effective_enabled")[table.rows]
