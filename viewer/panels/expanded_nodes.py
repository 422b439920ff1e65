"""Which nodes of a tree the user has folded open or shut, by identities that outlive the tree's rows."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

SMALL = 256


class ExpandedNodes:
    """Small trees start open, large ones shut; what the user changed stays as long as the node lives."""

    def __init__(self) -> None:
        self._changed: dict[Hashable, bool] = {}
        self.version = 0

    def set(self, identity: Hashable, is_open: bool) -> None:
        """Remember that the user opened or shut a node."""
        self._changed[identity] = is_open
        self.version += 1

    def column(self, count: int, find: Mapping[Any, int]) -> NDArray[np.bool_]:
        """Give bool[count]: the default, but for what was changed, whose places `find` gives."""
        is_open = np.full(count, count <= SMALL)
        for identity, value in self._changed.items():
            place = find.get(identity)
            if place is not None:
                is_open[place] = value
        return is_open

    @property
    def changed(self) -> tuple[Hashable, ...]:
        """The identities that differ from the default."""
        return tuple(self._changed)
