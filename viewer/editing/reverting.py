"""Back to what the files have: one value, objects, or all of a scene; each is one change, too."""

from __future__ import annotations

import numpy as np

from engine.scene.snapshot import Snapshot
from engine.tableau import ROOT
from engine.tableau.activity import FLAGS
from engine.tableau.editing.object_copies import free_names
from viewer.editing.editor import Editor
from viewer.editing.file_changes import FileChanges
from viewer.editing.history import Edit, EditError, Group
from viewer.editing.tree_edits import Held, ObjectsEdit, OrderEdit, ReturnEdit, features_edit
from viewer.editing.value_edit import TRANSFORMS, Rows, Target


class Reverting:
    """Reverts changes of an editor's scene; raises EditError as the editor does."""

    def __init__(self, editor: Editor, changes: FileChanges) -> None:
        self._editor = editor
        self._changes = changes

    def revert_value(self, target: Target, rows: Rows) -> None:
        """Give objects the value that their files have."""
        with self._editor.history.group(f"Revert {target.what} of {self._editor.names(rows)}"):
            for _, before, at in self._changes.had(target, rows):
                self._editor.set_values(target, rows[at], self._changes.values(before, target, rows[at]))

    def revert_objects(self, rows: Rows) -> None:
        """Make objects what their files have; those that no file has are removed."""
        editor = self._editor
        with editor.history.group(f"Revert {editor.names(rows)}"):
            known = list(self._changes.by_part(rows))
            new = rows[self._changes.is_new(rows) & (rows != ROOT)]
            self._structure([(before, rows[at]) for _, before, at in known], new)
            for _, before, at in self._changes.by_part(rows):
                self._values(before, rows[at])
            for flag in FLAGS:
                target = Target(flag)
                for _, before, at in self._changes.had(target, rows):
                    editor.set_values(target, rows[at], self._changes.values(before, target, rows[at]))

    def revert_all(self) -> int:
        """Make the scene what its files have, as far as possible; return how many objects are missing.

        Objects that were removed come back as long as that could be undone.
        """
        editor = self._editor
        parts = editor.scene.parts
        with editor.history.group("Revert all"):
            self._put_back()
            roots = [part.root for part in parts]
            every = np.append(editor.tableau.rows(), ROOT) if ROOT in roots else editor.tableau.rows()
            changed = self._changes.is_changed(every) | np.isin(every, roots)
            self.revert_objects(every[changed].astype(np.int32))
            for part in parts:
                before = part.saver.before
                for parent in np.unique(before.parent[before.kept(editor.tableau)]).tolist():
                    self._order(before, parent)
        return sum(len(part.saver.before.gone(editor.tableau)) for part in parts)

    def _put_back(self) -> None:
        """Put objects back that the files have and that were removed, the last first."""
        history = self._editor.history
        for edit in reversed([each for one in history.done for each in _flat(one)]):
            if isinstance(edit, ObjectsEdit) and not edit.adds and edit.held.is_out and self._had(edit.held):
                place = self._editor.scene.parts[0].root
                before = edit.held.put_elsewhere(place)
                history.push(ReturnEdit("Put back", edit.held, place, before))

    def _had(self, held: Held) -> bool:
        """Whether a file has one of the objects that were taken out."""
        rows, tableau = held.rows, self._editor.tableau
        for part in self._editor.scene.parts:
            before = part.saver.before
            known = rows[np.isin(rows, before.rows)]
            if (before.generation[known] + 1 == tableau.generation[known]).any():
                return True
        return False

    def _structure(self, known: list[tuple[Snapshot, Rows]], new: Rows) -> None:
        """Bring objects below their parents and to their names in the file, and remove new ones."""
        editor, tableau = self._editor, self._editor.tableau
        moved = [
            (row, int(before.parent[row]), before.names[row])
            for before, rows in known
            for row in rows.tolist()
            if tableau.parent_of(row) != int(before.parent[row]) or tableau.name_of(row) != before.names[row]
        ]
        places = {row: editor.scene.part_of(row).root for row, _, _ in moved}
        aside = [row for row, parent, _ in moved if tableau.parent_of(row) != parent]
        names = free_names(["reverting"] * len(moved), tableau.names)
        for (row, _, _), name in zip(moved, names, strict=True):
            editor.rename(row, name)
        for place in set(places.values()):
            some = np.array([row for row in aside if places[row] == place], np.int32)
            for row in some.tolist():  # one by one: some are below others
                editor.reparent(np.array([row], np.int32), place, keep_place=False)
        editor.delete(new)
        for row, parent, name in moved:
            if parent != ROOT and tableau.level[parent] < 0:
                raise EditError(f"what '{name}' was below is gone")
            editor.reparent(np.array([row], np.int32), parent, keep_place=False)
            editor.rename(row, name)
        for before, rows in known:
            for parent in np.unique(before.parent[rows]).tolist():
                self._order(before, parent)

    def _order(self, before: Snapshot, parent: int) -> None:
        """Put the children of an object that a file has into the order of the file, others behind them."""
        tableau, ranks = self._editor.tableau, before.columns["rank"]
        had = set(before.kept(tableau).tolist())
        order = tableau.rearranging.order(parent)
        wanted = sorted(order, key=lambda row: (row not in had, int(ranks[row]) if row in had else 0))
        if wanted != order:
            tableau.rearranging.set_order(parent, wanted)
            self._editor.history.push(OrderEdit("Order objects", tableau, parent, order, wanted))

    def _values(self, before: Snapshot, rows: Rows) -> None:
        """Give objects the transforms and features that they had."""
        editor, changes = self._editor, self._changes
        for name in TRANSFORMS:
            editor.set_values(Target(name), rows, changes.values(before, Target(name), rows))
        tables = editor.tableau.tables
        needed = {each for table in tables.values() for each in table.schema.requires}
        for name in sorted(tables, key=lambda name: name in needed):  # those that need others go first
            had, has = before.tables[name].owned_by(rows), tables[name].owned_by(rows)
            editor.remove_feature(name, rows[has & ~had])
        for name in sorted(tables, key=lambda name: name not in needed):
            table, then = tables[name], before.tables[name]
            had, has = then.owned_by(rows), tables[name].owned_by(rows)
            lost, both = rows[had & ~has], rows[had & has]
            if len(lost):
                values = {
                    spec.name: then.columns[spec.name][then.rows_of(lost)] for spec in table.schema.fields
                }
                flags = {flag: then.columns[flag][then.rows_of(lost)] for flag in FLAGS}
                table.add(lost, values, active=flags["active"], enabled=flags["enabled"])
                editor.history.push(features_edit(f"Add {name}", editor.tableau, name, lost, True))
            for field in (*table.schema.by_name, *FLAGS):
                target = Target(field, name)
                differs = both[changes.differs(target, both)]
                if len(differs):
                    editor.set_values(target, differs, changes.values(before, target, differs))


def _flat(edit: Edit) -> list[Edit]:
    return [one for each in edit.edits for one in _flat(each)] if isinstance(edit, Group) else [edit]
