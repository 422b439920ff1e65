"""What frames draw with and request as a whole (attachments, rings, fallbacks), changed by difference."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engine.graph import CompiledGraph, CompiledPass, DrawPass
from engine.plan.requirements.requirements import Requirement, RequirementTable
from engine.plan.terms.keys import Keys
from engine.plan.terms.table import every
from engine.planning.draw.drawing import Drawing, PassDrawing, ShaderDrawing, pipeline_state, shader_state
from engine.planning.draw.frame_layout import FrameLayout
from engine.planning.draw.recipes import Recipes
from engine.planning.draw.ring_names import ColumnRing, RingNames
from engine.planning.draw.shading import ShaderSet
from engine.planning.draw.tables import DrawTable, Ints, InUse

Requests = Sequence[tuple[Requirement, tuple[int, ...]]]
"""Requirements, each with the ids of its requesters."""

Groups = dict[int, tuple[tuple[Requirement, ...], ...]]
"""The requirements of each requester, in groups that have the same requesters."""

MAX_KEPT = 4
"""How many frames, and drawings of a pass, are kept: what is switched is often switched back."""

MAX_NUMBERED = 256
"""Requesters the numbers of whose requests are remembered."""


@dataclass(frozen=True, eq=False)
class TableDraws:
    """The table, its `assets` and `in_use` then, and its instances, lists of levels and weight of blocks."""

    table: DrawTable
    assets: Ints
    in_use: InUse
    instances: int
    lists: int
    weight: int

    @classmethod
    def of(cls, table: DrawTable) -> TableDraws:
        """Note what a table draws now."""
        lists, weight = table.levels.lists, table.blocks.weight
        return cls(table, table.assets, table.in_use, table.instances, lists, weight)

    @property
    def name(self) -> str:
        """The name of its pass."""
        return self.declaration.name

    @property
    def declaration(self) -> DrawPass:
        """Its pass."""
        return self.table.declaration

    @property
    def recipes(self) -> Recipes:
        """What its assets are drawn with; never changed for those that are known."""
        return self.table.recipes


class FrameRequests:
    """The requirements of passes and of other users of memory in one requirement table."""

    def __init__(self, table: RequirementTable) -> None:
        self.table = table
        self._requested: Groups = {}
        self._kept: deque[tuple[Requests, Groups]] = deque(maxlen=MAX_KEPT)
        # The numbers of the requests of a requester, by the identity of its groups, while they stay.
        self._numbers: dict[int, tuple[tuple[tuple[Requirement, ...], ...], list[int]]] = {}
        self._numbering: object = None

    def update(self, requested: Requests, more: Requests = ()) -> None:
        """Let the table have these requirements, each with the ids of its requesters, and no earlier ones.

        Only requesters whose requirements differ from those of the last call are removed or added, and the
        new ones first: a need that only changes its requesters stays as it is. Requesters of `more` are
        others; the last few `requested` are recognised as the same objects, which must not change.
        """
        now = self._grouped(requested) | _groups(more)
        before, self._requested = self._requested, now
        added = [requester for requester in now if requester not in before]
        differ = [
            requester for requester in now if requester in before and now[requester] != before[requester]
        ]
        self._add(added)
        gone = [*differ, *(requester for requester in before if requester not in now)]
        if gone:
            self.table.remove(gone)
        self._add(differ)

    def _grouped(self, requested: Requests) -> Groups:
        """Return the groups of requests, those of the same list as before where there was one."""
        for known, groups in self._kept:
            if known is requested:
                return groups
        groups = _groups(requested)
        self._kept.append((requested, groups))
        return groups

    def _add(self, requesters: Sequence[int]) -> None:
        numbers: list[int] = []
        ids: list[int] = []
        if self._numbering is not self.table.numbering or len(self._numbers) > MAX_NUMBERED:
            self._numbers, self._numbering = {}, self.table.numbering
        for requester in requesters:
            groups = self._requested[requester]
            known = self._numbers.get(id(groups))
            if known is None or known[0] is not groups:
                known = groups, [self.table.number(each) for group in groups for each in group]
                self._numbers[id(groups)] = known
            numbers += known[1]
            ids += [requester] * len(known[1])
        if ids:
            self.table.add_requests(numbers, ids)


def _groups(requested: Requests) -> Groups:
    """Return the requirements of each requester."""
    together: dict[tuple[int, ...], list[Requirement]] = {}
    for requirement, requesters in requested:
        together.setdefault(requesters, []).append(requirement)
    found: Groups = {}
    for requesters, requirements in together.items():
        group = tuple(requirements)
        for requester in requesters:
            found[requester] = (*found.get(requester, ()), group)
    return found


@dataclass(frozen=True, eq=False)
class FrameParts:
    """What a frame needs for its passes, and `about`: all that it follows from, beside graph and drawings."""

    graph: CompiledGraph
    drawings: Mapping[str, Drawing]
    about: tuple[object, ...]
    rings: list[str] = field(default_factory=list)
    columns: dict[str, ColumnRing] = field(default_factory=dict)
    frame: FrameLayout = field(default_factory=lambda: FrameLayout(()))
    requirements: Sequence[tuple[Requirement, tuple[int, ...]]] = ()


class KeptFrames:
    """The last few drawings of each pass, and the last few frames."""

    def __init__(self, keys: Keys, names: RingNames) -> None:
        self._keys = keys
        self._names = names
        self._of_rows: dict[str, deque[tuple[PassDrawing, object]]] = {}  # with what they follow from
        self._of_shaders: dict[str, deque[tuple[ShaderDrawing, object]]] = {}
        self._parts: deque[FrameParts] = deque(maxlen=MAX_KEPT)

    def parts(
        self, graph: CompiledGraph, drawings: Mapping[str, Drawing], about: tuple[object, ...]
    ) -> FrameParts | None:
        """Return the parts of an earlier frame with this graph and these drawings that is about the same."""
        for known in self._parts:
            if (
                known.graph is graph
                and known.about == about
                and list(map(id, known.drawings.values())) == list(map(id, drawings.values()))
            ):
                return known
        return None

    def keep(self, parts: FrameParts) -> None:
        """Keep the parts of a frame."""
        self._parts.append(parts)

    def of_rows(
        self,
        compiled: CompiledPass,
        table: TableDraws,
        requesters: tuple[int, ...],
        cubes: Mapping[str, int],
        features: frozenset[str] | None,
    ) -> PassDrawing:
        """Return what a pass draws rows with; `features` are the device's."""
        kept = self._of_rows.setdefault(compiled.declaration.name, deque(maxlen=MAX_KEPT))
        for known, about in kept:
            if (
                known.compiled is compiled
                and about == (requesters, cubes, features)
                and known.recipes is table.recipes
                and _same(known.in_use, table.in_use)
            ):
                return known
        p, recipes, in_use = compiled.declaration, table.recipes, table.in_use
        state = pipeline_state(p, compiled.samples, table.declaration.state, features)
        made = PassDrawing(compiled, state, recipes, in_use, self._keys, requesters, self._names, cubes)
        kept.append((made, (requesters, cubes, features)))
        return made

    def of_shaders(
        self,
        compiled: CompiledPass,
        shading: ShaderSet,
        requesters: tuple[int, ...],
        cubes: Mapping[str, int],
        features: frozenset[str] | None,
    ) -> ShaderDrawing:
        """Return what a pass without meshes runs; `features` are the device's."""
        kept = self._of_shaders.setdefault(compiled.declaration.name, deque(maxlen=MAX_KEPT))
        for known, about in kept:
            is_same = known.compiled is compiled and known.shading is shading
            if is_same and about == (requesters, cubes, features):
                return known
        state = shader_state(compiled, features)
        made = ShaderDrawing(compiled, state, shading, self._keys, requesters, self._names, cubes)
        kept.append((made, (requesters, cubes, features)))
        return made


def _same(one: InUse, other: InUse) -> bool:
    """Whether the same shaders, pipelines and materials are used."""
    return one is other or (
        _equal(one.shadings, other.shadings)
        and _equal(one.pipelines, other.pipelines)
        and len(one.materials) == len(other.materials)
        and all(map(_equal, one.materials, other.materials))
    )


def _equal(some: npt.NDArray[np.int64], others: npt.NDArray[np.int64]) -> bool:
    """Whether two lists of numbers are equal; in fewer calls than numpy's own."""
    return some is others or (len(some) == len(others) and bool(every(some == others)))
