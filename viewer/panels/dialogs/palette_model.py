"""What the command palette offers for a text: commands, or objects after an `@`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.tableau import Tableau
from viewer.session.commands import Command
from viewer.session.links import ObjectLink
from viewer.session.session import Session

OBJECTS = "@"
MAX_ENTRIES = 200
"""More objects that match are counted, not offered."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that the palette offers: what it is called, beside it where it belongs, and doing it."""

    text: str
    detail: str
    keys: str
    run: Callable[[], object]


class ObjectNames:
    """The names of all objects, in lower case, found again only when the tree has changed."""

    def __init__(self, tableau: Tableau) -> None:
        self._tableau = tableau
        self._version: int | None = None
        self.rows: NDArray[np.int32] = np.zeros(0, np.int32)
        self._names: NDArray[np.str_] = np.zeros(0, np.str_)

    def matching(self, text: str) -> NDArray[np.int32]:
        """Return the objects whose names hold all words of a text: those that begin with it come first."""
        tableau = self._tableau
        if self._version != tableau.tree_version:
            self._version = tableau.tree_version
            self.rows = np.asarray(tableau.rows(), np.int32)
            self._names = np.array([tableau.name_of(row).lower() for row in self.rows.tolist()], np.str_)
        if not len(self.rows):
            return self.rows
        wanted = text.lower().split()
        found = np.ones(len(self.rows), np.bool_)
        for word in wanted:
            found &= np.char.find(self._names, word) >= 0
        at = np.flatnonzero(found)
        if wanted:
            starts = np.char.startswith(self._names[at], wanted[0])
            at = at[np.argsort(~starts, kind="stable")]
        return self.rows[at]


class PaletteModel:
    """The entries for a text, made again only when the text is another."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._names = ObjectNames(session.runtime.tableau)
        self._recent: list[tuple[str, str]] = []
        self.entries: list[Entry] = []
        self.total = 0

    def search(self, text: str) -> None:
        """Find the entries for a text."""
        text = text.strip()
        if text.startswith(OBJECTS):
            rows = self._names.matching(text[len(OBJECTS) :])
            self.total = len(rows)
            self.entries = [self._object(row) for row in rows[:MAX_ENTRIES].tolist()]
            return
        commands = self._session.commands.matching(text)
        if not text:
            commands.sort(key=lambda command: self._age((command.menu, command.title)))
        self.total = len(commands)
        self.entries = [self._command(command) for command in commands]

    def _age(self, name: tuple[str, str]) -> int:
        """How long ago a command was run from here: those that were come first."""
        return self._recent.index(name) if name in self._recent else len(self._recent)

    def _command(self, command: Command) -> Entry:
        name = (command.menu, command.title)

        def run() -> None:
            self._recent = [name, *(each for each in self._recent if each != name)][:10]
            command.run()

        return Entry(command.title, command.menu, command.keys[0] if command.keys else "", run)

    def _object(self, row: int) -> Entry:
        tableau = self._session.runtime.tableau
        path = tableau.path(row)
        features = [name for name, table in tableau.tables.items() if table.row_of(row) is not None]
        above = path.rpartition("/")[0]
        detail = f"in {above}, {', '.join(features)}" if above else ", ".join(features)
        handle = tableau.handle(row)

        def run() -> None:
            if handle.alive:
                self._session.links.follow(ObjectLink(handle.row))

        return Entry(tableau.name_of(row), detail, "", run)
