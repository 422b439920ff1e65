"""The state of each asset of a database before it is cooked: what is in the cache, what has changed."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path

from engine.assets.cache.cache import CacheMissError, Entry, open_cache
from engine.assets.cache.freshness import check_cache, tool_identity
from engine.assets.cook import cache_path
from engine.assets.database import builtin_db, read_asset_db
from engine.assets.files import FileGate, FileRejectedError
from engine.assets.recipes import Recipe, recipes_of
from engine.assets.records import Asset, AssetDb, AssetRef
from engine.assets.roots import display_path
from engine.assets.updating.references import references_of
from engine.humon import InputError, Problem, read

MAX_FOLDERS = 100_000
"""Most folders that are searched for databases."""

_SKIPPED = frozenset({"node_modules", "__pycache__", "build"})


class State(StrEnum):
    """Whether an asset can be drawn from its cache as it is."""

    COOKED = "cooked"
    STALE = "stale"
    MISSING = "missing"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class AssetState:
    """An asset with data: its state, why it is not cooked, its bytes in the cache, and whether it is used.

    `reason` names the file that has changed or is not there; `used` is None where no scene was given.
    """

    asset: Asset
    state: State
    reason: str = ""
    size: int = 0
    used: bool | None = None


def states_of(db: AssetDb, used: Collection[AssetRef] | None = None) -> list[AssetState]:
    """Return the state of each asset of a database that has data; nothing is cooked."""
    recipes = recipes_of(db)
    distinct = {recipe.identity: recipe for recipe in recipes.values()}
    gate = FileGate(db.root)
    compiled = any(recipe.is_compiled for recipe in distinct.values())
    path = cache_path(db)
    found = check_cache(path, distinct, gate, tool_identity() if compiled else "")
    try:
        before = _entries(path, len(distinct))
        states = []
        for index, recipe in sorted(recipes.items()):
            asset = db.assets[index]
            is_used = None if used is None else asset.ref in used
            known = found.known.get(recipe.identity)
            if known is None:
                state, reason = _why_not(recipe, before.get(recipe.identity), gate)
                states.append(AssetState(asset, state, reason, 0, is_used))
            elif known.failure:
                reason = str(known.failure[0]["message"])
                states.append(AssetState(asset, State.BROKEN, reason, 0, is_used))
            else:
                states.append(AssetState(asset, State.COOKED, "", known.size, is_used))
    finally:
        found.close()
    return states


def reachable(db: AssetDb, roots: Collection[AssetRef]) -> set[AssetRef]:
    """Return the assets of a database that some of its assets are made of, these included."""
    found: set[AssetRef] = set()
    todo = [ref for ref in roots if ref.db == db.id]
    while todo:
        ref = todo.pop()
        if ref not in found:
            found.add(ref)
            todo += references_of(db[ref])
    return found


def find_databases(root: Path) -> Iterator[AssetDb | Problem]:
    """Yield the databases of all `.hu` files below a folder, in order of their paths; ids count from 1.

    Hidden folders, links and folders of builds are left out. Files that cannot be read are problems, and so
    is what is wrong in databases, which are there without it.
    """
    number = 0
    for path in _texts(root):
        if path == builtin_db().path:
            continue
        try:
            document = read(path, display_path(path), root, keep_first=True)
            db = read_asset_db(document, path, number + 1, root, tolerated=None)
        except InputError as error:
            yield from error.problems
            continue
        if db is not None:
            number += 1
            yield from document.repeated
            yield from db.left_out
            yield db


def _texts(root: Path) -> Iterator[Path]:
    for folder, folders, files in islice(os.walk(root), MAX_FOLDERS):
        folders[:] = sorted(name for name in folders if name[0] != "." and name not in _SKIPPED)
        yield from (Path(folder, name) for name in sorted(files) if name.endswith(".hu"))


def _entries(path: Path, assets: int) -> dict[str, Entry]:
    """Return the entries of a cache by identity, whether they are up to date or not."""
    try:
        image = open_cache(path, assets)
    except CacheMissError:
        return {}
    try:
        return {entry.identity: entry for entry in image.entries}
    finally:
        image.close()


def _why_not(recipe: Recipe, before: Entry | None, gate: FileGate) -> tuple[State, str]:
    """Return the state of an asset that is not in the cache as it should be, and why."""
    for source in (recipe.source, *recipe.more):
        try:
            gate.stamp(source)
        except FileRejectedError as error:
            return State.MISSING, error.reason
    if before is None:
        return State.STALE, "it has not been cooked with these parameters"
    for stamp in before.sources:
        try:
            size, mtime = gate.stamp(gate.locate(stamp.path))
        except FileRejectedError as error:
            if stamp.is_missing:
                continue
            return State.STALE, error.reason
        if (size, mtime) != (stamp.size, stamp.mtime_ns):
            return State.STALE, f"'{stamp.path}' has changed"
    return State.STALE, "the cache or the compiler has changed"
