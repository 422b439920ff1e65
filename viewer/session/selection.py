"""What is selected in a window: objects, and one feature, asset or piece of memory among their details."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int32]


class Selection:
    """Rows of the tableau and what is looked at of them; `version` grows with every change.

    Attributes
    ----------
    objects : int32[n]
        Rows of the selected objects, ascending.
    primary : int or None
        The object that was selected last: properties are shown of it first, cameras turn about it.
    feature : (str, int) or None
        Type and row of the selected feature.
    asset : int or None
        The key of the selected asset.
    memory : (int, int) or None
        Level (0 allocation, 1 resource, 2 subresource) and id or key of the selected piece of memory.
    """

    def __init__(self) -> None:
        self.version = 0
        self.objects: Rows = np.empty(0, np.int32)
        self.primary: int | None = None
        self.feature: tuple[str, int] | None = None
        self.asset: int | None = None
        self.memory: tuple[int, int] | None = None

    def select(
        self, rows: Iterable[int] | NDArray[np.integer], *, add: bool = False, toggle: bool = False
    ) -> None:
        """Select objects: these alone, or with `add` these too, or with `toggle` these unless they were."""
        given = np.unique(np.asarray(list(rows) if not isinstance(rows, np.ndarray) else rows, np.int32))
        if toggle:
            chosen = np.setxor1d(self.objects, given)
        elif add:
            chosen = np.union1d(self.objects, given)
        else:
            chosen = given
        added = given[np.isin(given, chosen)]
        if len(added):
            self.primary = int(added[-1])
        elif self.primary is not None and self.primary not in chosen:
            self.primary = int(chosen[-1]) if len(chosen) else None
        self.objects, self.feature = chosen.astype(np.int32), None
        self.version += 1

    def select_feature(self, type_name: str, row: int, owner: int) -> None:
        """Select a feature and the object that has it."""
        self.select([owner])
        self.feature = (type_name, row)

    def select_asset(self, key: int | None) -> None:
        """Select an asset by its key; None for none."""
        self.asset = key
        self.version += 1

    def select_memory(self, piece: tuple[int, int] | None) -> None:
        """Select a piece of memory: level, and id or key; None for none."""
        self.memory = piece
        self.version += 1

    def clear(self) -> None:
        """Select nothing."""
        self.select([])
        self.asset = self.memory = None

    def keep(self, exists: NDArray[np.bool_]) -> None:
        """Forget objects that are gone: `exists` is bool[n] by row of the tableau."""
        inside = self.objects[self.objects < len(exists)]
        left = inside[exists[inside]]
        if len(left) != len(self.objects):
            feature = self.feature
            self.select(left)
            self.feature = feature if len(left) else None
