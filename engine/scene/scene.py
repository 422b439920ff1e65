"""A scene: its files, its databases and its tableau."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.assets import AssetDb, AssetLibrary, AssetRef, find_asset, sources_of
from engine.feature import Feature, Registry
from engine.files.signatures import Probed
from engine.humon import Position, Problem, ProblemCollector, parse
from engine.scene.build import TableauBuilder
from engine.scene.files import SceneFile
from engine.scene.origin import Origin
from engine.scene.save import Saver
from engine.scene.settings import apply_setting
from engine.scene.snapshot import Snapshot
from engine.scene.text_positions import located
from engine.scene.values import AssetNames
from engine.tableau import ROOT, Tableau

Rows = NDArray[np.int32]
NOBODY: Mapping[str, Sequence[Feature]] = {}


def without(dbs: Sequence[AssetDb], ids: Collection[int]) -> tuple[AssetDb, ...]:
    """Return databases without those of these ids, but with the first one of each name."""
    first: dict[str, int] = {}
    for db in dbs:
        first.setdefault(db.name, db.id)
    return tuple(db for db in dbs if db.id not in ids or db.id == first[db.name])


def is_in_scene(feature: Feature, tableau: Tableau) -> bool:
    """Whether an object has a feature, switched on or off, or every frame has it."""
    table = tableau.tables.get(feature.type_name)
    return feature.in_every_frame or (table is not None and bool((table.object >= 0).any()))


class ScenePart:
    """One scene file with its includes: its databases by the names in it, and the root of its objects.

    `root` is the row of the object that all of its objects are below, ROOT where they are at the top; `home`
    the file with the tableau, if one has it. `opened` is the path by which the first file is opened, maybe a
    link. `left_out` are the problems of what of its text is not used, `probed` see `FileReader`.
    """

    def __init__(
        self,
        files: tuple[SceneFile, ...],
        dbs: tuple[AssetDb, ...],
        tableau: Tableau,
        home: SceneFile | None,
        root: int = ROOT,
    ) -> None:
        self.files = files
        self.dbs = dbs
        self.root = root
        self.home = home
        self.opened = files[0].path
        self.left_out: tuple[Problem, ...] = ()
        self.probed: Probed = {}
        self.saver = Saver(home, tableau, dbs, root)

    def take(self, fresh: ScenePart, state: Snapshot) -> None:
        """Take over files that were read again; `state` is what they hold, by rows of the tableau."""
        self.files, self.home = fresh.files, fresh.home
        self.left_out, self.probed = fresh.left_out, fresh.probed
        self.saver.take(fresh.home, state)

    def renew(self, dbs: Sequence[AssetDb], moves: Mapping[int, int]) -> None:
        """Take over new versions of its databases, and the keys that assets have now: no change to save."""
        own = {db.name for db in self.dbs}
        self.dbs = (*self.dbs, *(db for db in dbs if db.name in own))
        self.saver.renew(self.dbs, moves)

    def forget(self, ids: Collection[int]) -> None:
        """Forget versions of databases, by their ids, that no asset is of any more; never the first ones."""
        self.dbs = without(self.dbs, ids)
        self.saver.renew(self.dbs, {})


class Scene:
    """Loaded scene files and their includes; mostly one file.

    `path` is the first file that was opened. `parts` has each of them; those that cannot be read are left
    out, and `rejected` has their problems. `dbs` have ids from 1 in this order. `warnings` are problems that
    did not prevent loading, those of `left_out` among them.
    """

    def __init__(
        self,
        parts: Sequence[ScenePart],
        dbs: Sequence[AssetDb],
        tableau: Tableau,
        registry: Registry,
        warnings: Sequence[Problem],
        rejected: Sequence[Problem] = (),
        users_of: Mapping[str, Sequence[Feature]] = NOBODY,
        sky: Path | None = None,
    ) -> None:
        """`users_of` are the features that bring a database along, by its name.

        `sky` is the picture of light that was chosen for its models.
        """
        self.path = parts[0].files[0].path
        self.parts = tuple(parts)
        self.dbs = tuple(dbs)
        self.tableau = tableau
        self.registry = registry
        self.warnings = list(warnings)
        self.rejected = tuple(rejected)
        self.sky = sky
        self._users_of = users_of
        self.unread: frozenset[str] = frozenset()
        """The names of databases whose texts cannot be read as they are now; earlier ones are drawn."""
        self.unused: frozenset[str] = frozenset()
        """The names of databases that its texts include no more; what names them is wrong there."""
        tableau.locate = self._locate
        self._kept: Callable[[AssetRef], AssetRef] = lambda ref: ref

    def inputs(self) -> Iterator[Path]:
        """Yield the files that the scene is made of: texts, databases, their caches, sources of assets.

        What a source names in turn, such as the buffers of a .gltf, is in `AssetLibrary.sources`.
        """
        for part in self.parts:
            yield from (file.path for file in part.files)
        for db in self.dbs:
            yield from (db.path, db.cache_file)
            yield from dict.fromkeys(source for asset in db.assets for source in sources_of(asset))

    @property
    def left_out(self) -> tuple[Problem, ...]:
        """The problems of what of the texts is not used."""
        return tuple(problem for part in self.parts for problem in part.left_out)

    def _locate(self, place: Position, field: str) -> tuple[Position, str]:
        """Return where a field of the feature at a place is in the texts, and its line with a caret."""
        documents = (file.document for part in self.parts for file in part.files)
        document = next((one for one in documents if one.name == place.file), None)
        if document is None or not place.line:
            return place, ""
        return located(document, place, field)

    def asset_problems(self, library: AssetLibrary) -> list[Problem]:
        """Return the problems of assets; of those that features bring along where the scene uses them.

        Without those of databases that are not included any more, and without what a text was refused for
        that is another one now, which cannot be read.
        """
        used = {one.db.name: one.db for one in library.current if one.db.name not in self.unused}
        for name, features in self._users_of.items():
            if name in used and not self._uses(used[name], features):
                del used[name]
        gone = [problem for name in self.unread & used.keys() for problem in library.refused_in_text(name)]
        return [problem for problem in library.problems_of(used) if problem not in gone]

    def _uses(self, db: AssetDb, features: Sequence[Feature]) -> bool:
        """Whether the scene has one of the features that bring a database along, or names an asset of it."""
        if any(is_in_scene(feature, self.tableau) for feature in features):
            return True
        return any(
            bool((table.column(spec.name)[table.object >= 0] >> 32 == db.id).any())
            for table in self.tableau.tables.values()
            for spec in table.schema.asset_fields
        )

    def part_of(self, row: int) -> ScenePart:
        """Return the part that an object, given by its row, belongs to; the first for one of a program."""
        by_root = {part.root: part for part in self.parts}
        while row != ROOT and row not in by_root:
            row = self.tableau.parent_of(row)
        return by_root.get(row, self.parts[0])

    def note_copies(self, rows: Rows, copies: Rows, origin: Origin | None = None) -> None:
        """Note that new objects are to be written like others, where both are of one file.

        `rows` are objects of the scene, or of an `origin`, whose text then names assets as the file of the
        copies does.
        """
        parts = [self.part_of(row) for row in copies.tolist()]
        for part in {id(part): part for part in parts}.values():
            here = np.array([one is part for one in parts], np.bool_)
            if origin is None:
                here &= np.array([self.part_of(row) is part for row in rows.tolist()], np.bool_)
            part.saver.note_copies(origin, rows[here], copies[here])

    def read_objects(self, text: str, parent: int, name: str) -> tuple[Origin, Tableau]:
        """Return a tableau with the objects of a text, `objects: { ... }`, to be copied, and their origin.

        Assets are looked up by the names in the file that `parent` belongs to; `name` is shown in positions.
        Raises InputError as loading does.
        """
        document = parse(text, name)
        made = Tableau(table.schema for table in self.tableau.tables.values())
        part = self.part_of(parent) if parent != ROOT else self.parts[0]
        assets, problems = AssetNames(part.dbs), ProblemCollector()
        for table in made.tables.values():
            for spec in table.schema.asset_fields:
                table.set_default_asset(spec.name, assets.default(spec))
        TableauBuilder(document, made, assets, problems, ROOT, self.registry.lost).build(document.root)
        problems.check()
        made.set_positions(made.rows(), (-1, 0, 0))
        return Origin(document, document.root, Snapshot.of(made)), made

    def asset(self, db: str, asset: str | int, types: Sequence[str] = ()) -> AssetRef:
        """Return an asset by its name or index in a database. Raises KeyError with a message for users."""
        return self._kept(find_asset(self.dbs, db, asset, types))

    def renew(
        self, dbs: Sequence[AssetDb], moves: Mapping[int, int], kept: Callable[[AssetRef], AssetRef]
    ) -> None:
        """Take over new versions of databases. `moves` are the keys of changed assets, before and now.

        `kept` returns the reference of an asset that is as before.
        """
        self.dbs = (*self.dbs, *dbs)
        self._kept = kept
        for part in self.parts:
            part.renew(dbs, moves)

    def forget(self, ids: Collection[int]) -> None:
        """Forget versions of databases, by their ids, that no asset is of any more; never the first ones."""
        self.dbs = without(self.dbs, ids)
        for part in self.parts:
            part.forget(ids)

    def apply_setting(self, setting: str) -> None:
        """Change a value as `--set` does, `PATH.FEATURE.FIELD=VALUE`, see `engine.scene.settings`."""
        apply_setting(self, setting)

    def save(self, restore: bool = False) -> bool:
        """Write the changes since loading to the files of the tableaux; return whether there were any.

        Only changed values are written: comments, order and spacing stay. The file is replaced atomically.
        Raises InputError `scene.changed` if the file was changed on disk since it was read, `file.missing` if
        it is gone, unless with `restore`, `output.write` if
        it cannot be written, `scene.no_tableau` if no file has a tableau, or for an object that belongs to
        none of several.
        """
        problems = ProblemCollector()
        saved = [problems.attempt(partial(part.saver.save, restore), False) for part in self.parts]
        roots = {part.root for part in self.parts}
        if ROOT not in roots and any(child.row not in roots for child in self.tableau.children()):
            message = "an object at the top belongs to none of the scene files, so it was not saved"
            problems.add(Problem("scene.no_tableau", message, help="add it below one of their objects"))
        problems.check()
        return any(saved)
