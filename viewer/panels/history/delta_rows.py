"""The rows of a delta as a table shows them: chosen by what changed and by name, in an order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from viewer.panels.history.key_names import KeyNames
from viewer.panels.history.memory_delta import NONE, Change, MemoryDelta

FIRST, SECOND, DIFFERENCE, CHANGE = range(4)
"""What rows are ordered by."""


class DeltaRows:
    """A view of one delta; rows are worked out again when something is chosen, never in between."""

    def __init__(self, delta: MemoryDelta) -> None:
        self.delta = delta
        self.shows_same = False
        self.is_searched = True
        """Whether the names of all rows were searched; else call `refresh` again."""
        self.order = DIFFERENCE
        self.is_descending = True
        self._search = ""
        self._names = [KeyNames(image.names.name) for image in (delta.first, delta.second)]
        self._matches: NDArray[np.bool_] | None = None
        self._sides = [self._side(side) for side in (0, 1)]
        self.rows = self._make()

    @property
    def search(self) -> str:
        """The text that names must hold."""
        return self._search

    def set_search(self, text: str) -> None:
        """Show rows whose names hold a text."""
        if text != self._search:
            self._search, self._matches = text, None
            self.is_searched = not text
            self.refresh()
            if not text:
                self.rows = self._make()

    def set_order(self, order: int, *, descending: bool) -> None:
        """Order the rows."""
        if (order, descending) != (self.order, self.is_descending):
            self.order, self.is_descending = order, descending
            self.rows = self._make()

    def set_same(self, shown: bool) -> None:
        """Show or leave out what is the same in both."""
        if shown != self.shows_same:
            self.shows_same = shown
            self.rows = self._make()

    def refresh(self) -> None:
        """Go on with a search that has not seen all names."""
        if self._search and not self.is_searched:
            self._matches, self.is_searched = self._searched()
            self.rows = self._make()

    def _side(self, side: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The rows whose names are those of one image, and their keys: the second, where both have them."""
        delta = self.delta
        mine = np.flatnonzero((delta.rows[:, side] != NONE) & ((side == 1) | (delta.rows[:, 1] == NONE)))
        image = (delta.first, delta.second)[side]
        return mine, image.places["key"][delta.rows[mine, side]].astype(np.int64)

    def _searched(self) -> tuple[NDArray[np.bool_], bool]:
        delta = self.delta
        matches = np.zeros(len(delta.rows), bool)
        is_all = True
        for side, (mine, keys) in enumerate(self._sides):
            found, whole = self._names[side].matching(keys, self._search)
            matches[mine[found]] = True
            is_all &= whole
        return matches, is_all

    def _make(self) -> NDArray[np.int64]:
        delta = self.delta
        chosen = np.ones(len(delta.rows), bool) if self.shows_same else delta.change != Change.SAME
        if self._search:
            chosen = chosen & (self._matches if self._matches is not None else False)
        rows = np.flatnonzero(chosen)
        sizes = delta.sizes[rows]
        columns = {
            FIRST: sizes[:, 0],
            SECOND: sizes[:, 1],
            DIFFERENCE: np.abs(sizes[:, 1] - sizes[:, 0]),
            CHANGE: delta.change[rows].astype(np.int64),
        }
        values = columns[self.order]
        order = np.lexsort((-np.maximum(sizes[:, 0], sizes[:, 1]), -values if self.is_descending else values))
        found: NDArray[np.int64] = rows[order]
        return found
