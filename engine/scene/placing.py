"""Places objects in the text of a scene's file: new ones, and those that were cut out to be put elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.assets import AssetDb
from engine.humon import Document, Node
from engine.humon.cuts import Cut
from engine.scene.plain_values import plain_object
from engine.scene.snapshot import Snapshot
from engine.tableau import Tableau


class Placing:
    """Inserts objects in the text below their parents, pass by pass: a parent comes before its children.

    `waiting` are the rows that have no place yet, without what is below new ones.
    """

    def __init__(
        self, tableau: Tableau, before: Snapshot, dbs: Sequence[AssetDb], cuts: Mapping[int, Cut]
    ) -> None:
        self._tableau = tableau
        self._dbs = dbs
        self._root = before.root
        self._cuts = dict(cuts)
        fresh = before.added(tableau)
        self._fresh = set(fresh.tolist())
        self.waiting = [row for row in fresh.tolist() if tableau.parent_of(row) not in self._fresh]
        self.waiting += self._cuts

    def placed(self, document: Document) -> str:
        """Return the text of a document with those objects whose parents are in it; they no longer wait."""
        waiting, edits = set(self.waiting), document.edits()
        nodes: dict[int, Node] = {self._root: document.root["tableau"]}
        by_parent: dict[int, list[int]] = {}
        for row in self.waiting:
            parent = self._tableau.parent_of(row)
            if parent in by_parent or self._is_there(parent, waiting):
                by_parent.setdefault(parent, []).append(row)
        for parent, rows in by_parent.items():
            node = self._node(parent, nodes)
            objects = node.get("objects")
            if objects is None:
                fresh = [row for row in rows if row not in self._cuts]
                edits.insert(node, "objects", {self._tableau.name_of(row): self._plain(row) for row in fresh})
                waiting.difference_update(fresh)
                continue
            for row in rows:
                is_first = not len(objects) and row != rows[0]
                if is_first:
                    break  # the others come after it, in the next pass
                cut = self._cuts.get(row)
                if cut is None:
                    edits.insert(objects, self._tableau.name_of(row), self._plain(row))
                else:
                    edits.insert_cut(objects, cut)
                waiting.discard(row)
        self.waiting = [row for row in self.waiting if row in waiting]
        return edits.apply()

    def _plain(self, row: int) -> dict[str, object]:
        children = self._tableau.rearranging.order
        return plain_object(self._tableau, row, self._dbs, children, leave_out=self._cuts)

    def _is_there(self, row: int, waiting: set[int]) -> bool:
        """Whether an object is in the text."""
        while row != self._root:
            if row in waiting:
                return False
            row = self._tableau.parent_of(row)
        return True

    def _node(self, row: int, nodes: dict[int, Node]) -> Node:
        """Return the node of an object that is in the text, by the names that objects have now."""
        known = nodes.get(row)
        if known is None:
            above = self._node(self._tableau.parent_of(row), nodes)
            known = nodes[row] = above["objects"][self._tableau.name_of(row)]
        return known
