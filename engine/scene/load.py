"""Loads a scene: files, databases, tableau; the problems of all of them are reported together."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from engine.assets import AssetDb, read_asset_db
from engine.feature import Registry, discover
from engine.humon import InputError, Position, Problem, ProblemCollector, Severity, excerpt_of
from engine.humon.collector import collector_paused
from engine.scene.build import TableauBuilder
from engine.scene.files import FileReader, SceneFile
from engine.scene.scene import Scene
from engine.scene.values import AssetNames
from engine.tableau import Tableau

MAX_PROBLEMS = 100
"""Problems that are reported; of the others only the number."""


def load_scene(path: str | os.PathLike[str], registry: Registry | None = None) -> Scene:
    """Load a scene file and its includes.

    `registry` has the known features (None: all that are installed). Raises InputError with every problem of
    the text (`humon.*`), files and includes (`file.*`, `include.*`, `scene.*`), databases (`asset.*`),
    objects and features (`object.*`, `feature.*`, `field.*`, `value.*`).
    """
    registry = discover() if registry is None else registry
    with collector_paused():
        return _load(Path(path), registry)


def _load(path: Path, registry: Registry) -> Scene:
    problems = ProblemCollector()
    reader = FileReader(path, problems)
    files = reader.read_all()
    dbs = _read_dbs(files, reader, problems)
    tableau = Tableau(registry.schemas)
    names = AssetNames(dbs)
    for table in tableau.tables.values():
        for spec in table.schema.asset_fields:
            table.set_default_asset(spec.name, names.default(spec))
    home = _tableau_file(files, problems)
    tableau.place = Position(files[0].document.name, 1, 1)
    if home is not None:
        node = home.document.root["tableau"]
        tableau.place = node.key_position
        TableauBuilder(home.document, tableau, names, problems).build(node)
    _check(problems)
    tableau.update_world()  # finds what leaves the range
    tableau.warnings[:] = [_with_excerpt(problem, files) for problem in tableau.warnings]
    return Scene(files, reader.gate.root, dbs or (), tableau, registry, problems.warnings, home)


def _read_dbs(
    files: Sequence[SceneFile], reader: FileReader, problems: ProblemCollector
) -> tuple[AssetDb, ...] | None:
    """Return the databases of all files; None if one has an error, since its names cannot be looked up."""
    dbs: list[AssetDb] = []
    good = True
    for file in files:
        try:
            db = read_asset_db(file.document, file.path, len(dbs) + 1, reader.gate.root, reader.gate)
        except InputError as error:
            problems.problems.extend(error.problems)
            good = False
            continue
        if db is None:
            continue
        other = next((each for each in dbs if each.name == db.name), None)
        if other is not None:
            message = f"there are two assetDbs named '{db.name}'; the other is at {other.position}"
            problems.add(file.document.problem("asset.name", message, file.document.root["assetDb"]))
            good = False
            continue
        dbs.append(db)
    return tuple(dbs) if good else None


def _tableau_file(files: Sequence[SceneFile], problems: ProblemCollector) -> SceneFile | None:
    """Return the file with the tableau, or None; report further ones."""
    holding = [file for file in files if file.document.root.get("tableau") is not None]
    for file in holding[1:]:
        first = holding[0].document.root["tableau"].key_position
        problems.add(
            file.document.problem(
                "scene.tableau",
                f"a scene has one tableau; another is at {first}",
                file.document.root["tableau"],
                "put the objects of both into one",
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
