"""Loads scenes: files, databases, tableaux; the problems of all of them are reported together."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from engine.assets import AssetDb, read_asset_db, read_asset_db_file
from engine.assets.codes import AssetCode
from engine.feature import Feature, Registry, discover
from engine.feature.own_shaders import shader_databases
from engine.files.signatures import Probed
from engine.humon import (
    InputError,
    Kind,
    Position,
    Problem,
    ProblemCollector,
    Severity,
    expect,
)
from engine.humon.collector import collector_paused
from engine.scene.build import TableauBuilder
from engine.scene.files import NO_MODELS, FileReader, SceneFile
from engine.scene.models import ModelFile
from engine.scene.scene import Scene, ScenePart, is_in_scene
from engine.scene.text_positions import offset_at
from engine.scene.values import LOST, AssetNames
from engine.tableau import NO_ASSET, ROOT, Tableau
from engine.tableau.gaps import Gaps
from engine.tableau.names import fold, invalid_name_reason

MAX_PROBLEMS = 100
"""Problems that are reported of one file and its includes; of the others only the number."""


def load_scene(
    path: str | os.PathLike[str],
    registry: Registry | None = None,
    *,
    tolerated: Collection[Problem] | None = None,
    earlier: Sequence[AssetDb] = (),
    probed: Probed | None = None,
    sky: Path | None = None,
    models: Mapping[Path, ModelFile] = NO_MODELS,
) -> Scene:
    """Load a scene file and its includes; `sky` is a picture of light that is the sky of a model.

    `registry` has the known features (None: all that are installed). What is wrong in the text, files and
    includes (`file.*`, `include.*`, `scene.*`), databases (`asset.*`), objects and features (`object.*`,
    `feature.*`, `field.*`, `value.*`) is left out, see docs/errors.md and `Scene.left_out`. `probed` gets
    all files that the scene was looked for in beside the first one, whether or not it can be loaded.

    Databases whose text is as it was for one of `earlier` are not read again. What is wrong in a model file
    is as in its earlier version, if `models` has one, by the path that it is opened by.

    Raises InputError with every problem where the file itself cannot be read (`file.*`, `humon.*`), says
    nothing, or has an error that is none of `tolerated`; with None, all are.
    """
    with collector_paused():
        known = discover() if registry is None else registry
        loader = _Loader(known, tolerated, earlier, probed, sky, models)
        loader.add(Path(path), "")
        return loader.scene()


def load_scenes(
    paths: Sequence[str | os.PathLike[str]],
    registry: Registry | None = None,
    *,
    tolerated: Collection[Problem] | None = None,
    earlier: Sequence[AssetDb] = (),
    probed: Probed | None = None,
    sky: Path | None = None,
    models: Mapping[Path, ModelFile] = NO_MODELS,
) -> Scene:
    """Load several scene files, with their includes, into one scene; each is loaded as `load_scene` does.

    The objects of each are below an object that is named after its file (with a number from 2 where that name
    is taken) and has the flags of its tableau. A database that several include is there once, and so is a
    tableau (`scene.twice`). A file for which `load_scene` would raise is left out, and its problems are in
    `rejected`. Raises InputError if no file is left.
    """
    if len(paths) == 1:
        return load_scene(
            paths[0],
            registry,
            tolerated=tolerated,
            earlier=earlier,
            probed=probed,
            sky=sky,
            models=models,
        )
    with collector_paused():
        known = discover() if registry is None else registry
        loader = _Loader(known, tolerated, earlier, probed, sky, models)
        for path in paths:
            try:
                loader.add(Path(path), Path(path).stem)
            except InputError as error:
                loader.rejected += error.problems
        return loader.scene()


class _Loader:
    """Loads scene files into one tableau."""

    def __init__(
        self,
        registry: Registry,
        tolerated: Collection[Problem] | None,
        earlier: Sequence[AssetDb],
        probed: Probed | None,
        sky: Path | None,
        models: Mapping[Path, ModelFile],
    ) -> None:
        self._sky, self._models = sky, models
        self.rejected: list[Problem] = []
        self._probed = {} if probed is None else probed
        self._registry = registry
        self._tolerated = tolerated
        self._earlier = {db.path: db for db in reversed(earlier)}  # the first of each, as in the text
        self._tableau = Tableau(registry.schemas)
        self._parts: list[ScenePart] = []
        self._dbs: list[AssetDb] = []  # each with a name of its own
        self._warnings: list[Problem] = []

    def add(self, path: Path, name: str) -> None:
        """Load a file, below an object of this name, or of one like it; without a name, at the top.

        Raises InputError, and adds nothing then.
        """
        problems, probed = ProblemCollector(), Probed()
        reader = FileReader(path, problems, probed, self._sky, self._models)
        try:
            files = reader.read_all()
        except InputError as error:
            raise InputError(_limited(error.problems)) from None
        finally:
            self._probed |= probed
        twice = self._twice(path, files)
        if twice is not None:
            self._warnings.append(twice)
            return
        dbs, are_all = self._read_dbs(files, reader, problems)
        tableau = self._tableau
        names = AssetNames(dbs, are_all)
        for table in tableau.tables.values():
            for spec in table.schema.asset_fields:
                default = names.default(spec)
                table.set_default_asset(spec.name, NO_ASSET if default == LOST else default)
        known = len(problems.problems)
        home = _tableau_file(files, problems)
        is_whole = reader.is_whole and len(problems.problems) == known
        place = Position(files[0].document.name, 1, 1)
        node = None
        if home is not None:
            node = home.document.root["tableau"]
            place = node.key_position
        root = self._root(name, place) if name else ROOT
        gaps = Gaps()
        if home is not None and node is not None:
            lost = self._registry.lost
            gaps = TableauBuilder(home.document, tableau, names, problems, root, lost).build(node)
        try:
            left_out = problems.tolerate(self._tolerated)
        except InputError as error:
            if root != ROOT:
                tableau.remove(tableau.handle(root))
            raise InputError(_limited(error.problems)) from None
        tableau.place = tableau.place or place
        tableau.gaps[root] = replace(gaps, has_any=gaps.has_any or not is_whole)
        tableau.update_world()  # finds what leaves the range
        tableau.warnings[:] = [_with_excerpt(problem, files) for problem in tableau.warnings]
        self._dbs += [self._named(db, tableau.path(root)) for db in dbs if db.id > len(self._dbs)]
        part = ScenePart(tuple(files), dbs, tableau, home, root)
        part.opened = Path(os.path.abspath(path))
        part.left_out, part.probed = left_out, probed
        self._parts.append(part)
        self._warnings += _limited(problems.problems)

    def _twice(self, path: Path, files: Sequence[SceneFile]) -> Problem | None:
        """Return the problem where the tableau of a scene's files is that of another one; else None."""
        home = next((file for file in files if "tableau" in file.document.root), None)
        if home is None:
            return None
        own = os.path.realpath(home.path)
        for part in self._parts:
            if part.home is not None and os.path.realpath(part.home.path) == own:
                return Problem(
                    "scene.twice",
                    f"the tableau of {path} is shown already, as that of {part.opened}",
                    home.document.root["tableau"].key_position,
                    help="give each scene once; a second one in the same place shows nothing more",
                    severity=Severity.WARNING,
                )
        return None

    def scene(self) -> Scene:
        """Return the scene of all files. Raises InputError if there is none."""
        if not self._parts:
            raise InputError(self.rejected)
        try:
            shaders = list(shader_databases(self._registry))
        except (OSError, ValueError) as error:
            message = f"shaders of features cannot be used: {error}"
            self._warnings.append(
                Problem(
                    "feature.shaders",
                    message,
                    severity=Severity.WARNING,
                    help="let the cache folder be written to; features with own shaders are not drawn",
                )
            )
            shaders = []
        brought = [(path, users) for path, users in self._registry.asset_dbs.items()]
        users_of: dict[str, tuple[Feature, ...]] = {}
        for path, users in [*brought, *((path, [feature]) for path, feature in shaders)]:
            name = self._add_feature_db(path, users)
            users_of[name] = tuple(users)
        facts = self._warnings, self.rejected, users_of, self._sky
        return Scene(self._parts, self._dbs, self._tableau, self._registry, *facts)

    def _add_feature_db(self, path: Path, users: Sequence[Feature]) -> str:
        """Add the database of features, and return its name; empty where it cannot be used.

        One with errors, or a name that is taken, is a warning where the scene has one of the features.
        """
        is_used = any(is_in_scene(feature, self._tableau) for feature in users)
        try:
            db = read_asset_db_file(path, len(self._dbs) + 1, path.parent, tolerated=None)
        except InputError as error:
            if is_used:
                self._warnings += [replace(each, severity=Severity.WARNING) for each in error.problems]
            return ""
        if is_used:
            self._warnings += db.left_out
        if any(db.name == other.name for other in self._dbs):
            if not is_used:
                return ""
            message = f"the assetDb '{db.name}' of a feature ({path}) has the name of one of the scene"
            advice = "rename that of the scene; the feature is not drawn"
            self._warnings.append(
                Problem(AssetCode.NAME, message, db.position, help=advice, severity=Severity.WARNING)
            )
            return ""
        self._dbs.append(db)
        return db.name

    def _root(self, name: str, place: Position) -> int:
        """Add the object that the objects of a file are below; return its row."""
        tableau = self._tableau
        free = base = "tableau" if invalid_name_reason(name) else name
        taken = {fold(child.name) for child in tableau.children()}
        number = 2
        while fold(free) in taken:
            free, number = f"{base}{number}", number + 1
        row = tableau.add_object(free).row
        at = (tableau.file_number(place.file), place.line, place.column)
        tableau.set_positions(tableau.rows()[tableau.rows() == row], at)
        return row

    def _named(self, db: AssetDb, root: str) -> AssetDb:
        """Return a database with a name that no other has: its own, else that of its root before it."""
        taken = {other.name for other in self._dbs}
        return replace(db, name=f"{root}.{db.name}") if db.name in taken else db

    def _as_before(self, file: SceneFile, number: int) -> AssetDb | None:
        """Return the earlier database of a file where it would be read as the same one."""
        before = self._earlier.get(file.path)
        if before is None or before.id != number or before.root != file.gate.root:
            return None
        if before.left_out or before.warnings or not before.is_written_in(file.document):
            return None
        return replace(before, document=file.document)

    def _read_dbs(
        self, files: Sequence[SceneFile], reader: FileReader, problems: ProblemCollector
    ) -> tuple[tuple[AssetDb, ...], bool]:
        """Return the databases of these files, by the names in them; those of other scenes are used again.

        Also whether these are all: what is wrong with others is added to `problems`.
        """
        known = {db.path: db for part in self._parts for db in part.dbs}
        caches = {db.cache_file: db for db in known.values()}
        dbs: list[AssetDb] = []
        next_id = len(self._dbs) + 1
        are_all = reader.is_whole
        for file in files:
            try:
                db = known.get(file.path) or self._as_before(file, next_id)
                db = db or read_asset_db(
                    file.document, file.path, next_id, file.gate.root, file.gate, tolerated=None
                )
            except InputError as error:
                problems.problems.extend(error.problems)
                are_all = False
                continue
            if db is None:
                continue
            if db.path not in known:
                problems.problems.extend(replace(each, severity=Severity.ERROR) for each in db.left_out)
            other = next((each for each in dbs if each.name == db.name), None)
            sharing = caches.get(db.cache_file)
            if other is not None:
                message = f"there are two assetDbs named '{db.name}'; the other is at {other.position}"
                problems.add(
                    file.document.problem(
                        "asset.name", message, file.document.root["assetDb"], "give one of them another name"
                    )
                )
                are_all = False
            elif sharing is not None and sharing is not db:
                message = f"'{sharing.name}' ({sharing.position}) uses the same cache"
                problems.add(
                    file.document.problem(
                        AssetCode.CACHE_FILE,
                        message,
                        file.document.root["assetDb"],
                        "give one of them another `cacheFile`",
                    )
                )
                are_all = False
            else:
                dbs.append(db)
                next_id += db.id == next_id
        return tuple(dbs), are_all


