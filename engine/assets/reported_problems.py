"""What is wrong with assets that frames draw with, for as long as these are the newest of theirs."""

from __future__ import annotations

from typing import Protocol

from engine.assets.library import AssetLibrary
from engine.assets.records import AssetRef
from engine.humon import Problem


class Report(Protocol):
    """Takes a problem of assets together: once one of them has another version, it is none any more."""

    def __call__(self, problem: Problem, *assets: AssetRef) -> object:
        """Take a problem."""


class ReportedProblems:
    """Problems of assets, each once, in the order in which they were found."""

    def __init__(self, library: AssetLibrary) -> None:
        self._library = library
        self._found: dict[Problem, dict[tuple[AssetRef, ...], None]] = {}
        self._known: tuple[tuple[int, int], list[Problem]] = (-1, 0), []
        self._count = 0

    def add(self, problem: Problem, *assets: AssetRef) -> None:
        """Note a problem of these assets together."""
        self._found.setdefault(problem, {})[assets] = None
        self._count += 1

    @property
    def problems(self) -> list[Problem]:
        """Those of assets that are the newest of theirs."""
        now = self._library.version, self._count
        if self._known[0] != now:
            self._known = now, [each for each, of in self._found.items() if any(map(self._is_newest, of))]
        return self._known[1]

    def _is_newest(self, assets: tuple[AssetRef, ...]) -> bool:
        return all(map(self._library.is_newest, assets))
