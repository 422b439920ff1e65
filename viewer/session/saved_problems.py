"""Which problems of saved files are said: those that stay, as a program may write a file for seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from engine.humon import Problem

REST_S = 1.0
"""How long the problems of a file must stay the same before they are said."""

LONGEST_S = 30.0
"""After so long they are said though they go on changing."""


class SavedProblems:
    """The problems of watched files that were said, and those that wait until their files are at rest.

    What is listed is always what is wrong now; what is printed stays in the terminal. So a file that is
    written slowly says nothing of its unfinished states, or only of those in which it rests.
    """

    def __init__(self, known: Collection[Problem]) -> None:
        """`known` are problems that were said already."""
        self._said = _by_file(known)
        self._current = _by_file(known)
        self._changed: dict[str, tuple[float, float]] = {}
        """When the problems of a file changed first since they were said, and last."""
        self._before: set[tuple[str, str, str]] = set()
        """The identities of problems that were said and are gone, of files that are not mended."""

    def take(self, problems: Collection[Problem], now: float) -> tuple[list[Problem], int]:
        """Return which of the problems there are now are to be said, each once, and how many are others.

        `now` is in seconds. A problem that was said and is at another line now is the same one. One that was
        said before, and of which the file was not mended since, is none of the others.
        """
        found = _by_file(problems)
        for file in {*found, *self._current}:
            if found.get(file) != self._current.get(file):
                self._changed[file] = self._changed.get(file, (now, now))[0], now
        self._current = found
        new: list[Problem] = []
        known = self._before | {problem.identity for of in self._said.values() for problem in of}
        for file, (first, last) in list(self._changed.items()):
            if now - last < REST_S and now - first < LONGEST_S:
                continue
            del self._changed[file]
            there = found.get(file, ())
            said = Counter(problem.identity for problem in self._said.pop(file, ()))
            for problem in there:
                if said[problem.identity]:
                    said[problem.identity] -= 1
                else:
                    new.append(problem)
            self._before |= {identity for identity, count in said.items() if count}
            self._said[file] = there
            if not there:
                self._before = {each for each in self._before if each[1] != file}
        return new, sum(problem.identity not in known for problem in new)


def _by_file(problems: Collection[Problem]) -> dict[str, tuple[Problem, ...]]:
    """Return problems by the files they are in."""
    found: dict[str, tuple[Problem, ...]] = {}
    for problem in problems:
        found[_file(problem)] = (*found.get(_file(problem), ()), problem)
    return found


def _file(problem: Problem) -> str:
    return problem.position.file if problem.position is not None else ""
