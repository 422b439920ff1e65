"""A scene: its files, its databases and its tableau."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.assets import AssetDb, AssetRef, find_asset
from engine.feature import Registry
from engine.humon import Problem
from engine.scene.files import SceneFile
from engine.scene.save import Saver
from engine.scene.settings import apply_setting
from engine.tableau import Tableau


class Scene:
    """A loaded scene file and its includes.

    `path` is the file that was opened, `root` the folder that all files must be in. `dbs` have ids from 1 in
    this order. `warnings` are problems that did not prevent loading.
    """

    def __init__(
        self,
        files: Sequence[SceneFile],
        root: Path,
        dbs: Sequence[AssetDb],
        tableau: Tableau,
        registry: Registry,
        warnings: Sequence[Problem],
        home: SceneFile | None,
    ) -> None:
        self.path = files[0].path
        self.files = tuple(files)
        self.root = root
        self.dbs = tuple(dbs)
        self.tableau = tableau
        self.registry = registry
        self.warnings = list(warnings)
        self._saver = Saver(home, tableau, self.dbs)

    def asset(self, db: str, asset: str | int, types: Sequence[str] = ()) -> AssetRef:
        """Return an asset by its name or index in a database. Raises KeyError with a message for users."""
        return find_asset(self.dbs, db, asset, types)

    def apply_setting(self, setting: str) -> None:
        """Change a value as `--set` does, `PATH.FEATURE.FIELD=VALUE`, see `engine.scene.settings`."""
        apply_setting(self, setting)

    def save(self) -> bool:
        """Write the changes since loading to the file of the tableau; return whether there were any.

        Only changed values are written: comments, order and spacing stay. The file is replaced atomically.
        Raises InputError `scene.changed` if the file was changed on disk since it was read, `output.write` if
        it cannot be written, `scene.no_tableau` if no file has a tableau.
        """
        return self._saver.save()
