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
    """What a scene file and all that it includes say.

    `path` is the file that was opened, `root` the folder that nothing may be read outside of. `dbs` have ids
    from 1 in this order. `warnings` are problems that did not keep the scene from loading.
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
        """The asset of that name or index in a database. Raises KeyError, worded for people."""
        return find_asset(self.dbs, db, asset, types)

    def apply_setting(self, setting: str) -> None:
        """Change a value as `--set` does: `PATH.FEATURE.FIELD=VALUE`, see `engine.scene.settings`."""
        apply_setting(self, setting)

    def save(self) -> bool:
        """Write what has changed since loading back into the file of the tableau; says whether anything had.

        Only the values that changed are written anew: comments, order and spacing stay. The file is replaced
        as a whole or not at all. Raises InputError `scene.changed` where somebody else has changed the file
        since it was read, `file.unwritable` where it cannot be written.
        """
        return self._saver.save()
