"""What differs from a scene file, as plain values by the paths in it, and doing that to a scene again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.assets import AssetDb
from engine.humon import Node, boolean, text, texts
from engine.scene.plain_values import plain_feature, plain_field, plain_object, plain_value
from engine.scene.scene import ScenePart
from engine.scene.snapshot import Snapshot, TableSnapshot, differing
from engine.scene.values import AssetNames, read_value
from engine.scene.vectors import read_vector
from engine.tableau import NO_ASSET, ROOT, FeatureSchema, FieldKind, FieldSpec, Tableau
from engine.tableau.activity import FLAGS
from engine.tableau.editing.object_copies import free_names
from viewer.editing.editor import Editor
from viewer.editing.value_edit import TRANSFORMS, Rows, Target

WIDTHS = {"translation": 3, "rotation": 4, "scale": 3}
Plain = dict[str, Any]


@dataclass(frozen=True)
class FrozenTable:
    """A copied feature table, read as the table is."""

    schema: FeatureSchema
    state: TableSnapshot

    def flags(self, name: str) -> NDArray[np.bool_]:
        """The column active or enabled."""
        return self.state.columns[name]

    def column(self, name: str) -> NDArray[Any]:
        """The column of a field."""
        return self.state.columns[name]

    def row_of(self, object_row: int) -> int | None:
        """The row of an object's feature, or None."""
        row = int(self.state.row_of[object_row])
        return row if row >= 0 else None

    def place(self, row: int) -> tuple[int, int]:
        """The same for all features: a copy does not have where they are in the file."""
        return (0, 0)


class Frozen:
    """A copied tableau, read as the tableau is."""

    def __init__(self, state: Snapshot, schemas: Mapping[str, FeatureSchema]) -> None:
        self.state = state
        self.tables = {name: FrozenTable(schemas[name], table) for name, table in state.tables.items()}
        order = np.lexsort((state.columns["rank"][state.rows], state.parent[state.rows]))
        self._rows = state.rows[order]
        self._parents = state.parent[self._rows]

    def flags(self, name: str) -> NDArray[np.bool_]:
        """The column active or enabled."""
        flags: NDArray[np.bool_] = self.state.columns[name]
        return flags

    def value(self, column: str, row: int) -> NDArray[np.floating]:
        """One object's translation, rotation or scale."""
        value: NDArray[np.floating] = self.state.columns[column][row]
        return value

    def name_of(self, row: int) -> str:
        """The name of an object."""
        return self.state.names[row]

    def children(self, row: int) -> list[int]:
        """The rows of an object's children."""
        low, high = np.searchsorted(self._parents, [row, row + 1])
        found: list[int] = self._rows[low:high].tolist()
        return found

    def path(self, row: int) -> str:
        """The path of an object from the root of its file."""
        names = []
        while row not in (ROOT, self.state.root):
            names.append(self.state.names[row])
            row = int(self.state.parent[row])
        return "/".join(reversed(names))


def unsaved(
    before: Snapshot, now: Snapshot, schemas: Mapping[str, FeatureSchema], dbs: Sequence[AssetDb]
) -> Plain:
    """Return what differs between two states of one file, as plain values; empty where nothing does."""
    then, current = Frozen(before, schemas), Frozen(now, schemas)
    inside = np.zeros(len(now.parent), np.bool_)
    inside[now.rows] = True
    same = inside[before.rows] & (now.generation[before.rows] == before.generation[before.rows])
    kept, gone = before.rows[same], before.rows[~same]
    known = np.zeros(len(now.parent), np.bool_)
    known[kept] = True
    fresh = now.rows[~known[now.rows]]
    is_fresh = np.zeros(len(now.parent), np.bool_)
    is_fresh[fresh] = True
    moved = [
        row
        for row in kept.tolist()
        if now.names[row] != before.names[row] or now.parent[row] != before.parent[row]
    ]
    going = set(gone.tolist())
    found: Plain = {
        "flags": {
            flag: now.root_flags[flag] for flag in FLAGS if now.root_flags[flag] != before.root_flags[flag]
        },
        "removed": [then.path(row) for row in gone.tolist() if int(before.parent[row]) not in going],
        "moved": {then.path(row): current.path(row) for row in moved},
        "added": {
            current.path(row): plain_object(
                current, row, dbs, current.children, leave_out=set(kept.tolist()), exact=True
            )
            for row in fresh.tolist()
            if now.parent[row] == now.root or not is_fresh[now.parent[row]]
        },
        "changed": {
            then.path(row): values for row, values in _changed(before, now, current, kept, dbs).items()
        },
    }
    return {key: value for key, value in found.items() if value}


def _changed(
    before: Snapshot, now: Snapshot, current: Frozen, kept: Rows, dbs: Sequence[AssetDb]
) -> dict[int, Plain]:
    """Return the changed values of objects by row; `with` and `without` are their features."""
    found: dict[int, Plain] = {}
    for name in (*TRANSFORMS, *FLAGS):
        for row in kept[differing(now.columns[name][kept], before.columns[name][kept])].tolist():
            value = now.columns[name][row]
            found.setdefault(row, {})[name] = bool(value) if name in FLAGS else plain_value(value)
    for type_name, table in current.tables.items():
        was, is_now = before.tables[type_name], now.tables[type_name]
        had, has = was.owned_by(kept), is_now.owned_by(kept)
        for row in kept[had & ~has].tolist():
            found.setdefault(row, {}).setdefault("without", []).append(type_name)
        for row in kept[has & ~had].tolist():
            at = int(is_now.row_of[row])
            found.setdefault(row, {}).setdefault("with", []).append(plain_feature(table, at, dbs))
        both = kept[has & had]
        at_now, at_was = is_now.rows_of(both), was.rows_of(both)
        for name in (*table.schema.by_name, *FLAGS):
            differs = differing(is_now.columns[name][at_now], was.columns[name][at_was])
            for index in np.flatnonzero(differs).tolist():
                value = is_now.columns[name][at_now[index]]
                spec = table.schema.by_name.get(name)
                plain = bool(value) if spec is None else plain_field(spec, value, dbs)
                features = found.setdefault(int(both[index]), {}).setdefault("features", {})
                features.setdefault(type_name, {})[name] = plain
    return found