def _tableau_file(files: Sequence[SceneFile], problems: ProblemCollector) -> SceneFile | None:
    """Return the file with the tableau, or None; report further ones, and those that are none."""
    holding: list[SceneFile] = []
    for file in files:
        node = file.document.root.get("tableau")
        if node is not None:
            with problems.catching():
                expect(node, Kind.DICT)
                holding.append(file)
    for file in holding[1:]:
        first = holding[0].document.root["tableau"].key_position
        problems.add(
            file.document.problem(
                "scene.tableau",
                f"a scene file has one tableau; another is at {first}",
                file.document.root["tableau"],
                "put the objects of both into one, or open both files: python -m viewer A.hu B.hu",
            )
        )
    return holding[0] if holding else None


def _limited(problems: Sequence[Problem]) -> list[Problem]:
    """Return at most MAX_PROBLEMS of these, errors first then, and one that has the number of the others."""
    more = len(problems) - MAX_PROBLEMS
    if more <= 0:
        return list(problems)
    shown = sorted(problems, key=lambda problem: problem.severity is Severity.WARNING)[:MAX_PROBLEMS]
    text = f"{more} more problems are not shown"
    return [
        *shown,
        Problem(
            "scene.too_many",
            text,
            severity=Severity.WARNING,
            help="correct the first ones, which others may follow from",
        ),
    ]


def _with_excerpt(problem: Problem, files: Sequence[SceneFile]) -> Problem:
    """Return the problem with its source line as excerpt."""
    if problem.position is None or problem.excerpt:
        return problem
    document = next((f.document for f in files if f.document.name == problem.position.file), None)
    if document is None:
        return problem
    excerpt = document.lines.excerpt_at(offset_at(document, problem.position))
    return replace(problem, excerpt=excerpt)
