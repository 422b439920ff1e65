"""Saves a scene: differences from the file as it was read become edits of its text."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.assets import AssetDb
from engine.assets.importers.models.model_files import is_model
from engine.assets.roots import display_path
from engine.humon import Code, Document, InputError, Position, Problem
from engine.humon.files import read_bytes
from engine.humon.saving import write_atomically
from engine.humon.writer import INDENT
from engine.scene.files import SceneFile
from engine.scene.origin import Likeness, Origin, copies_among
from engine.scene.placing import Placing
from engine.scene.snapshot import Snapshot
from engine.scene.text_changes import TextChanges
from engine.scene.text_positions import update_positions
from engine.tableau import ROOT, Tableau

Rows = NDArray[np.int32]


class Saver:
    """Writes a tableau's changes back to its file.

    The text follows from what was read last (`Origin`) and the tableau, whatever was written in between: what
    was removed comes back with its text, and undoing leads to the very text that was saved before.
    """

    def __init__(
        self, home: SceneFile | None, tableau: Tableau, dbs: Sequence[AssetDb], root: int = ROOT
    ) -> None:
        """`root` is the row of the object that all objects of the file are below, or ROOT."""
        self._tableau = tableau
        self._dbs = dbs
        self._root = root
        self._generation = 0 if root == ROOT else tableau.generation_of(root)
        self._like: dict[int, Likeness] = {}
        self.before = Snapshot.of(tableau, root)
        """The state of the file when it was last read or written."""
        self._open(home)

    def _open(self, home: SceneFile | None) -> None:
        self._path = home.path if home is not None else None
        self._origin = (
            Origin(home.document, home.document.root["tableau"], self.before) if home is not None else None
        )
        self._text = home.document.text if home is not None else ""
        self._has_moved = False
        """Whether lines of the file are not where they were when it was read."""

    def take(self, home: SceneFile | None, state: Snapshot) -> None:
        """Take over a file that was read again, and what it holds by rows of the tableau.

        What was removed and saved before keeps the text that it had.
        """
        last, origin = self.before, self._origin
        self.before = state
        self._open(home)
        if origin is not None:
            removed = np.setdiff1d(origin.state.rows, np.union1d(last.rows, state.rows)).tolist()
            generation = origin.state.generation
            self._like.update((row, Likeness(origin, row, int(generation[row]), True)) for row in removed)
        now = self._tableau.generation
        self._like = {row: each for row, each in self._like.items() if each.generation >= int(now[row]) - 1}

    def note_copies(self, origin: Origin | None, old_rows: Rows, rows: Rows) -> None:
        """Note that new objects are to be written like those of an origin, or like others of the scene."""
        generation = self._tableau.generation
        for old, row in zip(old_rows.tolist(), rows.tolist(), strict=True):
            known = self._like.get(old) if origin is None else None
            if known is not None and known.generation == generation[old]:
                self._like[row] = Likeness(known.origin, known.row, int(generation[row]))
            elif origin is not None:
                self._like[row] = Likeness(origin, old, int(generation[row]))
            elif self._origin is not None and self._origin.has(old, int(generation[old])):
                self._like[row] = Likeness(self._origin, old, int(generation[row]))

    def text_of(self, row: int) -> str | None:
        """Return the indented text of an object with all below it, as it is saved, without outer comments.

        None where its text is not that of one object in a file: something of it is new, or has moved there.
        """
        tableau, like = self._tableau, dict[int, Likeness]()
        rows = tableau.rearranging.below(row)
        for each in rows.tolist():
            generation, known = int(tableau.generation[each]), self._like.get(each)
            if known is not None and known.generation == generation:
                like[each] = known
            elif self._origin is not None and self._origin.has(each, generation):
                like[each] = Likeness(self._origin, each, generation)
        copies = copies_among(
            rows, tableau, {each: replace(one, with_comments=False) for each, one in like.items()}
        )
        found = copies.get(row)
        if found is None or len(found.rows) != len(rows):
            return None
        before = found.origin.state.tables
        for name, table in tableau.tables.items():
            if (table.owned_by(found.rows) & ~before[name].owned_by(found.old_rows)).any():
                return None
        cut = TextChanges(found.origin, tableau, self._dbs).copied(found)
        return (INDENT if cut.margin is None else "") + cut.lines(INDENT)

    def renew(self, dbs: Sequence[AssetDb], moves: Mapping[int, int]) -> None:
        """Take over databases, and the keys that assets have now, as if they had been in the file."""
        self._dbs = dbs
        origins = [each.origin for each in self._like.values()]
        origins += [self._origin] if self._origin is not None else []
        states = [self.before, *(origin.state for origin in origins)]
        for state in {id(state): state for state in states}.values():
            state.renew(moves)

    def rendered(self) -> Document | None:
        """Return the document of the file with the changes, which are not written; None without a file.

        Raises InputError as `save`.
        """
        found = self._rendered()
        return None if found is None else found[0].with_text(found[1])

    def save(self, restore: bool = False) -> bool:
        """Write the changes; see `Scene.save`."""
        rendered = self._rendered()
        if rendered is None or self._path is None:
            return False
        document, text, has_moved = rendered
        is_gone = not os.path.lexists(self._path) and not is_model(self._path)
        is_changed = text != self._text or is_gone
        if is_changed:
            self._write(self._path, document, text, restore)
        self.before = Snapshot.of(self._tableau, self._root)
        if has_moved or self._has_moved or self._tableau.has_unpositioned:
            update_positions(self._tableau, document.with_text(text), self._root)
        self._has_moved = has_moved
        return is_changed

    def _rendered(self) -> tuple[Document, str, bool] | None:
        """Return the document, its text with the changes, whether lines have moved; None without a file."""
        origin, tableau = self._origin, self._tableau
        if self._path is None or origin is None:
            if len(self.before.added(tableau)):
                message = "no file of the scene has a tableau to save objects in"
                raise InputError(
                    Problem("scene.no_tableau", message, help="add `tableau: { }` to one of them")
                )
            return None
        if self._root != ROOT and tableau.generation_of(self._root) != self._generation:
            return None  # a program has removed the whole tableau; the file is not for it to empty
        document = origin.document
        changes = TextChanges(origin, tableau, self._dbs)
        text, has_moved = changes.changed(), changes.moves_lines
        copies = copies_among(origin.state.added(tableau), tableau, self._like)
        cuts = changes.cuts | {
            row: TextChanges(each.origin, tableau, self._dbs).copied(each) for row, each in copies.items()
        }
        placing = Placing(tableau, origin.state, self._dbs, cuts, copies.values())
        while placing.waiting:
            # In further passes: the first may remove what new objects are inserted after.
            text, has_moved = placing.placed(document.with_text(text)), True
        features = placing.new_features
        if features:
            text, has_moved = placing.with_features(document.with_text(text), features), True
        return document, text, has_moved

    def _write(self, path: Path, document: Document, text: str, restore: bool) -> None:
        if is_model(path):
            model = shlex.quote(display_path(path))
            message = f"{display_path(path)} is a model, which is not changed; the scene was not saved"
            advice = f"make a scene of it and edit that: python -m engine import {model} --out FOLDER"
            raise InputError(Problem("scene.model", message, help=advice))
        if not os.path.lexists(path):
            if not restore:
                message = f"{document.name} is no longer there; nothing was saved"
                hint = "save once more to write it again, with all that it had, or put it back"
                raise InputError(Problem(Code.FILE_MISSING, message, Position(document.name), help=hint))
        elif not self._is_unchanged(path, document):
            message = f"{document.name} was changed on disk since it was read; it was not saved"
            raise InputError(Problem("scene.changed", message, help="load the scene again"))
        elif not os.stat(path).st_mode & 0o222 or not os.access(path, os.W_OK):
            message = f"cannot write {document.name}: it is read-only; nothing was changed"
            raise InputError(Problem("output.write", message, help=f"allow it: chmod u+w {path}"))
        write_atomically(path, text)
        self._text = text

    def _is_unchanged(self, path: Path, document: Document) -> bool:
        """Whether the file still has the text that was read from it, or last written."""
        try:
            content = read_bytes(path, document.name)
            return content == self._text.encode() or document.with_text(content).text == self._text
        except InputError:
            return False  # gone, no file any more, or no Humon
