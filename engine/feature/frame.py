"""The view of a frame for features that return shader values: enabled rows, transforms, bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.tableau import FeatureTable, Tableau

Box = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
"""Lowest and highest corner, float32[3] each, in world space."""


@dataclass(frozen=True)
class FeatureRows:
    """The enabled rows of one feature type: `rows["color"]` is a column, `objects` are their object rows."""

    table: FeatureTable | None
    indices: npt.NDArray[np.integer]

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, field: str) -> npt.NDArray[Any]:
        if self.table is None:
            raise KeyError(field)
        values: npt.NDArray[Any] = self.table.column(field)[self.indices]
        return values

    @property
    def objects(self) -> npt.NDArray[np.integer]:
        """The object row of each row."""
        return self.table.object[self.indices] if self.table is not None else self.indices


@dataclass(frozen=True)
class FrameView:
    """One frame for `Feature.frame_values`. `size` is the target's (width, height) in texels."""

    tableau: Tableau
    size: tuple[int, int]
    _bounds: Callable[[str], Box | None]

    def enabled(self, feature: str) -> FeatureRows:
        """Return the enabled rows of a feature type; empty if the tableau has none."""
        table = self.tableau.tables.get(feature)
        if table is None:
            return FeatureRows(None, np.zeros(0, np.int64))
        return FeatureRows(table, table.rows_enabled())

    def world(self, objects: npt.NDArray[np.integer]) -> npt.NDArray[np.float32]:
        """Return the world matrices of objects, float32[n, 4, 4], stored as in `engine.math`."""
        matrices: npt.NDArray[np.float32] = self.tableau.world[objects]
        return matrices

    def bounds(self, feature: str) -> Box | None:
        """Return the world box of all that the enabled rows of a feature draw; None if that is nothing."""
        return self._bounds(feature)
