"""Databases as they were cooked before, whether or not their sources have changed; nothing is cooked."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from engine.assets.cache.cache import CacheImage, CacheMissError, Entry, open_cache
from engine.assets.cache.cache_writer import build_in_memory
from engine.assets.cache.fact_checks import checked_facts, content_fits
from engine.assets.cache.freshness import check_cache, tool_identity
from engine.assets.codes import AssetCode
from engine.assets.cook import CookedDb, cache_path
from engine.assets.files import FileGate
from engine.assets.problems import problem_to_json
from engine.assets.recipes import Recipe, recipes_of
from engine.assets.records import AssetDb
from engine.humon import Problem


def previous_db(db: AssetDb) -> tuple[CookedDb, list[Recipe]]:
    """Return a database with the bytes that its cache has of it, and the recipes that cooking would run.

    An asset that is not in the cache is broken; an outdated one has its outdated bytes, checked as others.
    """
    by_index = recipes_of(db)
    recipes = {recipe.identity: recipe for recipe in by_index.values()}
    compiled = any(recipe.is_compiled for recipe in recipes.values())
    path = cache_path(db)
    found = check_cache(path, recipes, FileGate(db.root), tool_identity() if compiled else "")
    found.close()
    try:
        image = open_cache(path, len(recipes))
    except CacheMissError:
        image = build_in_memory(iter(()))
    entries = {entry.identity: entry for entry in _usable(image, recipes)}
    missing = {key: _missing(recipe, db) for key, recipe in recipes.items() if key not in entries}
    all_entries = {**entries, **missing}
    code = {key: image.read(entries[key]) for key in entries if recipes[key].is_compiled}
    cooked = CookedDb(
        db, image, {index: all_entries[recipe.identity] for index, recipe in by_index.items()}, 0, code
    )
    return cooked, [recipe for key, recipe in recipes.items() if key not in found.known]


def _usable(image: CacheImage, recipes: dict[str, Recipe]) -> Iterator[Entry]:
    """Yield the entries that these recipes have made, and whose facts and bytes fit together."""
    for entry in image.entries:
        recipe = recipes.get(entry.identity)
        if recipe is None:
            continue
        if not entry.failure:
            facts = checked_facts(recipe, entry.facts or {}, entry.size)
            try:
                if facts is None or not content_fits(facts, partial(image.pieces, entry)):
                    continue
            except CacheMissError:
                continue
        yield entry


def _missing(recipe: Recipe, db: AssetDb) -> Entry:
    problem = Problem(AssetCode.BROKEN, "it has not been cooked", help="open the scene again")
    return Entry(recipe.identity, "", (), failure=(problem_to_json(problem, db.root),))
