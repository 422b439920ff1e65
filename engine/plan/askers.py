"""Who asks: a feature on an object, with the line of the `.hu` file that says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Place(Protocol):
    """A position in a file, such as engine.humon's Position."""

    @property
    def file(self) -> str:
        """Name of the file."""

    @property
    def line(self) -> int:
        """Line, from 1."""

    @property
    def column(self) -> int:
        """Column, from 1."""


@dataclass(frozen=True, slots=True, order=True)
class Asker:
    """A feature type (or a part of the engine) and the path of the object that carries it.

    `file` is empty where no line of a file says it; lines and columns count from 1.
    """

    feature: str
    object_path: str
    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        where = f" at {self.file}:{self.line}:{self.column}" if self.file else ""
        what = f"{self.feature} on '{self.object_path}'" if self.object_path else self.feature
        return what + where


class AskerTable:
    """Interns askers: equal ones have one id."""

    def __init__(self) -> None:
        self.entries: list[Asker] = []
        self._ids: dict[Asker, int] = {}

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> Asker:
        return self.entries[index]

    def add(self, feature: str, object_path: str = "", position: Place | None = None) -> int:
        """The id of this asker, the same one every time."""
        if position is None:
            asker = Asker(feature, object_path)
        else:
            asker = Asker(feature, object_path, position.file, position.line, position.column)
        found = self._ids.get(asker)
        if found is None:
            found = self._ids[asker] = len(self.entries)
            self.entries.append(asker)
        return found
