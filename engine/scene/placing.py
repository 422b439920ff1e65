"""Places objects in the text of a scene's file: new ones, and those that were cut out to be put elsewhere.

New features of objects that are in the text come last, into the lists that are there then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.assets import AssetDb
from engine.humon import Document, Kind, Node, expect
from engine.humon.cuts import Cut
from engine.scene.plain_values import plain_feature, plain_object
from engine.scene.snapshot import Snapshot
from engine.scene.text_changes import check_free
from engine.tableau import Tableau


class Placing:
    """Inserts objects in the text below their parents, pass by pass: a parent comes before its children.

    `waiting` are the rows that have no place yet, without what is below new ones.
    """

    def __init__(
        self, tableau: Tableau, before: Snapshot, dbs: Sequence[AssetDb], cuts: Mapping[int, Cut]
    ) -> None:
        self._tableau = tableau
        self._before = before
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
            if objects is not None:
                expect(objects, Kind.DICT)
                siblings = self._tableau.rearranging.order(parent)
                names = {self._tableau.name_of(each) for each in siblings if each not in waiting}
                check_free(objects, [self._tableau.name_of(row) for row in rows], names)
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

    @property
    def new_features(self) -> dict[int, list[str]]:
        """The types of the new features of objects that were in the text before, by their rows."""
        found: dict[int, list[str]] = {}
        kept = self._before.kept(self._tableau)
        for type_name, table in self._tableau.tables.items():
            new = table.owned_by(kept) & ~self._before.tables[type_name].owned_by(kept)
            for row in kept[new].tolist():
                found.setdefault(row, []).append(type_name)
        return found

    def with_features(self, document: Document, features: Mapping[int, Sequence[str]]) -> str:
        """Return the text of a document, in which nothing else waits, with new features of objects in it.

        One is put before a feature of its type that is not used: of several the first counts. Raises
        InputError `value.kind` where the features of an object are no list.
        """
        edits = document.edits()
        nodes: dict[int, Node] = {self._root: document.root["tableau"]}
        for row, type_names in features.items():
            node = self._node(row, nodes)
            tables = [self._tableau.tables[name] for name in type_names]
            written = [plain_feature(table, int(table.row_of(row) or 0), self._dbs) for table in tables]
            there = node.get("features")
            if there is None:
                edits.insert(node, "features", written)
                continue
            first = {str(each.type): each for each in reversed(list(expect(there, Kind.LIST)))}
            for type_name, feature in zip(type_names, written, strict=True):
                edits.insert_item(there, feature, before=first.get(type_name))
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
