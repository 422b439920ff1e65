"""`assets`: list the databases of a project, and the diff of each against what was cooked of it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cli.exits import ExitCode
from engine.files.streams import write_output

if TYPE_CHECKING:
    from engine.assets import AssetDb, AssetRef
    from engine.assets.cache.cache import Entry
    from engine.cli.progress import CookProgress
    from engine.scene import Scene

    Made = Mapping[str, Mapping[str, Entry]]
    """What was cooked aside, by the name of the database and the identity of the recipe."""


_DIFFERING = ("assets", "removed", "unrecorded")
"""What a database has, one of them at least, that a diff lists."""


def run(options: argparse.Namespace) -> int:
    """Print the databases below the project root, or those of a scene. Raises InputError.

    A file below the root that has errors is reported and left out, and the command ends with INPUT.
    """
    from engine.cli.scenes import find_scene
    from engine.scene import load_scene

    if options.scene is None:
        return _list_project(options)
    scene = load_scene(find_scene(options.scene))
    for problem in scene.warnings:
        print(problem.render(), file=sys.stderr)
    used = {db.name: _used(scene, db) for db in scene.dbs}
    dbs = list(scene.dbs)
    shown: dict[str, Any] = {}
    made: Made = {}
    if options.diff:
        made, shown["difference"] = _difference(scene, options.profile)
    _write(
        {"assetDbs": [_database(db, options, made.get(db.name), used[db.name]) for db in dbs], **shown},
        options,
    )
    return ExitCode.DONE


def _list_project(options: argparse.Namespace) -> int:
    """Print all databases below the project root of the working folder."""
    from engine.assets.roots import project_root
    from engine.assets.updating.databases_below import find_databases
    from engine.cli.progress import CookProgress
    from engine.humon import Problem, Severity

    dbs: list[AssetDb] = []
    code = ExitCode.DONE
    for found in find_databases(project_root(Path(os.getcwd(), "scene"))):
        if isinstance(found, Problem):
            print(found.render(), file=sys.stderr)
            if found.severity is Severity.ERROR:
                code = ExitCode.INPUT
        else:
            dbs.append(found)
    with CookProgress() as progress:
        listed = [_database(db, options, _made_aside(db, progress) if options.diff else None) for db in dbs]
    _write({"assetDbs": listed}, options)
    return code


def _database(
    db: AssetDb,
    options: argparse.Namespace,
    made: Mapping[str, Entry] | None,
    used: set[AssetRef] | None = None,
) -> dict[str, Any]:
    from engine.assets.updating.asset_states import states_of
    from engine.cli.asset_listing import listed_database

    return listed_database(states_of(db, used, made), options.diff)


def _made_aside(db: AssetDb, progress: CookProgress) -> Mapping[str, Entry]:
    """Return the results of what would be cooked of a database, by the identities of their recipes."""
    from engine.assets.cook import cache_path
    from engine.assets.updating.patch import cook_aside
    from engine.assets.updating.previous import previous_db
    from engine.assets.updating.side_file import SideFile

    before, recipes = previous_db(db)
    before.image.close()
    if not recipes:
        return {}
    side = SideFile(cache_path(db).parent)
    try:
        image = cook_aside(recipes, db.root, side, os.cpu_count() or 1, progress)
        image.close()
    finally:
        side.close()
    return {entry.identity: entry for entry in image.entries}


def _difference(scene: Scene, profile: str | None) -> tuple[Made, dict[str, Any]]:
    """Return what was cooked aside, and what that leads to on a device."""
    from engine.cli.asset_listing import listed_difference
    from engine.cli.last_plans import last_plan
    from engine.cli.profiles import DEFAULT_PROFILE, find_profile
    from engine.cli.progress import CookProgress
    from engine.planning.what_if.asset_difference import asset_difference

    device = find_profile(profile or DEFAULT_PROFILE)
    with CookProgress() as progress:
        found = asset_difference(scene, device, jobs=os.cpu_count() or 1, progress=progress)
    return found.made, listed_difference(found, device.name, last_plan(scene.path))


def _used(scene: Scene, db: AssetDb) -> set[AssetRef]:
    """Return the assets of a database that the scene's features name, and what these are made of."""
    from engine.assets import AssetRef
    from engine.assets.updating.asset_states import reachable
    from engine.tableau import NO_ASSET

    keys: set[int] = set()
    for table in scene.tableau.tables.values():
        for spec in table.schema.asset_fields:
            keys |= set(table.column(spec.name)[table.object >= 0].tolist())
    return reachable(db, [AssetRef.from_key(key) for key in keys - {NO_ASSET}])


def _write(shown: dict[str, Any], options: argparse.Namespace) -> None:
    """Write what is listed: as a table on a terminal, else as Humon, if nothing else is asked for."""
    if options.diff:
        differing = [one for one in shown["assetDbs"] if any(one.get(key) for key in _DIFFERING)]
        shown = {**shown, "assetDbs": differing}
    form = options.format or ("table" if sys.stdout.isatty() else "humon")
    if form == "table":
        import shutil

        from engine.cli.asset_table import table

        write_output(table(shown, shutil.get_terminal_size().columns, is_diff=options.diff))
    elif form == "json":
        import json

        write_output(json.dumps(shown, indent=2) + "\n")
    else:
        from engine.humon import write

        write_output(write(shown))
