"""The expanded nodes of a tree, by identities that stay valid when the tree's rows change."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

SMALL = 256


class ExpandedNodes:
    """Small trees start expanded, large ones collapsed; the user's changes are kept by node identity."""

    def __init__(self) -> None:
        self._changed: dict[Hashable, bool] = {}
        self.version = 0

    def set(self, identity: Hashable, is_open: bool) -> None:
        """Store that the user expanded or collapsed a node."""
        self._changed[identity] = is_open
        self.version += 1

    def column(self, count: int, find: Mapping[Any, int]) -> NDArray[np.bool_]:
        """Return bool[count]: the default, except for changed nodes, whose indices are in `find`."""
        is_open = np.full(count, count <= SMALL)
        for identity, value in self._changed.items():
            place = find.get(identity)
            if place is not None:
                is_open[place] = value
        return is_open

    @property
    def changed(self) -> tuple[Hashable, ...]:
        """The identities of the nodes that the user has expanded or collapsed."""
        return tuple(self._changed)
