"""Patches of a database: a few of its assets cooked again, without its cache being read or written.

A patch is a further version of the database that has bytes of the changed assets alone; what was refused is
tried again. The records of all others are those of the versions before, with their references, so that they
are drawn from where they are. Its work is that of the changed assets and of what is made of them, but for
copies of tables of pointers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.assets.broken_assets import BrokenAssets, find_broken_assets
from engine.assets.cache.cache import CacheImage, Entry
from engine.assets.cache.freshness import tool_identity
from engine.assets.cook import CookedDb, ProgressCallback
from engine.assets.files import FileGate
from engine.assets.importing import import_recipes
from engine.assets.library import AssetLibrary, alpha_modes
from engine.assets.recipes import Recipe
from engine.assets.records import Asset, AssetRef
from engine.assets.tools.kept_compiler import KeptCompiler
from engine.assets.updating.asset_changes import AssetChange, Change
from engine.assets.updating.asset_index import AssetIndex
from engine.assets.updating.library_update import IN_ORDER, Added, LibraryUpdate
from engine.assets.updating.references import references_of, with_references
from engine.assets.updating.side_file import SideFile


def make_patches(
    library: AssetLibrary,
    indices: Mapping[str, AssetIndex],
    wanted: Mapping[str, Sequence[Recipe]],
    side: SideFile,
    jobs: int,
    compiler: KeptCompiler | None = None,
) -> tuple[LibraryUpdate | None, list[Path]]:
    """Run the `wanted` recipes of the newest databases, by the names of these, which `indices` has, too.

    Returns the update, None where nothing differs, and files that are included now and were not. Does not
    change the library, so that it may run on another thread as long as no update is applied.
    """
    newest = {one.db.name: one for one in library.current}
    images: dict[str, CacheImage] = {}
    for name, recipes in wanted.items():
        if recipes:
            index = indices[name]
            whole = {one.identity for one in recipes if _is_drawn(library, newest[name], index, one)}
            root = index.gate.root
            images[name] = cook_aside(recipes, root, side, jobs, compiler=compiler, wanted_whole=whole)
    return patches_of(library, indices, images)


def cook_aside(
    recipes: Sequence[Recipe],
    root: Path,
    side: SideFile,
    jobs: int,
    progress: ProgressCallback | None = None,
    compiler: KeptCompiler | None = None,
    wanted_whole: Collection[str] = (),
) -> CacheImage:
    """Run recipes of a database below `root` and return their results as a cache of its own.

    `wanted_whole` as for `import_recipes`.
    """
    tool = tool_identity() if any(recipe.is_compiled for recipe in recipes) else ""
    gate = FileGate(root)  # a file may have another name than when the text was read
    return side.image(import_recipes(recipes, gate, tool, jobs, progress, side.keep, compiler, wanted_whole))


def patches_of(
    library: AssetLibrary, indices: Mapping[str, AssetIndex], images: Mapping[str, CacheImage]
) -> tuple[LibraryUpdate | None, list[Path]]:
    """Return the update with results that were cooked aside, as `make_patches`; it owns the images then."""
    patches: list[Patch] = []
    new: list[Path] = []
    newest = {one.db.name: one for one in library.current}
    for name, image in images.items():
        index, number = indices[name], library.next_id + len(patches)
        patch = Patch(library, newest[name], index, number, image)
        new += index.learn(image.entries)
        if patch.is_nothing:
            image.close()
        else:
            patches.append(patch)
    if not patches:
        return None, new
    added: list[Added] = [(patch.number, patch.cooked, patch.broken, {}) for patch in patches]
    update = LibraryUpdate(
        library.version,
        tuple(added),
        {before: now for patch in patches for before, now in patch.moves.items()},
        tuple(change for patch in patches for change in patch.changes()),
        np.array([row for patch in patches for row in patch.ranges()], np.int64).reshape(-1, 4),
        alpha_modes(asset for patch in patches for asset in patch.assets()),
        {patch.number: patch.uses() for patch in patches},
        {patch.number: patch.still_good() for patch in patches},
    )
    return update, new


class Patch:
    """One database with some assets cooked again; `moves` are the keys of changed assets, before and now."""

    def __init__(
        self, library: AssetLibrary, before: CookedDb, index: AssetIndex, number: int, image: CacheImage
    ) -> None:
        self.number = number
        self.moves: dict[int, int] = {}
        self._library = library
        self._before = before
        self._records = index.assets
        entries = dict(before.entries)
        for entry in image.entries:
            entries |= dict.fromkeys(index.indices[entry.identity], entry)
        self._cooked_again = {each for entry in image.entries for each in index.indices[entry.identity]}
        differing = {each for each in self._cooked_again if not _is_same(entries[each], before.entries[each])}
        tried = {each for each in before.refused if each in self._cooked_again or each not in entries}
        self._refused = {each: why for each, why in before.refused.items() if each not in tried}
        differing |= tried
        self._candidates = index.dependants(differing)
        self._still_good: set[int] = set()
        assets = list(before.db.assets)
        self._moved: set[int] = set()
        self.broken = self._find_broken(image, entries)
        for asset in sorted((assets[each] for each in self._candidates), key=lambda one: IN_ORDER[one.type]):
            self._compare(asset, asset.ref.index in differing)
        for each in self._moved:
            assets[each] = self._renamed(each, self._moved)
        code = before.code
        compiled = [entry for entry in image.entries if entry.identity in code and not entry.failure]
        if compiled:
            code = {**code, **{entry.identity: image.read(entry) for entry in compiled}}
        db = replace(before.db, id=number, assets=tuple(assets))
        count = len(image.entries)
        self.cooked = CookedDb(db, image, entries, count, code, before.problems, self._refused)

    @property
    def is_nothing(self) -> bool:
        """Whether all is as before, problems included."""
        return not self.moves and self.broken.problems == self._known.problems

    def changes(self) -> Iterator[AssetChange]:
        """Yield what has changed, in the order of the text."""
        for each in sorted(self._moved | self._still_good):
            asset = self._before.db.assets[each]
            is_broken = each in self._still_good
            size = 0 if is_broken or not asset.has_data else self.cooked.entries[each].size
            change = Change.BROKEN if is_broken else Change.CHANGED
            yield AssetChange(self._before.db.name, asset.label, change, size)

    def assets(self) -> Iterator[Asset]:
        """Yield the records of changed assets."""
        return (self.cooked.db.assets[each] for each in self._moved)

    def uses(self) -> dict[int, int]:
        """Return how many assets name or lie in which database."""
        uses = Counter(self._library.uses_of(self._before.db.id))
        for each in self._moved:
            named = self._before.db.assets[each].ref
            uses.subtract({named.db, self._library.kept(named).db})
        uses[self.number] = len(self._moved)
        return {number: count for number, count in uses.items() if count > 0}

    def still_good(self) -> frozenset[int]:
        """Return the assets that are broken now and drawn in an earlier version."""
        known = self._library.still_good(self._before.db.id)
        return frozenset((known | self._still_good) - self._moved)

    def ranges(self) -> Iterator[tuple[int, int, int, int]]:
        """Yield the ranges of changed assets, as `AssetLibrary.ranges`."""
        for asset in self.assets():
            if asset.has_data and asset.ref not in self.broken.refs:
                entry = self.cooked.entries[asset.ref.index]
                yield asset.ref.key, self.number, *self._library.range_of(entry)

    def _find_broken(self, image: CacheImage, entries: Mapping[int, Entry]) -> BrokenAssets:
        """Return the broken assets: as before where sizes, facts, failures and warnings are as before."""
        self._known = self._library.broken_assets(self._before.db.id)
        same = not self._before.refused and all(
            (now.failure, now.warnings, now.facts, now.size)
            == ((old := self._before.entries[each]).failure, old.warnings, old.facts, old.size)
            for each in self._cooked_again
            for now in (entries[each],)
        )
        if same:
            own = {asset.ref: AssetRef(self.number, asset.ref.index) for asset in self._candidate_assets()}
            of = {ref: self._library.broken_assets(ref.db) for ref in own}
            refs = frozenset(now for ref, now in own.items() if self._library.is_broken(ref))
            slots = {now: of[ref].slots[ref] for ref, now in own.items() if ref in of[ref].slots}
            return BrokenAssets(refs, slots, self._known.problems)
        assets = list(self._before.db.assets)
        patched = (each for each, one in enumerate(assets) if one is not self._records[each])
        for each in self._candidates.union(patched):
            assets[each] = with_references(
                replace(self._records[each], ref=self._named(each)), lambda ref: self._named(ref.index)
            )
        # what a record says of its place in the cache is about the cache, not about this patch
        placed = {
            each: replace(entries[each], offset=self._before.entries[each].offset)
            for each in self._cooked_again
        }
        db = replace(self._before.db, id=self.number, assets=tuple(assets))
        code = self._before.code
        provisional = CookedDb(db, image, {**entries, **placed}, 0, code, (), self._refused)
        return find_broken_assets(provisional, self._was_good)

    def _candidate_assets(self) -> Iterable[Asset]:
        return (self._before.db.assets[each] for each in self._candidates)

    def _was_good(self, ref: AssetRef) -> bool:
        earlier = self._library.kept(self._before.db.assets[ref.index].ref)
        return not self._library.is_broken(earlier)

    def _named(self, each: int) -> AssetRef:
        """Return the reference of a candidate in this patch, or of an asset as before in the last one."""
        if each in self._candidates:
            return AssetRef(self.number, each)
        return self._before.db.assets[each].ref

    def _renamed(self, each: int, own: Collection[int]) -> Asset:
        """Return the record of an asset with references of this patch, to itself and to those of `own`."""

        def mapped(ref: AssetRef) -> AssetRef:
            if ref.index in own:
                return AssetRef(self.number, ref.index)
            # where it lies: a record that was kept as it became broken may name an earlier one, and a version
            # of a text goes with the next text, though what was as before in it is still drawn
            return self._library.kept(self._before.db.assets[ref.index].ref)

        return replace(with_references(self._records[each], mapped), ref=AssetRef(self.number, each))

    def _compare(self, asset: Asset, differs: bool) -> None:
        """Decide whether an asset takes the place of its earlier version, after all that it is made of."""
        each = asset.ref.index
        earlier, now = self._library.kept(asset.ref), AssetRef(self.number, each)
        is_broken, was_broken = now in self.broken.refs, self._library.is_broken(earlier)
        if is_broken and not was_broken:
            self._still_good.add(each)
        elif (
            differs
            or is_broken != was_broken
            or any(ref.index in self._moved for ref in references_of(self._records[each]))
        ):
            self._moved.add(each)
            self.moves[earlier.key] = now.key


def _is_drawn(library: AssetLibrary, before: CookedDb, index: AssetIndex, recipe: Recipe) -> bool:
    """Whether there is a good version of what a recipe makes, which stays where the next one has faults."""
    made = (before.db.assets[each].ref for each in index.indices[recipe.identity])
    return not any(library.is_broken(library.kept(ref)) for ref in made)


def _is_same(one: Entry, other: Entry) -> bool:
    """Whether two results are drawn alike; failures are."""
    if one.failure or other.failure:
        return bool(one.failure) and bool(other.failure)
    return (one.size, one.checksum, one.facts) == (other.size, other.checksum, other.facts)
