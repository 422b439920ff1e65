"""The latest of what a scene under test reports frame by frame, so that a long run grows by nothing."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")

KEPT = 2000
"""Items that are kept at least; as soon as there are twice as many, the older half goes."""


class Latest(list[T]):
    """A list to append to, with the latest KEPT items at least."""

    def append(self, item: T, /) -> None:
        """Add an item."""
        super().append(item)
        if len(self) >= 2 * KEPT:
            del self[:KEPT]
