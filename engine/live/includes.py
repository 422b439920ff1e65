"""Which databases the texts of a scene include no more, as those were read last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from engine.assets.cook import CookedDb
from engine.scene import Scene


class Includes:
    """The texts that each file of a scene leads to, and the databases that none of them has any more.

    What cannot be read is still included. A database that is included no more is not read again, and its
    problems are none of the scene; objects whose text still names its assets are drawn as they were.
    """

    def __init__(self, scene: Scene) -> None:
        self.unused: frozenset[str] = frozenset()
        """The names of the databases that are included no more."""
        self._named = _named(scene)
        self._ever = self._included(scene)
        """The names of all that were included; others are brought along by features."""

    def update(self, scene: Scene, opened: Sequence[Path], current: Iterable[CookedDb]) -> frozenset[str]:
        """Take over a scene that was read again from the files that are `opened`.

        Returns the names of the databases that it includes again, of those that are `current`.
        """
        self._named |= _named(scene)
        self._named = {path: texts for path, texts in self._named.items() if path in opened}
        self._ever |= self._included(scene)
        named = self._texts
        read = {db.path for db in scene.dbs}  # each by another name, if its own is none of the scene
        read |= {
            file.path for part in scene.parts for file in part.files if "assetDb" not in file.document.root
        }
        names = {db.name for db in scene.dbs}
        others = (one.db for one in current if one.db.name in self._ever - names)
        before = self.unused
        self.unused = frozenset(db.name for db in others if db.path not in named or db.path in read)
        return before - self.unused

    @property
    def _texts(self) -> set[Path]:
        return set[Path]().union(*self._named.values())

    def _included(self, scene: Scene) -> set[str]:
        """Return the names of the databases of a scene that are in texts of it."""
        texts = self._texts
        return {db.name for db in scene.dbs if db.path in texts}


def _named(scene: Scene) -> dict[Path, set[Path]]:
    """Return the texts that each file leads to, whether or not they can be read."""
    return {part.opened: {file.path for file in part.files} | part.probed.keys() for part in scene.parts}
