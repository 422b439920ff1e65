"""Shelves: rectangles of similar height side by side, over layers of equal size; no Vulkan.

Both directions are free ranges of the planner's `Holes`: rows of layers become shelves, columns of shelves
become rectangles.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.plan.model.holes import Holes

_STEPS = 8  # heights of shelves: multiples of an eighth of the power of two below


@dataclass(frozen=True, slots=True)
class Slot:
    """A rectangle in a layer: `x`, `y` and the requested size; `give` uses `shelf`."""

    layer: int
    x: int
    y: int
    width: int
    height: int
    shelf: int


@dataclass(slots=True)
class _Shelf:
    layer: int
    y: int
    height: int
    count: int = 0


class Shelves:
    """Hands out rectangles in layers of `width` x `height`; layers are added by number."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self.used_texels = 0
        self._rows = Holes()
        self._columns = Holes()
        self._shelves: dict[int, _Shelf] = {}
        self._next = 0

    def add_layer(self, layer: int) -> None:
        """Offer a layer."""
        self._rows.add_space(layer, "rows")
        self._rows.give(layer, 0, self.height)

    def drop_layer(self, layer: int) -> None:
        """Remove an empty layer."""
        self._rows.drop_space(layer)

    def is_empty(self, layer: int) -> bool:
        """Whether a layer is empty."""
        return all(shelf.layer != layer for shelf in self._shelves.values())

    def take(self, width: int, height: int) -> Slot | None:
        """Find room for a rectangle; None where there is none."""
        if width > self.width or height > self.height:
            return None
        usual = min(_shelf_height(height), self.height)
        found = self._columns.take(usual, width, 1)
        if found is None:
            found = (
                self._open(usual, width) or self._use_taller_shelf(usual, width) or self._open(height, width)
            )
        if found is None:
            return None
        number, x = found
        shelf = self._shelves[number]
        shelf.count += 1
        self.used_texels += width * height
        return Slot(shelf.layer, x, shelf.y, width, height, number)

    def give(self, slot: Slot) -> None:
        """Free a rectangle; an empty shelf becomes free rows again."""
        shelf = self._shelves[slot.shelf]
        self.used_texels -= slot.width * slot.height
        shelf.count -= 1
        if shelf.count:
            self._columns.give(slot.shelf, slot.x, slot.width)
        else:
            self._columns.drop_space(slot.shelf)
            del self._shelves[slot.shelf]
            self._rows.give(shelf.layer, shelf.y, shelf.height)

    def _open(self, height: int, width: int) -> tuple[int, int] | None:
        """Make a shelf of this height and take the first column range of it."""
        found = self._rows.take("rows", height, 1)
        if found is None:
            return None
        number, self._next = self._next, self._next + 1
        self._shelves[number] = _Shelf(found[0], found[1], height)
        self._columns.add_space(number, height)
        self._columns.give(number, 0, self.width)
        return self._columns.take(height, width, 1)

    def _use_taller_shelf(self, height: int, width: int) -> tuple[int, int] | None:
        """Use a taller shelf than usual, before a page is added."""
        for other in sorted({shelf.height for shelf in self._shelves.values() if shelf.height > height}):
            found = self._columns.take(other, width, 1)
            if found is not None:
                return found
        return None


def _shelf_height(height: int) -> int:
    """Round up so that similar heights share shelves and at most an eighth is lost."""
    step = max((1 << max(height - 1, 1).bit_length() - 1) // _STEPS, 1)
    return -(-height // step) * step
