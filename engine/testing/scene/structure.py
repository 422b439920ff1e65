"""Adds, removes, renames and orders objects and features of a scene under test, by their paths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.humon import boolean, failure, parse, suggestion
from engine.scene.values import AssetNames, read_value
from engine.tableau import ROOT, NameTaken
from engine.tableau.activity import FLAGS
from engine.tableau.editing.object_copies import copy_objects

if TYPE_CHECKING:
    from engine.scene import Scene
    from engine.tableau import ObjectHandle

NAME = "the text that is added"


class Structure:
    """What scripts do to the objects of a scene. Raises KeyError for a path that there is not."""

    document: Scene

    def add(self, text: str, below: str = "") -> tuple[ObjectHandle, ...]:
        """Add objects, written as in a scene file (`NAME: { ... }`), after others below one; return them.

        Raises InputError for a text that is wrong, NameTaken for a name that a sibling has.
        """
        scene, parent = self.document, self._row(below)
        origin, made = scene.read_objects(f"objects: {{\n{text}\n}}", parent, NAME)
        tableau, roots = scene.tableau, np.array(made.rearranging.order(ROOT), np.int32)
        for name in (made.name_of(row) for row in roots.tolist()):
            for sibling in tableau.rearranging.order(parent):
                if tableau.name_of(sibling) == name:
                    raise NameTaken(name, name, sibling)
        rows, copies = copy_objects(made, roots, tableau, np.full(len(roots), parent, np.int32))
        scene.note_copies(rows, copies, origin)
        return tuple(tableau.handle(row) for row in copies[: len(roots)].tolist())

    def remove(self, *paths: str) -> None:
        """Remove objects with all that is below them."""
        for path in paths:
            self.document.tableau.remove(path)

    def rename(self, path: str, to: str) -> None:
        """Give an object another path: another name, or a place below another object, with its own transform.

        Raises ValueError for a name that is invalid or taken, and for a place below itself.
        """
        tableau, row = self.document.tableau, self._row(path)
        above, _, name = to.rpartition("/")
        parent = self._row(above)
        if parent != tableau.parent_of(row):
            taken = {tableau.name_of(each) for each in tableau.rearranging.order(parent)}
            if tableau.name_of(row) in taken and name not in taken:
                tableau.rearranging.rename(row, name)
            tableau.rearranging.reparent(np.array([row], np.int32), parent)
        tableau.rearranging.rename(row, name)

    def order(self, names: Sequence[str], below: str = "") -> None:
        """Order the objects below one, those at the top by default; others come last."""
        tableau, parent = self.document.tableau, self._row(below)
        before = f"{below}/" if below else ""
        tableau.rearranging.set_order(parent, [tableau[f"{before}{name}"].row for name in names])

    def add_feature(self, path: str, text: str) -> None:
        """Add a feature, written as in a scene file (`{ @type: light  intensity: 2 }`), to an object.

        Raises InputError for a text that is wrong, ValueError if the object has the feature or lacks one that
        it requires.
        """
        scene, node = self.document, parse(text, NAME).root
        tables, type_name = scene.tableau.tables, node.type or ""
        if type_name not in tables:
            raise failure("feature.unknown", f"no feature '{type_name}'", node, suggestion(type_name, tables))
        schema = tables[type_name].schema
        names, given = AssetNames(scene.part_of(self._row(path)).dbs), dict[str, Any]()
        for name, child in node.items():
            spec = schema.by_name.get(name)
            if spec is None and name not in FLAGS:
                hint = suggestion(name, schema.by_name)
                raise failure("field.unknown", f"{type_name} has no field '{name}'", child, hint)
            given[name] = boolean(child) if spec is None else spec.file_value(read_value(child, spec, names))
        scene.tableau.add_feature(type_name, scene.tableau[path], given)

    def remove_feature(self, path: str, type_name: str) -> None:
        """Remove a feature of an object. Raises ValueError if another of its features requires it."""
        tableau = self.document.tableau
        tableau.remove_feature(type_name, tableau[path])

    def _row(self, path: str) -> int:
        return self.document.tableau[path].row if path else ROOT
