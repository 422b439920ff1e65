"""Saves a scene: differences from the file as it was read become edits of its text."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.assets import AssetDb
from engine.assets.importers.models.model_files import is_model
from engine.humon import Document, InputError, Problem
from engine.humon.files import read_bytes
from engine.humon.saving import write_atomically
from engine.scene.files import SceneFile
from engine.scene.placing import Placing
from engine.scene.snapshot import Snapshot
from engine.scene.text_changes import TextChanges
from engine.scene.text_positions import update_positions
from engine.tableau import ROOT, Tableau


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
        rendered = self._rendered()
        if rendered is None or self._path is None:
            return False
        document, text, moved = rendered
        if text != document.text:
            self._write(self._path, document, text)
        self.before = Snapshot.of(self._tableau, self._root)
        if moved or self._tableau.has_unpositioned:
            self._document = self._current_document(document)
            update_positions(self._tableau, self._document, self._root)
        return text != document.text

    def _rendered(self) -> tuple[Document, str, bool] | None:
        """Return the document, its text with the changes, whether lines have moved; None without a file."""
        if self._path is None or self._document is None:
            if len(self.before.added(self._tableau)):
                message = "no file of the scene has a tableau to save objects in"
                raise InputError(
                    Problem("scene.no_tableau", message, help="add `tableau: { }` to one of them")
                )
            return None
        if self._root != ROOT and self._tableau.generation_of(self._root) != self._generation:
            return None  # a program has removed the whole tableau; the file is not for it to empty
        document = self._document = self._current_document(self._document)
        changes = TextChanges(document, self._tableau, self.before, self._dbs)
        text, moved = changes.changed(), changes.moves_lines
        placing = Placing(self._tableau, self.before, self._dbs, changes.cuts)
        while placing.waiting:
            # In further passes: the first may remove what new objects are inserted after.
            text = placing.placed(document.with_text(text))
            moved = True
        features = placing.new_features
        if features:
            text, moved = placing.with_features(document.with_text(text), features), True
        return document, text, moved

    def _current_document(self, document: Document) -> Document:
        """Return the document of the last written text, which is parsed only now to keep saving short."""
        text, self._written = self._written, None
        return document if text is None else document.with_text(text)

    def _write(self, path: Path, document: Document, text: str) -> None:
        if is_model(path):
            message = f"{document.name} is a model, which is not changed; the scene was not saved"
            advice = f"make a scene of it and open that: python -m engine import {document.name} --out FOLDER"
            raise InputError(Problem("scene.model", message, help=advice))
        if not _is_unchanged(path, document):
            message = f"{document.name} was changed on disk since it was read; it was not saved"
            raise InputError(Problem("scene.changed", message, help="load the scene again"))
        if not os.stat(path).st_mode & 0o222 or not os.access(path, os.W_OK):
            message = f"cannot write {document.name}: it is read-only; nothing was changed"
            raise InputError(Problem("output.write", message, help=f"allow it: chmod u+w {path}"))
        write_atomically(path, text)
        self._written = text


def _is_unchanged(path: Path, document: Document) -> bool:
    """Whether a file still has the text that was read from it."""
    try:
        content = read_bytes(path, document.name)
        return content == document.text.encode() or document.with_text(content).text == document.text
    except InputError:
        return False  # gone, no file any more, or no Humon
