"""Writes the files of a scene; what others have written to them meanwhile is taken in first."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np

from engine.assets import AssetRef
from engine.humon import Code, InputError
from engine.scene import Scene, load_scenes
from engine.scene.file_update import Conflict, update_from_file
from engine.scene.save_as import move_to, new_files
from engine.tableau import ROOT
from viewer.editing.editor import Editor
from viewer.editing.file_changes import FileChanges
from viewer.editing.history import EditError
from viewer.editing.reverting import Reverting
from viewer.editing.value_edit import Target


class Saving:
    """Saves an editor's scene, and holds the conflicts that are not settled.

    `written` is called with each file that was written.
    """

    def __init__(
        self,
        editor: Editor,
        written: Callable[[Path], None] = lambda path: None,
        changes: FileChanges | None = None,
    ) -> None:
        """`changes` are those of the editor's scene, which others may share."""
        self._editor = editor
        self._changes = changes or FileChanges(editor.scene)
        self._reverting = Reverting(editor, self._changes)
        self.written = written
        self.conflicts: list[Conflict] = []
        self._files = [part.saver.before for part in editor.scene.parts]
        self._version = -1
        self._is_gone = False
        """Whether the last save found a file gone, so that the next one writes it again."""

    def save(self) -> bool:
        """Write what has changed; return whether there was anything to write.

        Where a file was changed meanwhile, that is taken in. What was changed in both is in `conflicts` then,
        and nothing is written: the next call does, with what was set by hand. Raises InputError as
        `Scene.save`, and for a file that cannot be read; one that is gone is written by the next call.
        """
        scene = self._editor.scene
        restore, self._is_gone = self._is_gone, False
        try:
            saved = scene.save(restore)
        except InputError as error:
            self._is_gone = all(problem.code == Code.FILE_MISSING for problem in error.problems)
            if any(problem.code != "scene.changed" for problem in error.problems):
                raise
            found = self.take_in()
            self.add(found)
            if found:
                return False
            saved = scene.save()
        for part in scene.parts:
            if part.home is not None:
                self.written(part.home.path)
        self.conflicts.clear()
        self._editor.history.note_saved()
        return saved

    def save_as(self, path: Path, replace: bool = False) -> list[Path]:
        """Write the scene under another name, and go on with that; return the files that are in the way.

        With some in the way nothing is written, unless with `replace`. Raises InputError as
        `engine.scene.save_as`.
        """
        scene = self._editor.scene
        files = new_files(scene, path)
        taken = [] if replace else files.taken()
        if not taken:
            files.write()
            for each in files.texts:
                self.written(each)
            move_to(scene, files.scene)
            self.conflicts.clear()
            self._editor.history.note_saved()
        return taken

    def take_in(self) -> list[Conflict]:
        """Take in what has changed in the files; return what was changed by hand, too, and is kept."""
        scene = self._editor.scene
        files = [part.opened for part in scene.parts]
        fresh = load_scenes(files, scene.registry, tolerated=scene.left_out, sky=scene.sky)
        key_of = self._keys(scene, fresh)
        found: list[Conflict] = []
        for part in scene.parts:
            again = next((each for each in fresh.parts if each.opened == part.opened), None)
            if again is None:
                raise InputError(fresh.rejected)
            found += update_from_file(part, scene.tableau, again, fresh.tableau, key_of, keep_own=True)
        return found

    def add(self, conflicts: Collection[Conflict]) -> None:
        """List what was changed here and in a file that was read again, in place of earlier conflicts.

        Those in which the scene is as the file is now, or of what is gone, are no longer listed: where a file
        was read again, and where something was done.
        """
        files = [part.saver.before for part in self._editor.scene.parts]
        is_same = all(now is then for now, then in zip(files, self._files, strict=False))
        if not conflicts and is_same and self._version == self._editor.history.version:
            return
        self._files, self._version = files, self._editor.history.version
        new = {(each.path, each.what): each for each in conflicts}
        earlier = [each for each in self.conflicts if (each.path, each.what) not in new]
        self.conflicts = [each for each in (*earlier, *new.values()) if self._is_open(each)]

    def is_there(self, conflict: Conflict) -> bool:
        """Whether the object of a conflict still exists."""
        level = self._editor.tableau.level
        return bool(0 <= conflict.row < len(level) and level[conflict.row] >= 0)

    def _is_open(self, conflict: Conflict) -> bool:
        """Whether the scene differs from its file in what a conflict is about."""
        if not self.is_there(conflict):
            return conflict.row == ROOT
        rows = np.array([conflict.row], np.int32)
        if conflict.own is None:
            return bool(self._changes.is_changed(rows)[0])
        feature, _, name = conflict.what.rpartition(".")
        return bool(self._changes.differs(Target(name, feature), rows)[0])

    def settle(self, conflict: Conflict, use_file: bool) -> None:
        """Settle a conflict: with what the file has, which can be undone, or with what was set by hand."""
        if use_file:
            editor, rows = self._editor, np.array([conflict.row], np.int32)
            if conflict.own is not None:
                feature, _, name = conflict.what.rpartition(".")
                value = conflict.file
                values = np.empty(1, object) if isinstance(value, str) else np.asarray(value)[None]
                if isinstance(value, str):
                    values[0] = value
                editor.set_values(Target(name, feature), rows, values)
            elif self._changes.is_new(rows)[0]:
                editor.delete(rows)
            else:
                self._reverting.revert_objects(rows)
        self.conflicts = [each for each in self.conflicts if each is not conflict]

    def _keys(self, scene: Scene, fresh: Scene) -> Callable[[int], int]:
        """Return a function from keys of assets in files that were read again to those in the scene."""
        known = {db.name: db.id for db in scene.dbs}

        def key_of(key: int) -> int:
            ref = AssetRef.from_key(key)
            if ref.db == 0:
                return key
            name = fresh.dbs[ref.db - 1].name
            if name not in known:
                raise EditError(f"the files have a new assetDb, '{name}': open the scene again to use it")
            return self._editor.renewed(AssetRef(known[name], ref.index).key)

        return key_of
