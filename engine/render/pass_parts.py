"""The parts of passes that are drawn among others: who draws them, in which order, and between what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from engine.planning.draw.drawing import ShaderDrawing
from engine.planning.draw.eyes import Eye, eyes_of
from engine.planning.draw.sorted_draws import NO_PARTS, Parts, SortedDraws
from engine.planning.needs import FrameNeeds
from engine.render.binder import Binder
from engine.render.frame_recorder import BoundGroup, BoundShader
from engine.render.pass_state import PassState


class PassParts:
    """The parts of passes, by the name of the pass that draws them in its place along the view.

    A pass that draws rows sorts them with the rows (`SortedDraws`). Where there is none the parts are sorted
    here, among themselves.
    """

    def __init__(self) -> None:
        self._followed: tuple[object, object] = None, None
        self._parts: dict[str, Parts] = {}
        self._alone: dict[str, list[list[int]]] = {}

    def update(
        self,
        needs: FrameNeeds,
        places: Mapping[str, npt.NDArray[np.float64]],
        eyes: Mapping[str, Eye | None],
        passes: Mapping[str, PassState],
    ) -> bool:
        """Follow `places` of features and `eyes` of views; return whether what is sorted here has changed.

        `passes` are those that draw rows, which follow by themselves.
        """
        if self._followed[0] is not needs or self._followed[1] is not places:
            self._followed = needs, places
            self._find(needs, places)
        if not self._parts and not self._alone:
            return False
        before, self._alone = self._alone, {}
        for compiled in needs.graph.passes:
            p = compiled.declaration
            if p.name in self._parts and p.name not in passes:
                seen_from = eyes_of(p.views, eyes)
                self._alone[p.name] = [self._parts[p.name].sorted_for(eye)[0].tolist() for eye in seen_from]
        return self._alone != before

    def of(self, name: str) -> Parts:
        """Return what a pass draws beside its own, by its name."""
        return self._parts.get(name, NO_PARTS)

    def alone(self) -> Iterator[tuple[str, int]]:
        """Yield the passes that draw nothing but parts, with how many views each has."""
        for name, orders in self._alone.items():
            yield name, len(orders)

    def bound(
        self, name: str, draws: object, binder: Binder, needs: FrameNeeds, slot: int, number: int
    ) -> dict[int, list[BoundGroup | BoundShader]]:
        """Return what is drawn before each group of a pass in a view: before the first where it has none.

        `draws` is what the pass draws of its own. Raises NotResident.
        """
        parts, found = self.of(name), dict[int, list[BoundGroup | BoundShader]]()
        between: Sequence[tuple[int, int]] = ()
        if isinstance(draws, SortedDraws):
            parts, between = draws.parts, draws.between(number)
        elif name in self._alone:
            between = [(0, part) for part in self._alone[name][number]]
        for group, part in between:
            of, index = parts.of[part]
            drawing = needs.drawings.get(of)
            if isinstance(drawing, ShaderDrawing):
                for bound in binder.shader(drawing, needs, slot, number):
                    assert isinstance(bound, BoundShader)
                    one = replace(bound, first_instance=index * bound.instances)
                    found.setdefault(group, []).append(one)
        return found

    def _find(self, needs: FrameNeeds, places: Mapping[str, npt.NDArray[np.float64]]) -> None:
        """Find the parts that each pass draws; they are the same objects as long as nothing has changed."""
        of: dict[str, list[tuple[str, int]]] = {}
        at: dict[str, list[npt.NDArray[np.float64]]] = {}
        for name, placed in needs.placed.items():
            points = places.get(placed.feature, NO_PARTS.places)
            of.setdefault(placed.by, []).extend((name, index) for index in range(len(points)))
            at.setdefault(placed.by, []).append(points)
        before, self._parts = self._parts, {}
        for name, numbers in of.items():
            made, known = Parts(tuple(numbers), np.concatenate(at[name])), before.get(name, NO_PARTS)
            same = known.of == made.of and np.array_equal(known.places, made.places)
            self._parts[name] = known if same else made
