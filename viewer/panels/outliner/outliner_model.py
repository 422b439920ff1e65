"""The tableau as a tree: objects, below each its features and then its child objects; searched and filtered.

Nodes are rows of columns; what is shown is worked out for whole arrays, level by level, and texts are made
only for rows on the screen. The tree itself is built again only when objects or features come or go.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from engine.tableau import FeatureTable, Tableau
from viewer.panels.outliner.name_search import NameSearch
from viewer.panels.tree_rows import flatten, levels_of

Mask = NDArray[np.bool_]
Indices = NDArray[np.int32]
OBJECT = -1
_AFTER_FEATURES = 1 << 20
SMALL = 256
"""A tree of at most so many nodes is expanded at first."""


class State(StrEnum):
    """What a filter of states keeps."""

    ALL = "all"
    ON = "active and enabled"
    OFF = "switched off"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Node:
    """A row of the outliner: an object, or a feature of it by its type and its row in the table."""

    object: int
    feature: str = ""
    feature_row: int = -1


class OutlinerModel:
    """The rows that the outliner shows: `shown` are nodes from top to bottom, `depths` their depths.

    `search`, `feature` (a type, empty for all) and `state` keep what matches, with all objects above it.
    """

    def __init__(self, tableau: Tableau) -> None:
        self._tableau = tableau
        self.search = ""
        self.feature = ""
        self.state = State.ALL
        self._built: tuple[int, list[NDArray[np.int32]]] | None = None
        self._open = np.zeros(0, np.bool_)
        self._opens_new: bool | None = None
        self._open_version = 0
        self._seen: tuple[object, ...] = ()
        self._names: tuple[int, NameSearch] | None = None
        self.matches = 0

    # -- reading -----------------------------------------------------------------------------------

    def update(self) -> None:
        """Bring `shown` up to date; costs nothing where nothing has changed."""
        self._build()
        seen: tuple[object, ...] = (
            self._built_version,
            self._open_version,
            self.search,
            self.feature,
            self.state,
        )
        if self.state is not State.ALL:
            seen = (*seen, self._tableau.structure_version)
        if seen == self._seen:
            return
        self._seen = seen
        kept = self._kept()
        is_open = self._open_nodes() if kept is None else np.ones(len(self.objects), np.bool_)
        visible = np.ones(len(self.objects), np.bool_) if kept is None else kept
        if kept is None:
            shows = visible & is_open
            for nodes, above in self._levels[1:]:
                visible[nodes] = shows[above]
                shows[nodes] &= shows[above]
        if kept is not None and self.matches < len(visible) // 8:
            self.shown = self._order[np.sort(self._place[np.flatnonzero(visible)])]
        else:
            self.shown = self._order[visible[self._order]]
        self.depths = self._depth[self.shown]
        self.is_open = is_open

    @property
    def is_filtered(self) -> bool:
        """Whether something is searched or filtered."""
        return bool(self.search or self.feature) or self.state is not State.ALL

    def node(self, node: int) -> Node:
        """Return what a node is."""
        table = self.table(node)
        if table is None:
            return Node(int(self.rows[node]))
        return Node(int(self.objects[node]), table.type_name, int(self.rows[node]))

    def table(self, node: int) -> FeatureTable | None:
        """Return the table of a feature's node; None for an object."""
        number = int(self._kinds[node])
        return None if number == OBJECT else self._tables[number]

    def has_children(self, node: int) -> bool:
        """Whether a node is an object with features or children."""
        return bool(self._child_counts[node])

    def place_of(self, row: int) -> int | None:
        """Return where an object is among `shown`; None if it is not."""
        if row >= len(self._node_of) or self._node_of[row] < 0:
            return None
        found = np.flatnonzero(self.shown == self._node_of[row])
        return int(found[0]) if len(found) else None

    def shown_objects(self, places: slice = slice(None)) -> Indices:
        """Return the rows of the objects that are shown, from top to bottom; of a stretch of `shown`."""
        shown = self.shown[places]
        return np.asarray(self.rows[shown[self._kinds[shown] == OBJECT]], np.int32)

    # -- expanding ---------------------------------------------------------------------------------

    def expand(self, row: int, is_open: bool) -> None:
        """Expand or collapse an object."""
        self._reserve()
        self._open[row] = is_open
        self._open_version += 1

    def expand_all(self, is_open: bool) -> None:
        """Expand or collapse all objects, those to come included."""
        self._opens_new = is_open
        self._open[:] = is_open
        self._open_version += 1

    def reveal(self, row: int) -> None:
        """Expand all objects above one."""
        self._reserve()
        above = self._tableau.parent_of(row)
        while above >= 0:
            if not self._open[above]:
                self._open[above] = True
                self._open_version += 1
            above = self._tableau.parent_of(above)

    # -- inside ------------------------------------------------------------------------------------

    def _reserve(self) -> None:
        grown = len(self._tableau.parent) - len(self._open)
        if grown > 0:
            opens = self._opens_new
            if opens is None:
                opens = len(self._tableau) + sum(map(len, self._tableau.tables.values())) <= SMALL
            self._open = np.concatenate((self._open, np.full(grown, opens)))

    def _open_nodes(self) -> Mask:
        is_open = np.zeros(len(self.rows), np.bool_)
        is_object = self._kinds == OBJECT
        is_open[is_object] = self._open[self.rows[is_object]]
        return is_open

    def _build(self) -> None:
        """Build the tree again if objects or features have come, gone or moved."""
        tableau = self._tableau
        owners = [table.object for table in tableau.tables.values()]
        built = self._built
        if (
            built is not None
            and built[0] == tableau.tree_version
            and all(np.array_equal(now, then) for now, then in zip(owners, built[1], strict=True))
        ):
            return
        self._built = tableau.tree_version, [each.copy() for each in owners]
        self._built_version = (self._built_version + 1) if built is not None else 0
        self._tables = list(tableau.tables.values())
        objects = tableau.rows()
        self._objects = len(objects)
        self._node_of = np.full(len(tableau.parent) + 1, -1, np.int32)
        self._node_of[objects] = np.arange(len(objects), dtype=np.int32)
        above = tableau.parent[objects]
        rows, kinds, belongs = [objects], [np.full(len(objects), OBJECT, np.int32)], [objects]
        parents = [np.where(above < 0, -1, self._node_of[above])]
        ranks = [tableau.rank[objects] + _AFTER_FEATURES]
        for number, owned in enumerate(owners):
            used = np.flatnonzero(owned >= 0).astype(np.int32)
            rows.append(used)
            belongs.append(owned[used])
            kinds.append(np.full(len(used), number, np.int32))
            parents.append(self._node_of[owned[used]])
            ranks.append(np.full(len(used), number, np.int64))
        self.rows, self._kinds, self.objects = map(np.concatenate, (rows, kinds, belongs))
        self._parent = np.concatenate(parents).astype(np.int32)
        every = np.ones(len(self.rows), np.bool_)
        tree = flatten(self._parent, np.concatenate(ranks), every)
        self._order, self._child_counts = tree.nodes, tree.child_counts
        self._place = np.empty(len(self._order), np.int32)
        self._place[self._order] = np.arange(len(self._order), dtype=np.int32)
        self._depth = levels_of(self._parent)
        by_level = np.argsort(self._depth, kind="stable").astype(np.int32)
        deepest = int(self._depth.max(initial=-1))
        bounds = np.searchsorted(self._depth[by_level], np.arange(deepest + 2))
        levels = [by_level[a:b] for a, b in pairwise(bounds.tolist())]
        self._levels = [(nodes, self._parent[nodes]) for nodes in levels]
        """The nodes of each level, with their parents."""
        self._reserve()

    _built_version = 0

    def _kept(self) -> Mask | None:
        """Return a mask of what matches, with all that is above it; None for everything."""
        self.matches = 0
        if not self.is_filtered:
            return None
        found = np.ones(len(self.rows), np.bool_)
        if self.search:
            found &= self._found()
        if self.feature:
            found &= self._with_feature()
        if self.state is not State.ALL:
            found &= self._in_state()
        self.matches = int(np.count_nonzero(found))
        for nodes, above in reversed(self._levels[1:]):
            found[above[found[nodes]]] = True
        return found

    def _found(self) -> Mask:
        """Return a mask of the nodes whose names, or types, hold the search."""
        tableau = self._tableau
        if self._names is None or self._names[0] != tableau.tree_version:
            self._names = tableau.tree_version, NameSearch(tableau.names)
        names = self._names[1].matching(self.search)
        types = np.array(
            [self.search.casefold() in each.type_name.casefold() for each in self._tables], np.bool_
        )
        found = np.empty(len(self.rows), np.bool_)
        found[: self._objects] = names[self.rows[: self._objects]]
        found[self._objects :] = types[self._kinds[self._objects :]]
        return found

    def _with_feature(self) -> Mask:
        """Return a mask of the features of the type that is filtered by, and of their objects."""
        table = self._tableau.tables.get(self.feature)
        if table is None:
            return np.zeros(len(self.rows), np.bool_)
        is_object = self._kinds == OBJECT
        found = self._kinds == self._tables.index(table)
        found[is_object] = table.owned_by(self.rows[is_object])
        return np.asarray(found)

    def _in_state(self) -> Mask:
        found = np.zeros(len(self.rows), np.bool_)
        for number, table in ((OBJECT, None), *enumerate(self._tables)):
            nodes = self._kinds == number
            rows = self.rows[nodes]
            of = self._tableau if table is None else table
            if self.state is State.FAILED:
                found[nodes] = False if table is None else table.flags("failed")[rows]
                continue
            on = of.flags("effective_active")[rows] & of.flags("effective_enabled")[rows]
            found[nodes] = on if self.state is State.ON else ~on
        return found
