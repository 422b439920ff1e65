"""The descriptor sets that passes bind once: each is kept for as long as what it binds stays where it is."""

from __future__ import annotations

from collections.abc import Container, Set
from dataclasses import dataclass
from typing import Any

from engine.plan.terms.drawing_rows import DescriptorSetRow
from engine.render.descriptors import Bound, DescriptorSets
from engine.render.layouts import SetLayout

Place = tuple[str, int, int, str]
"""Where a set is bound: pass, number of the shader set, slot of the frame, view."""


@dataclass(frozen=True, eq=False)
class FrameSet:
    """A set with the row that it was made from, and the keys of everything that is bound in it."""

    row: DescriptorSetRow
    layout: SetLayout
    contents: tuple[Bound, ...]
    keys: frozenset[int]
    handle: Any


class FrameSets:
    """The sets of all passes, by the place where they are bound."""

    def __init__(self, sets: DescriptorSets) -> None:
        self.kept: dict[Place, FrameSet] = {}
        self._sets = sets
        self._ticket = 0

    def get(self, place: Place, row: DescriptorSetRow) -> Any:
        """Return the set that was made at this place from such a row; None where there is none."""
        known = self.kept.get(place)
        if known is None or (known.row is not row and known.row.contents != row.contents):
            return None
        return known.handle

    def make(
        self,
        place: Place,
        row: DescriptorSetRow,
        layout: SetLayout,
        contents: tuple[Bound, ...],
        keys: frozenset[int],
    ) -> Any:
        """Make the set of a place and return it; one that was there before is retired."""
        self._release(place)
        handle = self._sets.acquire(layout, contents)
        self.kept[place] = FrameSet(row, layout, contents, keys, handle)
        return handle

    def retire(self, moved: Set[int] | None, passes: Container[str], ticket: int) -> None:
        """Retire the sets that bind one of the keys `moved` (None: all), and those of other passes.

        They, and those that `make` replaces, are freed once the timeline reaches `ticket`.
        """
        self._ticket = ticket
        gone = [
            place
            for place, known in self.kept.items()
            if moved is None or place[0] not in passes or not known.keys.isdisjoint(moved)
        ]
        for place in gone:
            self._release(place)

    def _release(self, place: Place) -> None:
        known = self.kept.pop(place, None)
        if known is not None:
            self._sets.release(known.layout, known.contents, self._ticket)
