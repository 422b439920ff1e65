"""What a field can name: objects by their paths, and numbers of fields by PATH.FEATURE.FIELD."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.tableau import ROOT, Tableau, Unbound, find_object
from engine.tableau.bindings import NUMBERS
from engine.tableau.schema import Names
from viewer.panels.outliner.name_search import NameSearch

Ints = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """What can be named, in the order of objects.

    Attributes
    ----------
    objects : int32[n]
        Rows of the tableau.
    suffixes : tuple of str
        What stands behind paths: `.FEATURE.FIELD`, or nothing.
    suffix_of : int32[n]
        The suffix of each.
    """

    objects: Ints
    suffixes: tuple[str, ...]
    suffix_of: Ints

    def __len__(self) -> int:
        return len(self.objects)


class PathChoices:
    """Finds what fields of a tableau can name; names are read again only after the tree has changed."""

    def __init__(self, tableau: Tableau) -> None:
        self._tableau = tableau
        self._tree: tuple[int, Ints, list[str], NameSearch] | None = None
        self._last: tuple[tuple[object, ...], Choices] | None = None

    def matching(self, names: Names, search: str, root: int = ROOT) -> Choices:
        """Return what a field can name whose words are all in it, below one object or anywhere."""
        about = names, search, root, self._tableau.structure_version, self._tableau.tree_version
        if self._last is None or self._last[0] != about:
            self._last = about, self._find(names, search.split(), root)
        return self._last[1]

    def text(self, choices: Choices, number: int, of: int, root: int = ROOT) -> str:
        """Return what to write on the object with row `of` for a choice: the shortest that names it.

        Below a `root`, where a file is among others, that is the path in the file.
        """
        row, suffix = int(choices.objects[number]), choices.suffixes[int(choices.suffix_of[number])]
        path: str = self._tableau.path(row)
        if root != ROOT:
            short = path.removeprefix(f"{self._tableau.path(root)}/")
            if find_row(self._tableau, short, of) == row:
                path = short
        return path + suffix

    def fault(self, names: Names, text: str, of: int) -> str:
        """Return why a text on the object with row `of` names nothing; empty where it does, or is empty."""
        try:
            if text and names is Names.NUMBER:
                self._tableau.bindings.find(text, of)
            elif text:
                find_object(self._tableau, text, of)
        except Unbound as why:
            return f"{why.message}: {why.advice}"
        return ""

    def named(self, names: Names, text: str, of: int) -> int | None:
        """Return the row of the object that a text names, alone or by a number of it."""
        return find_row(self._tableau, text.rsplit(".", 2)[0] if names is Names.NUMBER else text, of)

    def _find(self, names: Names, words: list[str], root: int) -> Choices:
        rows, paths, search = self._names()
        prefix = f"{self._tableau.path(root)}/" if root != ROOT else ""
        is_below = np.array([path.startswith(prefix) for path in paths], np.bool_)
        has_word = [search.matching(word) for word in words]
        if names is Names.OBJECT:
            found = rows[np.logical_and.reduce([is_below, *has_word])]
            return Choices(found, ("",), np.zeros(len(found), np.int32))
        place = np.full(len(self._tableau.parent), -1, np.int64)
        place[rows] = np.arange(len(rows))
        suffixes: list[str] = []
        parts = [np.zeros((2, 0), np.int32)]
        for name, table in self._tableau.tables.items():
            at = place[table.object[table.object >= 0]]
            at = np.sort(at[at >= 0])
            at = at[is_below[at]]
            for spec in table.schema.fields if len(at) else ():
                if spec.kind not in NUMBERS:
                    continue
                suffix = f".{name}.{spec.name}"
                kept = at
                for word, has in zip(words, has_word, strict=True):
                    if word.casefold() not in suffix.casefold():
                        kept = kept[has[kept]]
                parts.append(np.stack((kept, np.full(len(kept), len(suffixes)))).astype(np.int32))
                suffixes.append(suffix)
        at, of = np.concatenate(parts, axis=1)
        order = np.lexsort((of, at))
        return Choices(rows[at[order]], tuple(suffixes), of[order])

    def _names(self) -> tuple[Ints, list[str], NameSearch]:
        """Return all objects in the order of their paths, the paths, and a search in them."""
        version = self._tableau.tree_version
        if self._tree is None or self._tree[0] != version:
            pairs = sorted(
                (self._tableau.path(row), row) for row in np.asarray(self._tableau.rows()).tolist()
            )
            paths = [path for path, _ in pairs]
            self._tree = version, np.array([row for _, row in pairs], np.int32), paths, NameSearch(paths)
        return self._tree[1:]


def find_row(tableau: Tableau, path: str, of: int) -> int | None:
    """Return the row of the object that a path on the object with row `of` names; None for none."""
    try:
        return find_object(tableau, path, of).row
    except Unbound:
        return None