class Redoing:
    """Does to a scene what `unsaved` has found; `missed` has the paths that are not there."""

    def __init__(self, editor: Editor, part: ScenePart) -> None:
        self._editor = editor
        self._part = part
        self.missed: list[str] = []

    def redo(self, node: Node) -> None:
        """Do all of it as one change. Raises InputError for a wrong value, EditError as the editor does."""
        editor, root = self._editor, self._part.root
        with editor.history.group("Recover unsaved changes"):
            changed = {path: self._row(path) for path in _keys(node.get("changed"))}
            removed = [self._row(text(each)) for each in node.get("removed") or ()]
            moved = {path: self._row(path) for path in _keys(node.get("moved"))}
            for flag, value in _items(node.get("flags")):
                if flag in FLAGS:
                    editor.set_flag(flag, np.array([root], np.int32), boolean(value))
            for path, values in _items(node.get("changed")):
                if changed[path] is not None:
                    self._change(np.array([changed[path]], np.int32), values)
            self._arrange(node, moved, [row for row in removed if row is not None])

    def _row(self, path: str) -> int | None:
        tableau = self._editor.tableau
        whole = path if self._part.root == ROOT else f"{tableau.path(self._part.root)}/{path}"
        if whole not in tableau:
            self.missed.append(whole)
            return None
        return tableau[whole].row

    def _change(self, rows: Rows, values: Node) -> None:
        editor = self._editor
        for name, node in values.items():
            if name in WIDTHS:
                editor.set_values(Target(name), rows, read_vector(node, WIDTHS[name]))
            elif name in FLAGS:
                editor.set_flag(name, rows, boolean(node))
        for type_name in texts(values["without"]) if "without" in values else ():
            editor.remove_feature(type_name, rows)
        for feature in values.get("with") or ():
            type_name = feature.type or ""
            if type_name in editor.tableau.tables:
                editor.add_feature(type_name, rows)
                self._set_fields(rows, type_name, feature)
        for type_name, feature in _items(values.get("features")):
            if type_name in editor.tableau.tables:
                self._set_fields(rows, type_name, feature)

    def _set_fields(self, rows: Rows, type_name: str, feature: Node) -> None:
        schema = self._editor.tableau.tables[type_name].schema
        names = AssetNames(self._part.dbs)
        for name, node in feature.items():
            if name in FLAGS:
                self._editor.set_flag(name, rows, boolean(node), type_name)
            elif name in schema.by_name:
                spec = schema.by_name[name]
                value = NO_ASSET if is_no_asset(spec, node) else read_value(node, spec, names)
                self._editor.set_values(Target(name, type_name), rows, column(value))

    def _arrange(self, node: Node, moved: Mapping[str, int | None], removed: Sequence[int]) -> None:
        """Move aside what moves and stays, remove, add and move to the new places, from the top down."""
        editor, root = self._editor, self._part.root
        tableau: Tableau = editor.tableau
        gone = (None, *removed)
        places = {path: text(to) for path, to in _items(node.get("moved")) if moved[path] not in gone}
        names = free_names(["recovering"] * len(places), tableau.names)
        for path, name in zip(places, names, strict=True):
            mover = int(moved[path] or 0)
            editor.rename(mover, name)
            editor.reparent(np.array([mover], np.int32), root, keep_place=False)
        editor.delete(np.array(removed, np.int32))
        goals: list[tuple[str, int | None, Node | None]] = [
            (to, moved[path], None) for path, to in places.items()
        ]
        goals += [(path, None, plain) for path, plain in _items(node.get("added"))]
        for to, row, plain in sorted(goals, key=lambda goal: goal[0].count("/")):
            above, _, name = to.rpartition("/")
            parent = self._row(above) if above else root
            parent = root if parent is None else parent
            if plain is not None:
                start, end = plain.span
                made = editor.paste(f"objects: {{ made: {plain.document.text[start:end]} }}", parent)
                row = int(made[0])
            assert row is not None
            editor.reparent(np.array([row], np.int32), parent, keep_place=False)
            taken = [tableau.name_of(each) for each in tableau.rearranging.order(parent) if each != row]
            editor.rename(row, free_names([name], taken)[0])


def is_no_asset(spec: FieldSpec, node: Node) -> bool:
    """Whether a node says that a field has no asset: an empty list."""
    return spec.kind is FieldKind.ASSET and not len(node)


def column(value: Any) -> Any:
    """Return a value in column form as what numpy makes one element of."""
    if not isinstance(value, str):
        return value
    made = np.empty((), object)
    made[()] = value
    return made


def _items(node: Node | None) -> Iterator[tuple[str, Node]]:
    return iter(node.items() if node is not None else ())


def _keys(node: Node | None) -> list[str]:
    return [] if node is None else list(node.keys())
