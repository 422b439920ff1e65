"""The view of a frame for features that return shader values: enabled rows, transforms, bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
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


@dataclass
class Reads:
    """What was read of a frame's view, so that values which depend on it can be kept while it stays the same.

    Attributes
    ----------
    tables : dict of str to (FeatureTable, int) or None
        The tables of feature types, each with its version then; None where there was none.
    worlds : list of (int[n], float32[n, 4, 4])
        Object rows and their world matrices then.
    bounds : dict of str to Box or None
        The boxes of what features draw.
    everything : bool
        Whether the tableau itself was read, so that any change counts.
    """

    tables: dict[str, tuple[FeatureTable, int] | None] = field(default_factory=dict)
    worlds: list[tuple[npt.NDArray[np.integer], npt.NDArray[np.float32]]] = field(default_factory=list)
    bounds: dict[str, Box | None] = field(default_factory=dict)
    everything: bool = False

    def hold(self, view: FrameView) -> bool:
        """Whether all of it is the same in this view, which is of the same size."""
        if self.everything:
            return False
        for name, known in self.tables.items():
            if view.table_version(name) != known:
                return False
        for objects, matrices in self.worlds:
            if not (view.matrices(objects) == matrices).all():
                return False
        return all(_same_box(view.box(name), box) for name, box in self.bounds.items())


class FrameView:
    """One frame for `Feature.frame_values`. `size` is the target's (width, height) in texels.

    Everything that is read through it is noted in `reads`.
    """

    def __init__(
        self,
        tableau: Tableau,
        size: tuple[int, int],
        bounds: Callable[[str], Box | None],
        reads: Reads | None = None,
    ) -> None:
        """`bounds` returns the world box of what the enabled rows of a feature draw, None for nothing."""
        self.size = size
        self.reads = Reads() if reads is None else reads
        self._tableau = tableau
        self._bounds = bounds

    @property
    def tableau(self) -> Tableau:
        """The tableau itself. A feature that reads it is called again after every change of anything."""
        self.reads.everything = True
        return self._tableau

    def enabled(self, feature: str) -> FeatureRows:
        """Return the enabled rows of a feature type; empty if the tableau has none."""
        known = self.reads.tables[feature] = self.table_version(feature)
        if known is None:
            return FeatureRows(None, np.zeros(0, np.int64))
        return FeatureRows(known[0], known[0].rows_enabled())

    def table_version(self, feature: str) -> tuple[FeatureTable, int] | None:
        """Return the table of a feature type and its present version; None if the tableau has none."""
        table = self._tableau.tables.get(feature)
        return None if table is None else (table, table.version)

    def world(self, objects: npt.NDArray[np.integer]) -> npt.NDArray[np.float32]:
        """Return the world matrices of objects, float32[n, 4, 4], stored as in `engine.math`."""
        matrices = self.matrices(objects)
        self.reads.worlds.append((objects, matrices))
        return matrices

    def matrices(self, objects: npt.NDArray[np.integer]) -> npt.NDArray[np.float32]:
        """Return what `world` does, without a note that it was read."""
        matrices: npt.NDArray[np.float32] = self._tableau.world[objects]
        return matrices

    def bounds(self, feature: str) -> Box | None:
        """Return the world box of all that the enabled rows of a feature draw; None if that is nothing."""
        box = self.reads.bounds[feature] = self.box(feature)
        return box

    def box(self, feature: str) -> Box | None:
        """Return what `bounds` does, without a note that it was read."""
        return self._bounds(feature)


def _same_box(one: Box | None, other: Box | None) -> bool:
    if one is None or other is None:
        return one is other
    return one is other or all(bool((a == b).all()) for a, b in zip(one, other, strict=True))
