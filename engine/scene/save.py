"""Saves a scene: differences from the file as it was read become edits of its text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.assets import AssetDb
from engine.humon import Document, Edits, InputError, Kind, Node, Problem, parse
from engine.humon.files import read_bytes
from engine.humon.saving import write_atomically
from engine.math import to_euler_xyz_degrees
from engine.scene.files import SceneFile
from engine.scene.plain_values import plain_asset, plain_number, plain_object, plain_value
from engine.scene.snapshot import Snapshot, TableSnapshot
from engine.scene.text_positions import update_positions
from engine.tableau import ROOT, FeatureTable, FieldKind, Tableau
from engine.tableau.activity import FLAGS

TRANSFORMS = ("translation", "rotation", "scale")


class Saver:
    """Writes a tableau's changes back to its file. Holds the state of the file when it was last read."""

    def __init__(
        self, home: SceneFile | None, tableau: Tableau, dbs: Sequence[AssetDb], root: int = ROOT
    ) -> None:
        """`root` is the row of the object that all objects of the file are below, or ROOT."""
        self._path = home.path if home is not None else None
        self._document = home.document if home is not None else None
        self._written: str | None = None
        self._tableau = tableau
        self._dbs = dbs
        self._root = root
        self._generation = 0 if root == ROOT else tableau.generation_of(root)
        self.before = Snapshot.of(tableau, root)
        """The state of the file when it was last read or written."""

    def take(self, home: SceneFile | None, state: Snapshot) -> None:
        """Take over a file that was read again, and what it holds by rows of the tableau."""
        self._path = home.path if home is not None else None
        self._document = home.document if home is not None else None
        self._written = None
        self.before = state

    def renew(self, dbs: Sequence[AssetDb], moves: Mapping[int, int]) -> None:
        """Take over databases, and the keys that assets have now, as if they had been in the file."""
        self._dbs = dbs
        self.before.renew(moves)

    def save(self) -> bool:
        """Write the changes; see `Scene.save`."""
        if self._path is None or self._document is None:
            if len(self.before.added(self._tableau)):
                message = "no file of the scene has a tableau to save objects in"
                raise InputError(
                    Problem("scene.no_tableau", message, help="add `tableau: { }` to one of them")
                )
            return False
        if self._root != ROOT and self._tableau.generation_of(self._root) != self._generation:
            return False  # a program has removed the whole tableau; the file is not for it to empty
        document = self._document = self._current_document(self._document)
        changes = _Changes(document, self._tableau, self.before, self._dbs)
        text, moved = changes.changed(), changes.moves_lines
        if len(self.before.added(self._tableau)):
            # In a second pass: the first may remove the nodes that new objects are inserted after.
            after = document if text == document.text else parse(text, document.name)
            changes = _Changes(after, self._tableau, self.before, self._dbs)
            text, moved = changes.added(), moved or changes.moves_lines
        if text != document.text:
            self._write(self._path, document, text)
        self.before = Snapshot.of(self._tableau, self._root)
        if moved or self._tableau.has_unpositioned:
            self._document = self._current_document(document)
            update_positions(self._tableau, self._document, self._root)
        return text != document.text

    def _current_document(self, document: Document) -> Document:
        """Return the document of the last written text, which is parsed only now to keep saving short."""
        text, self._written = self._written, None
        return document if text is None else parse(text, document.name)

    def _write(self, path: Path, document: Document, text: str) -> None:
        if not _is_unchanged(path, document):
            message = f"{document.name} was changed on disk since it was read; it was not saved"
            raise InputError(Problem("scene.changed", message, help="load the scene again"))
        write_atomically(path, text)
        self._written = text


def _is_unchanged(path: Path, document: Document) -> bool:
    """Whether a file still has the text that was read from it."""
    try:
        content = read_bytes(path, document.name)
        return content == document.text.encode() or parse(content, document.name).text == document.text
    except InputError:
        return False  # gone, no file any more, or no Humon


