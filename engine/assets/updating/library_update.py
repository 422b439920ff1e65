"""Updates of a library: databases that were cooked again, and which of their assets have changed.

An asset has changed where its record, its bytes or something that it is made of differs from before. One that
is broken now and was not before stays as it was: it is drawn in its last good version.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.assets.broken_assets import BrokenAssets, find_broken_assets
from engine.assets.cook import CookedDb
from engine.assets.formats import AlphaMode, Sampling
from engine.assets.library import AssetLibrary, alpha_modes
from engine.assets.records import Asset, AssetRef, AssetType, Texture2d
from engine.assets.updating.asset_changes import AssetChange, Change
from engine.assets.updating.references import with_references

_ORDER = (
    AssetType.SHADER,
    AssetType.TEXTURE2D,
    AssetType.ENVIRONMENT,
    AssetType.ANIMATION,
    AssetType.VERTICES,
    AssetType.INDICES,
    AssetType.SKELETON,
    AssetType.MORPH_TARGETS,
    AssetType.MESH,
    AssetType.MATERIAL,
    AssetType.MODEL,
)
"""The types of assets, what others are made of first."""

IN_ORDER = {kind: place for place, kind in enumerate(_ORDER)}
"""The place of each type in the order in which assets are compared: what others are made of first."""

Added = tuple[int, CookedDb, BrokenAssets, Mapping[int, AssetRef]]
"""A database that is added: its id, the database, its broken assets, and references of assets as before."""


@dataclass(frozen=True, slots=True)
class LibraryUpdate:
    """What an update adds to the version `base` of a library.

    `moves` are the keys of changed assets, before and now. `changes` list all assets that are not as before.
    `ranges` are the bytes of what is added, as `AssetLibrary.ranges`; `alpha_modes` how new materials cover;
    `uses`, by the id of each added database, how many of its assets name or lie in which database: those as
    before are found through the one whose number their references have. `still_good` are, by that id, the
    indices of assets that are broken and drawn in an earlier version, with what that was made of.
    """

    base: int
    added: tuple[Added, ...]
    moves: Mapping[int, int]
    changes: tuple[AssetChange, ...]
    ranges: NDArray[np.int64]
    alpha_modes: frozenset[AlphaMode]
    uses: Mapping[int, Mapping[int, int]]
    still_good: Mapping[int, frozenset[int]]


def make_update(library: AssetLibrary, cooked: Sequence[CookedDb]) -> LibraryUpdate:
    """Compare databases that were cooked again with what a library has, by their names.

    Their ids must be those that follow the library's. Does not change the library, so that it may run on
    another thread as long as no update is applied.
    """
    base = library.version
    before = {one.db.name: one for one in library.current}
    added: list[Added] = []
    moves: dict[int, int] = {}
    changes: list[AssetChange] = []
    still_good: dict[int, frozenset[int]] = {}
    for one in cooked:
        comparison = _Comparison(library, before.get(one.db.name), one)
        added.append((one.db.id, one, comparison.broken, comparison.kept))
        moves |= comparison.moves
        still_good[one.db.id] = frozenset(comparison.still_good)
        changes += comparison.changes()
    ranges = np.concatenate([library.ranges_of(*each) for each in added])
    covers = alpha_modes(asset for one in cooked for asset in one.db.assets)
    uses = {
        number: Counter({number: len(one.db.assets)}) + Counter(ref.db for ref in kept.values())
        for number, one, _, kept in added
    }
    return LibraryUpdate(base, tuple(added), moves, tuple(changes), ranges, covers, uses, still_good)


def is_nothing(library: AssetLibrary, update: LibraryUpdate) -> bool:
    """Whether all is as before: assets, problems, and the order of assets, by which scenes name them."""
    found = [problem for _, one, broken, _ in update.added for problem in (*one.problems, *broken.problems)]
    now = {one.db.name: list(map(name_of, one.db.assets)) for _, one, *_ in update.added}
    before = {one.db.name: list(map(name_of, one.db.assets)) for one in library.current if one.db.name in now}
    return not update.changes and found == library.problems_of(now) and now == before


class _Comparison:
    """One database before and now."""

    def __init__(self, library: AssetLibrary, before: CookedDb | None, now: CookedDb) -> None:
        self.kept: dict[int, AssetRef] = {}
        self.moves: dict[int, int] = {}
        self._library = library
        self._before = before
        self._now = now
        self._old = {name_of(asset): asset for asset in before.db.assets} if before is not None else {}
        self.broken = find_broken_assets(now, self._was_good)
        self.still_good: set[int] = set()
        by_type: dict[AssetType, list[Asset]] = {kind: [] for kind in _ORDER}
        for asset in now.db.assets:
            by_type[asset.type].append(asset)
        for kind in _ORDER:
            for asset in by_type[kind]:
                self._compare(asset)

    def _compare(self, asset: Asset) -> None:
        old = self._old.get(name_of(asset))
        if old is None:
            return
        earlier = self._library.kept(old.ref)
        if asset.ref in self.broken.refs and not self._library.is_broken(earlier):
            self.still_good.add(asset.ref.index)
            self.kept[asset.ref.index] = earlier
        elif self._is_as_before(asset, old, earlier):
            self.kept[asset.ref.index] = earlier
        else:
            self.moves[earlier.key] = asset.ref.key

    def _was_good(self, ref: AssetRef) -> bool:
        """Whether there is an earlier version of an asset that can be drawn."""
        old = self._old.get(name_of(self._now.db[ref]))
        return old is not None and not self._library.is_broken(self._library.kept(old.ref))

    def _is_as_before(self, asset: Asset, old: Asset, earlier: AssetRef) -> bool:
        if (asset.ref in self.broken.refs) != self._library.is_broken(earlier):
            return False
        if asset.has_data:
            assert self._before is not None
            if old.ref.index in self._before.refused:
                return False  # it is tried again
            one, other = self._now.entries.get(asset.ref.index), self._before.entries.get(old.ref.index)
            if one is None or other is None:  # what is wrong in the text is not used: it has no data
                return one is other
            if one.failure or other.failure:
                return bool(one.failure) and bool(other.failure)
            if sampling_of(asset) != sampling_of(self._library.unreplaced(earlier)):
                return False
            return (one.size, one.checksum, one.facts) == (other.size, other.checksum, other.facts)
        mapped = with_references(asset, lambda ref: self.kept.get(ref.index, ref))
        return replace(mapped, ref=earlier) == replace(self._library.unreplaced(earlier), ref=earlier)

    def changes(self) -> Iterator[AssetChange]:
        """Yield what has changed, in the order of the text, then what is gone."""
        db = self._now.db.name
        for asset in self._now.db.assets:
            old = self._old.pop(name_of(asset), None)
            index = asset.ref.index
            if old is None:
                yield AssetChange(db, asset.label, Change.ADDED, self._size(asset))
            elif index in self.still_good:
                yield AssetChange(db, asset.label, Change.BROKEN, 0)
            elif index not in self.kept:
                yield AssetChange(db, asset.label, Change.CHANGED, self._size(asset))
        for asset in self._old.values():
            yield AssetChange(db, asset.label, Change.REMOVED, 0)

    def _size(self, asset: Asset) -> int:
        entry = self._now.entries.get(asset.ref.index)
        return 0 if entry is None else entry.size


def sampling_of(asset: Asset) -> Sampling | None:
    """Return how a texture is sampled, which its bytes do not say."""
    return asset.sampling if isinstance(asset, Texture2d) else None


def name_of(asset: Asset) -> tuple[AssetType, str | int]:
    """What an asset is known by: its type with its name, or with its index where it has none."""
    return asset.type, asset.name or asset.ref.index
