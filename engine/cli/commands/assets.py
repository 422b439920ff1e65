"""`assets`: list the databases of a project, and the state of each asset before anything is cooked."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cli.exits import ExitCode
from engine.files.streams import write_output

if TYPE_CHECKING:
    from engine.assets import AssetDb, AssetRef
    from engine.assets.updating.asset_states import AssetState
    from engine.scene import Scene


def run(options: argparse.Namespace) -> int:
    """Print the databases below the project root, or those of a scene, as Humon. Raises InputError.

    A file below the root that has errors is reported and left out, and the command ends with INPUT.
    """
    from engine.assets.roots import project_root
    from engine.assets.updating.asset_states import find_databases
    from engine.cli.scenes import find_scene
    from engine.humon import Problem, Severity, write
    from engine.scene import load_scene

    dbs: list[AssetDb] = []
    scene: Scene | None = None
    code = ExitCode.DONE
    if options.scene is not None:
        scene = load_scene(find_scene(options.scene))
        for problem in scene.warnings:
            print(problem.render(), file=sys.stderr)
        dbs = list(scene.dbs)
    else:
        for found in find_databases(project_root(Path(os.getcwd(), "scene"))):
            if isinstance(found, Problem):
                print(found.render(), file=sys.stderr)
                if found.severity is Severity.ERROR:
                    code = ExitCode.INPUT
            else:
                dbs.append(found)
    listed = [_database(db, None if scene is None else _used(scene, db), options.diff) for db in dbs]
    shown: dict[str, Any] = {"assetDbs": [one for one in listed if one["assets"] or not options.diff]}
    if options.diff and scene is not None:
        shown["difference"] = _difference(scene, options.profile)
    write_output(write(shown))
    return code


def _difference(scene: Scene, profile: str | None) -> dict[str, Any]:
    """Return what cooking leads to on a device: bytes, and each asset that is then another."""
    from engine.cli.profiles import DEFAULT_PROFILE, find_profile
    from engine.planning.what_if.asset_difference import asset_difference

    device = find_profile(profile or DEFAULT_PROFILE)
    found = asset_difference(scene, device, jobs=os.cpu_count() or 1)
    return {
        "profile": device.name,
        "cooked": found.cooked,
        "laidOut": found.laid_out,
        "moved": found.moved,
        "transferred": found.transferred,
        "allocated": found.allocated,
        "freed": found.freed,
        "plannedBefore": found.planned[0],
        "plannedAfter": found.planned[1],
        "changes": [
            {"assetDb": each.db, "asset": each.asset, "change": each.change.value, "bytes": each.size}
            for each in found.changes
        ],
    }


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


def _database(db: AssetDb, used: Collection[AssetRef] | None, changed_only: bool) -> dict[str, Any]:
    from engine.assets.cook import cache_path
    from engine.assets.roots import display_path
    from engine.assets.updating.asset_states import State, states_of

    states = states_of(db, used)
    shown = [state for state in states if not changed_only or state.state is not State.COOKED]
    return {
        "name": db.name,
        "file": display_path(db.path),
        "cache": display_path(cache_path(db)),
        "cookedBytes": sum(state.size for state in states),
        "assets": [_asset(state) for state in shown],
    }


def _asset(state: AssetState) -> dict[str, Any]:
    found: dict[str, Any] = {"@type": state.asset.type.value, "index": state.asset.ref.index}
    if state.asset.name:
        found["name"] = state.asset.name
    found["state"] = state.state.value
    if state.size:
        found["bytes"] = state.size
    if state.reason:
        found["why"] = state.reason
    if state.used is False:
        found["unused"] = True
    return found
