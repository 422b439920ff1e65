"""The draws of a table from back to front: made again when an eye, its rows or their places have changed.

An instance of which both sides are drawn has two commands, so that its back is seen through its front: one
draws the back faces, the next one the front faces. Within a side no face of a convex mesh covers another, so
that its picture does not depend on the order of its triangles.

What other passes draw among the rows has places of its own: parts, which lie between the groups of commands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.graph import CompiledGraph, PrimitivePass
from engine.plan.terms.drawing import CullMode
from engine.plan.terms.table import begins_run
from engine.planning.draw.draw_list import (
    BATCH,
    COMMAND,
    GROUPED,
    DrawGroup,
    Draws,
    Ints,
    Written,
    group_codes,
)
from engine.planning.draw.eyes import Eye
from engine.planning.draw.tables import DrawTable

_UNSORTED = (-1, -1)


@dataclass(frozen=True, eq=False)
class _ViewDraws:
    """What one view draws, with its `first` command among those of all; `drawn_of` so many instances.

    `rows` are the fields of its groups, int64[n, fields], of which `groups` are made where they have changed.
    `between` has (group, part) for each part of another pass: it is drawn before that group.
    """

    instances: npt.NDArray[np.uint32]
    commands: npt.NDArray[np.void]
    rows: Ints
    drawn_of: int = 0
    first: int = 0
    groups: Sequence[DrawGroup] = ()
    between: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, eq=False)
class Parts:
    """The parts of passes that are drawn among others: the pass and the number of each, and its place.

    `places` is float64[n, 3], in the world.
    """

    of: tuple[tuple[str, int], ...] = ()
    places: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 3)))

    def sorted_for(self, eye: Eye | None) -> tuple[Ints, npt.NDArray[np.float64]]:
        """Return the numbers of the parts, the farthest first, and how near each of these is to an eye.

        Without an eye they are in their order, and nearer than anything.
        """
        if eye is None or not self.of:
            return np.arange(len(self.of)), np.full(len(self.of), np.inf)
        near = eye.nearness(self.places)
        order = np.argsort(near, kind="stable")
        return order, near[order]


NO_PARTS = Parts()


@dataclass(frozen=True)
class Placed:
    """A pass whose parts have places: the feature that gives these, how many parts, and who draws them.

    That is the pass `by`: the one that it is drawn among, or itself in a frame without.
    """

    feature: str
    parts: int
    by: str


def placed_passes(graph: CompiledGraph, features_of: Mapping[str, Sequence[str]]) -> dict[str, Placed]:
    """Return the passes of a frame whose parts have places, by name; `features_of` has those of each pass."""
    found = {}
    for compiled in graph.passes:
        p = compiled.declaration
        if isinstance(p, PrimitivePass) and p.among:
            by = p.among if compiled.is_among else p.name
            found[p.name] = Placed(features_of[p.name][0], p.parts, by)
    return found


MOST_APART = 512
"""Instances of which a view draws each side by a call of its own: each call costs a frame microseconds."""

_NOTHING = _ViewDraws(np.zeros((0, 2), np.uint32), np.zeros(0, COMMAND), np.zeros((0, 0), np.int64))


class SortedDraws(Draws):
    """The draws of one table in each view, the farthest instance first, by the middle of its box.

    Neighbours of one batch are one command, and commands of one group one call. So the number of calls
    follows from how often pipeline, textures or buffers change along the view, and from how many instances
    show both sides, with two calls for each; where a view has more than MOST_APART of these, neighbours of
    one batch share the two. `order` sorts; until then what `update` has followed is not
    drawn. The triangles of one side of an instance are drawn as its mesh has them.
    """

    def __init__(self, table: DrawTable) -> None:
        super().__init__(table)
        self._batches = np.zeros(0, BATCH)
        self._both = np.zeros(0, np.bool_)  # by pipeline: whether both sides of faces are drawn
        self._eyes: list[Eye | None] = []
        self._sorted = _UNSORTED
        self._moved = 0
        self._in_order: dict[int, Ints] = {}  # by view: what `_drawn` has found
        self.parts = NO_PARTS
        self._views = [_NOTHING] * len(table.declaration.views)

    def of_view(self, view: int) -> slice:
        """Return which of the commands are those of a view, by its number."""
        of = self._views[view]
        return slice(of.first, of.first + len(of.commands))

    def between(self, view: int) -> tuple[tuple[int, int], ...]:
        """Return (group, part) of what others draw in a view: each of `parts` before that group."""
        return self._views[view].between

    def rows_in(self, view: int) -> tuple[int, int]:
        """Return how many instances a view draws, and how many there are to draw."""
        of = self._views[view]
        return len(of.instances), of.drawn_of

    def groups_in(self, view: int) -> list[DrawGroup]:
        """Return the groups of a view, by its number, in the order of its commands."""
        return list(self._views[view].groups)

    @property
    def instance_count(self) -> int:
        """The number of instances in one frame."""
        return len(self.instances)

    def update(self, batches: npt.NDArray[np.void], rebound: Ints | None = None) -> Written | None:
        """Draw with `batches` from now on, of which `rebound` have changed (None: any)."""
        self._batches = batches
        cull, keys = self._table.declaration.state.cull, self._table.recipes.pipelines[len(self._both) :]
        self._both = np.append(self._both, np.array([key.shows_both_sides(cull) for key in keys], np.bool_))
        if rebound is None or len(rebound):
            self._sorted = _UNSORTED
        slots = self._table.blocks.blocks.rows
        triangles = batches["index_count"][slots["batch"]].astype(np.int64) // 3
        self.largest = int((triangles * slots["used"]).sum())
        return None

    def order(
        self,
        eyes: Sequence[Eye | None],
        pinned: npt.NDArray[np.bool_] | None = None,
        parts: Parts = NO_PARTS,
    ) -> Written | None:
        """Sort for the eyes of all views, with `parts` of other passes.

        What is equally near, or all for None, is in the order of families and ranks, as in a `DrawList`.

        Returns what was written, None for nothing. With `pinned` what an eye does not see is left out, but
        for these batches.
        """
        table = self._table
        now = table.blocks.layout, table.changes.version
        same_eyes = len(eyes) == len(self._eyes) and all(map(_same, eyes, self._eyes))
        if now == self._sorted and parts is self.parts and same_eyes:
            moved = table.tableau.moves.since(self._moved)
            if moved is not None and not len(table.blocks.slots_of(table.feature.rows_of(moved))):
                self._moved = table.tableau.moves.version
                return None
        if now != self._sorted:
            self._in_order = {}
        self._sorted, self._eyes, self._moved = now, list(eyes), table.tableau.moves.version
        (before, self._views), same_parts = (self._views, []), parts.of == self.parts.of
        self.parts = parts
        first = instances = 0
        for number, eye in enumerate(eyes):
            made = self._in_view(number, eye, pinned, instances)
            known = before[number]
            groups = known.groups if np.array_equal(made.rows, known.rows) else _groups(made.rows)
            self._views.append(replace(made, first=first, groups=groups))
            first, instances = first + len(made.commands), instances + len(made.instances)
        self.instances = np.concatenate([of.instances for of in self._views])
        self.commands = np.concatenate([of.commands for of in self._views])
        bound = [[(of.first, of.groups, of.between) for of in views] for views in (before, self._views)]
        return Written(None, None, bound[0] != bound[1] or not same_parts)

    def _in_view(
        self, number: int, eye: Eye | None, pinned: npt.NDArray[np.bool_] | None, instances: int
    ) -> _ViewDraws:
        """Return what one view draws, with its instances behind so many of other views."""
        table = self._table
        slots = self._drawn(number)
        count = len(slots)
        parts, near = self.parts.sorted_for(eye)
        cuts = np.full(len(parts), count)
        if eye is not None and count:
            middle, half = table.boxes(slots)
            if pinned is not None:
                batch = table.blocks.blocks.rows["batch"][table.blocks.block_of.rows[slots]]
                missed = eye.misses(np.concatenate(((middle - half).T, (middle + half).T)))
                seen = ~missed | pinned[batch]
                slots, middle = slots[seen], middle[seen]
            nearness = eye.nearness(middle)
            order = np.argsort(nearness, kind="stable")
            slots, cuts = slots[order], np.searchsorted(nearness[order], near, "right")
        listed, starts = self._listed(slots, instances, cuts)
        groups = np.searchsorted(starts, cuts).tolist()
        return replace(listed, drawn_of=count, between=tuple(zip(groups, parts.tolist(), strict=True)))

    def _drawn(self, view: int) -> Ints:
        """Return the slots with an instance that a view draws, by family, rank and place among siblings."""
        if view not in self._in_order:
            table = self._table
            slots = np.flatnonzero(table.blocks.rows.rows >= 0)
            batch = table.blocks.blocks.rows["batch"][table.blocks.block_of.rows[slots]]
            drawn = table.shown(slots, view) & self._batches["ready"][batch]
            slots, of = slots[drawn], table.batches.take(batch[drawn])
            siblings = table.tableau.rank[table.feature.object[table.blocks.rows.rows[slots]]]
            self._in_order[view] = slots[np.lexsort((siblings, of["rank"], of["family"]))]
        return self._in_order[view]

    def _listed(self, slots: Ints, before: int, cuts: Ints) -> tuple[_ViewDraws, Ints]:
        """Return instances, commands and groups for the instances of these slots, in this order.

        No command goes across one of `cuts`, numbers of instances. With the first instance of each group.
        """
        table = self._table
        rows = table.blocks.rows.rows[slots]
        batch = table.blocks.blocks.rows["batch"][table.blocks.block_of.rows[slots]].astype(np.int64)
        mirrored = table.mirrored(rows) if table.may_mirror else np.zeros(len(rows), np.bool_)
        instances = np.stack((table.feature.object[rows], table.material_rows_of(batch)), axis=1)
        both = self._both[self._batches["pipeline"][batch]]
        is_alone = both & (np.count_nonzero(both) <= MOST_APART)
        is_cut = np.zeros(len(slots) + 1, np.bool_)
        is_cut[cuts] = True
        first = (begins_run(batch << 1 | mirrored) | is_alone | is_cut[:-1]).nonzero()[0]
        counts = np.diff(first, append=len(slots))
        culled = np.zeros(len(first), np.int64)
        if both.any():
            first, counts = (np.repeat(numbers, 1 + both[first]) for numbers in (first, counts))
            culled = np.where(begins_run(first), CullMode.FRONT, CullMode.BACK) * both[first]
        batch, mirrored = batch[first], mirrored[first]
        of = self._batches.take(batch)
        commands = np.empty(len(first), COMMAND)
        for name in ("index_count", "first_index", "vertex_offset"):
            commands[name] = of[name]
        commands["first_instance"] = before + first
        commands["instance_count"] = counts
        bound = begins_run(group_codes(self._batches)[batch] << 1 | mirrored)
        starts = (bound | begins_run(culled) | is_cut[first]).nonzero()[0]
        columns = [of[name][starts] for name in GROUPED]
        columns += [mirrored[starts], starts, np.diff(starts, append=len(first)), culled[starts]]
        groups = np.stack(columns, axis=1).astype(np.int64)
        return _ViewDraws(instances.astype(np.uint32), commands, groups), first[starts]


def _groups(rows: Ints) -> list[DrawGroup]:
    """Return groups with these fields."""
    columns: list[list[Any]] = rows.T.tolist()
    if columns:
        columns[len(GROUPED)] = list(map(bool, columns[len(GROUPED)]))
    return [DrawGroup(*row) for row in zip(*columns, strict=True)]


def _same(one: Eye | None, other: Eye | None) -> bool:
    """Whether two eyes see the same."""
    return one is other or (one is not None and one.sees_as(other))
