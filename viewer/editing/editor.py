"""All that is done by hand to a scene: each call is one change, which can be undone."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.humon import InputError
from engine.math import decompose
from engine.scene import Scene
from engine.tableau import NO_ASSET, ROOT, Tableau
from engine.tableau.activity import FLAGS
from engine.tableau.editing.object_copies import child_names, copy_objects, free_names
from engine.tableau.names import fold
from viewer.editing.clipboard import is_features, read_pasted, text_of
from viewer.editing.exact_places import exact_world
from viewer.editing.history import EditError, History
from viewer.editing.tree_edits import Held, ObjectsEdit, ParentEdit, RenameEdit, features_edit
from viewer.editing.value_edit import Renewed, Rows, Target, ValueEdit, same_key

PLACE_DIGITS = 7
"""Digits after the point of a place that is computed: a tenth of a micrometre."""


class Editor:
    """Changes a scene and its history; all methods raise EditError for what is impossible, and do nothing.

    Objects are rows of the tableau.
    """

    def __init__(self, scene: Scene, history: History | None = None, renewed: Renewed = same_key) -> None:
        """`renewed` returns the key that an asset has now, where assets change while the scene is open."""
        self.scene = scene
        self.tableau: Tableau = scene.tableau
        self.history = history if history is not None else History()
        self.renewed = renewed

    # -- values ------------------------------------------------------------------------------------

    def set_values(
        self, target: Target, rows: Rows, values: ArrayLike, merge: Hashable = None, label: str = ""
    ) -> None:
        """Set a value of objects, in column form: one each, or one for all. Those without it are left out."""
        tableau = self.tableau
        there = target.has(tableau, rows)
        rows = np.asarray(rows[there], np.int32)
        if not len(rows):
            return
        old = target.read(tableau, rows)
        new = np.asarray(values, old.dtype)
        new = new[there] if new.ndim == old.ndim and len(new) == len(there) else new
        new = np.broadcast_to(new, old.shape).copy()
        try:
            target.write(tableau, rows, new)
        except ValueError as error:
            raise EditError(str(error)) from error
        new = target.read(tableau, rows)  # what is stored: rotations are of unit length then
        if not np.array_equal(old, new):
            what = label or f"Set {target.what} of {self.names(rows)}"
            edit = ValueEdit(what, tableau, target, rows, old, new, self.renewed)
            self.history.push(edit, merge)

    def set_component(
        self, target: Target, rows: Rows, component: int, value: float, merge: Hashable = None
    ) -> None:
        """Set one number of a value of several, for all of the objects; the others of each stay."""
        rows = rows[target.has(self.tableau, rows)]
        values = target.read(self.tableau, rows)
        values[:, component] = value
        self.set_values(target, rows, values, merge)

    def set_flag(self, name: str, rows: Rows, value: bool, feature: str = "") -> None:
        """Set `active` or `enabled` of objects (ROOT: of the whole tableau), or of a feature of theirs."""
        verb = {"active": ("Activate", "Deactivate"), "enabled": ("Enable", "Disable")}[name][not value]
        of = f"{feature} of " if feature else ""
        self.set_values(Target(name, feature), rows, value, label=f"{verb} {of}{self.names(rows)}")

    # -- objects -----------------------------------------------------------------------------------

    def create(self, parent: int = ROOT, name: str = "object", features: tuple[str, ...] = ()) -> int:
        """Add an object below another, after its children, with features of these types; return its row."""
        parent = self._parent(parent)
        free = free_names([name], child_names(self.tableau, parent))[0]
        with self.history.group(f"Create {free}"):
            try:
                above = None if parent == ROOT else self.tableau.handle(parent)
                row = self.tableau.add_object(free, above).row
            except (ValueError, LookupError) as error:
                raise EditError(str(error)) from error
            rows = np.array([row], np.int32)
            self._push_added(f"Create {free}", rows)
            for type_name in features:
                self.add_feature(type_name, rows)
        return row

    def delete(self, rows: Rows) -> None:
        """Remove objects, with all that is below them."""
        rows = self._objects(rows)
        self._check_no_file(rows)
        if len(rows):
            label = f"Delete {self.names(rows)}"
            held = Held(self.tableau, rows, self.renewed)
            held.take_out()
            self.history.push(ObjectsEdit(label, held, adds=False))

    def duplicate(self, rows: Rows) -> Rows:
        """Copy objects, with all that is below them, beside themselves; return the copies."""
        rows = self._objects(rows)
        self._check_no_file(rows)
        if not len(rows):
            return rows
        parents = self.tableau.parent[rows].copy()
        copied, copies = copy_objects(self.tableau, rows, self.tableau, parents)
        self.scene.note_copies(copied, copies)
        made = copies[: len(rows)]
        self._push_added(f"Duplicate {self.names(rows)}", made)
        return made

    def rename(self, row: int, name: str) -> None:
        """Rename an object; a name that a sibling has is an error."""
        self._check_no_file(np.array([row], np.int32))
        old = self.tableau.name_of(row)
        if old == name:
            return
        try:
            self.tableau.rearranging.rename(row, name)
        except ValueError as error:
            raise EditError(str(error)) from error
        generation = self.tableau.generation_of(row)
        label = f"Rename {old} to {name}"
        self.history.push(RenameEdit(label, self.tableau, row, generation, old, name))

    def reparent(self, rows: Rows, parent: int, keep_place: bool = True) -> None:
        """Put objects below another parent; with `keep_place` they stay where they are in the world.

        Names that are taken there get a number.
        """
        tableau, parent = self.tableau, self._parent(parent)
        rows = self._objects(rows)
        self._check_no_file(rows)
        rows = rows[(tableau.parent[rows] != parent) & (rows != parent)]
        if not len(rows):
            return
        where = "the top" if parent == ROOT else tableau.name_of(parent)
        label = f"Move {self.names(rows)} to {where}"
        world = exact_world(tableau, rows)
        with self.history.group(label):
            self._free_names(rows, parent)
            old = tableau.parent[rows].copy()
            orders = {each: tableau.rearranging.order(each) for each in np.unique(old).tolist()}
            try:
                tableau.rearranging.reparent(rows, parent)
            except ValueError as error:
                raise EditError(str(error)) from error
            generations = tableau.generation[rows].copy()
            self.history.push(ParentEdit(label, tableau, rows, generations, old, parent, orders))
            if keep_place:
                self._place(rows, parent, world)

    # -- features ----------------------------------------------------------------------------------

    def add_feature(self, type_name: str, rows: Rows) -> None:
        """Add a feature, and those that it requires, to the objects that lack it; assets are chosen."""
        tableau = self.tableau
        rows = self._there(rows)
        lacking = rows[~tableau.has_feature(type_name, rows)]
        if not len(lacking):
            return
        with self.history.group(f"Add {type_name} to {self.names(lacking)}"):
            for required in tableau.tables[type_name].schema.requires:
                self.add_feature(required, lacking)
            try:
                tableau.add_feature(type_name, lacking, self._chosen(type_name, int(lacking[0])))
            except (ValueError, KeyError) as error:
                raise EditError(str(error.args[0])) from error
            label = f"Add {type_name} to {self.names(lacking)}"
            edit = features_edit(label, tableau, type_name, lacking, True, self.renewed)
            self.history.push(edit)

    def remove_feature(self, type_name: str, rows: Rows) -> None:
        """Remove a feature from the objects that have it; one that another needs is an error."""
        tableau = self.tableau
        rows = self._there(rows)
        rows = rows[tableau.has_feature(type_name, rows)]
        if not len(rows):
            return
        label = f"Remove {type_name} of {self.names(rows)}"
        edit = features_edit(label, tableau, type_name, rows, False, self.renewed)
        try:
            tableau.remove_feature(type_name, rows)
        except ValueError as error:
            raise EditError(str(error)) from error
        self.history.push(edit)

    # -- clipboard ---------------------------------------------------------------------------------

    def copy(self, rows: Rows) -> str:
        """Return objects, with all that is below them, as Humon text."""
        rows = self._objects(rows)
        try:
            return text_of(self.scene, rows) if len(rows) else ""
        except InputError as error:
            raise EditError(error.problems[0].message) from error

    def cut(self, rows: Rows) -> str:
        """Return objects as Humon text, and remove them."""
        text = self.copy(rows)
        self.delete(rows)
        return text

    def paste(self, text: str, parent: int = ROOT) -> Rows:
        """Add the objects of a Humon text below an object; return them. Features alone are added to it."""
        try:
            is_feature = is_features(text)
            origin, other = read_pasted(self.scene, text, parent, self.renewed)
        except InputError as error:
            raise EditError(f"this cannot be pasted: {error.problems[0].message}") from error
        if is_feature and parent == ROOT:
            raise EditError("select an object to paste features to")
        if is_feature:
            self._paste_features(other, parent)
            return np.array([parent], np.int32)
        roots = np.array(other.rearranging.order(ROOT), np.int32)
        parent = self._parent(parent)
        copied, copies = copy_objects(other, roots, self.tableau, np.full(len(roots), parent, np.int32))
        self.scene.note_copies(copied, copies, origin)
        made = copies[: len(roots)]
        self._push_added(f"Paste {self.names(made)}", made)
        return made

    # -- inside ------------------------------------------------------------------------------------

    def names(self, rows: Rows) -> str:
        """Return what rows are called in labels: a name, or how many objects."""
        if len(rows) == 1:
            return "the scene" if rows[0] == ROOT else self.tableau.name_of(int(rows[0]))
        return f"{len(rows):,} objects"

    def _there(self, rows: Rows) -> Rows:
        rows = np.unique(np.asarray(rows, np.int32))
        rows = rows[(rows >= 0) & (rows < len(self.tableau.level))]
        return np.asarray(rows[self.tableau.level[rows] >= 0], np.int32)

    def _objects(self, rows: Rows) -> Rows:
        """Return those that exist, without what is below others of them."""
        return self.tableau.rearranging.topmost(self._there(rows))

    def _parent(self, parent: int) -> int:
        """Return where objects of the top belong: below the first file of several."""
        roots = [part.root for part in self.scene.parts]
        return roots[0] if parent == ROOT and roots and ROOT not in roots else parent

    def _check_no_file(self, rows: Rows) -> None:
        """Raise EditError where one of these objects stands for a whole file of several."""
        for part in self.scene.parts:
            if part.root != ROOT and part.root in rows:
                name = part.files[0].document.name
                raise EditError(f"'{self.tableau.name_of(part.root)}' stands for the file {name}")

    def _push_added(self, label: str, roots: Rows) -> None:
        self.history.push(ObjectsEdit(label, Held(self.tableau, roots, self.renewed), adds=True))

    def _free_names(self, rows: Rows, parent: int) -> None:
        """Rename those of these objects whose names a child of their new parent has."""
        tableau = self.tableau
        taken = {fold(name) for name in child_names(tableau, parent)}
        for row in rows.tolist():
            name = tableau.name_of(row)
            if fold(name) in taken:
                siblings = child_names(tableau, tableau.parent_of(row))
                name = free_names([name], [*siblings, *taken])[0]
                self.rename(row, name)
            taken.add(fold(name))

    def _place(self, rows: Rows, parent: int, world: NDArray[np.float64]) -> None:
        """Give objects the transforms by which they are where they were; shear stays out of it."""
        tableau, above = self.tableau, np.identity(4)
        if parent != ROOT:
            above = exact_world(tableau, np.array([parent], np.int32))[0]
            if abs(np.linalg.det(above[:3, :3])) < 1e-12:
                return  # below what is flat there is no such transform
        translation, rotation, scale = decompose(world @ np.linalg.inv(above))
        values: Mapping[str, NDArray[Any]] = {
            "translation": np.round(translation, PLACE_DIGITS),
            "rotation": rotation,
            "scale": np.round(scale, PLACE_DIGITS),
        }
        for name, value in values.items():
            now = Target(name).read(tableau, rows)
            near = np.isclose(value, now, rtol=1e-6, atol=1e-7)
            self.set_values(Target(name), rows, np.where(near, now, value))

    def _chosen(self, type_name: str, row: int) -> dict[str, Any]:
        """Return values for the fields that must be set: the first asset that fits."""
        chosen = {}
        for spec in self.tableau.tables[type_name].schema.asset_fields:
            if spec.required:
                dbs = self.scene.part_of(row).dbs
                fits = (asset.key for db in reversed(dbs) for asset in assets_of(db, spec.asset_types))
                key = next(fits, NO_ASSET)
                if key == NO_ASSET:
                    kinds = " or ".join(spec.asset_types)
                    raise EditError(f"{type_name} needs a {kinds}, and the scene has none")
                chosen[spec.name] = self.renewed(key)
        return chosen

    def _paste_features(self, other: Tableau, parent: int) -> None:
        """Set or add the features that the only object of another tableau has."""
        rows, source = np.array([parent], np.int32), np.zeros(1, np.int32)
        with self.history.group(f"Paste features to {self.names(rows)}"):
            for type_name, table in other.tables.items():
                if not table.owned_by(source)[0]:
                    continue
                self.add_feature(type_name, rows)
                for name in (*table.schema.by_name, *FLAGS):
                    target = Target(name, type_name)
                    self.set_values(target, rows, target.read(other, source))


def assets_of(db: Any, types: tuple[str, ...]) -> list[Any]:
    """Return the references of the assets of a database that are of one of these types."""
    return [asset.ref for asset in db.assets if asset.type in types]
