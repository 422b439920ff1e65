"""Cooks a database: imports stale assets on a thread pool and writes a complete cache.

A cache that is up to date costs a few stat calls. Assets that are not stale are copied from the old cache.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from engine.assets.cache.cache import CacheImage, CacheMissError, Entry
from engine.assets.cache.freshness import CacheState, check_cache, same_failures, tool_identity
from engine.assets.cache.kept_results import Keep, KeptResults
from engine.assets.cache.record_file import note_records
from engine.assets.codes import AssetCode
from engine.assets.files import FileGate
from engine.assets.limits import KEPT_BYTES
from engine.assets.recipes import Recipe, recipes_of
from engine.assets.records import AssetDb
from engine.assets.roots import display_path, user_cache_folder
from engine.files import reason_of
from engine.humon import Problem, Severity

if TYPE_CHECKING:
    from engine.assets.cache.cache_writer import Content
    from engine.assets.cache.results import Result

ProgressCallback: TypeAlias = Callable[[int, int, str], None]
"""Called with (assets done, assets to cook, label of the last one), first with 0 done."""


@dataclass(frozen=True, slots=True)
class CookedDb:
    """A database with its cache: the entry of each asset with data, and how many were cooked.

    `entries` are by the index of the asset, in the order of use. `code` has the SPIR-V of its shaders by the
    identity of their recipes; it is in memory, so that a cache which becomes unreadable costs no pipeline.
    `refused` says of assets, by their indices, why they are not drawn though they were cooked.
    """

    db: AssetDb
    image: CacheImage
    entries: dict[int, Entry]
    cooked: int
    code: Mapping[str, bytes]
    problems: tuple[Problem, ...] = ()
    refused: Mapping[int, Problem] = field(default_factory=dict)


def cook_database(
    db: AssetDb,
    *,
    jobs: int | None = None,
    progress: ProgressCallback | None = None,
    cache_root: Path | None = None,
    path: Path | None = None,
) -> CookedDb:
    """Update the cache of `db` and open it.

    If no cache can be written, the result is in memory, with one warning `cache.write`. `cache_root` is the
    folder for caches, by default that of the database; `path` that of the cache itself, where it is known.
    `jobs` is the number of threads (None: processors).
    """
    return _Cook(db, jobs or os.cpu_count() or 1, progress, path or cache_path(db, cache_root)).run()


def cache_path(db: AssetDb, cache_root: Path | None = None) -> Path:
    """Return the path of a database's cache: beside it, or in `cache_root`.

    The caches of a folder that cannot be written, such as that of an installation, are in the user's cache
    folder.
    """
    beside = db.cache_file.parent
    if cache_root is None and os.access(beside, os.F_OK) and not os.access(beside, os.W_OK):
        folder = user_cache_folder()
        cache_root = folder / "cooked" if folder is not None else None
    if cache_root is None:
        return db.cache_file
    import hashlib

    digest = hashlib.blake2b(os.fsencode(db.path), digest_size=6).hexdigest()
    return cache_root / f"{digest}-{db.cache_file.name}"


class _Cook:
    """One run of the cook over one database."""

    def __init__(self, db: AssetDb, jobs: int, progress: ProgressCallback | None, path: Path) -> None:
        self._db = db
        self._jobs = jobs
        self._progress = progress
        self._path = path
        self._recipes = recipes_of(db)
        self._distinct = {recipe.identity: recipe for recipe in self._recipes.values()}
        self._identities = list(self._distinct)
        self._gate = FileGate(db.root)
        self._tool = tool_identity() if any(recipe.is_compiled for recipe in self._distinct.values()) else ""
        self._problems: list[Problem] = []

    def run(self) -> CookedDb:
        """Cook stale assets, if there are any, and open the cache."""
        try:
            return self._run()
        except CacheMissError:  # another process has truncated the file since it was checked
            made = self._import(list(self._distinct.values()))
            return self._result(self._in_memory(CacheState(None, {}), made), len(made))

    def _run(self) -> CookedDb:
        found = self._check_cache()
        if found.image is not None and found.is_current(self._identities):
            return self._result(found.image, 0)
        found.close()
        from engine.assets.cache.lock import cache_lock

        with ExitStack() as stack:
            write_error = None
            try:
                self._make_folder()
                stack.enter_context(cache_lock(self._path))
            except OSError as error:
                write_error = error
            found = self._check_cache()  # another process may have cooked it meanwhile
            kept = stack.enter_context(closing(KeptResults(self._path.parent, KEPT_BYTES)))
            image = None
            try:
                image, cooked = self._cook(found, write_error, kept.keep)
            finally:
                if image is not found.image:
                    found.close()
            return self._result(image, cooked)

    def _cook(self, found: CacheState, write_error: OSError | None, keep: Keep) -> tuple[CacheImage, int]:
        """Return the cache and how many assets were cooked; with `write_error` no file is written."""
        if found.image is not None and found.is_current(self._identities):
            return found.image, 0
        stale = {key: recipe for key, recipe in self._distinct.items() if key not in found.known}
        made = self._import(list(stale.values()), keep)
        rows = [found.known.get(identity) or made[identity].entry for identity in self._identities]
        retried = {identity: result.retryable for identity, result in made.items()}
        if found.image is not None and same_failures(found.image, rows, retried):
            return found.image, len(stale)
        from engine.assets.cache.cache_writer import write_cache

        try:
            if write_error is not None:
                raise write_error
            return write_cache(self._path, self._contents(found, made)), len(stale)
        except OSError as error:
            if found.image is not None and not stale and found.has_all(self._identities):
                return found.image, 0  # only changed mtimes could not be written
            self._warn(error)
        return self._in_memory(found, made), len(stale)

    def _in_memory(self, found: CacheState, made: dict[str, Result]) -> CacheImage:
        from engine.assets.cache.cache_writer import build_in_memory

        return build_in_memory(self._contents(found, made))

    def _check_cache(self) -> CacheState:
        return check_cache(self._path, self._distinct, self._gate, self._tool)

    def _make_folder(self) -> None:
        """Create the folder for a cache that is not beside its database; never one named in a file."""
        if self._path != self._db.cache_file:
            self._path.parent.mkdir(parents=True, exist_ok=True)

    def _import(self, stale: Sequence[Recipe], keep: Keep = lambda data: (data,)) -> dict[str, Result]:
        if not stale:
            return {}
        from engine.assets.importing import import_recipes

        return import_recipes(stale, self._gate, self._tool, self._jobs, self._progress, keep)

    def _contents(self, found: CacheState, made: dict[str, Result]) -> Iterator[Content]:
        """Yield every entry with its bytes, in the order of the cache."""
        for identity in self._identities:
            entry = found.known.get(identity)
            if entry is not None and found.image is not None:
                yield entry, found.image.pieces(entry)
            else:
                yield made[identity].entry, made[identity].pieces

    def _result(self, image: CacheImage, cooked: int) -> CookedDb:
        by_identity = {entry.identity: entry for entry in image.entries}
        entries = {index: by_identity[recipe.identity] for index, recipe in self._recipes.items()}
        try:
            code = {
                identity: image.read(by_identity[identity])
                for identity, recipe in self._distinct.items()
                if recipe.is_compiled
            }
        except BaseException:
            image.close()
            raise
        if image.path is not None:
            note_records(self._db, self._recipes, image.path)
        return CookedDb(self._db, image, entries, cooked, code, tuple(self._problems))

    def _warn(self, error: OSError) -> None:
        message = f"the cache {display_path(self._path)} cannot be written: {reason_of(error)}"
        advice = "its assets are cooked at every start until it can be written"
        document, node = self._db.document, self._db.document.root["assetDb"]
        place = node.get("cacheFile") or node
        self._problems.append(
            document.problem(AssetCode.CACHE_WRITE, message, place, advice, Severity.WARNING)
        )
