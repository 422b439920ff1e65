"""Places objects in the text of a scene's file, in the order of their siblings: new ones, and those cut out.

New features of objects that are in the text come last, into the lists that are there then.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.assets import AssetDb
from engine.humon import Document, Edits, Kind, Node, expect
from engine.humon.cuts import Cut
from engine.scene.build import OBJECT_KEYS, TABLEAU_KEYS
from engine.scene.origin import Copies
from engine.scene.plain_values import plain_feature, plain_object
from engine.scene.snapshot import Snapshot
from engine.scene.text_changes import check_free, put_member
from engine.tableau import Tableau

Rows = NDArray[np.int32]


class Placing:
    """Inserts objects in the text below their parents, pass by pass: a parent comes before its children.

    `cuts` are texts of objects that have another place, or are written like others: `copies`. `waiting` are
    the rows that have no place yet, without what is below new ones.
    """

    def __init__(
        self,
        tableau: Tableau,
        before: Snapshot,
        dbs: Sequence[AssetDb],
        cuts: Mapping[int, Cut],
        copies: Collection[Copies],
    ) -> None:
        self._tableau = tableau
        self._before = before
        self._dbs = dbs
        self._root = before.root
        self._cuts = cuts
        self._copies = copies
        copied = {row for each in copies for row in each.rows.tolist()}
        fresh = [row for row in before.added(tableau).tolist() if row not in copied]
        is_fresh = set(fresh)
        self.waiting = {*cuts, *(row for row in fresh if tableau.parent_of(row) not in is_fresh)}

    def placed(self, document: Document) -> str:
        """Return the text of a document with those objects whose parents are in it; they no longer wait."""
        edits, done = document.edits(), set[int]()
        nodes: dict[int, Node] = {self._root: document.root["tableau"]}
        parents = dict.fromkeys(self._tableau.parent_of(row) for row in sorted(self.waiting))
        for parent in parents:
            if self._is_there(parent):
                done.update(self._place_below(parent, self._node(parent, nodes), edits))
        self.waiting -= done
        return edits.apply()

    def _place_below(self, parent: int, node: Node, edits: Edits) -> list[int]:
        """Insert what waits below an object; return what has its place then."""
        tableau, objects = self._tableau, node.get("objects")
        order = tableau.rearranging.order(parent)
        rows = [row for row in order if row in self.waiting]
        if objects is None:
            fresh = [row for row in rows if row not in self._cuts]
            plain = {tableau.name_of(row): self._plain(row) for row in fresh}
            put_member(edits, node, "objects", plain, TABLEAU_KEYS if parent == self._root else OBJECT_KEYS)
            return fresh
        expect(objects, Kind.DICT)
        known = {tableau.name_of(row) for row in order if row not in self.waiting}
        check_free(objects, [tableau.name_of(row) for row in rows], known)
        if not len(objects):
            rows = rows[:1]  # the others come after it, in the next pass
        above: Node | None = None
        for row in order:
            if row not in self.waiting:
                above = objects.get(tableau.name_of(row)) or above
            elif row in rows:
                cut, is_first = self._cuts.get(row), above is None
                if cut is None:
                    edits.insert(objects, tableau.name_of(row), self._plain(row), above, first=is_first)
                else:
                    edits.insert_cut(objects, cut, above, first=is_first)
        return rows

    @property
    def new_features(self) -> dict[int, list[str]]:
        """The types of the new features of objects that were in the text before, by their rows."""
        found: dict[int, list[str]] = {}
        kept = self._before.kept(self._tableau)
        texts = [(self._before, kept, kept)]
        texts += [(each.origin.state, each.old_rows, each.rows) for each in self._copies]
        for before, old_rows, rows in texts:
            for type_name, table in self._tableau.tables.items():
                new = table.owned_by(rows) & ~before.tables[type_name].owned_by(old_rows)
                for row in rows[new].tolist():
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
                put_member(edits, node, "features", written, OBJECT_KEYS)
                continue
            first = {str(each.type): each for each in reversed(list(expect(there, Kind.LIST)))}
            for type_name, feature in zip(type_names, written, strict=True):
                edits.insert_item(there, feature, before=first.get(type_name))
        return edits.apply()

    def _plain(self, row: int) -> dict[str, object]:
        children = self._tableau.rearranging.order
        return plain_object(self._tableau, row, self._dbs, children, leave_out=self._cuts)

    def _is_there(self, row: int) -> bool:
        """Whether an object is in the text."""
        while row != self._root:
            if row in self.waiting:
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
