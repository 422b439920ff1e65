"""The edits that update the text of a scene's file to its tableau: values, names, what is no longer there."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.assets import AssetDb
from engine.humon import Document, Edits, Kind, Node, failure
from engine.humon.cuts import Cut
from engine.math import to_euler_xyz_degrees
from engine.scene.plain_values import plain_field, plain_number, plain_value
from engine.scene.snapshot import Snapshot, TableSnapshot
from engine.tableau import FeatureTable, Tableau
from engine.tableau.activity import FLAGS
from engine.tableau.names import fold, fold_all

TRANSFORMS = ("translation", "rotation", "scale")


class TextChanges:
    """Collects the edits that update a file's text to a tableau."""

    def __init__(
        self, document: Document, tableau: Tableau, before: Snapshot, dbs: Sequence[AssetDb]
    ) -> None:
        self._tableau = tableau
        self._before = before
        self._dbs = dbs
        self._root = document.root["tableau"]
        self._edits: Edits = document.edits()
        self._nodes: dict[int, Node] = {}
        self.cuts: dict[int, Cut] = {}
        """By row, objects that have another parent now: cut out of the text, to be placed by `Placing`."""

    def changed(self) -> str:
        """Return the text with changed values and names, without what was removed or has another parent."""
        before, tableau = self._before, self._tableau
        for flag in FLAGS:
            now = Snapshot.root_flag(tableau, before.root, flag)
            if now != before.root_flags[flag]:
                self._put(self._root, flag, now)
        kept = before.kept(tableau)
        for name in TRANSFORMS:
            for row in before.changed(tableau, name, kept).tolist():
                self._set_transform(self._node(row), name, getattr(tableau, name)[row])
        for flag in FLAGS:
            for row in before.changed(tableau, flag, kept).tolist():
                self._put(self._node(row), flag, bool(tableau.flags(flag)[row]))
        for type_name, table in tableau.tables.items():
            self._change_features(table, before.tables[type_name], kept)
        self._rename_objects(kept)
        self._cut_objects(kept)
        self._remove_objects(before.gone(tableau))
        return self._edits.apply()

    @property
    def moves_lines(self) -> bool:
        """Whether the edits may change the line numbers of objects."""
        return self._edits.moves_lines

    def _node(self, row: int) -> Node:
        """Return the node of an object in the file."""
        if row == self._before.root:
            return self._root
        known = self._nodes.get(row)
        if known is None:
            parent = self._node(int(self._before.parent[row]))
            known = self._nodes[row] = parent["objects"][self._before.names[row]]
        return known

    def _put(self, node: Node, key: str, value: object, exact: bool = False) -> None:
        """Set or add a member of a dict."""
        child = node.get(key)
        if child is None:
            self._edits.insert(node, key, value)
        else:
            self._replace(child, value, exact)

    def _replace(self, node: Node, value: object, exact: bool = False) -> None:
        """Replace a value; in a list of equal length only the entries that differ."""
        if isinstance(value, list) and node.kind is Kind.LIST and len(node) == len(value):
            for child, new in zip(node, value, strict=True):
                if not _same(child, new, exact):
                    self._edits.replace(child, new)
        else:
            self._edits.replace(node, value)

    def _set_transform(self, node: Node, name: str, value: NDArray[np.floating]) -> None:
        if name == "rotation" and "euler" in node and "rotation" not in node:
            angles = np.round(to_euler_xyz_degrees(value), 4)
            self._replace(node["euler"], [plain_number(each) for each in angles])
        else:
            self._put(node, name, plain_value(value), exact=value.dtype == np.float64)

    def _change_features(self, table: FeatureTable, before: TableSnapshot, kept: NDArray[np.int32]) -> None:
        had, has = before.owned_by(kept), table.owned_by(kept)
        for row in kept[had & ~has].tolist():
            self._edits.remove(self._feature(row, table.type_name))
        both = kept[had & has]
        now, then = table.rows_of(both), before.rows_of(both)
        for flag in FLAGS:
            for index in np.flatnonzero(table.flags(flag)[now] != before.columns[flag][then]).tolist():
                node = self._feature(int(both[index]), table.type_name)
                self._put(node, flag, bool(table.flags(flag)[now[index]]))
        for spec in table.schema.fields:
            column = table.column(spec.name)
            differs = column[now] != before.columns[spec.name][then]
            rows = np.flatnonzero(differs.any(axis=1) if differs.ndim > 1 else differs)
            for index in rows.tolist():
                value = column[now[index]]
                text = plain_field(spec, value, self._dbs)
                self._put(self._feature(int(both[index]), table.type_name), spec.name, text)

    def _feature(self, row: int, type_name: str) -> Node:
        """Return the node of a feature of an object in the file: the first of its type, see FeatureReader."""
        nodes = self._node(row)["features"]
        return next(node for node in nodes if node.kind is Kind.DICT and node.type == type_name)

    def _rename_objects(self, kept: NDArray[np.int32]) -> None:
        names, before = self._tableau.names, self._before.names
        for row in kept.tolist():
            if names[row] != before[row]:
                node, above = self._node(row), int(self._before.parent[row])
                siblings = np.flatnonzero(self._before.parent[self._before.rows] == above)
                known = {before[each] for each in self._before.rows[siblings].tolist()}
                check_free(self._node(above)["objects"], [names[row]], known)
                self._edits.rename(node, names[row])

    def _cut_objects(self, kept: NDArray[np.int32]) -> None:
        for row in kept[self._tableau.parent[kept] != self._before.parent[kept]].tolist():
            above = self._node(int(self._before.parent[row]))
            self.cuts[row] = self._edits.cut(self._node(row), above["objects"])

    def _remove_objects(self, rows: Iterable[int]) -> None:
        gone = set(rows)
        for row in sorted(gone):
            if int(self._before.parent[row]) not in gone:
                self._edits.remove(self._node(row))


def check_free(objects: Node, names: Sequence[str], known: Container[str]) -> None:
    """Raise InputError `object.name` where an entry has one of these names that is no object, as it is wrong.

    `known` are the names of the entries that are objects.
    """
    wanted = set(fold_all(list(names)))
    unused = [node for key, node in objects.items() if key not in known] + objects.repeated
    for node in unused:
        key = str(node.key)
        if fold(key) in wanted:
            message = f"an object cannot be saved as '{key}': that is the name of an entry that is not used"
            raise failure("object.name", message, node, "mend the entry, or give the object another name")


def _same(node: Node, value: str | float, exact: bool) -> bool:
    """Whether a node has this value already, however it is written; as float32, if not as `exact` float64."""
    if node.kind is not Kind.VALUE:
        return False
    if isinstance(value, str | bool):
        return node.text == (value if isinstance(value, str) else str(value).lower())
    try:
        number = np.float64 if exact else np.float32
        return bool(number(node.text) == number(value))
    except ValueError:
        return False
