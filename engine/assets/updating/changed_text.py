"""Databases whose text has changed while they are used: only what is new in them is cooked.

What is made as before stays where its bytes are. What a further asset has in common with an earlier one is
copied from there. So the work of a change in a text is that of reading it and of what is new, and no cache is
read or written for it.
"""

from __future__ import annotations

from collections.abc import Collection

from engine.assets.cache.cache import Entry
from engine.assets.cache.freshness import tool_identity
from engine.assets.cache.results import Result
from engine.assets.cook import CookedDb
from engine.assets.files import FileGate
from engine.assets.importing import import_recipes
from engine.assets.library import AssetLibrary
from engine.assets.recipes import Recipe, recipes_of
from engine.assets.records import Asset, AssetDb
from engine.assets.updating.library_update import name_of, sampling_of
from engine.assets.updating.side_file import SideFile


def cook_changed_text(
    library: AssetLibrary,
    before: CookedDb,
    db: AssetDb,
    stale: Collection[str],
    side: SideFile,
    jobs: int,
) -> CookedDb:
    """Return `db`, read again, with bytes of what `before`, its newest version in a library, does not have.

    `stale` are the identities of recipes whose sources have changed; what was refused is made again, too.
    Entries of what is as before are those of `before`. `jobs` is the number of threads. Does not change the
    library.
    """
    known = {entry.identity: index for index, entry in before.entries.items()}
    stale = {*stale, *(before.entries[index].identity for index in before.refused if index in before.entries)}
    names = {name_of(asset): asset.ref.index for asset in before.db.assets}
    recipes = recipes_of(db)

    def is_drawn(asset: Asset) -> bool:
        """Whether there is a good version of an asset, which stays where the next one has faults."""
        each = names.get(name_of(asset))
        return each is not None and not library.is_broken(library.kept(before.db.assets[each].ref))

    def is_tried(recipe: Recipe, entry: Entry) -> bool:
        """Whether a result that is a failure may be none by now, or because what has faults may be drawn."""
        return not entry.sources or (bool(recipe.part) and recipe.identity not in whole)

    wanted: dict[str, Recipe] = {}
    copied: dict[str, int] = {}
    whole = {recipe.identity for recipe in recipes.values()}
    whole -= {one.identity for each, one in recipes.items() if not is_drawn(db.assets[each])}
    for index, recipe in recipes.items():
        identity = recipe.identity
        place = known.get(identity)
        entry = None if place is None else before.entries[place]
        if place is None or entry is None or identity in stale or (entry.failure and is_tried(recipe, entry)):
            wanted[identity] = recipe
            continue
        each = names.get(name_of(db.assets[index]), -1)
        earlier = before.entries.get(each)
        is_same = earlier is not None and earlier.identity == identity
        is_same = is_same and sampling_of(db.assets[index]) == sampling_of(before.db.assets[each])
        if not entry.failure and not is_same:
            copied[identity] = place
    compiled = {recipe.identity for recipe in recipes.values() if recipe.is_compiled}
    tool = tool_identity() if compiled & wanted.keys() else ""
    gate = FileGate(db.root)
    results = import_recipes(list(wanted.values()), gate, tool, jobs, None, side.keep, wanted_whole=whole)
    for identity, place in copied.items():
        data = library.read(before.db.assets[place].ref)
        results[identity] = Result(before.entries[place], pieces=side.keep(data))
    image = side.image(results)
    entries = {identity: before.entries[place] for identity, place in known.items()}
    entries |= {entry.identity: entry for entry in image.entries}
    code = {key: before.code.get(key, b"") for key in compiled}
    code |= {entry.identity: image.read(entry) for entry in image.entries if entry.identity in compiled}
    by_index = {index: entries[recipe.identity] for index, recipe in recipes.items()}
    return CookedDb(db, image, by_index, len(wanted), code, before.problems)


def names_offsets(db: AssetDb) -> bool:
    """Whether a text names places in its cache, which only the whole cache has."""
    return any(declared.field == "cacheOffset" for declared in db.declared)
