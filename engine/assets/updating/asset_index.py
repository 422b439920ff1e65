"""What the assets of a database are made of: its files by asset, and its assets by those they refer to."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from engine.assets.cache.cache import Entry
from engine.assets.cook import CookedDb
from engine.assets.files import BUILTIN_PREFIX, FileGate
from engine.assets.recipes import Recipe, recipes_of
from engine.assets.updating.references import references_of
from engine.humon import Kind


class AssetIndex:
    """Finds the recipes that a changed file concerns, and what is made of an asset.

    It is made once for each text of a database: files that come to be included are added (`learn`), and none
    is taken off, those of the index `before` included: a shader that cannot be read does not say what it
    would include.
    """

    def __init__(self, cooked: CookedDb, before: AssetIndex | None = None) -> None:
        self.gate = FileGate(cooked.db.root)
        self.text = cooked.db.path
        self.assets = cooked.db.assets
        """The records of the text: patches name versions of other texts in theirs, with other indices."""
        self.recipes: dict[int, Recipe] = recipes_of(cooked.db)
        self.indices: dict[str, list[int]] = defaultdict(list)
        """The assets that are made by a recipe, by its identity."""
        self._recipes = {recipe.identity: recipe for recipe in self.recipes.values()}
        self._users: dict[Path, set[str]] = defaultdict(set)
        self._dependants: dict[int, list[int]] = defaultdict(list)
        self._parts: dict[int, list[int]] = defaultdict(list)
        for index, recipe in self.recipes.items():
            self.indices[recipe.identity].append(index)
        for identity, recipe in self._recipes.items():
            for path in (recipe.source, *recipe.more):
                self._users[path].add(identity)
        self.learn(cooked.entries.values())
        for path, identities in before._users.items() if before is not None else ():
            if known := identities & self._recipes.keys():
                self._users[path] |= known
        named = {path: _target(path) for path in _named(cooked)}
        self.misread = {
            path: to for path, to in named.items() if to not in self._users and os.path.lexists(path)
        }
        """Names in the text that lead to no source of it: a link came or went after it was read."""
        self._targets: dict[Path, Path | None] = {path: to for path, to in named.items() if to != path}
        self._targets |= dict.fromkeys(self.misread)
        self._targets |= dict.fromkeys(self._absent(cooked))
        self._links: dict[Path, list[Path]] = defaultdict(list)
        """The names that lead through links, by the sources that these lead to."""
        for path, to in self._targets.items():
            if to is not None:
                self._links[to].append(path)
        for index, asset in enumerate(cooked.db.assets):
            for ref in references_of(asset):
                self._dependants[ref.index].append(index)
                self._parts[index].append(ref.index)

    @property
    def files(self) -> Iterator[Path]:
        """The text of the database, and all files that its assets are or were made of."""
        yield self.text
        yield from self._targets
        yield from self._users

    def learn(self, entries: Iterable[Entry]) -> list[Path]:
        """Add the files that results were made of; return those that are new."""
        new: list[Path] = []
        places: dict[str, Path] = {}
        for entry in entries:
            for stamp in entry.sources:
                path = places.get(stamp.path)
                if path is None:
                    path = places[stamp.path] = Path(self.gate.locate(stamp.path))
                if path not in self._users:
                    new.append(path)
                self._users[path].add(entry.identity)
        return new

    def _absent(self, cooked: CookedDb) -> set[Path]:
        """Return where sources would be that the text names and that are not there, if none of it uses them.

        That is a file which is there by a name of other letter case, until it is renamed.
        """
        folder = cooked.db.path.parent
        unused = [name for name in _written(cooked) if _place(folder, name) not in self._users]
        places = set().union(*(self.gate.places(name, folder) for name in unused))
        return {path for path in places if path not in self._users and not os.path.lexists(path)}

    def has_text(self, files: Collection[Path]) -> bool:
        """Whether the file of the text is among these changed ones."""
        return self.text in files

    def leads_elsewhere(self, files: Iterable[Path]) -> bool:
        """Whether one of these changed files is a link of the text that leads elsewhere now.

        Also one to which a link led: if a folder took the place of that, the file may be there as it was.
        """
        return any(
            _target(one) != self._targets.get(one, one)
            for path in files
            if path in self._users or path in self._targets
            for one in (path, *self._links.get(path, ()))
        )

    def concerned(self, files: Iterable[Path]) -> list[Recipe]:
        """Return the recipes that read one of these files."""
        found = {identity for path in files for identity in self._users.get(path, ())}
        return [self._recipes[identity] for identity in sorted(found)]

    def making(self, indices: Collection[int]) -> list[Recipe]:
        """Return the recipes of these assets and of all that they are made of."""
        parts = _reached(indices, self._parts)
        found = {self.recipes[index].identity for index in parts if index in self.recipes}
        return [self._recipes[identity] for identity in sorted(found)]

    def dependants(self, indices: Collection[int]) -> set[int]:
        """Return these assets and all that are made of them."""
        return _reached(indices, self._dependants)


def _reached(starts: Collection[int], edges: Mapping[int, Sequence[int]]) -> set[int]:
    """Return these numbers and all that edges lead to."""
    found = set(starts)
    todo = list(starts)
    while todo:
        for index in edges.get(todo.pop(), ()):
            if index not in found:
                found.add(index)
                todo.append(index)
    return found


def _target(path: Path) -> Path:
    """Return what a path leads to, through links."""
    return Path(os.path.realpath(path))


def _named(cooked: CookedDb) -> set[Path]:
    """Return the sources that a text names, without following links."""
    folder = cooked.db.path.parent
    return {_place(folder, name) for name in _written(cooked)}


def _place(folder: Path, name: str) -> Path:
    return Path(os.path.normpath(folder / name))


def _written(cooked: CookedDb) -> set[str]:
    """Return the names of sources as a text has them, without those of Diorama's own assets."""
    written: set[str] = set()
    for node in cooked.db.document.root["assetDb"]["assets"]:
        for key in ("source", "data"):
            if (value := node.get(key)) is not None and value.kind is Kind.VALUE:
                written.add(value.text)
        if (several := node.get("sources")) is not None and several.kind is Kind.LIST:
            written |= {value.text for value in several if value.kind is Kind.VALUE}
    return {name for name in written if not name.startswith(BUILTIN_PREFIX)}
