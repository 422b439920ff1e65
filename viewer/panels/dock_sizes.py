"""Keeps docked panels legible: each place has at least the least size of a window, where there is room.

What was chosen is kept: in a larger window, places are again as large as they were.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from imgui_bundle import ImVec2, imgui

Size = tuple[float, float]
SCENE = 2.0
"""How many times as wide as a panel the scene is at least."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A place of a dock space, by its id: divided along an axis (0: side by side) into two parts, or a leaf.

    Of parts in which no panel is shown there is none here. `is_free`: whether the scene is in it.
    """

    id: int
    axis: int
    parts: tuple[_Place, ...]
    is_free: bool

    def least(self, axis: int) -> float:
        """How long it has to be along an axis, in points."""
        style = imgui.get_style()
        if not self.parts:
            return float(style.window_min_size[axis]) * (SCENE if self.is_free and axis == 0 else 1.0)
        least = [part.least(axis) for part in self.parts]
        gap = style.docking_separator_size * (len(least) - 1)
        return sum(least) + gap if axis == self.axis else max(least)


class DockSizes:
    """`note` in each frame where panels are docked, and `fit` before the next one."""

    def __init__(self) -> None:
        self._root = 0
        self._leaves: set[int] = set()
        self._chosen: dict[int, float] = {}
        self._given: dict[int, tuple[int, float]] = {}  # an axis, and the length along it

    def note(self, root: int, docked: Iterable[int]) -> None:
        """Note the places that panels are docked in, by their ids; `root` is that of the dock space."""
        central = imgui.internal.dock_builder_get_central_node(root)
        self._root = root
        self._leaves = {*docked, *([central.id_] if central is not None else [])}

    def fit(self) -> None:
        """Give each place the length that was chosen for it, or as much as others leave."""
        tree = self._tree()
        size = imgui.get_main_viewport().work_size
        if tree is not None:
            self._divide(tree, (size.x, size.y))

    @contextmanager
    def as_chosen(self) -> Iterator[None]:
        """Within it, places have the lengths that were chosen for them: so layouts are kept."""
        given = {part: each for part, each in self._given.items() if _length(part, each[0]) == each[1]}
        for part, (axis, _) in given.items():
            _set_length(part, axis, self._chosen[part])
        try:
            yield
        finally:
            for part, (axis, length) in given.items():
                _set_length(part, axis, length)

    def _tree(self) -> _Place | None:
        """The places of the dock space; None where it is not divided."""
        parts: dict[int, set[int]] = {}
        free: set[int] = set()
        for leaf in self._leaves:
            node, chain = imgui.internal.dock_builder_get_node(leaf), []
            while node is not None:
                chain.append(node)
                node = node.parent_node
            if not chain or chain[-1].id_ != self._root:
                continue  # it is a window of its own, or there no longer
            for child, parent in itertools.pairwise(chain):
                parts.setdefault(parent.id_, set()).add(child.id_)
            if chain[0].is_central_node():
                free.update(each.id_ for each in chain)

        def made(number: int) -> _Place:
            node = imgui.internal.dock_builder_get_node(number)
            axis = int(node.split_axis)
            below = sorted(parts.get(number, ()), key=lambda part: _corner(part)[axis])
            return _Place(number, axis, tuple(map(made, below)), number in free)

        return made(self._root) if parts else None

    def _divide(self, place: _Place, size: Size) -> None:
        """Divide a place of a size among its parts, and these among theirs."""
        if not place.parts:
            return
        lengths = [size[place.axis]]
        if len(place.parts) == 2:
            lengths = self._lengths(place, size[place.axis] - imgui.get_style().docking_separator_size)
            for part, length in zip(place.parts, lengths, strict=True):
                _set_length(part.id, place.axis, length)
                self._given[part.id] = place.axis, length
        for part, length in zip(place.parts, lengths, strict=True):
            self._divide(part, (length, size[1]) if place.axis == 0 else (size[0], length))

    def _lengths(self, place: _Place, room: float) -> list[float]:
        """How long the two parts of a place are: as ImGui divides it, but with the least that each needs."""
        room = max(room, 2.0)
        first, second = place.parts
        chosen = [self._choice(part, place.axis) for part in place.parts]
        length = room * chosen[0] / sum(chosen)
        if second.is_free:
            length = chosen[0]
        elif first.is_free:
            length = room - chosen[1]
        least = [part.least(place.axis) for part in place.parts]
        if room < sum(least):
            length = room * least[0] / sum(least)
        else:
            length = min(max(length, least[0]), room - least[1])
        return [float(round(length)), room - round(length)]

    def _choice(self, part: _Place, axis: int) -> float:
        """How long a part was when it was docked, or when its edge was last dragged."""
        now = _length(part.id, axis)
        if self._given.get(part.id) != (axis, now):
            self._chosen[part.id] = max(now, 1.0)
        return self._chosen[part.id]


def _length(place: int, axis: int) -> float:
    """How long a place wants to be; 0 where it is no longer there."""
    node = imgui.internal.dock_builder_get_node(place)
    return 0.0 if node is None else float(node.size_ref[axis])


def _set_length(place: int, axis: int, length: float) -> None:
    node = imgui.internal.dock_builder_get_node(place)
    sides = [node.size_ref.x, node.size_ref.y]
    sides[axis] = length
    node.size_ref = ImVec2(*sides)


def _corner(place: int) -> Size:
    pos = imgui.internal.dock_builder_get_node(place).pos
    return pos.x, pos.y