class _Changes:
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
        self._rewritten: set[int] = set()
        """Rows of the objects whose whole list of features is written."""

    def changed(self) -> str:
        """Return the text with changed values and without removed objects and features."""
        before, tableau = self._before, self._tableau
        for flag in FLAGS:
            now = Snapshot.root_flag(tableau, before.root, flag)
            self._set_flag(self._root, flag, now, before.root_flags[flag])
        kept = before.kept(tableau)
        self._rewrite_features(kept)
        for name in TRANSFORMS:
            for row in before.changed(tableau, name, kept).tolist():
                self._set_transform(self._node(row), name, getattr(tableau, name)[row])
        for flag in FLAGS:
            for row in before.changed(tableau, flag, kept).tolist():
                self._set_flag(self._node(row), flag, bool(tableau.flags(flag)[row]), True)
        for type_name, table in tableau.tables.items():
            self._change_features(table, before.tables[type_name], kept)
        self._remove_objects(before.gone(tableau))
        return self._edits.apply()

    def added(self) -> str:
        """Return the text with the new objects."""
        self._add_objects(self._before.added(self._tableau))
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

    def _set_flag(self, node: Node, flag: str, value: bool, before: bool) -> None:
        if node.get(flag) is not None or value != before:
            self._put(node, flag, value)

    def _set_transform(self, node: Node, name: str, value: NDArray[np.floating]) -> None:
        if name == "rotation" and "euler" in node:
            angles = np.round(to_euler_xyz_degrees(value), 4)
            self._replace(node["euler"], [plain_number(each) for each in angles])
        else:
            self._put(node, name, plain_value(value), exact=value.dtype == np.float64)

    def _rewrite_features(self, kept: NDArray[np.int32]) -> None:
        """Write the whole list of features of objects with new features."""
        for type_name, table in self._tableau.tables.items():
            owned = table.owned_by(kept) & ~self._before.tables[type_name].owned_by(kept)
            self._rewritten.update(kept[owned].tolist())
        for row in sorted(self._rewritten):
            written = plain_object(self._tableau, row, self._dbs, features_only=True)["features"]
            node = self._node(row)
            if "features" in node:
                self._edits.replace(node["features"], written)
            else:
                self._edits.insert(node, "features", written)

    def _change_features(self, table: FeatureTable, before: TableSnapshot, kept: NDArray[np.int32]) -> None:
        had, has = before.owned_by(kept), table.owned_by(kept)
        for row in kept[had & ~has].tolist():
            if row not in self._rewritten:
                self._edits.remove(self._feature(row, table.type_name))
        both = kept[had & has]
        now, then = table.rows_of(both), before.rows_of(both)
        for flag in FLAGS:
            for index in np.flatnonzero(table.flags(flag)[now] != before.columns[flag][then]).tolist():
                if int(both[index]) not in self._rewritten:
                    node = self._feature(int(both[index]), table.type_name)
                    self._set_flag(node, flag, bool(table.flags(flag)[now[index]]), True)
        for spec in table.schema.fields:
            column = table.column(spec.name)
            differs = column[now] != before.columns[spec.name][then]
            rows = np.flatnonzero(differs.any(axis=1) if differs.ndim > 1 else differs)
            for index in rows.tolist():
                if int(both[index]) in self._rewritten:
                    continue
                value = column[now[index]]
                text = (
                    plain_asset(int(value), spec, self._dbs)
                    if spec.kind is FieldKind.ASSET
                    else plain_value(spec.file_value(value))
                )
                self._put(self._feature(int(both[index]), table.type_name), spec.name, text)

    def _feature(self, row: int, type_name: str) -> Node:
        """Return the node of a feature of an object in the file."""
        return next(node for node in self._node(row)["features"] if node.type == type_name)

    def _remove_objects(self, rows: Iterable[int]) -> None:
        gone = set(rows)
        for row in sorted(gone):
            if int(self._before.parent[row]) not in gone:
                self._edits.remove(self._node(row))

    def _add_objects(self, rows: NDArray[np.int32]) -> None:
        fresh = set(rows.tolist())
        by_parent: dict[int, dict[str, Any]] = {}
        for row in rows.tolist():
            parent = self._tableau.parent_of(row)
            if parent not in fresh:
                members = by_parent.setdefault(parent, {})
                members[self._tableau.name_of(row)] = plain_object(self._tableau, row, self._dbs)
        for parent, members in by_parent.items():
            node = self._node(parent)
            if "objects" not in node:
                self._edits.insert(node, "objects", members)
            elif not len(node["objects"]):
                self._edits.replace(node["objects"], members)
            else:
                for name, value in members.items():
                    self._edits.insert(node["objects"], name, value)


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
