"""Loads scenes: files, databases, tableaux; the problems of all of them are reported together."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from engine.assets import AssetDb, read_asset_db, read_asset_db_file
from engine.assets.codes import AssetCode
from engine.feature import Registry, discover
from engine.feature.own_shaders import shader_databases
from engine.humon import InputError, Position, Problem, ProblemCollector, Severity, excerpt_of
from engine.humon.collector import collector_paused
from engine.scene.build import TableauBuilder
from engine.scene.files import FileReader, SceneFile
from engine.scene.scene import Scene, ScenePart
from engine.scene.values import AssetNames
from engine.tableau import ROOT, Tableau
from engine.tableau.names import fold, invalid_name_reason

MAX_PROBLEMS = 100
"""Problems that are reported of one file and its includes; of the others only the number."""


def load_scene(path: str | os.PathLike[str], registry: Registry | None = None) -> Scene:
    """Load a scene file and its includes.

    `registry` has the known features (None: all that are installed). Raises InputError with every problem of
    the text (`humon.*`), files and includes (`file.*`, `include.*`, `scene.*`), databases (`asset.*`),
    objects and features (`object.*`, `feature.*`, `field.*`, `value.*`).
    """
    with collector_paused():
        loader = _Loader(discover() if registry is None else registry)
        loader.add(Path(path), "")
        return loader.scene()


def load_scenes(paths: Sequence[str | os.PathLike[str]], registry: Registry | None = None) -> Scene:
    """Load several scene files, with their includes, into one scene; one file is loaded as `load_scene` does.

    The objects of each are below an object that is named after its file (with a number from 2 where that name
    is taken) and has the flags of its tableau. A database that several include is there once. A file with
    errors is left out, and its problems are in `rejected`. Raises InputError if no file is left.
    """
    if len(paths) == 1:
        return load_scene(paths[0], registry)
    with collector_paused():
        loader = _Loader(discover() if registry is None else registry)
        for path in paths:
            try:
                loader.add(Path(path), Path(path).stem)
            except InputError as error:
                loader.rejected += error.problems
        return loader.scene()


class _Loader:
    """Loads scene files into one tableau."""

    def __init__(self, registry: Registry) -> None:
        self.rejected: list[Problem] = []
        self._registry = registry
        self._tableau = Tableau(registry.schemas)
        self._parts: list[ScenePart] = []
        self._dbs: list[AssetDb] = []  # each with a name of its own
        self._warnings: list[Problem] = []

    def add(self, path: Path, name: str) -> None:
        """Load a file, below an object of this name, or of one like it; without a name, at the top.

        Raises InputError, and adds nothing then.
        """
        problems = ProblemCollector()
        reader = FileReader(path, problems)
        files = reader.read_all()
        is_complete = len(problems.problems) == len(problems.warnings)
        dbs = self._read_dbs(files, reader, problems)
        tableau = self._tableau
        names = AssetNames(dbs, is_complete=is_complete)
        for table in tableau.tables.values():
            for spec in table.schema.asset_fields:
                table.set_default_asset(spec.name, names.default(spec))
        home = _tableau_file(files, problems)
        place = Position(files[0].document.name, 1, 1)
        node = None
        if home is not None:
            node = home.document.root["tableau"]
            place = node.key_position
        root = self._root(name, place) if name else ROOT
        if home is not None and node is not None:
            TableauBuilder(home.document, tableau, names, problems, root).build(node)
        try:
            _check(problems)
        except InputError:
            if root != ROOT:
                tableau.remove(tableau.handle(root))
            raise
        tableau.place = tableau.place or place
        tableau.update_world()  # finds what leaves the range
        tableau.warnings[:] = [_with_excerpt(problem, files) for problem in tableau.warnings]
        self._dbs += [self._named(db, tableau.path(root)) for db in dbs or () if db.id > len(self._dbs)]
        self._parts.append(ScenePart(tuple(files), dbs or (), tableau, home, root))
        self._warnings += problems.warnings

    def scene(self) -> Scene:
        """Return the scene of all files. Raises InputError if there is none."""
        if not self._parts:
            raise InputError(self.rejected)
        try:
            shaders = list(shader_databases(self._registry))
        except (OSError, ValueError) as error:
            message = f"shaders of features cannot be used: {error}"
            self._warnings.append(Problem("feature.shaders", message, severity=Severity.WARNING))
            shaders = []
        for path in [*self._registry.asset_dbs, *shaders]:
            self._add_feature_db(path)
        return Scene(self._parts, self._dbs, self._tableau, self._registry, self._warnings, self.rejected)

    def _add_feature_db(self, path: Path) -> None:
        """Add the database of a feature. One with errors, or a name that is taken, is a warning."""
        try:
            db = read_asset_db_file(path, len(self._dbs) + 1, path.parent)
        except InputError as error:
            self._warnings += [replace(each, severity=Severity.WARNING) for each in error.problems]
            return
        if any(db.name == other.name for other in self._dbs):
            message = f"the assetDb '{db.name}' of a feature ({path}) has the name of one of the scene"
            advice = "rename that of the scene; the feature is not drawn"
            self._warnings.append(
                Problem(AssetCode.NAME, message, db.position, help=advice, severity=Severity.WARNING)
            )
            return
        self._dbs.append(db)

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

    def _read_dbs(
        self, files: Sequence[SceneFile], reader: FileReader, problems: ProblemCollector
    ) -> tuple[AssetDb, ...] | None:
        """Return the databases of these files, by the names in them; those of other scenes are used again.

        None if one has an error, since its names cannot be looked up.
        """
        known = {db.path: db for part in self._parts for db in part.dbs}
        caches = {db.cache_file: db for db in known.values()}
        dbs: list[AssetDb] = []
        next_id = len(self._dbs) + 1
        good = True
        for file in files:
            try:
                db = known.get(file.path) or read_asset_db(
                    file.document, file.path, next_id, reader.gate.root, reader.gate
                )
            except InputError as error:
                problems.problems.extend(error.problems)
                good = False
                continue
            if db is None:
                continue
            other = next((each for each in dbs if each.name == db.name), None)
            sharing = caches.get(db.cache_file)
            if other is not None:
                message = f"there are two assetDbs named '{db.name}'; the other is at {other.position}"
                problems.add(file.document.problem("asset.name", message, file.document.root["assetDb"]))
                good = False
            elif sharing is not None and sharing is not db:
                message = f"'{sharing.name}' ({sharing.position}) uses the same cache"
                problems.add(
                    file.document.problem(AssetCode.CACHE_FILE, message, file.document.root["assetDb"])
                )
                good = False
            else:
                dbs.append(db)
                next_id += db.id == next_id
        return tuple(dbs) if good else None


def _tableau_file(files: Sequence[SceneFile], problems: ProblemCollector) -> SceneFile | None:
    """Return the file with the tableau, or None; report further ones."""
    holding = [file for file in files if file.document.root.get("tableau") is not None]
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


def _check(problems: ProblemCollector) -> None:
    """Raise InputError if there is an error, with at most MAX_PROBLEMS problems."""
    more = len(problems.problems) - MAX_PROBLEMS
    if more > 0:
        problems.problems.sort(key=lambda problem: problem.severity is Severity.WARNING)
        del problems.problems[MAX_PROBLEMS:]
        problems.add(
            Problem("scene.too_many", f"{more} more problems are not shown", severity=Severity.WARNING)
        )
    problems.check()


def _with_excerpt(problem: Problem, files: Sequence[SceneFile]) -> Problem:
    """Return the problem with its source line as excerpt."""
    if problem.position is None or problem.excerpt:
        return problem
    document = next((f.document for f in files if f.document.name == problem.position.file), None)
    if document is None:
        return problem
    lines = document.lines
    start = lines.starts[problem.position.line - 1]
    line, _ = lines.line_at(start)
    offset = next(
        (i for i in range(len(line)) if lines.line_and_column(start + i)[1] == problem.position.column), 0
    )
    return Problem(
        problem.code,
        problem.message,
        problem.position,
        excerpt_of(line, offset),
        problem.help,
        problem.severity,
    )
