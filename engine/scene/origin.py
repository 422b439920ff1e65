"""A text with objects and what it says of them; new objects are written like those of a text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.humon import Document, Kind, Node
from engine.scene.snapshot import Snapshot
from engine.tableau import Tableau

Rows = NDArray[np.int32]


class Origin:
    """A document, the node in it that has all `objects`, and the state that was read from it, by rows.

    What is saved follows from the origin and the tableau alone, so that the same state gives the same text.
    """

    def __init__(self, document: Document, whole: Node, state: Snapshot) -> None:
        self.document = document
        self.whole = whole
        self.state = state
        self._nodes: dict[int, Node] = {}
        self._below: tuple[Rows, Rows] | None = None

    def node(self, row: int) -> Node:
        """Return the node of an object."""
        if row == self.state.root:
            return self.whole
        known = self._nodes.get(row)
        if known is None:
            known = self._nodes[row] = self.objects(row)[self.state.names[row]]
        return known

    def objects(self, row: int) -> Node:
        """Return the node that an object is a child of."""
        return self.node(int(self.state.parent[row]))["objects"]

    def feature(self, row: int, type_name: str) -> Node:
        """Return the node of a feature of an object: the first of its type, see FeatureReader."""
        nodes = self.node(row)["features"]
        return next(node for node in nodes if node.kind is Kind.DICT and node.type == type_name)

    def has(self, row: int, generation: int) -> bool:
        """Whether an object, given by its row and the generation of that, is in the text."""
        at = int(np.searchsorted(self.state.rows, row))
        is_there = at < len(self.state.rows) and int(self.state.rows[at]) == row
        return is_there and int(self.state.generation[row]) == generation

    def children(self, row: int) -> list[int]:
        """Return the rows of an object's children."""
        if self._below is None:
            rows = self.state.rows[np.argsort(self.state.parent[self.state.rows], kind="stable")]
            self._below = rows, self.state.parent[rows]
        low, high = np.searchsorted(self._below[1], [row, row + 1])
        found: list[int] = self._below[0][low:high].tolist()
        return found


@dataclass(frozen=True, slots=True)
class Likeness:
    """What a new object is written like: an object of an origin, by its row there.

    `generation` is that of the new object; it may be one that was in the file before (`with_comments`), whose
    text comes back with the comments that belong to it, or a copy of another.
    """

    origin: Origin
    row: int
    generation: int
    with_comments: bool = False


@dataclass(frozen=True)
class Copies:
    """Objects that are written like others: by the row of one at the top, all that its text has."""

    origin: Origin
    with_comments: bool
    old_rows: Rows
    rows: Rows


def copies_among(fresh: Rows, tableau: Tableau, like: Mapping[int, Likeness]) -> dict[int, Copies]:
    """Return which new objects have the text of others, by the row of the first of each, parents first.

    What is below one of them is in its text where it is below the same object there, and in the same order.
    """
    known = {
        row: like[row]
        for row in fresh.tolist()
        if row in like and like[row].generation == tableau.generation[row]
    }
    found: dict[int, Copies] = {}
    inside: set[int] = set()
    for top in sorted(known, key=lambda row: int(tableau.level[row])):
        if top in inside:
            continue
        one, pairs = known[top], [(known[top].row, top)]
        for old, row in pairs:  # grows while it is walked
            places = {child: at for at, child in enumerate(_in_order(one.origin, old))}
            last = -1
            for child in tableau.rearranging.order(row):
                of = known.get(child)
                place = places.get(of.row, -1) if of is not None and of.origin is one.origin else -1
                if of is not None and place > last:
                    last = place
                    pairs.append((of.row, child))
        inside.update(row for _, row in pairs)
        old_rows, rows = np.array(pairs, np.int32).T
        found[top] = Copies(one.origin, one.with_comments, old_rows, rows)
    return found


def _in_order(origin: Origin, row: int) -> list[int]:
    ranks = origin.state.columns["rank"]
    return sorted(origin.children(row), key=lambda child: int(ranks[child]))
